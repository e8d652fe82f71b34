"""The script that Streamlit runs: settings of the page, and the list of pages."""

from __future__ import annotations

import streamlit as st

from ui.garbage import spare_the_lasting
from ui.pages import pages
from ui.state import guarded

spare_the_lasting()
st.set_page_config(page_title="lexsearch", page_icon="🔎", layout="wide")
chosen = st.navigation(pages(), position="top")
with guarded():
    chosen.run()
