"""Batches come back in order, one outcome per path, with bounded look-ahead."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image

from indexer.decode import Decoded, DecodeError
from indexer.decoders import BATCHES_AHEAD, Held, ThreadDecoder
from indexer.options import MAX_PIXELS
from lexsearch.types import PixelSpec

SPEC = PixelSpec(8, 8)


def files(folder: Path, paint: Callable[..., Path], count: int) -> list[bytes]:
    return [os.fsencode(paint(folder / f"{i:02}.png", i)) for i in range(count)]


def test_outcomes_come_in_the_order_of_the_paths(
    tmp_path: Path, paint: Callable[..., Path]
) -> None:
    paths = files(tmp_path, paint, 6)
    (tmp_path / "03.png").write_text("text")
    with ThreadDecoder(SPEC, frozenset(), threads=4) as decoder:
        kinds = [[type(o) for o in batch] for batch in decoder.decode([paths[:4], paths[4:]])]
    assert kinds == [[Decoded, Decoded, Decoded, DecodeError], [Decoded, Decoded]]


def test_a_held_content_is_not_decoded(tmp_path: Path, paint: Callable[..., Path]) -> None:
    paths = files(tmp_path, paint, 2)
    held: set[bytes] = set()
    with ThreadDecoder(SPEC, held) as decoder:
        ((first,),) = [list(batch) for batch in decoder.decode([paths[:1]])]
        assert isinstance(first, Decoded)
        held.add(first.sha256)
        ((again,),) = [list(batch) for batch in decoder.decode([paths[:1]])]
    assert again == Held(first.sha256)


def test_the_decoder_takes_only_two_batches_ahead(
    tmp_path: Path, paint: Callable[..., Path]
) -> None:
    paths = files(tmp_path, paint, 6)
    asked: list[int] = []

    def batches() -> Iterator[Sequence[bytes]]:
        for i, path in enumerate(paths):
            asked.append(i)
            yield [path]

    with ThreadDecoder(SPEC, frozenset()) as decoder:
        for i, batch in enumerate(decoder.decode(batches())):
            assert len(batch) == 1
            assert len(asked) == min(i + BATCHES_AHEAD, 6)


def test_no_batch_is_no_work() -> None:
    with ThreadDecoder(SPEC, frozenset()) as decoder:
        assert list(decoder.decode([])) == []


def test_the_pixel_limit_is_ours_while_open_and_put_back(
    tmp_path: Path, paint: Callable[..., Path]
) -> None:
    path = os.fsencode(paint(tmp_path / "a.png", size=(20, 30)))
    before = Image.MAX_IMAGE_PIXELS
    with ThreadDecoder(SPEC, frozenset(), max_pixels=599) as decoder:
        ((outcome,),) = [list(batch) for batch in decoder.decode([[path]])]
    assert isinstance(outcome, DecodeError)
    assert outcome.reason.startswith("is too large: 20 x 30")
    assert outcome.sha256 is None
    assert before == Image.MAX_IMAGE_PIXELS != MAX_PIXELS


def test_odd_files_give_no_warning(tmp_path: Path) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff"
    path = tmp_path / "a.jpg"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.new("RGB", (8, 8)).save(path, exif=exif)
    with ThreadDecoder(SPEC, frozenset()) as decoder:
        ((outcome,),) = [list(batch) for batch in decoder.decode([[os.fsencode(path)]])]
    assert isinstance(outcome, Decoded)


def test_leaving_early_ends_the_threads(tmp_path: Path, paint: Callable[..., Path]) -> None:
    paths = files(tmp_path, paint, 4)
    with (
        pytest.raises(KeyboardInterrupt),
        ThreadDecoder(SPEC, frozenset()) as decoder,
    ):
        for _ in decoder.decode([[path] for path in paths]):
            raise KeyboardInterrupt
    assert decoder._pool._shutdown
