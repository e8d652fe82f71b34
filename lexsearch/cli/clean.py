"""`lexsearch clean`: removes what can be made again, never a photo."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import click

from lexsearch.cli.options import json_option, load_settings, print_json
from lexsearch.cli.terminal import safe, size

# Everything we keep in the cache is named by a hash; nothing else there is ours to remove.
CACHE_NAME = re.compile(r"[0-9a-f]{16,64}(-[0-9]+)?(\.[a-z0-9]{2,5})?((\.[0-9]+-[0-9]+)?\.tmp)?")
SEGMENT_TMP = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}\.tmp")
STALE_S = 3600.0  # age from which an unfinished segment cannot belong to a running index


@click.command("clean")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
def command(dry_run: bool, as_json: bool) -> None:
    """Remove cached thumbnails and what broken runs left behind.

    Photos and indexes stay; everything removed is made again when it is needed.

    \b
    Example:
      lexsearch clean --dry-run
    """
    settings = load_settings()
    found = [*cached(settings.cache_dir), *stale_segments(settings.data_dir, now=time.time())]
    total = sum(_size_of(path) for path in found)
    if not dry_run:
        for path in found:
            remove(path)
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
