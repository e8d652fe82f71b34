"""Zero-shot classes by prompts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lexsearch.errors import ModelMissing, UsageError
from lexsearch.evaluation.labels import (
    Labelled,
    chosen,
    held_out_classes,
    prompts,
    read_labels,
    read_names,
    zero_shot,
)
from lexsearch.types import DenseVectors, Encoded

COLOURS = ["blue", "green", "red"]
PLAIN = ["a {} picture"]  # the toy model reads words between blanks


@pytest.fixture
def labelled(save: Any) -> list[Labelled]:
    for name in COLOURS:
        save(f"images/{name}.png", [name] * 4)
    return [Labelled(f"{name}.png", name) for name in COLOURS]


def test_a_model_that_knows_the_classes_gets_one(
    toy_model: Any, labelled: list[Labelled], tmp_path: Path
) -> None:
    found = zero_shot(toy_model, tmp_path / "images", labelled, classes=COLOURS, templates=PLAIN)
    assert (found["images"], found["classes"]) == (3, COLOURS)
    assert found["chance"] == {"top1": 1 / 3, "top5": 1.0}
    assert set(found["modes"]) == {"lexical", "dense", "late", "hybrid"}
    for one in found["modes"].values():
        assert one["top1"] == one["top5"] == 1.0
        assert one["ratio"] == 3.0
        assert one["interval"] == [1.0, 1.0]


def test_a_picture_of_another_label_is_left_out_and_a_wrong_one_counts(
    toy_model: Any, labelled: list[Labelled], tmp_path: Path
) -> None:
    wrong = [Labelled("red.png", "green"), Labelled("blue.png", "blue"), Labelled("x", "white")]
    found = zero_shot(
        toy_model, tmp_path / "images", wrong, classes=["blue", "green"], templates=PLAIN
    )
    # Red is as far from blue as from green: the tie goes to blue, and green is missed.
    assert found["images"] == 2
    assert found["modes"]["lexical"]["top1"] == 1 / 2


def test_similarities_of_several_templates_are_averaged(
    toy_model: Any, labelled: list[Labelled], tmp_path: Path
) -> None:
    class Contrary(type(toy_model)):  # type: ignore[misc]
        """Takes the words of a text that begins with `not` as the opposite."""

        def encode_texts(self, texts: Sequence[str]) -> Encoded:
            found = super().encode_texts(texts)
            signs = np.array([-1.0 if text.startswith("not") else 1.0 for text in texts])
            values = found.dense.values * signs[:, np.newaxis].astype(np.float32)
            return Encoded(None, DenseVectors(values), None)

    def top1(*templates: str) -> float:
        found = zero_shot(
            Contrary(), tmp_path / "images", labelled, classes=COLOURS, templates=templates
        )
        return float(found["modes"]["dense"]["top1"])

    assert top1("{}") == 1.0
    assert top1("not {}") == 0.0
    assert top1("{}", "{}", "not {}") == 1.0  # two thirds for, one third against
    assert top1("{}", "not {}", "not {}") == 0.0


def test_prompts_say_the_label_in_lower_case() -> None:
    assert prompts(["Stop_sign", "cat"], ["a {}.", "{}"]) == [
        ["a stop sign.", "a cat."],
        ["stop sign", "cat"],
    ]


@pytest.mark.parametrize(("templates", "message"), [(["a photo"], "no {}"), ([], "no template")])
def test_a_template_must_have_a_place_for_the_class(templates: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        prompts(["cat"], templates)


def test_classes_are_all_sorted_or_those_wanted() -> None:
    labelled = [Labelled("1", "dog"), Labelled("2", "cat"), Labelled("3", "dog")]
    assert chosen(labelled, None) == ["cat", "dog"]
    assert chosen(labelled, ["dog", "cat", "dog"]) == ["dog", "cat"]
    with pytest.raises(UsageError, match="'cow'"):
        chosen(labelled, ["dog", "cow"])
    with pytest.raises(UsageError, match="at least two"):
        chosen(labelled, ["dog"])


def test_labels_and_names_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "l").write_text("a.jpg\tcat\n")
    (tmp_path / "n").write_text("stop sign\n\n cat \n")
    assert read_labels(tmp_path / "l") == [Labelled("a.jpg", "cat")]
    assert read_names(tmp_path / "n") == ["stop sign", "cat"]
    (tmp_path / "n").write_text("\n")
    with pytest.raises(UsageError, match="no class name"):
        read_names(tmp_path / "n")


def test_the_bundled_model_says_what_it_was_not_shown() -> None:
    assert len(set(held_out_classes("mini"))) == 20
    with pytest.raises(ModelMissing):
        held_out_classes("none")
