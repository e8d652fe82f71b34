"""Watches folders and indexes what changed once it has come to rest."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from indexer.options import IndexOptions
from indexer.pipeline import index_folders, scan_options
from indexer.progress import Listener
from indexer.report import IndexReport, Skipped
from indexer.scan import require_roots, scan, topmost
from indexer.wake import Waker
from lexsearch.errors import IndexLocked
from lexsearch.protocols import Model

# Seconds for which a file must keep its size and time before it is read.
SETTLE_S = 1.0
# The walk may take this share of the time, so that a busy folder does not keep the disk busy.
WALK_SHARE = 0.2
# Seconds after which folders are walked although nobody reported a change: reports get lost.
RESCAN_S = 600.0

Stat: TypeAlias = tuple[int, int, int]
Listing: TypeAlias = Mapping[bytes, Stat]
Stop: TypeAlias = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Step:
    """What two walks say, one a moment after the other.

    Attributes:
        ripe: something changed that has come to rest.
        unripe: files that are still being written, or may be.
        fading: indexed files that were not there in the second walk only.
    """

    ripe: bool
    unripe: frozenset[bytes]
    fading: frozenset[bytes]

    @property
    def waits(self) -> frozenset[bytes]:
        """Files that a run has to leave as they are."""
        return self.unripe | self.fading


def compare(indexed: Listing, before: Listing, now: Listing) -> Step:
    """Tell what has come to rest from what has not.

    Args:
        indexed: as of the last run.
        before: of the walk before this one.
        now: of this walk.
    """
    new = {path for path, stat in now.items() if indexed.get(path) != stat}
    unripe = frozenset(path for path in new if before.get(path) != now[path])
    gone = {path for path in indexed if path not in now}
    fading = frozenset(path for path in gone if path in before)
    return Step(bool(new - unripe or gone - fading), unripe, fading)


@dataclass(slots=True)
class Watch:
    """The state of a watch.

    Attributes:
        paths, directory, model, options: see `indexer.pipeline.index_folders`.
        waker: waits for changes.
        on_report: is given the report of every run that had something to do, and of the first.
        on_note: is given what the user should hear.
        progress: opens, for each run, what `index_folders` tells how far it is.
    """

    paths: Sequence[str | bytes | os.PathLike[str]]
    directory: Path
    model: Model
    options: IndexOptions
    waker: Waker
    on_report: Callable[[IndexReport], None]
    on_note: Callable[[str], None]
    progress: Callable[[], AbstractContextManager[Listener]]
    _indexed: dict[bytes, Stat] | None = None
    _before: dict[bytes, Stat] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)
    _skipped: tuple[Skipped, ...] = ()

    def run(self, stop: Stop) -> None:
        """Watch until `stop` says so.

        Raises:
            UsageError: a path does not exist and there is no index yet.
            LexsearchError: a run failed; another writer is no failure, it is waited for.
        """
        require_roots(self.paths, known=self.directory.exists())
        self._before, _ = self._walk()
        rest = SETTLE_S
        while not self._pause(rest, stop):
            now, walk_s = self._walk()
            step = compare(self._indexed or {}, self._before, now)
            self._before = now
            if (step.ripe or self._indexed is None) and not self._index(now, step, stop):
                rest = SETTLE_S
                continue
            if step.waits:
                rest = max(SETTLE_S, walk_s / WALK_SHARE)
                continue
            self.waker.wait(RESCAN_S, stop)
            rest = max(SETTLE_S, walk_s / WALK_SHARE)

    def _walk(self) -> tuple[dict[bytes, Stat], float]:
        """What lies below the roots; a root that is away keeps what it held."""
        start = time.monotonic()
        found = scan(self.paths, scan_options(self.options, self.directory))
        listing = {one.path: (one.size, one.mtime_ns, one.inode) for one in found.files}
        for root in found.missing:
            shown = root.decode("utf-8", "backslashreplace")
            self._say_once(f"{shown} is not there; what is indexed below it is kept")
            below = root.rstrip(b"/") + b"/"
            listing.update(
                (path, stat)
                for path, stat in (self._indexed or {}).items()
                if path.startswith(below) or path == root
            )
        for root in {*topmost(self.paths)}.difference(found.missing):
            shown = root.decode("utf-8", "backslashreplace")
            self._said.discard(f"{shown} is not there; what is indexed below it is kept")
        return listing, time.monotonic() - start

    def _index(self, now: dict[bytes, Stat], step: Step, stop: Stop) -> bool:
        """One run over the roots that are there; false when another writer holds the index."""
        here = [root for root in topmost(self.paths) if os.path.lexists(root)]
        try:
            with self.progress() as listener:
                report = index_folders(
                    here or self.paths,
                    directory=self.directory,
                    model=self.model,
                    options=replace(self.options, hold=step.waits),
                    on_progress=listener,
                    stop=stop,
                )
        except IndexLocked as error:
            self._say_once(f"{error}; waiting for it")
            return False
        self._said = {note for note in self._said if note.endswith("is kept")}
        first = self._indexed is None
        kept = {path: self._indexed[path] for path in step.fading} if self._indexed else {}
        self._indexed = {path: s for path, s in now.items() if path not in step.unripe} | kept
        # A retry or a forced run is asked for once.
        self.options = replace(self.options, force=False, rehash=False, retry=False)
        if first or report.did_something or report.skipped != self._skipped:
            self.on_report(report)
        self._skipped = report.skipped
        return True

    def _say_once(self, note: str) -> None:
        if note not in self._said:
            self._said.add(note)
            self.on_note(note)

    @staticmethod
    def _pause(seconds: float, stop: Stop) -> bool:
        """Wait; true when it is time to stop."""
        end = time.monotonic() + seconds
        while not stop():
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, 0.1))
        return True
