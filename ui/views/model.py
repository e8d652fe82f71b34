"""The model of this library: what it is, how its channels are joined, and its card."""

from __future__ import annotations

import streamlit as st

import lexsearch.models.files as model_files
from lexsearch.cli.terminal import safe
from lexsearch.engine import CHANNELS
from ui.arithmetic import SAID
from ui.state import library

CARD = "MODEL_CARD.md"


def draw() -> None:
    """The page."""
    books = library()
    with books.use() as db:
        identity, weights = db.snapshot.identity, db.model.fusion
        fires, first = db.model.word_fires, db.model.first_stage
    st.header("The model of this library", anchor=False)
    rows = {
        "Name": identity.name,
        "Words it knows": f"{identity.vocab_size:,}, at most {identity.words_per_image} per photo",
        "Meaning": f"one vector of {identity.dense_dim} numbers per photo",
        "Fine match": f"{identity.tokens_per_image} vectors of {identity.token_dim} numbers",
        "A word fires from": f"{fires:g}",
        "First stage": f"{first:,} candidates",
        **{
            f"Fingerprint, {SAID[role(name)]}": mark for name, mark in identity.fingerprints.items()
        },
    }
    for name, value in rows.items():
        left, right = st.columns([1, 3])
        left.text(name)
        right.text(safe(str(value)))
    st.subheader("How the channels are joined", anchor=False)
    row = st.columns(len(CHANNELS))
    for place, channel in zip(row, CHANNELS, strict=True):
        place.metric(SAID[channel].capitalize(), f"{weights[channel]:.3f}")
    st.text("Weights on the raw scores, chosen when the model was made.")
    st.subheader("Model card", anchor=False)
    card = model_files.FOLDER / identity.name / CARD
    if card.is_file():
        st.markdown(without_pictures(card.read_text(encoding="utf-8")))
    else:
        st.text("This model brings no card.")


def role(name: str) -> str:
    """The channel of a role."""
    return "late" if name == "tokens" else name


def without_pictures(text: str) -> str:
    """The card without the lines that show pictures, which are not served."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("!["))
