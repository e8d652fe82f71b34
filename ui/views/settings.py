"""The settings page: what is in force, where it is set, and the cache."""

from __future__ import annotations

import platform

import streamlit as st

import lexsearch
from lexsearch.cli.clean import cached, remove
from lexsearch.cli.terminal import safe, size
from lexsearch.engine import CHANNELS
from ui.cards import SAID
from ui.state import library


def draw() -> None:
    """The page."""
    books = library()
    settings = books.settings
    st.header("Settings", anchor=False)
    rows = {
        "Index": f"{books.name}   ({books.directory})",
        "Model of new indexes": settings.model,
        "Processor threads": str(settings.threads or "as many as there are"),
        "Fine match computed by": settings.late_kernel,
        "Cache": str(settings.cache_dir),
        "Network": "not used: models, photos and searches stay on this computer",
        "Language": "English; queries in other languages are read letter by letter",
        "Version": f"lexsearch {lexsearch.__version__}, Streamlit {st.__version__}, "
        f"Python {platform.python_version()}",
    }
    for name, value in rows.items():
        left, right = st.columns([1, 3])
        left.text(name)
        right.text(safe(value))
    st.text("Set them in config.toml, lexsearch.toml, or as LEXSEARCH_… in the environment.")
    if books.exists():
        with books.use() as db:
            weights = db.model.fusion
        st.subheader("How the channels are joined", anchor=False)
        row = st.columns(len(CHANNELS))
        for place, name in zip(row, CHANNELS, strict=True):
            place.metric(SAID[name].capitalize(), f"{weights[name]:.3f}")
        st.text("Weights on the raw scores, chosen when the model was made.")
    st.subheader("Cache", anchor=False)
    files = list(cached(settings.cache_dir))
    total = sum(path.stat().st_size for path in files)
    st.text(f"{len(files):,} thumbnails and notes, {size(total)}; made again when needed.")
    if st.button("Clear the cache", icon=":material/delete_sweep:", disabled=not files):
        for path in files:
            remove(path)
        books.forget_thumbnails()
        st.rerun()
