"""Registers our small browser components: a folder with index.js and style.css is one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent


@cache
def component(folder: str) -> Callable[..., Any]:
    """The component of a folder below ui/; data reaches the page only through its `data`."""
    js = (HERE / "dom.js").read_text(encoding="utf-8")
    css = (HERE / "shared.css").read_text(encoding="utf-8")
    own = HERE / folder
    mounted: Callable[..., Any] = st.components.v2.component(
        f"lexsearch.{folder}",
        js=js + (own / "index.js").read_text(encoding="utf-8"),
        css=css + (own / "style.css").read_text(encoding="utf-8"),
    )
    return mounted
