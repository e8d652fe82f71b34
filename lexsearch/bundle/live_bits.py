"""Which rows of a segment are alive, as the bits that the catalog stores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]


def pack(alive: Sequence[int], rows: int) -> bytes | None:
    """One bit per row, first row in the lowest bit of the first byte; None = all alive."""
    if len(alive) == rows:
        return None
    mask = np.zeros(rows, dtype=np.bool_)
    mask[np.asarray(alive, dtype=np.int64)] = True
    return np.packbits(mask, bitorder="little").tobytes()


def unpack(bits: bytes | None, rows: int) -> BoolArray | None:
    """The rows that are alive, bool (rows,); None = all.

    Raises:
        ValueError: there are not as many bits as rows.
    """
    if bits is None:
        return None
    if len(bits) != -(-rows // 8):
        raise ValueError(f"{len(bits)} bytes of live bits for {rows} rows")
    mask = np.unpackbits(np.frombuffer(bits, np.uint8), count=rows, bitorder="little")
    return mask.view(np.bool_)


def count_live(segments: Iterable[Mapping[str, Any]]) -> int:
    """How many rows of segments, given by their `rows` and `live` bits, are alive."""
    return sum(
        one["rows"] if one["live"] is None else int.from_bytes(one["live"]).bit_count()
        for one in segments
    )
