"""Reads tables of text: lines of fields between tabs, and lists of names."""

from __future__ import annotations

from pathlib import Path

from lexsearch.errors import UsageError


def read_lines(path: Path, *, what: str) -> list[tuple[int, str]]:
    """Every line that is not blank, with its number from 1.

    what: names the file in messages, for example `captions`.

    Raises:
        UsageError: no such file, or it is not UTF-8.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"no such file of {what}: {path}") from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder; expected a file of {what}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {error}") from error
    return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def read_rows(path: Path, *, what: str, form: str) -> list[tuple[int, list[str]]]:
    """The fields of every line, stripped, with the line's number; further fields are kept.

    form: the fields that a line must have, with `<TAB>` between them.

    Raises:
        UsageError: as `read_lines`; a line with fewer fields; no line at all.
    """
    least = form.count("<TAB>") + 1
    rows: list[tuple[int, list[str]]] = []
    for number, line in read_lines(path, what=what):
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) < least:
            raise UsageError(
                f"{path}:{number} has {len(fields)} fields between tabs; expected: {form}"
            )
        rows.append((number, fields))
    if not rows:
        raise UsageError(f"{path} holds no {what}; expected lines: {form}")
    return rows


def existing_folder(path: Path) -> Path:
    """The folder.

    Raises:
        UsageError: there is none.
    """
    if not path.is_dir():
        raise UsageError(f"no such folder: {path}")
    return path
