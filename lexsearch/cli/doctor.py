"""`lexsearch doctor`: what is installed, what is missing, what is ill."""

from __future__ import annotations

import locale
import os
import platform
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Literal, TypeAlias

import click

from lexsearch.cli.options import json_option, load_settings, print_json
from lexsearch.cli.terminal import BOLD, DIM, colour_wanted, paint, safe, size, table
from lexsearch.errors import LexsearchError

Level: TypeAlias = Literal["ok", "note", "warn", "bad"]
RED, YELLOW = "\x1b[31m", "\x1b[33m"
PAINT = {"ok": DIM, "note": DIM, "warn": YELLOW, "bad": RED}
PYTHON_FLOOR = (3, 11)
SQLITE_FLOOR = (3, 51, 3)  # the first without the WAL-reset bug (sqlite.org/changes.html)
FREE_FLOOR_BYTES = 1e9
NAME = re.compile(r"[A-Za-z0-9._-]+")
RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
OPTIONAL = {
    "faiss-cpu": "cpu",
    "pillow-heif": "heic",
    "rawpy": "raw",
    "streamlit": "ui",
    "torch": "train",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    level: Level
    subject: str
    text: str


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Say what is installed and whether it is healthy; changes nothing.

    Exit code 4 for a damaged index, 6 for a missing model or package, else 0.

    \b
    Example:
      lexsearch doctor
    """
    findings: list[Finding] = []
    codes: list[int] = []
    for examine in (python, packages, sqlite, model, disk, encoding, dbs):
        try:
            findings.extend(examine())
        except LexsearchError as error:
            findings.append(Finding("bad", examine.__name__, str(error)))
            codes.append(error.exit_code)
    if any(f.level == "bad" and f.subject in ("package", "model") for f in findings):
        codes.append(6)
    if any(f.level == "bad" and f.subject == "db" for f in findings):
        codes.append(4)
    if as_json:
        print_json({"schema": 1, "findings": [asdict(finding) for finding in findings]})
    else:
        click.echo("\n".join(lines(findings, colour=colour_wanted())))
    click.get_current_context().exit(min(codes, default=0))


def lines(findings: list[Finding], *, colour: bool) -> list[str]:
    """The report for people, and its sum."""
    rows = [(f.level, f.subject, safe(f.text)) for f in findings]
    out = [
        paint(line, PAINT[row[0]], colour=colour)
        for row, line in zip(rows, table(rows), strict=True)
    ]
    bad = sum(f.level == "bad" for f in findings)
    warnings = sum(f.level == "warn" for f in findings)
    verdict = f"{bad} problems, {warnings} warnings" if bad or warnings else "all is well"
    return [*out, paint(verdict, BOLD, colour=colour)]


def python() -> Iterator[Finding]:
    """The interpreter and the machine."""
    level: Level = "ok" if sys.version_info >= PYTHON_FLOOR else "bad"
    where = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    yield Finding(level, "python", f"{platform.python_version()} on {where}")


def version_of(package: str) -> str | None:
    """The installed version of a package; imports nothing."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def needed() -> list[str]:
    """Names of the base dependencies, as the installed package states them."""
    try:
        stated = metadata.requires("lexsearch") or []
    except metadata.PackageNotFoundError:
        return []
    plain = [line for line in stated if "extra ==" not in line]
    return [match[0] for line in plain if (match := NAME.match(line))]


def packages() -> Iterator[Finding]:
    """Versions of what is needed, and what the extras would bring."""
    found = {name: version_of(name) for name in needed()}
    present = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    yield Finding("ok" if found else "note", "packages", present or "lexsearch is not installed")
    for name, version in found.items():
        if version is None:
            yield Finding("bad", "package", f"{name} is missing; pip install {name}")
    runtimes = [f"{name} {version}" for name in RUNTIMES if (version := version_of(name))]
    if runtimes:
        yield Finding("ok", "runtime", ", ".join(runtimes))
    else:
        yield Finding("bad", "package", "onnxruntime is missing; pip install 'lexsearch[cpu]'")
    for name, extra in OPTIONAL.items():
        version = version_of(name)
        text = f"{name} {version}" if version else f"no {name}; pip install 'lexsearch[{extra}]'"
        yield Finding("ok" if version else "note", "extra", text)


def sqlite() -> Iterator[Finding]:
    """The SQLite that this Python links."""
    version = sqlite3.sqlite_version_info
    if version >= SQLITE_FLOOR:
        yield Finding("ok", "sqlite", sqlite3.sqlite_version)
        return
    yield Finding(
        "warn",
        "sqlite",
        f"{sqlite3.sqlite_version} has the WAL-reset bug, fixed in 3.51.3; lexsearch keeps to one "
        "writing connection, with which it does not occur",
    )


def model() -> Iterator[Finding]:
    """The model of the settings: there, complete, unchanged."""
    from lexsearch.models.files import bundled, verify
    from lexsearch.models.published import BUNDLED

    name = load_settings().model
    if name not in BUNDLED:
        yield Finding("note", "model", f"{name}; check its files with: lexsearch models verify")
        return
    files = bundled(name)
    problems = verify(files)
    for problem in problems:
        yield Finding("bad", "model", problem)
    if not problems:
        count = len(files.manifest["files"])
        yield Finding("ok", "model", f"{files.folder.name}: {count} files verified")


def disk() -> Iterator[Finding]:
    """Room where indexes and caches are kept."""
    settings = load_settings()
    for subject, folder in (("data", settings.data_dir), ("cache", settings.cache_dir)):
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        free = shutil.disk_usage(there).free
        level: Level = "ok" if free > FREE_FLOOR_BYTES else "warn"
        if not os.access(there, os.W_OK):
            yield Finding("warn", subject, f"{folder} cannot be written to")
        else:
            yield Finding(level, subject, f"{folder} ({size(free)} free)")


def encoding() -> Iterator[Finding]:
    """How file names and output are encoded."""
    names, text = sys.getfilesystemencoding(), locale.getpreferredencoding(do_setlocale=False)
    utf8 = names.lower().replace("-", "") == "utf8"
    level: Level = "ok" if utf8 else "warn"
    language = os.environ.get("LC_ALL") or os.environ.get("LANG") or "not set"
    yield Finding(level, "locale", f"file names {names}, text {text}, LANG {language}")


def dbs() -> Iterator[Finding]:
    """Every named db, by a quick check."""
    from lexsearch.bundle.check import check
    from lexsearch.bundle.location import list_dbs

    found = list_dbs(load_settings().data_dir)
    if not found:
        yield Finding("note", "db", "no index yet; make one with: lexsearch index ~/Pictures")
    for directory in found:
        try:
            report = check(directory)
        except LexsearchError as error:
            yield Finding("bad", "db", f"{directory}: {error}")
            continue
        if report.problems:
            first = report.problems[0]
            yield Finding("bad", "db", f"{directory}: {first}; see: lexsearch check")
        else:
            yield Finding("ok", "db", f"{directory}: {report.images:,} photos")
