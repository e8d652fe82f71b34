"""What a training batch holds."""

import random
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("tokenizers")
pytest.importorskip("simplemma", reason="simplemma is not installed")

from lexsearch.training.batches import carried, cells_under, draw, shorten  # noqa: E402
from lexsearch.training.data import Box  # noqa: E402


def test_a_batch_pairs_every_photo_with_one_of_its_texts(small: Any) -> None:
    source = small.source(12)
    batch = draw(source, 6, small.tokenizer(), small.targets(), random.Random(3))
    assert batch.tower.shape == (6, 197, 192)
    assert batch.ids.shape[0] == batch.text_words.shape[0] == 6
    assert bool(batch.same.diagonal().all())


def test_joined_texts_are_longer_than_single_ones(small: Any) -> None:
    source, tokenizer, targets = small.source(12), small.tokenizer(), small.targets()
    single = draw(source, 12, tokenizer, targets, random.Random(1))
    joined = draw(source, 12, tokenizer, targets, random.Random(1), joined=True)
    assert joined.ids.shape[1] > single.ids.shape[1]


def test_a_shortened_text_is_made_of_its_own_content_words() -> None:
    text = "A brown dog runs over the yellow sand."
    for seed in range(20):
        words = shorten(text, random.Random(seed)).split()
        assert 1 <= len(words) <= 3
        assert set(words) <= set(text.replace(".", "").split())
    assert shorten("it is the", random.Random(0)) == "it is the"


def test_a_photo_matches_every_text_whose_words_it_carries() -> None:
    texts = torch.tensor([[1.0, 0.0, 0.25], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    photos = torch.tensor([[0.4, 0.0, 0.0], [0.2, 0.6, 0.0]])
    assert carried(texts, photos).tolist() == [[True, True], [False, True], [False, False]]


def test_the_cells_under_a_box_are_its_core_and_at_least_one() -> None:
    whole = cells_under(Box("a", 0.0, 0.0, 1.0, 1.0)).reshape(7, 7)
    assert whole[1:6, 1:6].all()
    small = cells_under(Box("a", 0.01, 0.9, 0.03, 0.93)).reshape(7, 7)
    assert small.nonzero().tolist() == [[6, 0]]


def test_objects_of_one_name_share_a_row_of_places(small: Any) -> None:
    boxes = ((Box("dog", 0.0, 0.0, 0.1, 0.1), Box("dog", 0.9, 0.9, 1.0, 1.0)),)
    source = small.source(1, boxes=boxes)
    places = draw(source, 1, small.tokenizer(), small.targets(), random.Random(0)).places
    assert places.rows.tolist() == [0]
    assert places.cells.reshape(7, 7).nonzero().tolist() == [[0, 0], [6, 6]]


def test_a_set_without_boxes_has_no_places(small: Any) -> None:
    places = draw(small.source(4), 4, small.tokenizer(), small.targets(), random.Random(0)).places
    assert len(places.rows) == 0
    assert places.cells.shape == (0, 49)


def test_a_picture_is_read_as_it_lies(tmp_path: Path) -> None:
    from PIL import Image

    from lexsearch.training.features import read_pixels

    picture = Image.new("RGB", (300, 100), "black")
    picture.paste("white", (0, 0, 150, 100))
    picture.save(tmp_path / "half.png")
    plain = read_pixels(tmp_path / "half.png", flip=False)
    turned = read_pixels(tmp_path / "half.png", flip=True)
    assert plain.shape == (224, 224, 3)
    assert plain[100, 10, 0] == 255
    assert turned[100, 10, 0] == 0
