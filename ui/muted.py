"""Words that count in no search of a db: its list against overused words, kept beside the dbs."""

from __future__ import annotations

import json
from pathlib import Path

from lexsearch.errors import StorageError
from lexsearch.settings import Settings
from ui import kept

SCHEMA = 1


def file_of(settings: Settings, directory: Path) -> Path:
    """Where the list of a db is kept."""
    return kept.file_of(settings.data_dir / "muted", directory)


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
    record = {"schema": SCHEMA, "words": sorted(set(words))}
    kept.replace_file(file_of(settings, directory), json.dumps(record, ensure_ascii=False))
