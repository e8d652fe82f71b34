"""The top of the search page: box, picture, modes, filters, copies."""

from __future__ import annotations

import base64
import binascii
import hashlib

import streamlit as st

from lexsearch.errors import LexsearchError, UsageError
from ui.cards import LABELS
from ui.component import component
from ui.library import Library
from ui.request import PAGE, Request
from ui.state import go, library, picked, request
from ui.uploads import decode_upload
from ui.views import filters

PASTED_MAX = 4_000_000  # letters of a pasted picture; 448 x 448 pixels need at most 1,100,000


def draw(books: Library, asked: Request) -> None:
    """Draw it, set to what the address asks for."""
    st.session_state["q"] = asked.text
    st.session_state["mode"] = asked.mode
    st.session_state["stacked"] = asked.stacked
    filters.put(asked)
    box, picture = st.columns([6, 1], vertical_alignment="bottom")
    box.text_input(
        "Search your photos",
        key="q",
        on_change=_typed,
        placeholder="a dog on the beach -people after:2024",
        label_visibility="collapsed",
        icon=":material/search:",
        max_chars=4096,
    )
    with picture.popover("Picture", icon=":material/add_photo_alternate:", width="stretch"):
        st.file_uploader(
            "Search with a picture",
            type=["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"],
            key="dropped",
            on_change=_dropped,
        )
        st.text("Or paste one, or drop it anywhere on the page.")
    row = st.container(horizontal=True, vertical_alignment="center")
    row.segmented_control(
        "How to search",
        list(LABELS),
        key="mode",
        on_change=_mode,
        format_func=LABELS.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    active = len(asked.filters)
    form = row.popover(
        f"Filters ({active})" if active else "Filters",
        icon=":material/tune:",
        key=filters.OPEN,
        on_change="rerun",
    )
    with form:
        filters.draw(books, active, is_open=bool(form.open))
    if not asked.is_empty:
        with row.popover("Copy", icon=":material/content_copy:"):
            _copies(books, asked)
        row.toggle(
            "Stack", key="stacked", on_change=_stacked, help="Show nearly equal pictures as one"
        )
        row.toggle("Judge", key="judging", help="Mark hits as relevant or not, for Evaluate")
    with row:  # where it takes no room
        component("page_input")(data={}, key="page_input", on_input_change=_pasted)


def _copies(books: Library, asked: Request) -> None:
    line = asked.command(books.path, books.name)
    if line is None:
        st.text("A search with a dropped or unwanted picture has no command line; use Python.")
    else:
        st.code(line, language="sh", wrap_lines=True)
    st.code(asked.python(books.path, books.name), language="python", wrap_lines=True)


def _typed() -> None:
    text = st.session_state["q"]
    go(request().changed(text=text, weights={}, must=(), exclude=(), shown=PAGE, cutoff=None))


def _mode() -> None:
    go(request().changed(mode=st.session_state["mode"] or "hybrid", cutoff=None))


def _stacked() -> None:
    go(request().changed(stacked=bool(st.session_state["stacked"])))


def _dropped() -> None:
    file = st.session_state["dropped"]
    if file is None:
        go(request().changed(upload=""))
        return
    _take(file.getvalue())


def _pasted() -> None:
    event = picked("page_input", "input")
    if event.get("kind") == "refused":
        st.session_state["upload_error"] = f"{event.get('name') or 'it'} is no picture"
        return
    data = str(event.get("data", ""))
    try:
        if len(data) > PASTED_MAX:
            raise UsageError("the pasted picture is too large")
        _take(base64.b64decode(data, validate=True))
    except (binascii.Error, UsageError) as error:
        st.session_state["upload_error"] = str(error)


def _take(data: bytes) -> None:
    """Search with a picture from the outside."""
    name = hashlib.sha256(data).hexdigest()[:16]
    try:
        library().keep_upload(name, decode_upload(data))
    except (LexsearchError, OSError) as error:
        st.session_state["upload_error"] = str(error)
        return
    go(request().changed(upload=name, shown=PAGE, cutoff=None))
