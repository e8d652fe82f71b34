"""The labels of an index: `labels.json`, sealed by its sha256, replaced as a whole.

Derived from the vectors of the pictures, so damage to it loses nothing: label again. Pictures that
were indexed afterwards have no label until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lexsearch.bundle.disk import Disk, replace_file
from lexsearch.bundle.format import sealed, unsealed
from lexsearch.errors import IndexDamaged, StorageError
from lexsearch.prompts import spoken
from lexsearch.types import IntArray

LABELS_FILE = "labels.json"
SCHEMA = 1
AGAIN = "; label the pictures again with: lexsearch label --classes FILE --keep"


@dataclass(frozen=True, slots=True)
class KeptLabels:
    """What the file says.

    Attributes:
        classes: their names.
        how: templates, mode, whether centred.
        of: image id -> place of its class.
    """

    classes: tuple[str, ...]
    how: Mapping[str, object]
    of: Mapping[int, int]

    def ids(self, label: str) -> IntArray:
        """Ascending ids of the pictures with that label, compared as `spoken` says it.

        Raises:
            KeyError: no class has that name.
        """
        wanted = {i for i, name in enumerate(self.classes) if spoken(name) == spoken(label)}
        if not wanted:
            raise KeyError(label)
        return np.array(sorted(i for i, place in self.of.items() if place in wanted), np.int64)


def write_labels(directory: Path, labels: KeptLabels, *, disk: Disk | None = None) -> None:
    """Put labels in the place of those of before; old or new, never half.

    Raises:
        StorageError: the file system refused.
    """
    fields = {
        "schema": SCHEMA,
        "classes": list(labels.classes),
        "how": dict(labels.how),
        "of": {f"{key:016x}": place for key, place in sorted(labels.of.items())},
    }
    try:
        replace_file(disk or Disk(), directory / LABELS_FILE, sealed(fields))
    except OSError as error:
        raise StorageError(
            f"{directory / LABELS_FILE} cannot be written: {error.strerror or error}"
        ) from error


def read_labels(directory: Path) -> KeptLabels | None:
    """The labels that are kept, None when there are none.

    Raises:
        IndexDamaged: the file is not what was written.
        StorageError: it cannot be read.
    """
    path = directory / LABELS_FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        fields = unsealed(path, data)
        of = {int(key, 16): int(place) for key, place in fields["of"].items()}
        classes = tuple(fields["classes"])
        if not all(isinstance(name, str) for name in classes):
            raise TypeError("a class without a name")
        return KeptLabels(classes, fields["how"], of)
    except (IndexDamaged, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise IndexDamaged(f"{path} is not what was written{AGAIN}") from error
