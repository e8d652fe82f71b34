"""The words and pictures of a query as pills, and what a click on them does."""

from __future__ import annotations

import streamlit as st

from ui.cards import file_name
from ui.component import component
from ui.evidence import data_address
from ui.library import Library
from ui.request import MAX_FACTOR, Request
from ui.state import go, picked, request

WORDS = 12  # words of a query that have a pill
CHIP_SIDE = 96  # pixels of a dropped picture in its chip


def draw(books: Library, asked: Request) -> None:
    """Draw them, with a box to add a word."""
    words = [
        {
            "word": one.word,
            "weight": one.weight,
            "factor": one.factor,
            "images": one.images,
            "pinned": one.pinned,
            "banned": one.banned,
            "edited": one.word in asked.weights,
        }
        for one in books.words(asked, most=WORDS)
    ]
    component("word_pills")(
        data={"words": words, "pictures": _pictures(books, asked)},
        key="pills",
        on_edit_change=_edited,
    )
    row = st.container(horizontal=True, vertical_alignment="center")
    row.selectbox(
        "Add a word",
        _addable(books),
        index=None,
        key="added",
        on_change=_added,
        placeholder="Add a word …",
        label_visibility="collapsed",
        width=260,
    )
    if asked.weights or asked.must or asked.exclude:
        row.button("Reset words", on_click=_reset, icon=":material/undo:")


def _addable(books: Library) -> list[str]:
    with books.use() as db:
        use = db.word_use
    held = st.session_state.get("addable")
    if held is None or held[0] is not use:
        held = (use, [f"{one.word} · {one.images:,}" for one in use.used()])
        st.session_state["addable"] = held
    return list(held[1])


def _added() -> None:
    chosen = st.session_state["added"]
    st.session_state["added"] = None
    if chosen:
        asked = request()
        word = str(chosen).partition(" · ")[0]
        go(asked.changed(weights={**asked.weights, word: 1.0}, cutoff=None))


def _reset() -> None:
    go(request().changed(weights={}, must=(), exclude=(), cutoff=None))


def _pictures(books: Library, asked: Request) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    ids = [("like", asked.like)] if asked.like else []
    ids += [("unlike", id) for id in asked.unlike]
    thumbs = books.thumbs([id for _, id in ids])
    for kind, id in ids:
        name = file_name(books.path(id))
        label = f"like {name}" if kind == "like" else f"not like {name}"
        found.append({"kind": kind, "id": id, "label": label, "thumb": thumbs.get(id, "")})
    given = books.upload(asked.upload) if asked.upload else None
    if given is not None:
        small = given.copy()
        small.thumbnail((CHIP_SIDE, CHIP_SIDE))
        thumb = data_address(small)
        found.append(
            {"kind": "upload", "id": asked.upload, "label": "your picture", "thumb": thumb}
        )
    return found


def _edited() -> None:
    event = picked("pills", "edit")
    asked, word = request(), str(event.get("word", ""))
    match event.get("kind"):
        case "weight":
            factor = min(max(float(str(event["factor"])), -MAX_FACTOR), MAX_FACTOR)
            go(asked.changed(weights={**asked.weights, word: factor}, cutoff=None))
        case "pin":
            go(asked.pin(word))
        case "ban":
            go(asked.ban(word))
        case "drop":
            _drop(asked, str(event.get("picture", "")), str(event.get("id", "")))


def _drop(asked: Request, kind: str, id: str) -> None:
    if kind == "like":
        go(asked.changed(like="", cutoff=None))
    elif kind == "upload":
        go(asked.changed(upload="", cutoff=None))
    else:
        kept = tuple(one for one in asked.unlike if one != id)
        go(asked.changed(unlike=kept, cutoff=None))
