"""The labels of an open db."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lexsearch.bundle.labels_file import write_labels
from lexsearch.labelling import Labels, label_pictures
from lexsearch.opened import OpenDb
from lexsearch.prompts import TEMPLATES

if TYPE_CHECKING:
    from lexsearch.engine import Mode


class Labelling(OpenDb):
    """The part of `LexSearch` that labels pictures."""

    def label(
        self,
        classes: Sequence[str],
        *,
        templates: Sequence[str] = TEMPLATES,
        mode: Mode | None = None,
        centre: bool = False,
        min_lead: float = 0.0,
        keep: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Labels:
        """The class of every picture whose prompts it resembles most; see `label_pictures`.

        Args:
            classes, templates, mode, centre, on_progress: as in `label_pictures`.
            min_lead: pictures whose class leads the next by less get none.
            keep: put the labels in the place of those that the db keeps, if any; a search then
                finds them by `label:NAME`.

        Raises:
            UsageError: see `label_pictures`.
            StorageError: the labels cannot be kept.
        """
        if keep:
            self._refuse_read_only()
        found = self.current(
            lambda engine: label_pictures(
                engine,
                classes,
                templates=templates,
                mode=mode,
                centre=centre,
                on_progress=on_progress,
            )
        ).leading(min_lead)
        if keep:
            write_labels(self.snapshot.directory, found.kept())
        return found
