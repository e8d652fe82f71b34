"""The search page without anything to rank by: ideas to start with, or what the filters admit."""

from __future__ import annotations

import streamlit as st

from lexsearch.query import Query
from lexsearch.types import docid
from ui.cards import grid, plain_card
from ui.library import Library
from ui.request import MOST, PAGE, Request
from ui.state import escaped, go
from ui.widgets import READY_S, poll, show_grid, show_pictures

IDEAS = 12


def ideas(books: Library, images: int) -> None:
    """Words that tell pictures apart, to click on, and some pictures."""
    with books.use() as db:
        common = db.word_use.most_used(10 * IDEAS)
    telling = [one for one in common if one.images <= max(2, images // 3)] or common
    st.text(f"{images:,} pictures. Search them in your own words, or start with one of these:")
    row = st.container(horizontal=True)
    for one in telling[:IDEAS]:
        label = f"{escaped(one.word)} · {one.images:,}"
        row.button(label, key=f"idea_{one.word}", on_click=_idea, args=(one.word,))
    with books.use() as db:
        records = db.snapshot.images(db.snapshot.image_ids()[:PAGE].tolist())
    show_pictures(books, "Some of your pictures", records)


def draw(books: Library, asked: Request, query: Query) -> None:
    """The pictures that the conditions of a query admit, newest first.

    Raises:
        UsageError: a condition names an unknown word, or a path that is none.
    """
    with st.spinner("reading the library"):
        records, admitted = books.browse(query, most=asked.shown)
    if not records:
        st.info("No picture meets these conditions. Loosen the filters, pins or bans.")
        return
    ids = [docid(record.image_id) for record in records]
    thumbs = books.thumbs(ids, wait_s=READY_S)
    cards = [
        plain_card(id, record.paths[0], thumbs.get(id), text=[(record.taken or "")[:10]])
        for id, record in zip(ids, records, strict=True)
    ]
    title = f"{admitted:,} {'picture' if admitted == 1 else 'pictures'}"
    more = len(records) < min(admitted, MOST)
    show_grid(grid(title, "newest first", cards, query=asked.text, more=more))
    poll(cards)


def _idea(word: str) -> None:
    go(Request(text=word))
