"""Page evaluate."""

import streamlit as st


def draw() -> None:
    """The page."""
    st.text("soon")
