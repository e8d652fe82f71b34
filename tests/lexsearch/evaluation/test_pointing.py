"""The strongest patch of a word against the masks of its objects."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.pointing import SeenObject, pointing, questions, read_objects, union_of

TOP_LEFT, BOTTOM_RIGHT = (slice(0, 8), slice(0, 8)), (slice(8, 16), slice(8, 16))


def marked(*where: Any) -> np.ndarray:
    mask = np.zeros((16, 16), np.uint8)
    for place in where:
        mask[place] = 255
    return mask


@pytest.fixture
def corpus(save: Any, tmp_path: Path) -> Path:
    save("images/a.png", ("red", "green", "green", "blue"))
    save("masks/a0.png", marked(TOP_LEFT))
    save("masks/a1.png", marked(BOTTOM_RIGHT))
    return tmp_path


def write(corpus: Path, *objects: tuple[str, str]) -> None:
    lines = (f"a.png\t{mask}\t{name}\tpink\t0\t0\t9\t9\n" for mask, name in objects)
    (corpus / "objects.tsv").write_text("".join(lines))


def test_a_model_that_points_right_gets_one(toy_model: Any, corpus: Path) -> None:
    write(corpus, ("a0.png", "red"), ("a1.png", "dark blue"))
    found = pointing(toy_model, corpus)
    assert (found["images"], found["questions"], found["unknown"]) == (1, 2, [])
    for rule in ("centre", "touch"):
        assert found[rule]["accuracy"] == 1.0
        assert found[rule]["interval"] == [1.0, 1.0]
        assert found[rule]["chance"] == 1 / 4
        assert found[rule]["ratio"] == 4.0
        assert found[rule]["reachable"] == 1.0
    assert found["words"] == {"blue": [1, 1], "red": [1, 1]}


def test_a_word_beside_its_object_is_a_miss(toy_model: Any, corpus: Path) -> None:
    write(corpus, ("a0.png", "red"), ("a0.png", "blue"))
    found = pointing(toy_model, corpus)
    assert found["centre"]["accuracy"] == found["touch"]["accuracy"] == 1 / 2
    assert found["words"] == {"blue": [0, 1], "red": [1, 1]}


def test_any_object_of_the_word_will_do_and_asks_once(toy_model: Any, corpus: Path) -> None:
    write(corpus, ("a1.png", "red"), ("a0.png", "light red"))
    found = pointing(toy_model, corpus)
    assert found["questions"] == 1
    assert found["centre"]["accuracy"] == 1.0
    assert found["centre"]["chance"] == 2 / 4


def test_a_small_object_may_be_touched_but_not_reached_by_a_centre(
    toy_model: Any, corpus: Path, save: Any
) -> None:
    save("masks/a0.png", marked((slice(0, 1), slice(0, 1))))
    write(corpus, ("a0.png", "red"))
    found = pointing(toy_model, corpus)
    assert found["touch"]["accuracy"] == found["touch"]["reachable"] == 1.0
    assert found["centre"]["accuracy"] == found["centre"]["reachable"] == 0.0


def test_a_name_without_a_word_is_listed_and_not_counted(toy_model: Any, corpus: Path) -> None:
    write(corpus, ("a0.png", "red"), ("a1.png", "zebra"))
    found = pointing(toy_model, corpus)
    assert (found["questions"], found["unknown"]) == (1, ["zebra"])
    write(corpus, ("a1.png", "zebra"))
    with pytest.raises(UsageError, match="known word"):
        pointing(toy_model, corpus)


def test_objects_are_grouped_by_picture_and_head_word(toy_model: Any) -> None:
    objects = [
        SeenObject("a", "1", "dark red"),
        SeenObject("b", "2", "x"),
        SeenObject("a", "3", "red"),
    ]
    red = toy_model.vocabulary.lookup("red")
    assert questions(objects, toy_model.vocabulary) == ({"a": {red: ["1", "3"]}}, ["x"])


def test_masks_of_two_sizes_are_refused(save: Any) -> None:
    paths = [save("one.png", marked(TOP_LEFT)), save("two.png", marked(TOP_LEFT)[:8])]
    with pytest.raises(UsageError, match=r"two\.png is \(8, 16\)"):
        union_of(paths)


def test_what_is_missing_is_named(toy_model: Any, corpus: Path) -> None:
    with pytest.raises(UsageError, match="no such file of objects"):
        read_objects(corpus / "objects.tsv")
    write(corpus, ("none.png", "red"))
    with pytest.raises(UsageError, match=r"no such mask: .*none\.png"):
        pointing(toy_model, corpus)
    with pytest.raises(UsageError, match="no such folder"):
        pointing(toy_model, corpus / "none")
