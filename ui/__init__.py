"""The Streamlit app."""

OWNER = "lexsearch"
