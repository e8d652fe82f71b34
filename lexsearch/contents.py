"""What an open db holds, apart from answers to queries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexsearch.bundle.lists import summary
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.results import display_path
from lexsearch.stores.pooling import factor_of

if TYPE_CHECKING:
    from lexsearch.bundle.records import SkippedFile


class Contents:
    """The part of `LexSearch` that reads the catalog alone."""

    directory: Path
    snapshot: Snapshot

    def status(self) -> dict[str, Any]:
        """What is in the db, as JSON values."""
        identity = self.snapshot.identity
        runs = self.snapshot.runs()
        return {
            "directory": str(self.directory),
            "generation": self.snapshot.generation,
            "model": identity.name,
            "fingerprints": dict(identity.fingerprints),
            **self.snapshot.counts(),
            "dense": summary(self.snapshot.lists, self.snapshot.image_ids()),
            "pool_tokens": factor_of(identity),
            "roots": [display_path(root) for root in self.snapshot.roots()],
            "last_run": runs[-1] if runs else None,
        }

    def skipped(self) -> list[SkippedFile]:
        """Files that could not be indexed, with the reason."""
        return self.snapshot.skipped()

    def duplicates(self) -> list[list[str]]:
        """Groups of paths that hold the same bytes."""
        return [
            [display_path(path) for path in record.paths] for record in self.snapshot.duplicates()
        ]

    def near_duplicates(self, threshold: int = 4) -> list[list[str]]:
        """Groups of different pictures whose 64-bit difference hashes are at most that far."""
        return [
            [display_path(record.paths[0]) for record in group]
            for group in self.snapshot.near_duplicates(threshold)
        ]
