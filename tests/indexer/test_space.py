"""The disk is looked at before it is full, and named when it is."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from indexer.space import bytes_per_image, check_space, safe_so_far
from indexer.tally import Tally
from lexsearch.errors import StorageError
from lexsearch.protocols import Model


def test_an_image_takes_what_its_roles_take(toy_model: Model) -> None:
    assert bytes_per_image(toy_model.identity) == 4 * 8 + 3 * 2 + (4 * 3 + 4) + 1000


def test_enough_room_says_nothing(tmp_path: Path, toy_model: Model) -> None:
    assert check_space(tmp_path / "not" / "yet", toy_model.identity, 1) == []


def test_scarce_room_warns_and_no_room_refuses(tmp_path: Path, toy_model: Model) -> None:
    free = shutil.disk_usage(tmp_path).free
    each = bytes_per_image(toy_model.identity)
    (note,) = check_space(tmp_path, toy_model.identity, free // each)
    assert "may become full" in note
    with pytest.raises(StorageError, match="--no-space-check"):
        check_space(tmp_path, toy_model.identity, 20 * free // each)


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
