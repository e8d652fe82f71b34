"""Writes an index: one process, one connection, one durable commit at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from lexsearch.bundle.records import CommitBatch, KnownFile, RunRecord, SkippedFile
from lexsearch.types import ModelIdentity


class BundleWriter:
    """The one writer of an index; holds the lock until it is closed."""

    directory: Path

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        identity: ModelIdentity,
        create: bool = True,
        replace: bool = False,
        wait_s: float = 0.0,
    ) -> BundleWriter:
        """Open for writing; `replace` forgets the contents of an index of another model."""
        raise NotImplementedError

    def __enter__(self) -> BundleWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def known_files(self) -> dict[bytes, KnownFile]:
        """Every indexed path."""
        raise NotImplementedError

    def known_contents(self) -> set[bytes]:
        """Digest of every stored picture, those without a path included."""
        raise NotImplementedError

    def known_skipped(self) -> dict[bytes, SkippedFile]:
        """Every skipped path."""
        raise NotImplementedError

    def roots(self) -> list[bytes]:
        """Folders and files that were given to index, sorted."""
        raise NotImplementedError

    def add_roots(self, paths: Sequence[bytes]) -> None:
        """Remember folders and files that were given to index."""
        raise NotImplementedError

    def commit(self, batch: CommitBatch) -> int:
        """Write one batch durably; returns the new generation."""
        raise NotImplementedError

    def finish(self, run: RunRecord) -> None:
        """Store the summary of a run."""
        raise NotImplementedError

    def compact(self) -> int:
        """Merge small segments and drop rows of forgotten pictures; returns segments merged."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the lock."""
        raise NotImplementedError
