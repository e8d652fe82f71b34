"""Mean IoU of patches labelled by words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.patchdis import (
    count_pixels,
    iou_by_class,
    masked_pictures,
    name_vectors,
    nearest_class,
    patchdis,
    random_miou,
    read_classes,
)

CLASSES = {1: "red", 2: "green", 3: "blue-other-merged", 7: "white"}
IDS = {"red": 1, "green": 2, "blue": 3, "white": 7}
ONE = ("red", "green", "blue", "white")
TWO = ("green", "green", "red", "red")


def mask_of(colours: tuple[str, ...]) -> np.ndarray:
    cells = np.array([IDS[name] for name in colours], np.uint8).reshape(2, 2)
    return cells.repeat(8, axis=0).repeat(8, axis=1)


@pytest.fixture
def pairs(save: Any, tmp_path: Path) -> list[tuple[Path, Path]]:
    for name, colours in (("one", ONE), ("two", TWO)):
        save(f"images/{name}.png", colours)
        save(f"masks/{name}.png", mask_of(colours))
    save("images/without.png", ONE)
    return masked_pictures(tmp_path / "images", tmp_path / "masks")


def test_pixels_are_counted_by_patch_and_class() -> None:
    mask = np.array([[1, 1, 0, 2], [1, 9, 2, 2]], np.int32)
    assert count_pixels(mask, (1, 2), [1, 2]).tolist() == [[3, 0], [0, 3]]


def test_iou_is_that_of_a_case_worked_by_hand() -> None:
    # Three patches; class 0 is assigned to the first two, class 1 to the third, class 2 never.
    pixels = np.array([[4, 0, 0, 0], [1, 2, 1, 0], [2, 2, 0, 0]])
    found = iou_by_class(np.array([0, 0, 1]), pixels)
    shared, assigned, truth = (5, 2), (8, 4), (7, 4)
    assert found[0] == shared[0] / (assigned[0] + truth[0] - shared[0]) == 5 / 10
    assert found[1] == shared[1] / (assigned[1] + truth[1] - shared[1]) == 2 / 6
    assert found[2] == 0 / 1
    assert np.isnan(found[3])  # nobody has it and nobody said it


def test_a_patch_gets_its_most_similar_candidate_and_ties_go_to_the_first() -> None:
    similarity = np.array([[0.9, 0.5, 0.5], [0.1, 0.2, 0.3]], np.float32)
    allowed = np.array([[False, True, True], [True, True, True]])
    assert nearest_class(similarity, allowed).tolist() == [1, 2]


def test_chance_is_the_mean_over_all_assignments() -> None:
    pixels = np.array([[3, 0], [0, 5]])
    everything = [
        float(np.nanmean(iou_by_class(np.array([a, b]), pixels))) for a in (0, 1) for b in (0, 1)
    ]
    found = random_miou(pixels, np.ones((2, 2), bool), repeats=4_000)
    assert found == pytest.approx(np.mean(everything), abs=0.02)


def test_chance_keeps_to_the_candidates() -> None:
    pixels = np.array([[3, 0], [0, 5]])
    assert random_miou(pixels, np.eye(2, dtype=bool), repeats=3) == 1.0


def test_a_model_that_sees_everything_gets_one(wordy: Any, pairs: Any) -> None:
    found = patchdis(wordy, pairs, CLASSES)
    assert (found["images"], found["patches"], found["classes"]) == (2, 8, 4)
    assert found["unnamed"] == []
    for way in ("words", "text"):
        for kind in ("set", "given"):
            assert found[way][kind]["miou"] == 1.0
            assert 0 < found[way][kind]["random"] < 1
            assert found[way][kind]["ratio"] == 1 / found[way][kind]["random"]
        assert found[way]["iou"] == dict.fromkeys(CLASSES.values(), 1.0)
    # Where the classes of the picture are given, chance does better.
    assert found["words"]["given"]["random"] > found["words"]["set"]["random"]


def test_a_model_that_sees_nothing_gets_about_chance(wordy: Any, pairs: Any) -> None:
    rng = np.random.default_rng(4)
    several = [
        patchdis(_blind(wordy, rng), pairs, CLASSES, repeats=5)["words"]["set"]["miou"]
        for _ in range(60)
    ]
    chance = patchdis(wordy, pairs, CLASSES, repeats=500)["words"]["set"]["random"]
    assert np.mean(several) == pytest.approx(chance, abs=0.05)


def _blind(model: Any, rng: np.random.Generator) -> Any:
    class Blind(type(model)):  # type: ignore[misc]
        def encode_patches(self, pixels: Any) -> Any:
            words = self._model.encode_patches(pixels)
            words.weights[:] = rng.random(words.weights.shape)
            return words

    return Blind(model._model)


def test_unlabelled_pixels_count_nothing(wordy: Any, save: Any) -> None:
    mask = mask_of(ONE)
    mask[:8, :8] = 0  # the red quarter
    pair = (save("images/a.png", ONE), save("masks/a.png", mask))
    found = patchdis(wordy, [pair], CLASSES)
    assert set(found["words"]["iou"]) == {"green", "blue-other-merged", "white"}
    assert found["words"]["set"]["miou"] == 1.0


def test_a_class_without_a_word_is_named_and_never_assigned(wordy: Any, pairs: Any) -> None:
    found = patchdis(wordy, pairs, {**CLASSES, 1: "tv"})
    assert found["unnamed"] == ["tv"]
    assert found["words"]["iou"]["tv"] == 0.0


def test_a_model_without_word_rows_reads_names_as_texts(toy_model: Any, pairs: Any) -> None:
    assert set(name_vectors(["red", "tv"], toy_model)) == {"text"}
    found = patchdis(toy_model, pairs, CLASSES)
    assert "words" not in found
    assert found["text"]["set"]["miou"] == 1.0


def test_masks_without_any_class_are_refused(wordy: Any, pairs: Any) -> None:
    with pytest.raises(UsageError, match="none of the 1 classes"):
        patchdis(wordy, pairs, {200: "red"})


def test_classes_are_read_without_the_unlabelled_one(tmp_path: Path) -> None:
    path = tmp_path / "classes.tsv"
    path.write_text("0\tunlabeled\n1\tperson\n90\ttoothbrush\n92\tbanner\n")
    assert read_classes(path) == {1: "person", 90: "toothbrush", 92: "banner"}
    assert read_classes(path, things=90) == {1: "person", 90: "toothbrush"}


@pytest.mark.parametrize(
    ("text", "message"),
    [("x\tcat\n", "no class id"), ("1\tcat\n1\tdog\n", "twice"), ("0\tnone\n", "no class")],
)
def test_classes_of_another_form_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_classes(tmp_path / "c")


def test_a_mask_needs_its_picture(save: Any, tmp_path: Path) -> None:
    save("masks/a.png", mask_of(ONE))
    (tmp_path / "images").mkdir()
    with pytest.raises(UsageError, match=r"a\.png has no picture"):
        masked_pictures(tmp_path / "images", tmp_path / "masks")
    with pytest.raises(UsageError, match="holds no mask"):
        masked_pictures(tmp_path / "images", tmp_path / "images")
