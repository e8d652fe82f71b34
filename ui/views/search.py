"""The search page: one box, words as pills, hits with their reasons."""

from __future__ import annotations

import time

import streamlit as st

from lexsearch.errors import UsageError
from lexsearch.grouping import NEAR_BITS, SPARE
from lexsearch.results import SearchResults
from ui import judgements
from ui.cards import card, grid
from ui.library import Library
from ui.request import MOST, Request
from ui.stacks import unfolded
from ui.state import library, request, say
from ui.views import browse, controls, pills
from ui.widgets import READY_S, poll, show_grid

SCORED = 100  # hits behind the histogram, at least


def draw() -> None:
    """The page."""
    books = library()
    with books.use() as db:
        images = len(db)
    if not images:
        from ui.views import welcome

        welcome.draw(books)
        return
    asked = request()
    controls.draw(books, asked)
    problem = st.session_state.pop("upload_error", None)
    if problem:
        say("That picture cannot be used.", problem, kind="warning")
    if asked.is_empty and not (asked.filters or asked.exclude):
        browse.ideas(books, images)
        return
    try:
        query = books.query(asked)
        if query.parts:
            _answer(books, asked)
        else:
            pills.draw(books, asked)
            browse.draw(books, asked, query)
    except UsageError as error:
        say("This search cannot be made.", str(error), kind="warning")


def _answer(books: Library, asked: Request) -> None:
    start = time.perf_counter()
    pills.draw(books, asked)
    spare = SPARE if asked.stacked else 1
    top_k = spare * max(asked.shown, SCORED)
    found = books.search(asked, top_k=top_k, explained=top_k if asked.stacked else asked.shown)
    seconds = time.perf_counter() - start
    groups = books.stacked(found, NEAR_BITS) if asked.stacked else [[hit] for hit in found]
    opened = st.session_state.get("opened_stacks", frozenset())
    hits = unfolded(groups[: asked.shown], opened)
    thumbs = books.thumbs([hit.id for hit, _ in hits], wait_s=READY_S)
    cards = [
        card(hit, thumbs.get(hit.id), found) | {"others": others, "opened": hit.id in opened}
        for hit, others in hits
    ]
    judging = bool(st.session_state.get("judging"))
    if judging:
        grades = judgements.load(books.settings, books.directory).grades_of(asked.to_params())
        for one in cards:
            one["grade"] = grades.get(one["id"])
    if not cards:
        st.info("No picture meets these conditions. Loosen the filters, pins or bans.")
    data = grid(
        f"The {len(cards)} best" if len(cards) > 1 else f"{len(cards)} picture",
        _subtitle(seconds, found.excluded),
        cards,
        found,
        query=asked.text,
        cutoff=asked.cutoff,
        more=len(groups) > asked.shown or (len(found) >= SCORED and asked.shown < MOST),
        judging=judging,
    )
    if not _matched(found):
        data["notes"].insert(0, "No picture carries these words; nearest by meaning:")
    show_grid(data)
    poll(cards)


def _subtitle(seconds: float, excluded: int) -> str:
    left_out = f" · {excluded:,} left out by -word" if excluded else ""
    return f"{1000 * seconds:.0f} ms{left_out}"


def _matched(found: SearchResults) -> bool:
    """False when words were looked for and none speaks for any hit."""
    lexical = [hit.scores.get("lexical") for hit in found]
    known = [value for value in lexical if value is not None]
    return not known or any(value > 0 for value in known)
