"""The duplicates page: the same bytes twice, nearly the same picture; nothing is deleted."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lexsearch.bundle.records import ImageRecord
from lexsearch.cli.terminal import safe, size
from lexsearch.results import display_path
from ui.library import Library
from ui.state import library
from ui.widgets import show_pictures

PAGE = 12  # groups shown at a time
MANY = 50_000  # pictures from which comparing all of them takes minutes
THRESHOLD = 4  # bits of 64


def draw() -> None:
    """The page."""
    books = library()
    st.header("Duplicates", anchor=False)
    st.text("Nothing is deleted here. Download the list and decide yourself.")
    exact, near = st.tabs(["The same file twice", "Nearly the same picture"])
    with exact:
        _exact(books)
    with near:
        _near(books)


def _exact(books: Library) -> None:
    with books.use() as db:
        records = db.snapshot.duplicates()
    if not records:
        st.text("No file is there twice.")
        return
    lines = [[display_path(path) for path in record.paths] for record in records]
    _download(lines, "exact")
    for record in records[: 4 * PAGE]:
        st.text(f"{len(record.paths)} copies, {size(record.size)} each")
        st.code("\n".join(safe(display_path(path)) for path in record.paths), language=None)


def _near(books: Library) -> None:
    threshold = st.slider(
        "Bits of the 64-bit picture hash that may differ", 0, 16, THRESHOLD, key="near_bits"
    )
    with books.use() as db:
        images = len(db)
    if images > MANY and not st.button(f"Compare all {images:,} pictures (takes minutes)"):
        return
    with st.spinner("comparing"):
        groups = _groups(books, threshold)
    if not groups:
        st.text("No two pictures are that near.")
        return
    _download([[display_path(r.paths[0]) for r in group] for group in groups], "near")
    pages = -(-len(groups) // PAGE)
    page = st.number_input(f"Page of {pages}", 1, pages) if pages > 1 else 1
    for i, group in enumerate(groups[PAGE * (page - 1) : PAGE * page]):
        show_pictures(
            books,
            f"{len(group)} pictures",
            group,
            subtitle="the first is the suggestion to keep",
            key=f"group_{i}",
            texts=[(f"{r.width} × {r.height}", size(r.size)) for r in group],
        )


def _groups(books: Library, threshold: int) -> list[list[ImageRecord]]:
    """Near groups at this generation; computed once per generation and threshold."""
    with books.use() as db:
        key = (str(db.directory), db.snapshot.generation, threshold)
        held = st.session_state.get("near_groups")
        if held is None or held[0] != key:
            groups = [sorted(g, key=_best_first) for g in db.snapshot.near_duplicates(threshold)]
            held = st.session_state["near_groups"] = (key, groups)
    return list(held[1])


def _best_first(record: ImageRecord) -> tuple[int, int, bytes]:
    return -record.width * record.height, -record.size, record.paths[0]


def _download(groups: Sequence[Sequence[str]], kind: str) -> None:
    text = "".join(f"{i}\t{safe(path)}\n" for i, group in enumerate(groups, 1) for path in group)
    st.download_button(
        f"Download the list ({len(groups):,} groups)",
        text,
        f"duplicates_{kind}.tsv",
        "text/tab-separated-values",
        key=f"download_{kind}",
    )
