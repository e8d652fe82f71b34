"""An index made for a measurement, and where the pictures of a table lie in it."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lexsearch.bundle.snapshot import Snapshot
from lexsearch.bundle.writer import BundleWriter
from lexsearch.engine import Engine
from lexsearch.errors import UsageError
from lexsearch.protocols import Model
from lexsearch.registry import program
from lexsearch.types import IntArray


@contextmanager
def indexed_folder(images: Path, directory: Path, model: Model) -> Iterator[Engine]:
    """An engine over a new index of every picture below a folder.

    Args:
        images: folder of the pictures.
        directory: where the index is made; it must not hold anything.
        model: makes the vectors and answers the queries.
    """
    BundleWriter.open(directory, identity=model.identity, create=True).close()
    program("indexer")(
        (images,), directory=directory, model=model, options=program("index_options")()
    )
    snapshot = Snapshot.open(directory)
    try:
        yield Engine(snapshot, model)
    finally:
        snapshot.close()


def ids_of(snapshot: Snapshot, folder: Path, files: Iterable[str]) -> dict[str, int]:
    """File name -> image id, for every file that a table names.

    folder: absolute; the names are below it.

    Raises:
        UsageError: a file is not in the index.
    """
    ids: dict[str, int] = {}
    for file in dict.fromkeys(files):
        path = os.path.normpath(folder / file)
        found = snapshot.find(os.fsencode(path))
        if found is None:
            raise UsageError(f"the captions name {file!r}, but {path} is not in the index")
        ids[file] = found
    return ids


def inside(snapshot: Snapshot, folder: Path) -> IntArray | None:
    """Ids of the pictures below the folder; None when that is all of them."""
    below = snapshot.allowed(
        after=None, before=None, path_glob=f"{glob.escape(str(folder))}/*", type_=None, camera=None
    )
    return None if len(below) == len(snapshot) else below
