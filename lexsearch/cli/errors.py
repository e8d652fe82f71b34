"""`lexsearch errors`: files that could not be indexed, and why."""

from __future__ import annotations

import base64
import os

import click

from lexsearch.cli.options import db_option, json_option, open_db, print_json
from lexsearch.cli.terminal import safe, table
from lexsearch.results import display_path


@click.command("errors")
@db_option
@json_option
def command(db: str | None, as_json: bool) -> None:
    """List the files that were skipped, each with its reason.

    A skipped file is tried again when its bytes change, or with: lexsearch index --force

    \b
    Example:
      lexsearch errors --db ./photos.lxdb
    """
    with open_db(db) as index:
        skipped = sorted(index.skipped(), key=lambda one: one.path)
    if as_json:
        rows = [{**path_record(one.path), "reason": one.reason} for one in skipped]
        print_json({"schema": 1, "skipped": rows})
    elif skipped:
        shown = [(safe(one.reason), safe(os.fsdecode(one.path))) for one in skipped]
        click.echo("\n".join(table(shown)))
    else:
        click.echo("no file was skipped", err=True)


def path_record(path: bytes) -> dict[str, str]:
    """A path as JSON values; its exact bytes only if they are not UTF-8."""
    record = {"path": display_path(path)}
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        record["path_bytes"] = base64.b64encode(path).decode("ascii")
    return record
