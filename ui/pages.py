"""The pages of the app: title, address and the function that draws each."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.navigation.page import Page

from ui.views import (
    compare,
    duplicates,
    evaluate,
    explain,
    library,
    model,
    search,
    settings,
    words,
)

# address, title, icon, function; the first is shown at the bare address
TABLE: tuple[tuple[str, str, str, Callable[[], None]], ...] = (
    ("", "Search", "search", search.draw),
    ("why", "Why", "lightbulb", explain.draw),
    ("compare", "Compare", "compare", compare.draw),
    ("library", "Library", "photo_library", library.draw),
    ("words", "Words", "match_word", words.draw),
    ("duplicates", "Duplicates", "filter_none", duplicates.draw),
    ("evaluate", "Evaluate", "analytics", evaluate.draw),
    ("settings", "Settings", "settings", settings.draw),
    ("model", "Model", "model_training", model.draw),
)
UNLISTED = ("model",)  # reached from another page


def pages() -> list[Page]:
    """All pages, made for one run of the script."""
    return [
        st.Page(
            draw,
            title=title,
            icon=f":material/{icon}:",
            url_path=address or "search",
            default=not address,
            visibility="hidden" if address in UNLISTED else "visible",
        )
        for address, title, icon, draw in TABLE
    ]


def page(address: str) -> Page:
    """The page at an address, to switch to."""
    place = next(i for i, row in enumerate(TABLE) if row[0] == address)
    return pages()[place]
