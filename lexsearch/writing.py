"""The changes of an open db."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from lexsearch.opened import OpenDb
from lexsearch.programs import program
from lexsearch.query import Picture


class Writing(OpenDb):
    """The part of `LexSearch` that adds and removes pictures."""

    def index(
        self,
        *paths: str | os.PathLike[str],
        on_progress: Any = None,
        **options: Any,
    ) -> Any:
        """Index folders or files into this db and see the result at once.

        Args:
            paths: folders are walked, files are taken.
            on_progress: called with an `indexer.progress.Progress` after each batch.
            options: fields of `indexer.pipeline.IndexOptions`.

        Returns:
            An `indexer.report.IndexReport`.
        """
        self._refuse_read_only()
        report = program("indexer")(
            paths,
            directory=self.directory,
            model=self.model,
            options=self._options(options),
            on_progress=on_progress,
        )
        self.reload()
        return report

    def add(
        self,
        images: Iterable[Picture],
        *,
        ids: Iterable[str] | None = None,
        metadata: Iterable[Mapping[str, Any] | None] | None = None,
        on_progress: Any = None,
        **options: Any,
    ) -> Any:
        """Add pictures that lie in no folder, or that a program knows by ids of its own.

        A folder that is indexed later takes nothing of this away; `delete` does. Everything is
        taken as it comes, a batch ahead, so a stream may be longer than the memory; each batch is
        safe on the disk before the next one is encoded. A picture that cannot be read is left out
        and reported. The first call verifies the whole catalog; further ones take as long in a
        large db as in a small one. Several pictures a call are quicker than one.

        Args:
            images: paths, Pillow images, arrays uint8 (height, width, 3) in RGB, or bytes of
                files. The pixels of what is no path are not kept: a hit can then be explained
                by its stored words only.
            ids: one for each; texts without blanks. One that is held already, or came before, now
                stands for the new picture. Pictures of the same content are one hit that carries
                all their ids. None = the id of the content, 16 hex digits.
            metadata: a mapping of JSON values for each, or None. `taken` (ISO 8601, or a date),
                `camera` and `gps` take the place of what the photo says; all of it is in
                `SearchHit.meta`, and `Filter(meta={...})` asks for it.
            on_progress: called with an `indexer.progress.Progress` after each batch.
            options: fields of `indexer.pipeline.IndexOptions`, such as `batch_size`.

        Returns:
            An `indexer.report.IndexReport`: `new` ids, `changed` and `unchanged` ones, pictures
            `encoded`, and `skipped`.

        Raises:
            UsageError: an id, a metadatum or a picture is nothing of the kind, or they differ in
                number. What came before it is safe.
        """
        self._refuse_read_only()
        try:
            return program("adder")(
                images,
                ids=ids,
                metadata=metadata,
                directory=self.directory,
                model=self.model,
                options=self._options(options),
                on_progress=on_progress,
                standing=self._standing,
            )
        finally:
            self.reload()

    def delete(self, ids: Iterable[str], *, wait_s: float = 0.0) -> int:
        """Delete pictures that were added, by id; returns how many ids were there.

        Unknown ids, and those of pictures that only a folder holds, are ignored.

        wait_s: seconds to wait for another writer.
        """
        self._refuse_read_only()
        deleted: int = program("remover")(
            ids,
            directory=self.directory,
            model=self.model,
            wait_s=wait_s,
            standing=self._standing,
        )
        self.reload()
        return deleted

    def _options(self, given: Mapping[str, Any]) -> Any:
        ours = {"threads": self.settings.threads, "lists_from": self.settings.lists_from}
        return program("index_options")(**{**ours, **given})
