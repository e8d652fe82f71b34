"""Parts that several pages draw: the grid of pictures and what its buttons do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from lexsearch.bundle.records import ImageRecord
from lexsearch.types import docid
from ui import judgements
from ui.cards import grid, plain_card
from ui.component import component
from ui.library import Library
from ui.request import PAGE, Request
from ui.state import go, library, picked, request

READY_S = 0.3  # a page waits so long for new thumbnails, then draws without the others
POLL_S = 0.6


def show_grid(data: Mapping[str, Any], key: str = "results") -> None:
    """Draw a grid and follow what was clicked in it."""
    component("result_grid")(data=data, key=key, on_action_change=lambda: _acted(key))
    open_page()


def open_page() -> None:
    """Go where a click in a component leads: another page, with its address."""
    opened = st.session_state.pop("opened", None)
    if opened is not None:
        from ui.pages import page

        address, params = opened
        st.switch_page(page(address), query_params=params)


def show_pictures(
    books: Library,
    title: str,
    records: Sequence[ImageRecord],
    *,
    subtitle: str = "",
    key: str = "results",
    texts: Sequence[Sequence[str]] = (),
) -> None:
    """Draw pictures outside a search.

    Args:
        books: holds them.
        title, subtitle: above the grid.
        records: what the db knows of them.
        key: of the grid, one per page.
        texts: words below each picture.
    """
    ids = [docid(record.image_id) for record in records]
    thumbs = books.thumbs(ids, wait_s=READY_S)
    said = texts or [()] * len(ids)
    cards = [
        plain_card(id, record.paths[0], thumbs.get(id), text=text)
        for id, record, text in zip(ids, records, said, strict=True)
    ]
    show_grid(grid(title, subtitle, cards), key)
    poll(cards)


def poll(cards: Sequence[Mapping[str, Any]]) -> None:
    """Run the page again while thumbnails are being made."""
    if any(one["thumb"] is None for one in cards):
        st.session_state["poll_fresh"] = True
        _again()


@st.fragment(run_every=POLL_S)
def _again() -> None:
    if not st.session_state.pop("poll_fresh", False):
        st.rerun()


def _acted(key: str) -> None:
    event = picked(key, "action")
    asked, id = request(), str(event.get("id", ""))
    match event.get("kind"):
        case "why":
            st.session_state["opened"] = ("why", {**asked.to_params(), "id": id})
        case "like":
            _search(key, Request(like=id, mode=asked.mode))
        case "unlike" if id not in asked.unlike:
            _search(key, asked.changed(unlike=(*asked.unlike, id), cutoff=None))
        case "more":
            go(asked.changed(shown=asked.shown + PAGE))
        case "cutoff":
            value = event.get("value")
            go(asked.changed(cutoff=float(value) if isinstance(value, int | float) else None))
        case "stack":
            opened = st.session_state.get("opened_stacks", frozenset())
            st.session_state["opened_stacks"] = opened ^ {id}
        case "grade":
            books = library()
            grade = int(str(event["grade"]))
            judgements.judge(books.settings, books.directory, asked.to_params(), id, grade)


def _search(key: str, asked: Request) -> None:
    """Search from the grid of the search page in place, from any other by going there."""
    if key == "results":
        go(asked)
    else:
        st.session_state["opened"] = ("", asked.to_params())
