"""Small files beside the dbs: named by the db they belong to, replaced as a whole."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def file_of(folder: Path, directory: Path) -> Path:
    """The file in a folder that belongs to the db in a directory; it need not exist."""
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:32]
    return folder / f"{name}.json"


def replace_file(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part.

    Raises:
        OSError: it cannot be written; the old one stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.tmp")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)  # noqa: PTH105
