"""The library page: folders, indexing, skipped files, disk use, the model."""

from __future__ import annotations

import os

import streamlit as st

from lexsearch.cli.terminal import safe, size
from lexsearch.results import display_path
from ui.arithmetic import SAID
from ui.library import Library
from ui.state import library
from ui.views import holdings, indexing


def draw() -> None:
    """The page."""
    books = library()
    with books.use() as db:
        status, skipped = db.status(), db.skipped()
        roots = db.snapshot.roots()
    st.header("Library", anchor=False)
    _counts(status)
    indexing.progress(books)
    folders, add = st.columns([3, 2], gap="large")
    with folders:
        _roots(books, roots)
    with add:
        st.subheader("Add a folder", anchor=False)
        indexing.form(books)
    holdings.draw(books)
    st.subheader("Files that were skipped", anchor=False)
    if skipped:
        rows = [{"reason": safe(s.reason), "file": safe(display_path(s.path))} for s in skipped]
        st.dataframe(rows, hide_index=True, width="stretch", height=min(38 * len(rows) + 40, 320))
        again = "Try it again" if len(skipped) == 1 else f"Try these {len(skipped):,} again"
        busy = indexing.is_active(books)
        if st.button(again, icon=":material/refresh:", disabled=busy or not roots):
            indexing.begin(books, [os.fsdecode(root) for root in roots], retry=True)
    else:
        st.text("None.")
    _disk(status)
    _model()


def _counts(status: dict[str, object]) -> None:
    row = st.columns(4)
    for place, (label, name) in zip(
        row,
        (
            ("Pictures", "images"),
            ("Files", "files"),
            ("Skipped", "skipped"),
            ("Commits", "generation"),
        ),
        strict=True,
    ):
        place.metric(label, f"{int(str(status[name])):,}")


def _roots(books: Library, roots: list[bytes]) -> None:
    st.subheader("Folders", anchor=False)
    if not roots:
        st.text("No folder was indexed yet.")
        return
    for root in roots:
        gone = "" if os.path.exists(root) else "   (not there now; nothing is removed)"  # noqa: PTH110
        st.text(f"{safe(display_path(root))}{gone}")
    pressed = st.button(
        "Index now", type="primary", icon=":material/sync:", disabled=indexing.is_active(books)
    )
    if pressed:
        indexing.begin(books, [os.fsdecode(root) for root in roots])


def _disk(status: dict[str, object]) -> None:
    st.subheader("On disk", anchor=False)
    sizes = status["bytes"]
    assert isinstance(sizes, dict)
    names: dict[str, str] = {
        "tokens": SAID["late"],
        "lexical": SAID["lexical"],
        "dense": SAID["dense"],
    }
    row = st.columns(len(sizes))
    for place, (name, count) in zip(row, sizes.items(), strict=True):
        place.metric(names.get(str(name), str(name)).capitalize(), size(int(count)))
    st.text(safe(str(status["directory"])))


def _model() -> None:
    from ui.pages import page

    if st.button("The model of this library", icon=":material/model_training:"):
        st.switch_page(page("model"))
