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

    from lexsearch.training.features import View, read_pixels

    picture = Image.new("RGB", (300, 100), "black")
    picture.paste("white", (0, 0, 150, 100))
    picture.save(tmp_path / "half.png")
    plain = read_pixels(tmp_path / "half.png")
    turned = read_pixels(tmp_path / "half.png", View(flip=True))
    assert plain.shape == (224, 224, 3)
    assert plain[100, 10, 0] == 255
    assert turned[100, 10, 0] == 0


def test_a_crop_is_a_part_of_its_own_for_every_photo_and_the_same_every_time() -> None:
    from lexsearch.training.features import CROP_AREA, View

    assert View(flip=True).box("a.jpg", 300, 100) == (0, 0, 300, 100)
    boxes = [View(crop=n).box(f"{name}.jpg", 300, 100) for n in (1, 2) for name in range(20)]
    assert len(set(boxes)) == len(boxes)
    assert boxes[3] == View(crop=1, flip=True).box("3.jpg", 300, 100)
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= 300
        assert 0 <= top < bottom <= 100
        share = (right - left) * (bottom - top) / 30_000
        assert 0.9 * CROP_AREA[0] <= share <= CROP_AREA[1]


def test_every_view_is_drawn_and_a_text_that_names_a_side_is_not_mirrored(small: Any) -> None:
    import numpy as np

    from lexsearch.training.features import Features

    source = small.source(4)
    flat = [Features(np.full((4, 197, 192), v, np.float16), source.plain[0].logits) for v in (1, 2)]
    source.plain, source.mirrored = (
        [flat[0], flat[1]],
        [Features(np.full((4, 197, 192), 3, np.float16), source.plain[0].logits)],
    )
    chooser = random.Random(0)
    seen = {
        float(value)
        for _ in range(20)
        for value in draw(source, 4, small.tokenizer(), small.targets(), chooser).tower[:, 0, 0]
    }
    assert seen == {1.0, 2.0, 3.0}
    photos = source.photos
    sided = tuple(("a dog on the left",) for _ in photos.texts)
    source.photos = type(photos)(photos.name, photos.paths, sided, photos.group, photos.boxes)
    seen = {
        float(value)
        for _ in range(20)
        for value in draw(source, 4, small.tokenizer(), small.targets(), chooser).tower[:, 0, 0]
    }
    assert seen == {1.0, 2.0}
