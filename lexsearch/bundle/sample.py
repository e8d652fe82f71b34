"""Which files of an index a check reads to the last byte: all, none, a share, a part, an amount."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lexsearch.errors import UsageError

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True, slots=True)
class Sample:
    """What to read; of the three limits at most one is given, and none means everything.

    Attributes:
        share: of the bytes, in (0, 1]; files are drawn at random.
        part: the n-th of t parts, (n, t), n from 1; all parts together are everything.
        size: bytes; files are drawn at random.
    """

    share: float | None = None
    part: tuple[int, int] | None = None
    size: int | None = None

    @classmethod
    def parse(cls, text: str) -> Sample:
        """`all`, `10%`, `2/5` or `5G`.

        Raises:
            UsageError: it is none of these.
        """
        if text == "all":
            return cls()
        if match := re.fullmatch(r"(\d+(?:\.\d+)?)%", text):
            share = float(match[1]) / 100
            if 0 < share <= 1:
                return cls(share=share)
        elif match := re.fullmatch(r"(\d+)/(\d+)", text):
            part = int(match[1]), int(match[2])
            if 1 <= part[0] <= part[1]:
                return cls(part=part)
        elif (match := re.fullmatch(r"(\d+)([KMGT]?)", text)) and int(match[1]):
            return cls(size=int(match[1]) * UNITS[match[2]])
        raise UsageError(
            f"--read-data={text!r} is no amount of data; expected 10%, 2/5 (the second of five "
            "parts) or 5G"
        )

    def chosen(self, files: Sequence[tuple[Path, int]], *, rng: random.Random) -> set[Path]:
        """The files to read.

        Args:
            files: path and bytes of every file.
            rng: draws; files that fit into the rest of the amount are taken, at least one.
        """
        ordered = sorted(files)
        if self.part is not None:
            place, count = self.part
            return {path for i, (path, _) in enumerate(ordered) if i % count == place - 1}
        if self.share is None and self.size is None:
            return {path for path, _ in ordered}
        total = sum(size for _, size in ordered)
        rest = self.size if self.size is not None else (self.share or 0) * total
        rng.shuffle(ordered)
        taken: set[Path] = set()
        for path, size in ordered:
            if size <= rest or not taken:
                taken.add(path)
                rest -= size
        return taken
