"""Counts a run while it goes on, and times its stages."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from indexer.encode import Batch
from indexer.plan import Plan
from indexer.report import COUNTS, IndexReport, Skipped
from indexer.scan import ScanResult
from lexsearch.bundle.records import RunRecord

STAGES = ("scan", "plan", "decode", "encode", "commit")
T = TypeVar("T")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(slots=True)
class Tally:
    """The counts of `IndexReport`, growing.

    Attributes:
        done: files to decode that are dealt with.
        total: files to decode.
        started: when the run began, ISO 8601 with offset.
    """

    found: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    encoded: int = 0
    duplicates: int = 0
    touched: int = 0
    done: int = 0
    total: int = 0
    interrupted: bool = False
    missing: tuple[bytes, ...] = ()
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    started: str = field(default_factory=_now)

    @contextmanager
    def clock(self, stage: str) -> Iterator[None]:
        """Add the seconds of the block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - start

    def each(self, stage: str, items: Iterable[T]) -> Iterator[T]:
        """The items, with the seconds spent waiting for them added to a stage."""
        waiting = iter(items)
        while True:
            with self.clock(stage):
                try:
                    item = next(waiting)
                except StopIteration:
                    return
            yield item

    def add_plan(self, found: ScanResult, plan: Plan) -> None:
        """Count what the walk saw and what needs no decoding."""
        self.found = len(found.files)
        self.missing = found.missing
        self.total = len(plan.pending)
        for name in ("new", "changed", "moved", "removed", "unchanged", "duplicates", "touched"):
            setattr(self, name, getattr(plan, name))
        self.skipped += [Skipped(one.path, one.reason) for one in found.problems]
        self.skipped += [Skipped(one.path, one.reason) for one in plan.skipped]
        self.notes += plan.notes

    def add_batch(self, batch: Batch) -> None:
        """Count a batch that is committed."""
        kinds = Counter(one.kind for one, _ in batch.files)
        self.new += kinds["new"]
        self.changed += kinds["changed"]
        self.unchanged += kinds["unchanged"]
        self.encoded += len(batch.fresh)
        self.duplicates += min(batch.held, kinds["new"])
        self.skipped += [Skipped(one.file.path, error.reason) for one, error in batch.failed]
        self.done += len(batch.files) + len(batch.failed)

    def outlook(self) -> str:
        """One line about what the plan found, before anything is encoded."""
        parts = [
            f"{self.found:,} pictures",
            f"{self.unchanged:,} known",
            f"{self.total:,} to encode",
        ]
        parts += [f"{self.moved:,} moved (vectors reused)"] if self.moved else []
        parts += [f"{self.removed:,} gone"] if self.removed else []
        return "Scanning  " + " · ".join(parts)

    def report(self) -> IndexReport:
        """The counts as they stand."""
        return IndexReport(
            **{name: getattr(self, name) for name in COUNTS},
            skipped=tuple(sorted(self.skipped, key=lambda one: one.path)),
            seconds=dict(self.seconds),
            notes=tuple(self.notes),
            missing=self.missing,
            interrupted=self.interrupted,
        )

    def run_record(self) -> RunRecord:
        """What the index remembers of the run."""
        counts = {name: int(getattr(self, name)) for name in COUNTS}
        return RunRecord(
            started=self.started,
            seconds=round(sum(self.seconds.values()), 3),
            counts={**counts, "skipped": len(self.skipped)},
            stages={stage: round(value, 3) for stage, value in self.seconds.items()},
            complete=not self.interrupted,
        )
