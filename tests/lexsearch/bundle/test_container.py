"""The files of a segment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lexsearch.bundle import container
from lexsearch.bundle.container import open_file, write_file
from lexsearch.errors import IndexDamaged

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
SECTIONS = st.dictionaries(
    st.text("abcdef_", min_size=1, max_size=16),
    st.sampled_from(container.DTYPES).flatmap(
        lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=1, max_dims=2, min_side=0))
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(SECTIONS)
def test_arrays_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, sections: dict[str, np.ndarray]
) -> None:
    path = tmp_path_factory.mktemp("container") / "file"
    info = write_file(path, "dense", ULID, sections)
    assert (info.name, info.size) == ("file", path.stat().st_size)
    found = open_file(path, "dense", ULID, verify=True)
    assert list(found) == list(sections)
    for name, array in sections.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()
        assert not found[name].flags.writeable


def test_large_files_are_mapped_and_every_block_is_verified(tmp_path: Path) -> None:
    values = np.arange(1_500_000, dtype=np.float32).reshape(-1, 4)
    path = tmp_path / "file"
    write_file(path, "tokens", ULID, {"values": values})
    assert np.array_equal(open_file(path, "tokens", ULID, verify=True)["values"], values)
    data = bytearray(path.read_bytes())
    data[3 << 20] ^= 1
    path.write_bytes(data)
    open_file(path, "tokens", ULID)
    with pytest.raises(IndexDamaged, match="block 3 of 6"):
        open_file(path, "tokens", ULID, verify=True)


def test_equal_arrays_give_equal_bytes_and_aligned_sections(tmp_path: Path) -> None:
    sections = {"a": np.arange(7, dtype=np.uint16), "b": np.ones((3, 5), np.float16)}
    for name in ("one", "two"):
        write_file(tmp_path / name, "lexical", ULID, sections)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_bytes().find(np.ones(15, np.float16).tobytes()) % 64 == 0


@pytest.mark.parametrize(
    ("kind", "ulid"), [("dense", "0" * 26), ("lexical", ULID), ("ids", "0" * 26)]
)
def test_a_swapped_file_is_noticed(tmp_path: Path, kind: container.Kind, ulid: str) -> None:
    write_file(tmp_path / "file", "dense", ULID, {"values": np.zeros((2, 3), np.float16)})
    with pytest.raises(IndexDamaged, match=f"holds dense of segment {ULID}"):
        open_file(tmp_path / "file", kind, ulid)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 400))
def test_any_bytes_are_an_error_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, place: int
) -> None:
    folder = tmp_path_factory.mktemp("noise")
    write_file(folder / "file", "dense", ULID, {"values": np.ones((2, 3), np.float16)})
    data = (folder / "file").read_bytes()
    (folder / "bad").write_bytes(data[:place] + noise + data[place + len(noise) :])
    if (folder / "bad").read_bytes() != data:
        with pytest.raises(IndexDamaged):
            open_file(folder / "bad", "dense", ULID, verify=True)


def test_a_kind_of_number_that_no_reader_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be stored"):
        write_file(tmp_path / "file", "dense", ULID, {"values": np.zeros(3, np.complex64)})
