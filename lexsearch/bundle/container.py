"""The file of one role of one segment: a header, little arrays, and checksums of every block.

The lists for dense search (`lists.py`) lie in such a file too.

    header    64 bytes: magic, version, kind, ulid, number of sections, crc32 of header and table
    table     64 bytes per section: name, dtype, shape, offset, bytes
    sections  each starts at a multiple of 64; zeros between
    footer    crc32 of each block of 1 MiB before it, then 32 bytes: length, blocks, crc32, magic

All numbers are little-endian. A file is written once and never changed.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from lexsearch.bundle.disk import Disk, write_new
from lexsearch.bundle.file_bytes import Content, content, damaged, part
from lexsearch.catalog.records import SegmentFile
from lexsearch.errors import IndexTooNew
from lexsearch.types import Role

SegmentKind: TypeAlias = Role | Literal["ids"]
Kind: TypeAlias = SegmentKind | Literal["lists"]
Arrays: TypeAlias = dict[str, npt.NDArray[np.generic]]

FILE_NAMES: dict[SegmentKind, str] = {
    "lexical": "lexical.lxs",
    "dense": "dense.lxd",
    "tokens": "tokens.lxt",
    "ids": "ids.lxi",
}
VERSION = 1
ALIGNMENT = 64
BLOCK = 1 << 20
DTYPES = ("|i1", "|u1", "<u2", "<f2", "<u4", "<i8", "<f4")

_MAGIC = b"LXSEGMNT"
_END_MAGIC = b"LXSEGEND"
_HEADER = struct.Struct("<8sI12s26s6xII")  # magic, version, kind, ulid, sections, crc32
_ENTRY = struct.Struct("<16s8sIIQQQQ")  # name, dtype, dimensions, 0, rows, columns, offset, bytes
_FOOTER = struct.Struct("<QIIQ8s")  # length before the footer, blocks, crc32, 0, magic


def write_file(
    path: Path,
    kind: Kind,
    ulid: str,
    sections: Mapping[str, npt.NDArray[np.generic]],
    *,
    disk: Disk | None = None,
) -> SegmentFile:
    """Write one file of a segment and wait until it is on the disk.

    Args:
        path: must not exist.
        kind: what the file holds.
        ulid: the segment it belongs to.
        sections: arrays of one or two dimensions, by names of at most 16 ASCII letters.
        disk: where to write.

    Raises:
        ValueError: an array cannot be stored.
        OSError: the file system refused.
    """
    digest = hashlib.sha256()
    size = 0

    def counted() -> Iterator[bytes | memoryview]:
        nonlocal size
        for chunk in _encoded(kind, ulid, sections):
            digest.update(chunk)
            size += len(chunk)
            yield chunk

    write_new(disk or Disk(), path, counted())
    return SegmentFile(path.name, size, digest.digest())


def _encoded(
    kind: Kind, ulid: str, sections: Mapping[str, npt.NDArray[np.generic]]
) -> Iterator[bytes | memoryview]:
    arrays = {name: _storable(name, array) for name, array in sections.items()}
    offset = _HEADER.size + _ENTRY.size * len(arrays)
    table = b""
    for name, array in arrays.items():
        rows, columns = (*array.shape, 1)[:2]
        table += _ENTRY.pack(
            name.encode("ascii"), array.dtype.str.encode(), array.ndim, 0,
            rows, columns, offset, array.nbytes,
        )  # fmt: skip
        offset += array.nbytes + -array.nbytes % ALIGNMENT
    fields = (_MAGIC, VERSION, kind.encode(), ulid.encode("ascii"), len(arrays))
    checksum = zlib.crc32(_HEADER.pack(*fields, 0) + table)
    blocks = _BlockChecksums()
    for chunk in (_HEADER.pack(*fields, checksum) + table, *_padded(arrays.values())):
        blocks.update(chunk)
        yield chunk
    checksums = blocks.finish()
    tail = checksums + _FOOTER.pack(offset, len(checksums) // 4, 0, 0, _END_MAGIC)
    yield checksums + _FOOTER.pack(offset, len(checksums) // 4, zlib.crc32(tail), 0, _END_MAGIC)


def _storable(name: str, array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    if little.ndim not in (1, 2) or little.dtype.str not in DTYPES or len(name) > 16:
        raise ValueError(f"section {name!r} of {array.dtype} {array.shape} cannot be stored")
    return little.reshape(array.shape)


def _padded(arrays: Iterable[npt.NDArray[np.generic]]) -> Iterator[bytes | memoryview]:
    for array in arrays:
        if array.nbytes:
            yield array.reshape(-1).view(np.uint8).data
            yield bytes(-array.nbytes % ALIGNMENT)


class _BlockChecksums:
    """crc32 of every BLOCK bytes of what passes by."""

    def __init__(self) -> None:
        self._done: list[int] = []
        self._crc = 0
        self._filled = 0

    def update(self, chunk: bytes | memoryview) -> None:
        rest = memoryview(chunk)
        while len(rest):
            part = rest[: BLOCK - self._filled]
            self._crc = zlib.crc32(part, self._crc)
            self._filled += len(part)
            rest = rest[len(part) :]
            if self._filled == BLOCK:
                self._close()

    def finish(self) -> bytes:
        """The checksums so far, the last block being as long as it is."""
        if self._filled:
            self._close()
        return struct.pack(f"<{len(self._done)}I", *self._done)

    def _close(self) -> None:
        self._done.append(self._crc)
        self._crc = self._filled = 0


def open_file(path: Path, kind: Kind, ulid: str, *, verify: bool = False) -> Arrays:
    """The arrays of one file, read-only; small files are read, large ones mapped.

    Header, table and footer are always checked; `verify` also reads every block and compares
    its checksum.

    Raises:
        IndexDamaged: the file is missing or is not what was written.
        IndexTooNew: a newer lexsearch wrote it.
        StorageError: it cannot be read.
    """
    return arrays_of(path, content(path), kind, ulid, verify=verify)


def arrays_of(path: Path, data: Content, kind: Kind, ulid: str, *, verify: bool = False) -> Arrays:
    """The same for the content of a file; the arrays lie in it. Errors as in `open_file`."""
    blocks = _Blocks(path, data)
    if verify:
        blocks.verify(range(len(blocks.checksums)))
    return {
        entry.name: _array(path, data, blocks.length, entry)
        for entry in _table(path, data, kind, ulid, blocks.length)
    }


class GuardedArrays(Arrays):
    """The arrays of a file whose blocks are verified when rows in them are first touched."""

    def __init__(self, path: Path, kind: Kind, ulid: str) -> None:
        data = content(path)
        self._blocks = _Blocks(path, data)
        length = self._blocks.length
        self._entries = {entry.name: entry for entry in _table(path, data, kind, ulid, length)}
        arrays = {name: _array(path, data, length, one) for name, one in self._entries.items()}
        super().__init__(arrays)

    def touch(self, name: str, first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]) -> None:
        """Verify the blocks that hold rows first[i] to last[i] - 1 of a section, each block once.

        Raises:
            IndexDamaged: a block is not what was written.
        """
        entry = self._entries[name]
        width = entry.size // max(entry.rows, 1)
        filled = last > first
        begins = (entry.offset + first[filled] * width) // BLOCK
        ends = (entry.offset + last[filled] * width - 1) // BLOCK
        change = np.zeros(len(self._blocks.checksums) + 1, dtype=np.int64)
        np.add.at(change, begins, 1)
        np.add.at(change, ends + 1, -1)
        self._blocks.verify(np.flatnonzero(np.cumsum(change)[:-1]).tolist())


class _Blocks:
    """The blocks of a file with their checksums, and which have been verified."""

    def __init__(self, path: Path, data: Content) -> None:
        self._path = path
        self._data = data
        self.length, self.checksums = _footer(path, data)
        self._verified = bytearray(len(self.checksums))

    def verify(self, numbers: Iterable[int]) -> None:
        for i in numbers:
            if self._verified[i]:
                continue
            block = part(self._path, self._data, i * BLOCK, min((i + 1) * BLOCK, self.length))
            if zlib.crc32(block) != self.checksums[i]:
                what = f"block {i} of {len(self.checksums)} is not what was written"
                raise damaged(self._path, what)
            self._verified[i] = 1


def _footer(path: Path, data: Content) -> tuple[int, tuple[int, ...]]:
    size = len(data)
    if size < _HEADER.size + _FOOTER.size:
        raise damaged(path, f"only {size} bytes are left of it")
    end = part(path, data, size - _FOOTER.size, size)
    length, count, checksum, zero, magic = _FOOTER.unpack(end)
    if magic != _END_MAGIC or length + 4 * count + _FOOTER.size != size:
        raise damaged(path, "its end is missing")
    stored = bytes(part(path, data, length, length + 4 * count))
    tail = stored + _FOOTER.pack(length, count, 0, zero, _END_MAGIC)
    if zlib.crc32(tail) != checksum or count != -(-length // BLOCK):
        raise damaged(path, "its footer is not what was written")
    return length, struct.unpack(f"<{count}I", stored)


class _Entry(NamedTuple):
    """One row of the table."""

    name: str
    dtype: str
    dimensions: int
    rows: int
    columns: int
    offset: int
    size: int


def _table(path: Path, data: Content, kind: Kind, ulid: str, length: int) -> list[_Entry]:
    header = part(path, data, 0, _HEADER.size)
    magic, version, found_kind, found_ulid, count, checksum = _HEADER.unpack(header)
    if magic != _MAGIC:
        raise damaged(path, "it is no file of an index")
    end = _HEADER.size + count * _ENTRY.size
    if end > length:
        raise damaged(path, "its header is not what was written")
    table = part(path, data, _HEADER.size, end)
    if zlib.crc32(bytes(header[:-4]) + bytes(4) + bytes(table)) != checksum:
        raise damaged(path, "its header is not what was written")
    if version > VERSION:
        raise IndexTooNew(
            f"{path} has format {version}, this lexsearch reads up to {VERSION}; "
            "upgrade with: pip install --upgrade lexsearch"
        )
    names = _name(path, found_kind), _name(path, found_ulid)
    if names != (kind, ulid):
        raise damaged(path, f"it holds {names[0]} of segment {names[1]}, not {kind} of {ulid}")
    entries = []
    for row in _ENTRY.iter_unpack(table):
        entries.append(_Entry(_name(path, row[0]), _name(path, row[1]), row[2], *row[4:]))
    return entries


def _name(path: Path, data: bytes) -> str:
    try:
        return data.rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError as error:
        raise damaged(path, "a name in it is none") from error


def _array(path: Path, data: Content, length: int, entry: _Entry) -> npt.NDArray[np.generic]:
    if entry.dtype not in DTYPES:
        raise damaged(path, f"unknown kind of number {entry.dtype!r}")
    dtype = np.dtype(entry.dtype)
    count = entry.rows * entry.columns
    if not count and max(entry.rows, entry.columns) > length:
        raise damaged(path, "a section has more rows than the file has bytes")
    if count * dtype.itemsize != entry.size or entry.offset + entry.size > length:
        raise damaged(path, "a section lies outside the file")
    array = np.frombuffer(data, dtype, count, entry.offset) if count else np.zeros(0, dtype)
    array.flags.writeable = False
    return array.reshape(entry.rows, entry.columns) if entry.dimensions == 2 else array
