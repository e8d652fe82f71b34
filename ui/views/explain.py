"""Why this picture: patches and words, both ways, and the sums behind the score."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lexsearch.errors import UsageError
from lexsearch.explanation import ranks
from lexsearch.query import Query
from ui.component import component
from ui.evidence import evidence
from ui.library import Library
from ui.request import Request
from ui.state import library, picked, request, say

SIDE = 720
OWN_WORDS = 30


def draw() -> None:
    """The page; its address holds the search and the `id` of the picture."""
    books, asked = library(), request()
    id = st.query_params.get("id", "")
    if not id:
        st.info("Search first, then choose *why?* below a picture.")
        if st.button("Go to the search", icon=":material/search:"):
            _to_search(Request())
        return
    row = st.container(horizontal=True, vertical_alignment="center")
    if row.button("Back to the results", icon=":material/arrow_back:"):
        _to_search(asked)
    if row.button("More like this", icon=":material/add:"):
        _to_search(Request(like=id, mode=asked.mode))
    if asked.text and row.button("Compare with another hit", icon=":material/compare:"):
        _to("compare", {"q": asked.text, "a": id})
    try:
        data = gather(books, asked, id)
    except UsageError as error:
        say("This picture cannot be explained.", str(error), kind="warning")
        return
    st.text(f"{data['name']}   for   {data['query']}")
    component("patch_viewer")(data=data, key="viewer", on_act_change=_acted)
    wanted = st.session_state.pop("from_viewer", None)
    if wanted is not None:
        _to_search(asked if wanted == "back" else Request(mode="lexical", weights=wanted))


def gather(books: Library, asked: Request, id: str) -> dict[str, Any]:
    """The data of the viewer.

    Raises:
        UsageError: no such picture, or the search itself cannot be made.
    """
    query = books.query(asked) if not asked.is_empty else _own_query(books, id)
    notes: list[str] = []
    with books.use() as db:
        record = db.picture(id)
        path = record.paths[0]
        own = db.words(path, top_k=OWN_WORDS)
        places = ranks(db.engine, query, record.image_id)
        try:
            found = db.explain(query, path)
            picture = db.load_picture(id, side=SIDE)
        except UsageError as error:
            notes.append(f"{error}; the words below are those the index stored")
            found, picture = db.explain(query, path, read_photo=False), None
    data = evidence(found, own, picture, ranks=places, notes=notes)
    return {"key": f"{id} {asked.to_params()}", **data}


def _own_query(books: Library, id: str) -> Query:
    """Without a search: the picture's own heaviest words."""
    with books.use() as db:
        own = db.words(db.picture(id).paths[0], top_k=OWN_WORDS)
    if not own:
        raise UsageError("the index keeps no word for this picture")
    return Query.words({one.word: one.weight for one in own})


def _to_search(asked: Request) -> None:
    _to("", asked.to_params())


def _to(address: str, params: dict[str, str]) -> None:
    from ui.pages import page

    st.switch_page(page(address), query_params=params)


def _acted() -> None:
    event = picked("viewer", "act")
    words = event.get("words")
    if event.get("kind") == "back":
        st.session_state["from_viewer"] = "back"
    elif event.get("kind") == "search" and isinstance(words, dict):
        top = max((float(weight) for weight in words.values()), default=0.0) or 1.0
        st.session_state["from_viewer"] = {
            str(word): round(float(weight) / top, 3) for word, weight in words.items()
        }
