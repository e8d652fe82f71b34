"""The words page: how often every word fires, on which pictures, and which ones to mute."""

from __future__ import annotations

import streamlit as st

from ui import muted
from ui.library import Library
from ui.state import escaped, library
from ui.widgets import show_pictures

EXAMPLES = 12
MOST_USED = 200


def draw() -> None:
    """The page; its address may hold a `word`."""
    books = library()
    with books.use() as db:
        use, fires = db.word_use, db.model.word_fires
    st.header("Words", anchor=False)
    silent = use.never_used()
    used = use.used()
    st.text(
        f"{len(used):,} words fire on at least one of {use.images:,} pictures (with weight "
        f"{fires:g} or more), {len(silent):,} on none."
    )
    counts = {one.word: one.images for one in used}
    word = st.query_params.get("word", "")
    st.session_state["looked_up"] = word if word in counts else None
    st.selectbox(
        "Look up a word",
        list(counts),
        key="looked_up",
        index=None,
        on_change=_looked_up,
        placeholder="umbrella",
        format_func=lambda one: f"{one} · {counts[one]:,}",
    )
    if word in counts:
        _examples(books, word, counts[word])
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("In most pictures", anchor=False)
        st.text("A word that fires everywhere tells little; mute it if it disturbs.")
        rows = [
            {"word": one.word, "pictures": one.images, "share": one.images / max(use.images, 1)}
            for one in use.most_used(MOST_USED)
        ]
        st.dataframe(
            rows,
            hide_index=True,
            width="stretch",
            height=360,
            column_config={"share": st.column_config.ProgressColumn("share", format="percent")},
        )
    with right:
        st.subheader("In no picture", anchor=False)
        st.text("A query with such a word is carried by its other words and the other channels.")
        st.dataframe([{"word": w} for w in silent], hide_index=True, width="stretch", height=240)
        st.download_button(
            "Download the list", "\n".join(silent) + "\n", "words_in_no_picture.txt", "text/plain"
        )
        _muted(books, list(counts))


def _looked_up() -> None:
    chosen = st.session_state["looked_up"]
    st.query_params.from_dict({"word": chosen} if chosen else {})


def _examples(books: Library, word: str, count: int) -> None:
    with books.use() as db:
        hits = db.search_terms({word: 1.0}, must=[word], top_k=EXAMPLES)
        records = [db.picture(hit.id) for hit in hits]
        weights = [hit.score for hit in hits]
    show_pictures(
        books,
        f"{word}: {count:,} pictures",
        records,
        subtitle="heaviest first",
        key="examples",
        texts=[[f"{weight:.3g}"] for weight in weights],
    )


def _muted(books: Library, words: list[str]) -> None:
    st.subheader("Muted words", anchor=False)
    st.text("They count in no search of this app, unless you give them a weight.")
    before = muted.load(books.settings, books.directory)
    chosen = st.multiselect(
        "Muted words",
        sorted({*words, *before}),
        default=list(before),
        label_visibility="collapsed",
        placeholder="none",
    )
    if set(chosen) != set(before):
        muted.save(books.settings, books.directory, chosen)
        st.toast(f"Muted: {', '.join(map(escaped, chosen)) or 'no word'}")
