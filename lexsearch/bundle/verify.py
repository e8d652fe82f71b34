"""Verifies the files of one segment: sizes, headers, and on request every byte and value."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lexsearch.bundle.container import FILE_NAMES, SegmentKind, open_file
from lexsearch.bundle.description import DESCRIPTION
from lexsearch.bundle.format import unsealed
from lexsearch.bundle.segments import image_ids
from lexsearch.catalog.records import SegmentFile
from lexsearch.errors import IndexDamaged, LexsearchError, StorageError
from lexsearch.protocols import Sections
from lexsearch.stores.segment_data import rows
from lexsearch.types import ModelIdentity

KINDS: dict[str, SegmentKind] = {name: kind for kind, name in FILE_NAMES.items()}
ADVICE = "; see what is damaged with"  # where the message of an error turns to what to do
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in an index that is not as it was written.

    Attributes:
        place: the file.
        what: what was found.
        segment: ulid of the segment it belongs to; None for the catalog and FORMAT.json.
    """

    place: Path
    what: str
    segment: str | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def problem_of(place: Path, error: LexsearchError, segment: str | None = None) -> Problem:
    """The problem behind an error."""
    what = str(error).partition(ADVICE)[0].removeprefix(f"{place}: ")
    return Problem(place, what, segment)


def segment_problems(
    folder: Path,
    files: Sequence[SegmentFile],
    identity: ModelIdentity,
    *,
    count: int,
    read_data: bool,
    sample: Set[Path] | None = None,
) -> Iterator[Problem]:
    """What is wrong with the files of a segment.

    Args:
        folder: its folder, named by its ulid.
        files: what was written.
        identity: of the model.
        count: rows that it has.
        read_data: read every byte, not only headers and sizes.
        sample: of these files only; None = of all.
    """
    ulid = folder.name
    if {one.name for one in files} < {FILE_NAMES["ids"], DESCRIPTION}:
        yield Problem(folder, "the list of its files is incomplete", ulid)
    for one in files:
        path = folder / one.name
        try:
            size = path.stat().st_size
        except OSError as error:
            yield Problem(path, f"the file cannot be read: {error.strerror}", ulid)
            continue
        if size != one.size:
            yield Problem(path, f"it has {size} bytes, {one.size} were written", ulid)
        else:
            whole = read_data and (sample is None or path in sample)
            yield from _file_problems(path, one, identity, count=count, read_data=whole)


def _file_problems(
    path: Path, listed: SegmentFile, identity: ModelIdentity, *, count: int, read_data: bool
) -> Iterator[Problem]:
    ulid = path.parent.name
    try:
        if read_data and digest_of(path) != listed.sha256:
            yield Problem(path, "its sha256 is not the one recorded", ulid)
            return
        if listed.name == DESCRIPTION:
            unsealed(path, path.read_bytes())
            return
        kind = KINDS[listed.name]
        arrays = open_file(path, kind, ulid, verify=read_data)
        found = len(arrays["image_ids"]) if kind == "ids" else rows(kind, arrays)
        if found != count:
            yield Problem(path, f"it has {found} rows, {count} were written", ulid)
        if read_data and (what := wrong_values(kind, arrays, identity)):
            yield Problem(path, what, ulid)
    except (IndexDamaged, StorageError) as error:
        yield problem_of(path, error, ulid)
    except OSError as error:
        yield Problem(path, f"it cannot be read: {error.strerror or error}", ulid)
    except KeyError as error:
        yield Problem(path, f"there is no {error} in it", ulid)


def digest_of(path: Path) -> bytes:
    """sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def wrong_values(kind: SegmentKind, arrays: Sections, identity: ModelIdentity) -> str | None:
    """What no writer of these arrays would have written, or None."""
    if kind == "ids":
        digests = [bytes(row) for row in arrays["sha256"]]
        same = np.array_equal(image_ids(digests), arrays["image_ids"])
        return None if same else "ids and digests disagree"
    if kind == "dense":
        fits = arrays["values"].ndim == 2 and arrays["values"].shape[1] == identity.dense_dim
        if not fits:
            return f"its vectors are not {identity.dense_dim} wide"
        return None if _is_finite(arrays["values"]) else "a vector is not finite"
    if kind == "tokens":
        wide = arrays["values"].ndim == 2 and arrays["values"].shape[1] == identity.token_dim
        if not wide:
            return f"its tokens are not {identity.token_dim} wide"
        return _pointer_problem(arrays, "offsets", len(arrays["values"]))
    return _word_problem(arrays, identity.vocab_size)


def _word_problem(arrays: Sections, vocab_size: int) -> str | None:
    entries = len(arrays["fwd_ids"])
    lengths = {len(arrays[n]) for n in ("fwd_weights", "inv_rows", "inv_weights")}
    if lengths != {entries} or len(arrays["inv_ptr"]) != vocab_size + 1:
        return "its two directions have different sizes"
    for name in ("fwd_ptr", "inv_ptr"):
        if what := _pointer_problem(arrays, name, entries):
            return what
    if not (_is_finite(arrays["fwd_weights"]) and _is_finite(arrays["inv_weights"])):
        return "a weight is not finite"
    for pointer, values in (("fwd_ptr", "fwd_ids"), ("inv_ptr", "inv_rows")):
        if not _ascends(np.asarray(arrays[pointer]), np.asarray(arrays[values])):
            return f"{values} do not ascend"
    limits: Mapping[str, int] = {"fwd_ids": vocab_size, "inv_rows": len(arrays["fwd_ptr"]) - 1}
    for name, limit in limits.items():
        if entries and int(np.asarray(arrays[name]).max()) >= limit:
            return f"{name} are out of range"
    return None


def _pointer_problem(arrays: Sections, name: str, total: int) -> str | None:
    pointer = np.asarray(arrays[name]).astype(np.int64)
    ascends = len(pointer) and pointer[0] == 0 and pointer[-1] == total
    return None if ascends and (np.diff(pointer) >= 0).all() else f"{name} do not ascend"


def _ascends(pointer: np.ndarray, values: np.ndarray) -> bool:
    """Whether the values of every row ascend strictly."""
    rising = np.ones(len(values), dtype=np.bool_)
    rising[1:] = np.diff(values.astype(np.int64)) > 0
    starts = pointer[:-1].astype(np.int64)
    rising[starts[starts < len(values)]] = True
    return bool(rising.all())


def _is_finite(values: np.ndarray) -> bool:
    return bool(np.isfinite(np.asarray(values)).all())
