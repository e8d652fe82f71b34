"""What a run did, as a frozen value: counts, skipped files, seconds of each stage."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass
from typing import Any

from lexsearch.results import display_path

SCHEMA = 1
COUNTS = (
    "found",
    "new",
    "changed",
    "moved",
    "removed",
    "unchanged",
    "encoded",
    "duplicates",
    "touched",
)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that could not be read."""

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run of the indexer did.

    Every picture file found is one of new, changed, moved, unchanged or skipped.

    Attributes:
        found: picture files below the roots.
        new: files at paths that the index did not know.
        changed: files whose bytes are not those the index knew.
        moved: files at a new path whose bytes have left another one.
        removed: files that left the index.
        unchanged: files with the bytes the index knows.
        encoded: pictures that went through the model.
        duplicates: those of `new` whose bytes were held already.
        touched: those of `unchanged` that had another time or size on record.
        skipped: files that are no pictures, and folders that could not be read.
        seconds: by stage; `decode` counts only the time the run waited for the decoder.
        notes: what the user should hear.
        missing: roots that do not exist.
        interrupted: a stop was asked for before the end.
    """

    found: int
    new: int
    changed: int
    moved: int
    removed: int
    unchanged: int
    encoded: int
    duplicates: int
    touched: int
    skipped: tuple[Skipped, ...]
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()
    missing: tuple[bytes, ...] = ()
    interrupted: bool = False

    @property
    def did_something(self) -> bool:
        """True if the index is not what it was before."""
        return any((self.new, self.changed, self.moved, self.removed, self.encoded, self.touched))

    @property
    def images_per_s(self) -> float:
        """Pictures encoded per second of the whole run."""
        total = sum(self.seconds.values())
        return self.encoded / total if total > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "schema": SCHEMA,
            **{name: getattr(self, name) for name in COUNTS},
            "skipped": [skipped_json(one.path, one.reason) for one in self.skipped],
            "seconds": {stage: round(value, 4) for stage, value in self.seconds.items()},
            "images_per_s": round(self.images_per_s, 2),
            "interrupted": self.interrupted,
            "notes": list(self.notes),
        }

    def summary(self) -> str:
        """One line for people."""
        kinds = ("new", "changed", "moved", "unchanged")
        parts = [f"{getattr(self, name):,} {name}" for name in kinds if getattr(self, name)]
        state = "Stopped after" if self.interrupted else "Done in"
        line = f"{state} {sum(self.seconds.values()):.1f} s · {self.found:,} pictures"
        if parts:
            line += f": {', '.join(parts)}"
        if self.removed:
            line += f" · {self.removed:,} gone"
        if self.encoded:
            line += f" · {self.encoded:,} encoded, {self.images_per_s:.1f} images/s"
        if self.skipped:
            reasons = Counter(_kind(one.reason) for one in self.skipped)
            most = ", ".join(f"{count:,} {kind}" for kind, count in reasons.most_common(3))
            line += f" · {len(self.skipped):,} skipped: {most} (see: lexsearch errors)"
        return line


def skipped_json(path: bytes, reason: str) -> dict[str, str]:
    """A skipped file as JSON values; the exact bytes of the path only if they are not UTF-8."""
    row = {"path": display_path(path), "reason": reason}
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        row["path_bytes"] = base64.b64encode(path).decode("ascii")
    return row


def _kind(reason: str) -> str:
    """The first words of a reason: `is truncated (...)` is counted as `truncated`."""
    return reason.removeprefix("is ").split(" (")[0].split(":")[0]
