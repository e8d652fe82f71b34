"""Copies and links of found photos."""

from pathlib import Path

import pytest

from lexsearch.cli.collect import collect
from lexsearch.errors import UsageError
from lexsearch.results import SearchHit


def hit(rank: int, path: Path) -> SearchHit:
    return SearchHit(rank, "0" * 16, str(path).encode(), 1.0, {})


def photo(path: Path, content: bytes = b"photo") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_copies_are_named_by_rank(tmp_path: Path) -> None:
    first, second = photo(tmp_path / "a/dog.jpg", b"1"), photo(tmp_path / "b/dog.jpg", b"2")
    said = collect([hit(1, first), hit(2, second)], str(tmp_path / "out"), link=False)
    assert (tmp_path / "out/0001_dog.jpg").read_bytes() == b"1"
    assert (tmp_path / "out/0002_dog.jpg").read_bytes() == b"2"
    assert said == f"copied 2 photos to {tmp_path}/out"


def test_a_different_file_of_that_name_is_never_overwritten(tmp_path: Path) -> None:
    source = photo(tmp_path / "dog.jpg", b"new")
    photo(tmp_path / "out/0001_dog.jpg", b"old")
    collect([hit(1, source)], str(tmp_path / "out"), link=False)
    assert (tmp_path / "out/0001_dog.jpg").read_bytes() == b"old"
    assert (tmp_path / "out/0001_dog_2.jpg").read_bytes() == b"new"


def test_copying_again_changes_nothing(tmp_path: Path) -> None:
    source = photo(tmp_path / "dog.jpg")
    collect([hit(1, source)], str(tmp_path / "out"), link=False)
    said = collect([hit(1, source)], str(tmp_path / "out"), link=False)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["0001_dog.jpg"]
    assert "1 were there already" in said


def test_links_point_to_the_photo_and_replace_nothing(tmp_path: Path) -> None:
    source = photo(tmp_path / "dog.jpg")
    photo(tmp_path / "out/0001_dog.jpg", b"mine")
    collect([hit(1, source)], str(tmp_path / "out"), link=True)
    collect([hit(1, source)], str(tmp_path / "out"), link=True)
    assert (tmp_path / "out/0001_dog.jpg").read_bytes() == b"mine"
    assert (tmp_path / "out/0001_dog_2.jpg").readlink() == source
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_link_that_is_in_the_way_is_not_written_through(tmp_path: Path) -> None:
    source, victim = photo(tmp_path / "dog.jpg", b"new"), photo(tmp_path / "victim", b"old")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/0001_dog.jpg").symlink_to(victim)
    collect([hit(1, source)], str(tmp_path / "out"), link=False)
    assert victim.read_bytes() == b"old"


def test_a_photo_that_is_gone_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    source = photo(tmp_path / "dog.jpg")
    said = collect([hit(1, tmp_path / "gone.jpg"), hit(2, source)], str(tmp_path / "o"), link=False)
    assert "gone.jpg" in said
    assert (tmp_path / "o/0002_dog.jpg").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    source = photo(tmp_path / "dog.jpg")
    with pytest.raises(UsageError, match="expected a folder"):
        collect([hit(1, source)], str(source), link=False)
