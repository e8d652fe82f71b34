"""The bundled model as a model set."""

from __future__ import annotations

from lexsearch.encoders._mini_session import MiniModel, load


def build(
    *, threads: int = 0, words_per_image: int | None = None, words_per_text: int | None = None
) -> MiniModel:
    """The bundled model; threads = 0 uses every core, words = 0 keeps every word."""
    return load(
        "mini", threads=threads, words_per_image=words_per_image, words_per_text=words_per_text
    )
