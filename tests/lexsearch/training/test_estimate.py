"""The estimate before a run."""

import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("tokenizers")
pytest.importorskip("simplemma", reason="simplemma is not installed")

from lexsearch.training.config import MiniConfig
from lexsearch.training.estimate import describe


def test_the_estimate_names_parameters_memory_and_time() -> None:
    text = describe(MiniConfig(batch=4, steps=10, sampled_words=64))
    assert "M parameters" in text
    assert "GB" in text
    assert "10 steps of 4 pairs at" in text
    more = describe(MiniConfig(batch=4, steps=10_000, sampled_words=64))
    minutes = [int(t.split("about ")[-1].split(" minutes")[0]) for t in (text, more)]
    assert minutes[1] > minutes[0]
