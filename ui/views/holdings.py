"""What the library holds: folders, years, cameras, types as filters; places on a plain map."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from lexsearch.cli.terminal import safe
from lexsearch.grammar import next_moment
from lexsearch.results import display_path
from ui.component import component
from ui.library import Library
from ui.overview import Folder, Overview, path_filter, pruned
from ui.request import PAGE, Request
from ui.state import picked
from ui.widgets import open_page, show_pictures

LISTED = 60  # years, cameras or types
CELLS = 2_000  # points drawn at most; with more pictures, those of one cell are one point
STEPS = (0.001, 0.01, 0.1, 1.0, 5.0, 10.0)  # widths of a cell in degrees
BUSIEST = 50


def draw(books: Library) -> None:
    """Draw it; a click opens the search page with the filter."""
    with st.spinner("counting"):
        held = books.overview()
    if not len(held.newest):
        return
    st.subheader("What is in it", anchor=False)
    component("facets")(data={"groups": groups(held)}, key="facets", on_pick_change=_picked)
    open_page()
    if len(held.place_ids):
        _places(books, held)


def groups(held: Overview) -> list[dict[str, Any]]:
    """The lists of the facets: entries with what a click filters by."""
    folders, is_cut = pruned(held.folders)
    found: list[dict[str, Any]] = [
        {
            "kind": "path",
            "title": "Folders",
            "entries": [_folder(one, b"") for one in folders],
            "note": "Deeper folders are left out." if is_cut else None,
        }
    ]
    for kind, title, counts in (
        ("year", "Years", held.years),
        ("camera", "Cameras", held.cameras),
        ("type", "File types", held.types),
    ):
        entries = [
            {"label": safe(name), "value": name, "count": count}
            for name, count in list(counts.items())[:LISTED]
        ]
        if entries:
            cut = f"The first {LISTED} of {len(counts):,}." if len(counts) > LISTED else None
            found.append({"kind": kind, "title": title, "entries": entries, "note": cut})
    return found


def filters_of(kind: str, value: str) -> dict[str, str]:
    """The filters that a click on an entry stands for; none for an unknown kind."""
    if kind == "year":
        return {"after": value, "before": next_moment(value)}
    return {kind: value} if kind in ("path", "camera", "type") else {}


def _folder(folder: Folder, above: bytes) -> dict[str, Any]:
    name = folder.path[len(above) :].lstrip(b"/\\") if above else folder.path
    return {
        "label": safe(display_path(name)) or "/",
        "title": safe(display_path(folder.path)),
        "value": path_filter(folder.path),
        "count": folder.files,
        "inside": [_folder(one, folder.path) for one in folder.inside],
    }


def _picked() -> None:
    event = picked("facets", "pick")
    filters = filters_of(str(event.get("kind")), str(event.get("value", "")))
    if filters:
        st.session_state["opened"] = ("", Request(filters=filters).to_params())


def _places(books: Library, held: Overview) -> None:
    st.subheader("Places", anchor=False)
    st.text(
        f"{len(held.place_ids):,} pictures know where they were taken. Drag a box over points to "
        "see them, or choose from the list. Drawn without a map: nothing is fetched."
    )
    points, step = cells(held)
    left, right = st.columns([3, 2], gap="large")
    with left:
        event = st.vega_lite_chart(
            spec=_chart(points), key="places", on_select="rerun", width="stretch"
        )
    busiest = sorted(points, key=lambda one: -one["pictures"])[:BUSIEST]
    chosen = right.selectbox(
        "Busiest places",
        busiest,
        index=None,
        format_func=_said,
        placeholder="none chosen",
        key="place",
    )
    box = _box(event) if chosen is None else _around(chosen, step)
    if box is None:
        return
    ids = held.inside(*box)
    with books.use() as db:
        records = db.snapshot.images(ids[: 2 * PAGE].tolist())
    title = f"{len(ids):,} {'picture' if len(ids) == 1 else 'pictures'} here"
    south, north, west, east = box
    if st.button("Search among these", icon=":material/search:"):
        st.session_state["opened"] = ("", Request(filters={"box": box_filter(*box)}).to_params())
        open_page()
    show_pictures(
        books,
        title,
        records,
        subtitle=f"{south:.3f} to {north:.3f} north, {west:.3f} to {east:.3f} east; newest first",
        key="here",
    )


def cells(held: Overview) -> tuple[list[dict[str, float]], float]:
    """Points to draw, with the number of pictures at each, and the width of a cell; 0 = exact."""
    for step in (0.0, *STEPS):
        middles = (np.floor(held.places / step) + 0.5) * step if step else held.places
        counts = Counter(map(tuple, middles.tolist()))
        if len(counts) <= CELLS or step == STEPS[-1]:
            break
    points = [
        {"latitude": latitude, "longitude": longitude, "pictures": float(count)}
        for (latitude, longitude), count in sorted(counts.items())
    ]
    return points, step


def _chart(points: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """A plain scatter of degrees in the language of Vega-Lite, with a box to drag."""

    def axis(name: str, title: str) -> dict[str, Any]:
        scale = {"zero": False, "nice": True, "padding": 18}
        return {"field": name, "type": "quantitative", "scale": scale, "title": title}

    shown = ("pictures", "latitude", "longitude")
    return {
        "data": {"values": list(points)},
        "mark": {"type": "circle", "opacity": 0.7, "color": "#3a8fd0"},
        "params": [{"name": "box", "select": "interval"}],
        "encoding": {
            "x": axis("longitude", "degrees east"),
            "y": axis("latitude", "degrees north"),
            "size": {
                "field": "pictures",
                "type": "quantitative",
                "scale": {"range": [50, 600]},
                "legend": None,
            },
            "tooltip": [{"field": name, "type": "quantitative"} for name in shown],
        },
        "height": 340,
    }


def _box(event: Any) -> tuple[float, float, float, float] | None:
    """South, north, west and east of the box that was dragged, or None."""
    held = event.selection.get("box", {}) if event is not None else {}
    east_west, north_south = held.get("longitude"), held.get("latitude")
    if not east_west or not north_south:
        return None
    return min(north_south), max(north_south), min(east_west), max(east_west)


def _around(point: Mapping[str, float], step: float) -> tuple[float, float, float, float]:
    half = step / 2 or 1e-9
    latitude, longitude = point["latitude"], point["longitude"]
    return latitude - half, latitude + half, longitude - half, longitude + half


def box_filter(south: float, north: float, west: float, east: float) -> str:
    """The value of the filter `box:` for a box, not a metre smaller than it."""
    low = [math.floor(1e6 * edge) / 1e6 for edge in (south, west)]
    high = [math.ceil(1e6 * edge) / 1e6 for edge in (north, east)]
    edges = (max(low[0], -90.0), max(low[1], -180.0), min(high[0], 90.0), min(high[1], 180.0))
    return ",".join(f"{edge:.6f}".rstrip("0").rstrip(".") for edge in edges)


def _said(point: Mapping[str, float]) -> str:
    latitude, longitude = point["latitude"], point["longitude"]
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    count = int(point["pictures"])
    return f"{abs(latitude):.3f}° {north}, {abs(longitude):.3f}° {east} · {count:,}"
