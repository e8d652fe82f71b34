"""The search page: one box, words as pills, hits with their reasons."""

from __future__ import annotations

import hashlib
import time

import streamlit as st

from lexsearch.errors import LexsearchError, UsageError
from lexsearch.results import SearchResults
from ui import judgements
from ui.cards import card, file_name, grid
from ui.component import component
from ui.library import Library
from ui.request import FILTERS, MAX_FACTOR, MOST, PAGE, Request
from ui.state import escaped, go, library, picked, request, say
from ui.uploads import decode_upload
from ui.widgets import READY_S, poll, show_grid, show_pictures

LABELS = {"hybrid": "Hybrid", "lexical": "Words", "dense": "Meaning", "late": "Fine match"}
SCORED = 100  # hits behind the histogram, at least
WORDS = 12  # words of a query that have a pill
IDEAS = 12


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
    _controls(books, asked)
    problem = st.session_state.pop("upload_error", None)
    if problem:
        say("That picture cannot be used.", problem, kind="warning")
    if asked.is_empty:
        _ideas(books, images)
        return
    try:
        _answer(books, asked)
    except UsageError as error:
        say("This search cannot be made.", str(error), kind="warning")


def _controls(books: Library, asked: Request) -> None:
    st.session_state["q"] = asked.text
    st.session_state["mode"] = asked.mode
    for name in FILTERS:
        st.session_state[f"filter_{name}"] = asked.filters.get(name, "")
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
            "Search with a picture: drop it here",
            type=["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"],
            key="dropped",
            on_change=_dropped,
        )
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
    with row.popover(f"Filters ({active})" if active else "Filters", icon=":material/tune:"):
        _filters()
    if not asked.is_empty:
        with row.popover("Copy", icon=":material/content_copy:"):
            _copies(books, asked)
        row.toggle("Judge", key="judging", help="Mark hits as relevant or not, for Evaluate")


def _filters() -> None:
    hints = {
        "after": ("Taken after", "2024-06"),
        "before": ("Taken before", "2025"),
        "camera": ("Camera", "x100"),
        "path": ("Folder or path", "*/holiday/*"),
        "type": ("File type", "jpeg"),
    }
    for name, (label, example) in hints.items():
        st.text_input(label, key=f"filter_{name}", on_change=_filtered, placeholder=example)


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


def _filtered() -> None:
    values = {name: st.session_state[f"filter_{name}"].strip() for name in FILTERS}
    go(request().changed(filters={name: value for name, value in values.items() if value}))


def _dropped() -> None:
    file = st.session_state["dropped"]
    if file is None:
        go(request().changed(upload=""))
        return
    data = file.getvalue()
    name = hashlib.sha256(data).hexdigest()[:16]
    try:
        library().keep_upload(name, decode_upload(data))
    except (LexsearchError, OSError) as error:
        st.session_state["upload_error"] = str(error)
        return
    go(request().changed(upload=name, shown=PAGE, cutoff=None))


def _ideas(books: Library, images: int) -> None:
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


def _idea(word: str) -> None:
    go(Request(text=word))


def _answer(books: Library, asked: Request) -> None:
    start = time.perf_counter()
    _pills(books, asked)
    found = books.search(asked, top_k=max(asked.shown, SCORED))
    seconds = time.perf_counter() - start
    hits = found.hits[: asked.shown]
    thumbs = books.thumbs([hit.id for hit in hits], wait_s=READY_S)
    with books.use() as db:
        weights = db.model.fusion
    cards = [card(hit, thumbs.get(hit.id), weights, found.mode) for hit in hits]
    if st.session_state.get("judging"):
        grades = judgements.load(books.settings, books.directory).grades_of(asked.to_params())
        for one in cards:
            one["grade"] = grades.get(one["id"])
    if not cards:
        st.info("No picture meets these conditions. Loosen the filters, pins or bans.")
    data = grid(
        _title(len(cards), found),
        _subtitle(seconds, found.excluded),
        cards,
        found,
        query=asked.text,
        cutoff=asked.cutoff,
        more=len(found) > len(cards) or (len(found) >= SCORED and asked.shown < MOST),
        judging=bool(st.session_state.get("judging")),
    )
    if not _matched(found):
        data["notes"].insert(0, "No picture carries these words; nearest by meaning:")
    show_grid(data)
    poll(cards)


def _subtitle(seconds: float, excluded: int) -> str:
    left_out = f" · {excluded:,} left out by -word" if excluded else ""
    return f"{1000 * seconds:.0f} ms{left_out}"


def _title(shown: int, found: SearchResults) -> str:
    return f"The {shown} best" if shown > 1 else f"{shown} picture"


def _matched(found: SearchResults) -> bool:
    """False when words were looked for and none speaks for any hit."""
    lexical = [hit.scores.get("lexical") for hit in found]
    known = [value for value in lexical if value is not None]
    return not known or any(value > 0 for value in known)


def _pills(books: Library, asked: Request) -> None:
    states = books.words(asked, most=WORDS)
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
        for one in states
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
    if asked.upload:
        found.append({"kind": "upload", "id": asked.upload, "label": "your picture", "thumb": ""})
    return found


def _edited() -> None:
    event = picked("pills", "edit")
    asked, word = request(), str(event.get("word", ""))
    match event.get("kind"):
        case "weight":
            factor = min(max(float(str(event["factor"])), -MAX_FACTOR), MAX_FACTOR)
            go(asked.changed(weights={**asked.weights, word: factor}, cutoff=None))
        case "pin":
            exclude = tuple(w for w in asked.exclude if w != word)
            go(asked.changed(must=_toggled(asked.must, word), exclude=exclude, cutoff=None))
        case "ban":
            must = tuple(w for w in asked.must if w != word)
            go(asked.changed(exclude=_toggled(asked.exclude, word), must=must, cutoff=None))
        case "drop":
            id = str(event.get("id", ""))
            kept = tuple(one for one in asked.unlike if one != id)
            match event.get("picture"):
                case "like":
                    go(asked.changed(like="", cutoff=None))
                case "upload":
                    go(asked.changed(upload="", cutoff=None))
                case _:
                    go(asked.changed(unlike=kept, cutoff=None))


def _toggled(words: tuple[str, ...], word: str) -> tuple[str, ...]:
    return tuple(w for w in words if w != word) if word in words else (*words, word)
