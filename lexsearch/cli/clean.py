"""`lexsearch clean`: removes what can be made again, never a photo."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import click

from lexsearch.cli.options import db_folder, json_option, load_settings, print_json
from lexsearch.cli.terminal import safe, size
from lexsearch.errors import LexsearchError

# Everything we keep in the cache is named by a hash; nothing else there is ours to remove.
CACHE_NAME = re.compile(r"[0-9a-f]{16,64}(-[0-9]+)?(\.[a-z0-9]{2,5})?((\.[0-9]+-[0-9]+)?\.tmp)?")
SEGMENT_TMP = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}\.tmp")
STALE_S = 3600.0  # age from which an unfinished segment cannot belong to a running index


@click.command("clean")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option(
    "--db", metavar="NAME|DIR", help="An index in a folder of its own, besides the named ones."
)
@click.option(
    "--unfinished",
    is_flag=True,
    help="Remove too what runs with another model have begun and not finished.",
)
@json_option
def command(dry_run: bool, db: str | None, unfinished: bool, as_json: bool) -> None:
    """Remove cached thumbnails, what broken runs left, and what another model has replaced.

    Photos and indexes stay; everything removed is made again when it is needed.

    \b
    Examples:
      lexsearch clean --dry-run
      lexsearch clean --db ./photos.lxdb
    """
    settings = load_settings()
    found = [*cached(settings.cache_dir), *stale_segments(settings.data_dir, now=time.time())]
    total = sum(_size_of(path) for path in found)
    if not dry_run:
        for path in found:
            remove(path)
    for directory in _dbs(settings.data_dir, db):
        try:
            for paths in editions_of(directory, unfinished=unfinished, dry_run=dry_run):
                total += sum(size for _, size in paths)
                found += [path for path, _ in paths]
        except LexsearchError as error:
            if db is not None:
                raise
            click.echo(f"note: {safe(str(error))}", err=True)
    if as_json:
        print_json(
            {
                "schema": 1,
                "removed": [str(path) for path in found],
                "bytes": total,
                "dry_run": dry_run,
            }
        )
        return
    if dry_run:
        for path in found:
            click.echo(safe(str(path)))
    verb = "would remove" if dry_run else "removed"
    click.echo(f"{verb} {len(found):,} files and folders, {size(total)}")


def _dbs(data_dir: Path, db: str | None) -> list[Path]:
    from lexsearch.bundle.location import list_dbs

    return [*list_dbs(data_dir), *([] if db is None else [db_folder(db)])]


def editions_of(
    directory: Path, *, unfinished: bool, dry_run: bool
) -> Iterator[list[tuple[Path, int]]]:
    """Remove the editions that are not in force; gives what each was, with its bytes."""
    from lexsearch.bundle import editions
    from lexsearch.bundle.disk import Disk
    from lexsearch.bundle.format import read_format
    from lexsearch.bundle.lock import WriteLock

    read_format(directory)
    if not (editions.numbers(directory) or editions.replaced(directory)):
        return
    lock = WriteLock(directory)
    lock.acquire()
    try:
        numbers = set(editions.replaced(directory))
        if unfinished:
            numbers.update(number for number, _ in editions.unfinished(directory))
        for number in sorted(numbers):
            yield [(path, _size_of(path)) for path in editions.paths_of(directory, number)]
            if not dry_run:
                editions.remove(directory, number, disk=Disk())
    finally:
        lock.release()


def cached(cache_dir: Path) -> Iterator[Path]:
    """Files of the cache that carry a name of ours, sorted."""
    if not cache_dir.is_dir() or cache_dir.is_symlink():
        return
    for path in sorted(cache_dir.rglob("*")):
        if CACHE_NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            yield path


def stale_segments(data_dir: Path, *, now: float) -> Iterator[Path]:
    """Folders `segments/<ulid>.tmp` of the named dbs that no running index can own."""
    for path in sorted(data_dir.glob("*/segments/*.tmp")):
        ours = SEGMENT_TMP.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
        if ours and now - path.stat().st_mtime > STALE_S:
            yield path


def remove(path: Path) -> None:
    """Remove one file or folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _size_of(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(inner.stat().st_size for inner in path.rglob("*") if inner.is_file())
