"""The settings page: what is in force, where it is set, and the cache."""

from __future__ import annotations

import platform

import streamlit as st

import lexsearch
from lexsearch.cli.clean import cached, remove
from lexsearch.cli.terminal import safe, size
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
        "Device": "the processor; large models of one's own may use a graphics card",
        "Cut-off": "none; the slider above the hits, or its automatic rule, hides the tail",
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
    if st.button("The model of this library", icon=":material/model_training:"):
        from ui.pages import page

        st.switch_page(page("model"))
    st.subheader("Cache", anchor=False)
    files = list(cached(settings.cache_dir))
    total = sum(path.stat().st_size for path in files)
    st.text(f"{len(files):,} thumbnails and notes, {size(total)}; made again when needed.")
    if st.button("Clear the cache", icon=":material/delete_sweep:", disabled=not files):
        for path in files:
            remove(path)
        books.forget_thumbnails()
        st.rerun()
