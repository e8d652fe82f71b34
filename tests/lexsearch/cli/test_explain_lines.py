"""The explanation for people: words that add up, and the arithmetic of the fusion."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lexsearch.cli.explain import check_words, draw, lines, seen_lines
from lexsearch.errors import UsageError
from lexsearch.explain.terms import Contribution
from lexsearch.explained import Explanation
from lexsearch.types import PatchWords

TERMS = tuple(
    Contribution(i, f"word{i}", 1.0, weight, weight)
    for i, weight in enumerate((2.0, 1.5, -0.5, 0.25))
)


@pytest.fixture
def explanation(toy_model: Any) -> Explanation:
    return Explanation(
        query="red",
        raw_path=b"/p/a\x1b.png",
        id="0" * 16,
        terms=TERMS,
        lexical=3.25,
        dense=0.5,
        late=None,
        fused=4.25,
        weights={"lexical": 1.0, "dense": 2.0},
        patches=PatchWords((2, 2), np.eye(4, 9, dtype=np.float32)),
        vocabulary=toy_model.vocabulary,
        load_picture=lambda: Image.new("RGB", (64, 48)),
    )


def shares(text: str) -> list[float]:
    return [float(number) for number in re.findall(r" = +(-?\d+\.\d{4})", text)]


def test_the_shown_words_and_the_rest_add_up_to_the_lexical_score(
    explanation: Explanation,
) -> None:
    text = "\n".join(lines(explanation, 2, colour=False)).partition("channel")[0]
    *words, rest, total = shares(text)
    assert words == [2.0, 1.5]
    assert rest == -0.5 + 0.25
    assert sum(words) + rest == total == 3.25
    assert "2 more words" in text
    assert "the lexical score 3.2500" in text


def test_the_fusion_shows_score_times_weight(explanation: Explanation) -> None:
    text = "\n".join(lines(explanation, 9, colour=False)).partition("channel")[2]
    assert shares(text) == [3.25, 1.0, 4.25]
    assert "late (fine match)" in text


def test_a_file_name_cannot_steer_the_terminal(explanation: Explanation) -> None:
    assert "\x1b" not in "\n".join(lines(explanation, 9, colour=False))


def test_a_query_without_words_says_so(explanation: Explanation) -> None:
    text = "\n".join(lines(replace(explanation, terms=(), lexical=None), 9, colour=False))
    assert "no word side" in text


def test_no_shared_word_says_so(explanation: Explanation) -> None:
    text = "\n".join(lines(replace(explanation, terms=(), lexical=0.0), 9, colour=False))
    assert "none of the query's words" in text


def test_a_heat_map_of_an_unknown_word_is_refused(explanation: Explanation) -> None:
    with pytest.raises(UsageError, match="not in the vocabulary"):
        check_words(explanation, ["zebra"])


def test_a_heat_map_goes_into_a_folder_that_exists(explanation: Explanation, tmp_path: Any) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        draw(explanation, f"{tmp_path}/none/why.png", ["red"])
    assert draw(explanation, f"{tmp_path}/why.png", ["red"]) == f"{tmp_path}/why.png"
    with Image.open(tmp_path / "why.png") as drawn:
        assert drawn.format == "PNG"


def test_what_the_model_did_not_see_is_said() -> None:
    assert seen_lines((0.0, 0.0, 1.0, 1.0)) == []
    assert seen_lines((0.0005, 0.0, 0.9995, 1.0)) == []
    assert seen_lines((0.25, 0.0, 0.75, 1.0))[1].startswith(
        "the model saw the middle 50% of the ph"
    )
    assert "height" in seen_lines((0.0, 0.1, 1.0, 0.9))[1]
