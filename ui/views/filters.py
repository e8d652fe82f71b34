"""The filters of the search page: when, with which camera, where on disk and on earth."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from lexsearch.grammar import date_numbers
from ui.library import Library
from ui.request import FILTERS, Request
from ui.state import go, request

OPEN = "filters_open"  # key of what the form unfolds from
DATES = {"after": "Taken from", "before": "Taken before"}
FIRST, LAST = dt.date(1826, 1, 1), dt.date(2999, 12, 31)  # no photo is older
TEXTS = {
    "path": ("Folder or path", "*/holiday/*"),
    "type": ("File type", "jpeg"),
    "near": ("Near a place: degrees north, east, how far", "48.2,16.37,5km"),
    "box": ("In a box: south, west, north, east", "48,16,48.5,17"),
}


def put(asked: Request) -> None:
    """Set the form to what the address asks for."""
    for name in FILTERS:
        value = asked.filters.get(name, "")
        st.session_state[f"filter_{name}"] = (
            day(value) if name in DATES else (value or None) if name == "camera" else value
        )


def draw(books: Library, active: int, *, is_open: bool) -> None:
    """Draw the form.

    Args:
        books: has the cameras.
        active: filters in force.
        is_open: whether the form can be seen; only then the cameras are counted.
    """
    for place, (name, label) in zip(st.columns(2), DATES.items(), strict=True):
        place.date_input(
            label,
            value=None,
            min_value=FIRST,
            max_value=LAST,
            key=f"filter_{name}",
            on_change=_changed,
            args=(name,),
            format="YYYY-MM-DD",
        )
    known = books.cameras() if is_open else []
    chosen = st.session_state["filter_camera"]
    st.selectbox(
        "Camera",
        known if chosen is None or chosen in known else [chosen, *known],
        index=None,
        key="filter_camera",
        on_change=_changed,
        args=("camera",),
        placeholder="any; choose, or type a part of its name",
        accept_new_options=True,
    )
    for name, (label, example) in TEXTS.items():
        st.text_input(
            label,
            key=f"filter_{name}",
            on_change=_changed,
            args=(name,),
            placeholder=example,
        )
    if active:
        st.button("Clear the filters", on_click=_cleared, icon=":material/filter_alt_off:")
    st.text("The Library page lists your folders, years and places.")


def day(text: str) -> dt.date | None:
    """The first day of a date or of a beginning of one; None where it names no day.

    >>> day("2024-06"), day("2024-12-32")
    (datetime.date(2024, 6, 1), datetime.date(2025, 1, 1))
    """
    try:
        year, month, number = (*date_numbers(text), 1, 1)[:3]
        found = dt.date(year, month, 1) + dt.timedelta(days=number - 1)
    except (ValueError, OverflowError):
        return None
    return found if FIRST <= found <= LAST else None


def _changed(name: str) -> None:
    value = st.session_state[f"filter_{name}"]
    text = value.isoformat() if isinstance(value, dt.date) else str(value or "").strip()
    others = {key: kept for key, kept in request().filters.items() if key != name}
    go(request().changed(filters={**others, **({name: text} if text else {})}))
    st.session_state[OPEN] = True  # its button has another label now, and would be a closed one


def _cleared() -> None:
    go(request().changed(filters={}))
