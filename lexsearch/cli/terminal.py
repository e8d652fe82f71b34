"""What may be written to a terminal: escaped text, colour, columns and bars."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Sequence

# C0 and C1 control characters, DEL, line and paragraph separators, bidi controls, and lone
# surrogates, which are bytes of a file name that are not UTF-8.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
DIM, BOLD, CYAN, RESET = "\x1b[90m", "\x1b[1m", "\x1b[36m", "\x1b[0m"
BAR = "█"


def safe(text: str) -> str:
    r"""The text with control and bidi characters spelled out.

    >>> safe("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return UNSAFE.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, as os.fsdecode keeps it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def colour_wanted() -> bool:
    """True when stdout is a terminal and NO_COLOR is not set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def paint(text: str, code: str, *, colour: bool) -> str:
    """The text in a colour, or as it is."""
    return f"{code}{text}{RESET}" if colour else text


def columns(text: str) -> int:
    """Cells that the text takes in a terminal: wide letters take two, marks none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    marks = sum(unicodedata.combining(letter) > 0 for letter in text)
    return len(text) + wide - marks


def pad(text: str, width: int) -> str:
    """The text filled with blanks to a number of cells."""
    return text + " " * max(0, width - columns(text))


def table(rows: Sequence[Sequence[str]], *, header: Sequence[str] | None = None) -> list[str]:
    """Lines with the columns aligned left; the last column is never padded.

    >>> table([["dog", "2"], ["umbrella", "11"]])
    ['dog       2', 'umbrella  11']
    """
    everything = [*([header] if header else []), *rows]
    if not everything:
        return []
    count = max(len(row) for row in everything)
    widths = [
        max((columns(row[i]) for row in everything if i < len(row)), default=0)
        for i in range(count)
    ]
    return [
        "  ".join(
            cell if i == len(row) - 1 else pad(cell, widths[i]) for i, cell in enumerate(row)
        ).rstrip()
        for row in everything
    ]


def bar(share: float, *, width: int = 20) -> str:
    """A bar for a share in [0, 1]; anything above 0 shows at least one cell."""
    if share <= 0:
        return ""
    return BAR * max(1, min(width, round(share * width)))


def size(count: float) -> str:
    """A number of bytes for people.

    >>> size(999), size(1_500_000)
    ('999 B', '1.5 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
