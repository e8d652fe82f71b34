"""FORMAT.json: says that a folder is an index, and which lexsearch can read or write it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lexsearch.bundle.disk import Disk, replace_file
from lexsearch.bundle.file_bytes import damaged
from lexsearch.bundle.location import FORMAT_FILE
from lexsearch.bundle.plain import require_file
from lexsearch.errors import IndexMissing, IndexTooNew, StorageError

MAGIC = "lexsearch"
FORMAT = 1
# Abilities that a format may ask of those who read or write it.
IN_EDITIONS = "editions"  # another edition than the folder itself is in force
READ_FLAGS: frozenset[str] = frozenset({IN_EDITIONS})
WRITE_FLAGS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Format:
    """What FORMAT.json says.

    Attributes:
        uuid: of this index, 32 hex digits; segments carry it too.
        format: number of the layout.
        read_flags, write_flags: abilities that readers and writers must have.
        edition: which one is in force; see `lexsearch.bundle.editions`.
        complete: this folder is an edition beside others that could be put in force.
    """

    uuid: str
    format: int = FORMAT
    read_flags: tuple[str, ...] = ()
    write_flags: tuple[str, ...] = ()
    edition: int = 0
    complete: bool = False


def sealed(fields: Mapping[str, Any]) -> bytes:
    """The fields as JSON whose last field is the sha256 of the text of the others."""
    digest = hashlib.sha256(_text(fields)).hexdigest()
    return _text({**fields, "sha256": digest})


def unsealed(path: Path, data: bytes) -> dict[str, Any]:
    """The fields of a sealed JSON file.

    Raises:
        IndexDamaged: any byte of it differs from what was written.
    """
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(path, "it is not valid JSON") from error
    if isinstance(fields, dict):
        found = {key: value for key, value in fields.items() if key != "sha256"}
        if sealed(found) == data:
            return found
    raise damaged(path, "its sha256 is not that of its content")


def _text(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def write_format(
    directory: Path,
    *,
    uuid_hex: str | None = None,
    edition: int = 0,
    complete: bool = False,
    disk: Disk | None = None,
) -> Format:
    """Make a folder an index; without a uuid it gets a new one."""
    flags = (IN_EDITIONS,) if edition else ()
    made = Format(uuid_hex or uuid.uuid4().hex, FORMAT, flags, (), edition, complete)
    fields: dict[str, Any] = {
        "magic": MAGIC,
        "format": made.format,
        "read_flags": list(made.read_flags),
        "write_flags": list(made.write_flags),
        "uuid": made.uuid,
    }
    # Written where they say something only: an older version reads the others as ever.
    if edition:
        fields["edition"] = edition
    if complete:
        fields["complete"] = True
    replace_file(disk or Disk(), directory / FORMAT_FILE, sealed(fields))
    return made


def read_format(directory: Path, *, writing: bool = False) -> Format:
    """What FORMAT.json says, if this version can work with it.

    Raises:
        IndexMissing: the folder is no index.
        IndexTooNew: a newer lexsearch made it.
        IndexDamaged: the file is not what was written.
    """
    path = directory / FORMAT_FILE
    require_file(path)
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise IndexMissing(
            f"there is no index in {directory}; make it with: lexsearch index PATH --db {directory}"
        ) from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error
    fields = unsealed(path, data)
    if fields.get("magic") != MAGIC:
        raise damaged(path, "it is not that of lexsearch")
    try:
        found = Format(
            uuid=str(fields["uuid"]),
            format=int(fields["format"]),
            read_flags=_flags(fields["read_flags"]),
            write_flags=_flags(fields["write_flags"]),
            edition=int(fields.get("edition", 0)),
            complete=bool(fields.get("complete", False)),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise damaged(path, "a field of it is missing, or of another kind") from error
    unknown = set(found.read_flags) - READ_FLAGS
    if writing:
        unknown |= set(found.write_flags) - WRITE_FLAGS
    if found.format > FORMAT or unknown:
        needs = f"format {found.format}" + "".join(f", {flag}" for flag in sorted(unknown))
        raise too_new(directory, needs, f"format {FORMAT}")
    return found


def _flags(names: Any) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{names!r} is no list of names")
    return tuple(names)


def number_in_force(directory: Path) -> int:
    """Which edition answers; 0 where there is no index.

    Raises:
        IndexDamaged, IndexTooNew, StorageError: FORMAT.json cannot be read.
    """
    try:
        return read_format(directory).edition
    except IndexMissing:
        return 0


def too_new(directory: Path, found: str, known: str) -> IndexTooNew:
    """The error for an index of a newer version."""
    return IndexTooNew(
        f"the index in {directory} has {found}, this lexsearch knows {known}; nothing was "
        "changed; upgrade with: pip install --upgrade lexsearch"
    )
