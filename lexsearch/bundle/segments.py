"""Writes the folder of one segment, which also says by itself what it holds.

`seg.json` has everything that the catalog knows of the pictures in it, as of the commit that
wrote the segment, so that `repair` can make a lost catalog again. Paths that change later (a
rename, a copy, a removal) stand in the catalog only; after a repair the next index run sees
them on the disk and puts them right without encoding.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lexsearch.bundle.container import FILE_NAMES, write_file
from lexsearch.bundle.disk import Disk, new_folder, write_new
from lexsearch.bundle.format import sealed
from lexsearch.bundle.records import ContentRecord, FileRecord
from lexsearch.catalog.records import SegmentFile
from lexsearch.types import ROLES, IntArray, ModelIdentity, Role, image_id_of

SEGMENTS = "segments"
SEGMENT_FORMAT = 1
DESCRIPTION = "seg.json"
Arrays = Mapping[str, npt.NDArray[np.generic]]


def segment_folder(directory: Path, ulid: str) -> Path:
    """Where a segment of an index lies."""
    return directory / SEGMENTS / ulid


def write_segment(
    directory: Path,
    ulid: str,
    arrays: Mapping[Role, Arrays],
    description: Mapping[str, Any],
    *,
    disk: Disk,
) -> list[SegmentFile]:
    """Write a segment, durable and under its final name when this returns.

    Args:
        directory: the index.
        ulid: name of the segment.
        arrays: sections of every role that the model fills.
        description: see `describe`.
        disk: where to write.

    Returns:
        Its files, for the catalog.

    Raises:
        OSError: the file system refused; nothing of the segment is left.
    """
    with new_folder(disk, segment_folder(directory, ulid)) as folder:
        files = [write_file(folder / FILE_NAMES["ids"], "ids", ulid, _ids(description), disk=disk)]
        for role in ROLES:
            if role in arrays:
                path = folder / FILE_NAMES[role]
                files.append(write_file(path, role, ulid, arrays[role], disk=disk))
        listed = [[one.name, one.size, one.sha256.hex()] for one in files]
        data = sealed({**description, "ulid": ulid, "files": listed})
        write_new(disk, folder / DESCRIPTION, [data])
        files.append(SegmentFile(DESCRIPTION, len(data), hashlib.sha256(data).digest()))
    return files


def _ids(description: Mapping[str, Any]) -> dict[str, npt.NDArray[np.generic]]:
    digests = [bytes.fromhex(one["sha256"]) for one in description["contents"]]
    table = np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), 32)
    return {"image_ids": image_ids(digests), "sha256": table}


def image_ids(digests: Sequence[bytes]) -> IntArray:
    """Ids of contents by their digests, int64 (n,)."""
    return np.array([image_id_of(digest) for digest in digests], dtype=np.int64)


def describe(
    index_uuid: str,
    generation: int,
    identity: ModelIdentity,
    contents: Iterable[tuple[ContentRecord, Iterable[FileRecord]]],
) -> dict[str, Any]:
    """What `seg.json` says, but for the names of the files."""
    return {
        "magic": "lexsearch segment",
        "format": SEGMENT_FORMAT,
        "index": index_uuid,
        "generation": generation,
        "identity": asdict(identity),
        "contents": [
            {
                "sha256": one.sha256.hex(),
                "width": int(one.width),
                "height": int(one.height),
                "taken": one.taken,
                "camera": one.camera,
                "gps": None if one.gps is None else [float(value) for value in one.gps],
                "thumb_hash": one.thumb_hash,
                "files": [
                    [_text(f.path), f.size, f.mtime_ns, f.inode, _text(f.root)] for f in files
                ],
            }
            for one, files in contents
        ],
    }


def described(fields: Mapping[str, Any]) -> list[tuple[ContentRecord, list[FileRecord]]]:
    """The contents and files of a `seg.json`, in the order of the rows."""
    found = []
    for one in fields["contents"]:
        digest = bytes.fromhex(one["sha256"])
        gps = None if one["gps"] is None else (float(one["gps"][0]), float(one["gps"][1]))
        content = ContentRecord(
            digest, one["width"], one["height"], one["taken"], one["camera"], gps,
            one["thumb_hash"],
        )  # fmt: skip
        files = [
            FileRecord(_bytes(path), size, mtime_ns, inode, digest, _bytes(root))
            for path, size, mtime_ns, inode, root in one["files"]
        ]
        found.append((content, files))
    return found


def identity_of(fields: Mapping[str, Any]) -> ModelIdentity:
    """A model identity from its JSON fields."""
    return ModelIdentity(**fields)


def _text(path: bytes) -> str:
    return base64.b64encode(path).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
