"""What an open db holds, apart from answers to queries."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexsearch.bundle import editions
from lexsearch.bundle.lists import summary
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.errors import IndexMissing, UsageError
from lexsearch.own_ids import is_key, name_of
from lexsearch.pictures import absolute, load_for_display
from lexsearch.ranking.learned_fusion import fusion_summary
from lexsearch.results import SearchHit, display_path
from lexsearch.stores.pooling import factor_of

if TYPE_CHECKING:
    from PIL.Image import Image

    from lexsearch.bundle.records import ImageRecord, SkippedFile


class Contents:
    """The part of `LexSearch` that needs no model: the catalog, and the photos it names."""

    directory: Path

    @property
    def snapshot(self) -> Snapshot:
        """The commit that answers now."""
        raise NotImplementedError

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
            "fusion": fusion_summary(self.snapshot.fusion),
            "editions": editions.summary(self.directory),
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

    def ids(self) -> list[str]:
        """Ids of the pictures that programs added, sorted by their bytes."""
        return self.snapshot.own_ids()

    def picture(self, id: str) -> ImageRecord:
        """What is known of the picture with that id: 16 hex digits, or one that a program gave.

        Raises:
            UsageError: no id, or no picture of this db.
        """
        snapshot = self.snapshot
        found = snapshot.ids_of([id])
        try:
            return snapshot.images([found[id]])[0]
        except (KeyError, IndexMissing) as error:
            raise UsageError(
                f"no picture {id[:40]!r} in {self.directory}; an id is 16 hex digits, or what the "
                "program gave that added the picture"
            ) from error

    def load_picture(self, id: str, *, side: int = 720) -> Image:
        """The picture with that id, RGB, upright, at most `side` pixels long, without metadata.

        Raises:
            UsageError: no such picture in the db, or none of its files can be read.
        """
        record = self.picture(id)
        path = next((p for p in record.paths if os.path.exists(p)), record.paths[0])  # noqa: PTH110
        self._require_file(path)
        return load_for_display(path, record.width, record.height, side=side)

    def _require_file(self, path: bytes) -> None:
        """Refuse to read the pixels of a picture that came without a file."""
        if is_key(path):
            raise UsageError(
                f"the picture {name_of(path)} was added from memory, and its pixels were not kept; "
                "explain it with read_photo=False"
            )

    def _record(
        self,
        picture: str | bytes | os.PathLike[str] | SearchHit,
        snapshot: Snapshot | None = None,
    ) -> ImageRecord:
        """What is known of a hit, or of the picture at a path or with an id."""
        snapshot = snapshot or self.snapshot
        if isinstance(picture, SearchHit):
            return snapshot.images([int(picture.id, 16)])[0]
        path = absolute(picture)
        found = snapshot.find(path)
        if found is None and isinstance(picture, str):
            found = snapshot.ids_of([picture]).get(picture)
        if found is None:
            raise UsageError(
                f"{display_path(path)} is not in {self.directory}; add it with: "
                f"lexsearch index {display_path(path)}"
            )
        return snapshot.images([found])[0]
