"""Parts of pages that start indexing and show how far it is."""

from __future__ import annotations

import time

import streamlit as st

from lexsearch.cli.terminal import safe
from lexsearch.errors import LexsearchError
from ui import index_job
from ui.library import Library
from ui.state import say

POLL_S = 1.0


def is_active(books: Library) -> bool:
    """Whether a run is going on."""
    job = index_job.read(books.settings, books.directory)
    return job is not None and job.is_active


def begin(books: Library, paths: list[str], *, retry: bool = False) -> None:
    """Start a run and draw the page anew, or say what is wrong."""
    try:
        index_job.start(books.settings, books.directory, paths, retry=retry)
    except index_job.UnderWay:
        st.session_state["refused"] = True
    except (LexsearchError, OSError) as error:
        say("Indexing did not start.", str(error), kind="warning")
        return
    st.rerun()


def form(books: Library) -> None:
    """A folder to index."""
    with st.form("index_folder", border=False):
        folder = st.text_input("Folder with photos", placeholder="~/Pictures", key="folder")
        pressed = st.form_submit_button("Index this folder", icon=":material/create_new_folder:")
    if pressed:
        begin(books, [folder.strip()] if folder.strip() else [])


@st.fragment(run_every=POLL_S)
def progress(books: Library) -> None:
    """How far the run is; draws the whole page anew when it ends or pictures arrive."""
    job = index_job.read(books.settings, books.directory)
    if job is None:
        return
    if not job.is_active:
        st.session_state.pop("refused", None)
    elif st.session_state.get("refused"):
        st.info("Another run is under way: this is how far it is. Yours was not started.")
    if job.is_active:
        share = job.done / job.total if job.total else 0.0
        st.progress(share, text=_line(job))
        if job.text:
            st.text(safe(job.text))
        if job.state == "running":
            st.button(
                "Stop after this batch",
                on_click=index_job.stop,
                args=(books.settings, books.directory),
            )
        st.session_state["job_seen"] = job.started
    elif st.session_state.pop("job_seen", None) is not None:
        st.rerun()
    elif job.was_lost:
        say("Indexing ended without a word.", "start it again; what is committed is safe")
    elif job.state == "failed":
        say("Indexing failed.", job.text)
    else:
        st.text(safe(f"Last run: {job.text}"))


def _line(job: index_job.Job) -> str:
    if job.state == "starting":
        return "starting …"
    if not job.total:
        return "looking for pictures …"
    left = job.seconds_left
    if left is not None:
        left = max(0.0, left - (time.time() - job.updated))
    rest = "" if left is None else f", {_duration(left)} left"
    return f"{job.done:,} of {job.total:,} files, {job.committed:,} pictures safe{rest}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
