"""A run that makes an index large leaves machine code for its searches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from indexer.report import IndexReport
from indexer.warm import compile_ahead
from lexsearch.protocols import Model
from lexsearch.stores.lexical import auto

Paint = Callable[..., Path]
Run = Callable[..., IndexReport]


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Vocabulary sizes that code was made ready for; the compiler itself is left out."""
    made: list[int] = []

    def large(vocab_size: int, small: Any) -> Any:
        made.append(vocab_size)
        return small

    monkeypatch.setattr(auto, "_large", large)
    monkeypatch.setattr(auto, "SMALL", 4)
    return made


def test_code_is_made_when_pictures_came_and_there_are_many(
    run: Run, photos: Path, paint: Paint, toy_model: Model, compiled: list[int]
) -> None:
    assert run(photos / "trip").encoded == 2
    assert compiled == []
    run()
    assert compiled == [toy_model.identity.vocab_size]
    run()
    assert len(compiled) == 1
    paint(photos / "new.png", 77)
    run()
    assert len(compiled) == 2


def test_a_model_without_words_needs_none(toy_model: Model, compiled: list[int]) -> None:
    compile_ahead(replace(toy_model.identity, fingerprints={"dense": "d/1"}), 10)
    assert compiled == []
    compile_ahead(toy_model.identity, 10)
    assert len(compiled) == 1
