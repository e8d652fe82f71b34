"""Whatever stands in a file of an index, its reader fails with an error of ours or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lexsearch import LexSearch
from lexsearch.bundle.container import open_file, write_file
from lexsearch.bundle.description import read_segment
from lexsearch.bundle.format import read_format, sealed, unsealed
from lexsearch.bundle.labels_file import LABELS_FILE, KeptLabels, read_labels, write_labels
from lexsearch.bundle.lists import ListsRecord
from lexsearch.bundle.lock import WriteLock
from lexsearch.errors import IndexDamaged, IndexMissing, IndexTooNew
from lexsearch.types import ListFacts

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
@example({"generation": float("inf"), "files": []})
def test_a_segment_that_describes_itself_as_anything(place: Path, fields: dict[str, Any]) -> None:
    folder = place / ULID
    folder.mkdir(exist_ok=True)
    (folder / "seg.json").write_bytes(sealed({"ulid": ULID} | fields))
    assert read_segment(folder) is None


ODD = st.sampled_from([
    None, True, -1, 0, 1, 2**70, 10**400, 0.5, float("inf"), float("nan"),
    "", "x", "\ud800", "0" * 64, [], [[]], {}, {"x": 1},
])  # fmt: skip
LABELS = KeptLabels(("dog", "cat"), {"mode": "dense"}, {5: 0, 2**62: 1})
LISTS = ListsRecord(500, "ab" * 32, ListFacts(90, 90, 4, 2, 0.97, 1.2, 4))


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every value in a JSON value lies."""
    if not isinstance(value, dict | list):
        return
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        yield from nodes(one, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    copy = value.copy()
    copy[path[0]] = replaced(copy[path[0]], path[1:], odd)
    return copy


def use_segment(place: Path, fields: dict[str, Any]) -> None:
    folder = place / ULID
    folder.mkdir(exist_ok=True)
    (folder / "seg.json").write_bytes(sealed(fields))
    read_segment(folder)


def use_labels(place: Path, fields: dict[str, Any]) -> None:
    (place / LABELS_FILE).write_bytes(sealed(fields))
    kept = read_labels(place)
    assert kept is not None
    with contextlib.suppress(KeyError):
        kept.ids("dog")


def use_lists(place: Path, fields: dict[str, Any]) -> None:
    with contextlib.suppress(ValueError):
        facts = ListsRecord.from_text(json.dumps(fields)).facts
        assert min(facts.images, facts.lists, facts.nprobe, facts.depth) >= 1
        assert np.isfinite(facts.recall)


def say_who_writes(place: Path, fields: dict[str, Any]) -> None:
    (place / "write.holder").write_text(json.dumps(fields))
    assert "is writing to the index" in WriteLock(place)._message()


@pytest.fixture(scope="module")
def records(
    tmp_path_factory: pytest.TempPathFactory, session_toy_model: Any
) -> dict[str, tuple[Callable[[Path, dict[str, Any]], None], dict[str, Any]]]:
    """What reads each kind of JSON in an index, and a sound one."""
    place = tmp_path_factory.mktemp("records")
    with LexSearch.create(place / "db", model=session_toy_model) as db:
        db.add([np.zeros((8, 8, 3), np.uint8)], ids=["a"], isolate=False)
    (segment,) = (place / "db").glob("segments/*/seg.json")
    write_labels(place, LABELS)
    return {
        "segment": (use_segment, {**unsealed(segment, segment.read_bytes()), "ulid": ULID}),
        "labels": (use_labels, json.loads((place / LABELS_FILE).read_bytes())),
        "lists": (use_lists, json.loads(LISTS.to_text())),
        "holder": (say_who_writes, {"pid": 1, "host": "h", "since": 1}),
    }


@pytest.mark.parametrize("kind", ["segment", "labels", "lists", "holder"])
@MANY
@given(data=st.data())
def test_a_record_with_a_value_or_two_of_another_kind(
    place: Path, records: dict[str, Any], kind: str, data: st.DataObject
) -> None:
    use, fields = records[kind]
    fields.pop("sha256", None)
    for _ in range(data.draw(st.integers(1, 2))):
        where = data.draw(st.sampled_from(list(nodes(fields))))
        fields = replaced(fields, where, data.draw(ODD))
    with contextlib.suppress(*OURS):
        use(place, fields)


def test_json_that_is_no_object_is_damage(place: Path) -> None:
    for value in ([], 1, None, "x"):
        with pytest.raises(IndexDamaged):
            unsealed(place / "x.json", json.dumps(value).encode())
