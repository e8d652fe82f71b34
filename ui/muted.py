"""Words that count in no search of a db: its list against overused words, kept beside the dbs."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from lexsearch.errors import StorageError
from lexsearch.settings import Settings

SCHEMA = 1


def file_of(settings: Settings, directory: Path) -> Path:
    """Where the list of a db is kept."""
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:32]
    return settings.data_dir / "muted" / f"{name}.json"


def load(settings: Settings, directory: Path) -> tuple[str, ...]:
    """The muted words of a db, in alphabetical order.

    Raises:
        StorageError: the file is not what was written.
    """
    path = file_of(settings, directory)
    if not path.is_file():
        return ()
    try:
        return tuple(sorted(map(str, json.loads(path.read_text(encoding="utf-8"))["words"])))
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path} holds no muted words: {error}; move it away") from error


def save(settings: Settings, directory: Path, words: list[str]) -> None:
    """Replace the list of a db."""
    path = file_of(settings, directory)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".tmp")
    record = {"schema": SCHEMA, "words": sorted(set(words))}
    part.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    os.replace(part, path)  # noqa: PTH105
