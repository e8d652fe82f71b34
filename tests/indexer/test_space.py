"""The disk is looked at before it is full, and named when it is."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.pipeline import IndexOptions, index_folders
from indexer.space import MARGIN, Work, bytes_per_image, check_space, needed, safe_so_far
from indexer.tally import Tally
from lexsearch.errors import StorageError
from lexsearch.protocols import Model
from lexsearch.types import DenseVectors, Encoded, PixelArray, SparseVectors, TokenVectors

Paint = Callable[..., Path]


class Wide:
    """A model whose vectors are as many and as wide as a real one's, and mean nothing."""

    WORDS, DIM, TOKENS, WIDTH, VOCABULARY = 128, 256, 49, 128, 17_000

    def __init__(self, toy: Model) -> None:
        self.toy = toy
        self.identity = replace(
            toy.identity, vocab_size=self.VOCABULARY, dense_dim=self.DIM, token_dim=self.WIDTH,
            tokens_per_image=self.TOKENS, words_per_image=self.WORDS,
        )  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        return getattr(self.toy, name)

    def encode_texts(self, texts: Sequence[str]) -> Encoded:
        rng = np.random.default_rng(len(texts))
        return Encoded(None, DenseVectors(unit(rng.normal(size=(len(texts), self.DIM)))), None)

    def encode_pixels(self, pixels: PixelArray) -> Encoded:
        rng, n = np.random.default_rng(int(pixels.sum())), len(pixels)
        words = np.sort(np.argsort(rng.random((n, self.VOCABULARY)), axis=1)[:, : self.WORDS])
        return Encoded(
            SparseVectors(
                np.arange(n + 1) * self.WORDS, words.astype(np.int32).ravel(),
                rng.uniform(0.1, 1, words.size).astype(np.float32), self.VOCABULARY,
            ),
            DenseVectors(unit(rng.normal(size=(n, self.DIM)))),
            TokenVectors(
                unit(rng.normal(size=(n * self.TOKENS, self.WIDTH))),
                np.arange(n + 1) * self.TOKENS, (7, 7),
            ),
        )  # fmt: skip


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("deep", ["", "a folder/with a long name/below another one/" * 2])
@pytest.mark.parametrize(("batch", "lists_from"), [(400, 0), (40, 0), (400, 300), (25, 1)])
def test_a_run_writes_what_was_estimated(
    tmp_path: Path, paint: Paint, toy_model: Model, batch: int, lists_from: int, deep: str
) -> None:
    if lists_from:
        pytest.importorskip("faiss")
    photos, db, model = tmp_path / "photos" / deep, tmp_path / "db", Wide(toy_model)
    paths = [paint(photos / f"IMG_{i:05d}.png", i, size=(8, 6)) for i in range(400)]
    options = IndexOptions(batch_size=batch, lists_from=lists_from, isolate=False)
    root = len(os.fsencode(photos))
    lengths = sum(len(os.fsencode(path)) + root for path in paths)
    work = Work(400, lengths, batch, 0, lists_from)
    report = index_folders([photos], directory=db, model=model, options=options)
    assert (report.encoded, report.notes) == (400, ())
    assert bytes_in(db) == pytest.approx(needed(model.identity, work), rel=MARGIN)


def test_lists_are_counted_for_all_images_from_their_size_on(toy_model: Model) -> None:
    identity = replace(toy_model.identity, dense_dim=256)
    few = Work(10, held=89_980, lists_from=100_000)
    many = replace(few, held=99_990)
    lists = needed(identity, many) - needed(identity, few)
    centres_and_gaps = 3 * 16 * 256 * 100_000**0.5
    assert lists == pytest.approx(100_000 * (256 / 2 + 16) + centres_and_gaps, rel=0.03)
    assert needed(identity, replace(many, lists_from=0)) == needed(identity, few)
    large = replace(many, held=3_000_000)
    assert needed(identity, large) - needed(identity, few) < 1.2 * 3_000_010 * (256 / 2 + 16)


def test_an_image_takes_what_its_roles_take(toy_model: Model) -> None:
    assert bytes_per_image(toy_model.identity) == (4 * 8 + 4) + 3 * 2 + (4 * 3 + 4) + 240 + 340


def test_enough_room_says_nothing(tmp_path: Path, toy_model: Model) -> None:
    assert check_space(tmp_path / "not" / "yet", toy_model.identity, Work(1)) == []


def test_scarce_room_warns_and_no_room_refuses(tmp_path: Path, toy_model: Model) -> None:
    free = shutil.disk_usage(tmp_path).free
    each = bytes_per_image(toy_model.identity)
    (note,) = check_space(tmp_path, toy_model.identity, Work(free // each))
    assert "may become full" in note
    with pytest.raises(StorageError, match="--no-space-check"):
        check_space(tmp_path, toy_model.identity, Work(20 * free // each))


def test_an_error_of_the_disk_says_what_is_safe() -> None:
    expected = r"No space left.*; 3 of 9 images of this run are safe"
    with pytest.raises(StorageError, match=expected), safe_so_far(Tally(done=3, total=9)):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("message", "done"), [("full; 7 images are safe; free space", 3), ("too little room", 0)]
)
def test_an_error_that_says_it_all_is_left_alone(message: str, done: int) -> None:
    with (
        pytest.raises(StorageError, match=f"^{message}$"),
        safe_so_far(Tally(done=done, total=9)),
    ):
        raise StorageError(message)
