"""Writes the folder of one segment, which also says by itself what it holds (`description.py`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lexsearch.bundle.container import FILE_NAMES, write_file
from lexsearch.bundle.description import DESCRIPTION
from lexsearch.bundle.disk import Disk, new_folder, write_new
from lexsearch.bundle.format import sealed
from lexsearch.catalog.records import SegmentFile
from lexsearch.types import ROLES, IntArray, Role, image_id_of

SEGMENTS = "segments"
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
