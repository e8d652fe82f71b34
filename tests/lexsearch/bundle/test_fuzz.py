"""Whatever stands in a file of an index, its reader fails with an error of ours or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lexsearch.bundle.container import open_file, write_file
from lexsearch.bundle.format import read_format, sealed, unsealed
from lexsearch.bundle.repair import _read_segment
from lexsearch.errors import IndexDamaged, IndexMissing, IndexTooNew

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
OURS = (IndexDamaged, IndexTooNew, IndexMissing)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
MANY = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "200")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
CHANGES = st.lists(st.tuples(st.integers(0, 64 * 3 - 5), st.integers(0, 255)), max_size=6)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@MANY
@given(st.binary(max_size=400))
@example(b"[" * 100_000)
def test_any_bytes(place: Path, data: bytes) -> None:
    path = place / "file"
    path.write_bytes(data)
    with pytest.raises(IndexDamaged):
        open_file(path, "dense", ULID, verify=True)
    with pytest.raises(IndexDamaged):
        unsealed(path, data)


@MANY
@given(CHANGES, st.booleans())
def test_a_header_that_lies_under_a_fitting_checksum(
    place: Path, changes: list[tuple[int, int]], verify: bool
) -> None:
    path = place / "dense.lxd"
    path.unlink(missing_ok=True)
    arrays = {"values": np.ones((3, 4), np.float32), "more": np.arange(5, dtype=np.int64)}
    write_file(path, "dense", ULID, arrays)
    data = bytearray(path.read_bytes())
    for at, byte in changes:
        data[at + 4 if at >= 60 else at] = byte  # everything but the checksum at 60
    data[60:64] = bytes(4)
    (count,) = struct.unpack_from("<I", data, 56)
    data[60:64] = struct.pack("<I", zlib.crc32(data[: 64 + 64 * min(count, 100)]))
    path.write_bytes(data)
    with contextlib.suppress(*OURS):
        found = open_file(path, "dense", ULID, verify=verify)
        assert all(array.nbytes <= len(data) for array in found.values())


@MANY
@given(st.dictionaries(st.sampled_from(["magic", "format", "read_flags", "write_flags", "uuid"]),
                       JSON | st.just("lexsearch")))  # fmt: skip
@example({"magic": "lexsearch", "uuid": "", "format": 0, "read_flags": [[]], "write_flags": []})
@example({"magic": "lexsearch", "uuid": "", "format": float("inf"), "read_flags": [],
          "write_flags": []})  # fmt: skip
def test_a_format_file_of_any_content_under_a_fitting_checksum(
    place: Path, fields: dict[str, Any]
) -> None:
    (place / "FORMAT.json").write_bytes(sealed(fields))
    with contextlib.suppress(*OURS):
        read_format(place)


@MANY
@given(st.dictionaries(st.sampled_from(["ulid", "files", "generation", "index", "identity",
                                        "contents"]), JSON))  # fmt: skip
def test_a_segment_that_describes_itself_as_anything(place: Path, fields: dict[str, Any]) -> None:
    folder = place / ULID
    folder.mkdir(exist_ok=True)
    (folder / "seg.json").write_bytes(sealed({"ulid": ULID} | fields))
    assert _read_segment(folder) is None


def test_json_that_is_no_object_is_damage(place: Path) -> None:
    for value in ([], 1, None, "x"):
        with pytest.raises(IndexDamaged):
            unsealed(place / "x.json", json.dumps(value).encode())
