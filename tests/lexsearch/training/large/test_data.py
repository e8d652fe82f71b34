"""The folder of pairs and its batches."""

import random
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from PIL import Image  # noqa: E402

from lexsearch.errors import UsageError  # noqa: E402
from lexsearch.training.large.data import (  # noqa: E402
    Pixels,
    first_sentence,
    longest,
    read_pairs,
    rows_of,
)

PLAIN = Pixels(16, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def test_photos_come_in_order_with_all_their_captions(toys: Any) -> None:
    pairs = read_pairs(toys.data)
    assert [path.name for path in pairs.paths] == sorted(path.name for path in pairs.paths)
    assert len(pairs.paths) == 12
    assert pairs.captions[0][1] == "the bar is blue"


def test_a_file_name_may_hold_any_letter(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("é ü.png", "猫.png"):
        Image.new("RGB", (4, 4)).save(tmp_path / "images" / name)
    (tmp_path / "captions.tsv").write_text("é ü.png\ta\n\n猫.png\tb\tc\n", encoding="utf-8")
    assert read_pairs(tmp_path).captions == (("a",), ("b\tc",))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (None, r"no .*captions\.tsv; --data names a folder"),
        ("a.png\ta\na.png b\n", "line 2: 'a.png b'; expected FILE, tab, sentence"),
        ("a.png\t \n", "line 1"),
        ("a.png\ta\nb.png\tb\n", "names 'b.png', which is not in"),
        ("a.png\ta\n", "names 1 photos; expected two or more"),
    ],
)
def test_a_folder_that_is_not_usable_is_explained(
    tmp_path: Path, table: str | None, said: str
) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "images" / "a.png")
    if table is not None:
        (tmp_path / "captions.tsv").write_text(table)
    with pytest.raises(UsageError, match=said):
        read_pairs(tmp_path)


def test_every_row_comes_once_before_any_comes_twice() -> None:
    first = [row for draw in range(3) for row in rows_of(10, 3, draw, 1)]
    assert len(set(first)) == 9
    assert rows_of(10, 3, 1, 1) == first[3:6]
    assert rows_of(10, 3, 3, 1) != first[:3]
    assert sorted(rows_of(4, 9, 0, 1)) == [0, 1, 2, 3]
    assert rows_of(10, 3, 0, 2) != first[:3]


def test_the_first_sentence_and_the_longest_caption() -> None:
    assert first_sentence("A dog runs. It is brown.") == "A dog runs"
    assert first_sentence("a dog") == "a dog"
    assert first_sentence(". a dog") == ". a dog"
    assert longest(["a", "abc", "abd"]) == "abc"


def test_photos_are_scaled_cut_and_normalised(tmp_path: Path) -> None:
    picture = Image.new("RGB", (60, 20), (255, 0, 0))
    picture.paste((0, 0, 255), (20, 0, 40, 20))
    picture.save(tmp_path / "a.png")
    pixels = PLAIN.read([tmp_path / "a.png"])
    assert pixels.shape == (1, 3, 16, 16)
    assert pixels[0, :, 8, 8].tolist() == [0.0, 0.0, 1.0]
    shifted = Pixels(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)).read([tmp_path / "a.png"])
    assert shifted[0, :, 8, 8].tolist() == [-1.0, -1.0, 1.0]


def test_augmented_photos_differ_and_repeat_with_the_chooser(toys: Any) -> None:
    paths = read_pairs(toys.data).paths[:2]
    one, two = (PLAIN.read(paths, chooser=random.Random(seed)) for seed in (1, 2))
    assert not torch.equal(one, two)
    assert torch.equal(one, PLAIN.read(paths, chooser=random.Random(1)))


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no")
    with pytest.raises(UsageError, match=r"a\.png is not a picture"):
        PLAIN.read([tmp_path / "a.png"])
