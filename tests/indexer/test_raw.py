"""Camera RAW is developed when the file has no preview; the smallest DNG there is shows it."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest

from indexer.decode import DecodeError, decode
from indexer.options import MAX_PIXELS
from lexsearch.types import PixelSpec

BYTE, ASCII, SHORT, LONG, FRACTION, SIGNED = 1, 2, 3, 4, 5, 10
PACK = {BYTE: "B", SHORT: "H", LONG: "I"}


def red_dng(width: int, height: int, orientation: int) -> bytes:
    """An uncompressed Bayer picture, red and nothing else."""
    cells = np.full((height, width), 2000, np.uint16)
    cells[0::2, 0::2] = 60000
    unit = [(int(i == j), 1) for i in range(3) for j in range(3)]
    tags = [
        (254, LONG, [0]), (256, LONG, [width]), (257, LONG, [height]), (258, SHORT, [16]),
        (259, SHORT, [1]), (262, SHORT, [32803]), (271, ASCII, b"Acme\0"),
        (272, ASCII, b"Camera 1\0"), (273, LONG, None), (274, SHORT, [orientation]),
        (277, SHORT, [1]), (278, LONG, [height]), (279, LONG, [cells.nbytes]),
        (306, ASCII, b"2024:01:02 03:04:05\0"), (33421, SHORT, [2, 2]),
        (33422, BYTE, [0, 1, 1, 2]), (50706, BYTE, [1, 4, 0, 0]),
        (50708, ASCII, b"Acme Camera 1\0"), (50717, LONG, [65535]), (50721, SIGNED, unit),
        (50728, FRACTION, [(1, 1)] * 3), (50778, SHORT, [21]),
    ]  # fmt: skip
    start = 8 + 2 + 12 * len(tags) + 4
    packed: list[tuple[int, int, int, bytes | None]] = []
    for tag, kind, values in tags:
        if isinstance(values, bytes):
            packed.append((tag, kind, len(values), values))
        elif values is None:
            packed.append((tag, kind, 1, None))
        elif kind in (FRACTION, SIGNED):
            raw = b"".join(struct.pack("<ii", *pair) for pair in values)  # type: ignore[misc]
            packed.append((tag, kind, len(values), raw))
        else:
            packed.append(
                (tag, kind, len(values), struct.pack(f"<{len(values)}{PACK[kind]}", *values))
            )
    extra = b"".join(raw for *_, raw in packed if raw is not None and len(raw) > 4)
    table, offset = b"", start
    for tag, kind, count, raw in packed:
        if raw is None:
            field = struct.pack("<I", start + len(extra))
        elif len(raw) <= 4:
            field = raw.ljust(4, b"\0")
        else:
            field, offset = struct.pack("<I", offset), offset + len(raw)
        table += struct.pack("<HHI", tag, kind, count) + field
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return head + table + bytes(4) + extra + cells.tobytes()


@pytest.mark.parametrize(("orientation", "size"), [(1, (64, 48)), (6, (48, 64)), (3, (64, 48))])
def test_raw_is_developed_upright(tmp_path: Path, orientation: int, size: tuple[int, int]) -> None:
    pytest.importorskip("rawpy")
    path = tmp_path / "a.dng"
    path.write_bytes(red_dng(64, 48, orientation))
    found = decode(os.fsencode(path), PixelSpec(8, 8))
    assert (found.width, found.height) == size
    assert (found.taken, found.camera) == ("2024-01-02T03:04:05", "Acme Camera 1")
    red, green, blue = found.pixels.mean(axis=(0, 1))
    assert red > 200 > 100 > max(green, blue)


def test_the_limit_of_pixels_holds_for_raw(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    path = tmp_path / "a.dng"
    path.write_bytes(
        red_dng(64, 48, 1).replace(struct.pack("<I", 64), struct.pack("<I", MAX_PIXELS))
    )
    with pytest.raises(DecodeError):
        decode(os.fsencode(path), PixelSpec(8, 8))
