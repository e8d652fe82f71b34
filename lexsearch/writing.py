"""The changes of an open db."""

from __future__ import annotations

import os
from typing import Any

from lexsearch.opened import OpenDb
from lexsearch.registry import program


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
        options_type = program("index_options")
        options.setdefault("threads", self.settings.threads)
        report = program("indexer")(
            paths,
            directory=self.directory,
            model=self.model,
            options=options_type(**{"lists_from": self.settings.lists_from} | options),
            on_progress=on_progress,
        )
        self.reload()
        return report
