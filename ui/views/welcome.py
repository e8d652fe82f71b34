"""The first start: no pictures yet; the sample pictures in one click, or a folder of one's own."""

from __future__ import annotations

import streamlit as st

from lexsearch.cli.demo import corpus
from lexsearch.errors import UsageError
from ui.library import Library
from ui.views import indexing


def draw(books: Library) -> None:
    """The page of a library without pictures."""
    st.header("Search your own photos, and see why each one was found", anchor=False)
    st.text(
        "Every photo becomes words with weights, one vector of its meaning, and one per patch. "
        "Everything stays on this computer."
    )
    indexing.progress(books)
    if indexing.is_active(books):
        return
    left, right = st.columns(2, gap="large")
    with left.container(border=True):
        st.subheader("Try it now", anchor=False)
        st.text("Rendered scenes that come with lexsearch; ready in seconds.")
        if st.button("Index the sample pictures", type="primary", icon=":material/play_arrow:"):
            _sample(books)
    with right.container(border=True):
        st.subheader("Your photos", anchor=False)
        indexing.form(books)


def _sample(books: Library) -> None:
    try:
        folder = corpus()
    except UsageError as error:
        st.text(str(error))
        return
    indexing.begin(books, [str(folder)])
