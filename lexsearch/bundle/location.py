"""Where an index lives: a name in the data folder, or a folder anywhere."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_dir

from lexsearch.errors import UsageError

DEFAULT_NAME = "default"
FORMAT_FILE = "FORMAT.json"
EDITIONS = "editions"


def default_data_dir() -> Path:
    """The folder of the named indexes on a machine that nobody has configured."""
    return Path(user_data_dir("lexsearch", appauthor=False))


def db_directory(
    name_or_dir: str | os.PathLike[str] | None = None, *, data_dir: Path | None = None
) -> Path:
    """The folder that `--db` stands for; it need not exist.

    A value with a path separator or a leading dot is a folder, relative to the working folder;
    anything else is a name in the data folder; None is the name `default`.

    Raises:
        UsageError: the name is empty or holds a NUL.
    """
    if isinstance(name_or_dir, os.PathLike):
        return Path(name_or_dir).expanduser().absolute()
    name = DEFAULT_NAME if name_or_dir is None else name_or_dir
    if not name or "\0" in name:
        raise UsageError(f"{name!r} names no index; give a name such as 'photos' or a folder")
    if is_folder(name):
        return Path(os.path.normpath(Path(name).expanduser().absolute()))
    return (data_dir or default_data_dir()) / name


def is_folder(name: str) -> bool:
    """Whether a value of `--db` is a folder rather than a name."""
    separators = {"/", os.sep, os.altsep or os.sep}
    return name.startswith((".", "~")) or any(separator in name for separator in separators)


def edition_folder(directory: Path, number: int) -> Path:
    """Where an edition of an index lies, or would; number 0 is the folder itself."""
    return directory / EDITIONS / f"{number:04d}" if number else directory


def list_dbs(data_dir: Path | None = None) -> list[Path]:
    """Folders of the named indexes, sorted by name."""
    place = data_dir or default_data_dir()
    if not place.is_dir():
        return []
    return sorted(path for path in place.iterdir() if (path / FORMAT_FILE).is_file())
