"""`lexsearch errors`: files that could not be indexed, and why."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import click

from lexsearch.cli.options import db_folder, db_option, json_option, open_db, print_json
from lexsearch.cli.terminal import safe, table
from lexsearch.results import display_path


@click.command("errors")
@db_option
@click.option("--retry", is_flag=True, help="Let the next index try them all again.")
@json_option
def command(db: str | None, retry: bool, as_json: bool) -> None:
    """List the files that were skipped, each with its reason.

    A skipped file is tried again when its bytes change, and after --retry, here or in
    lexsearch index.

    \b
    Examples:
      lexsearch errors --db ./photos.lxdb
      lexsearch errors --retry
    """
    with open_db(db) as index:
        skipped = sorted(index.skipped(), key=lambda one: one.path)
    if retry and skipped:
        forget_contents(db_folder(db))
        click.echo("the next index tries them again", err=True)
    if as_json:
        rows = [{**path_record(one.path), "reason": one.reason} for one in skipped]
        print_json({"schema": 1, "skipped": rows})
    elif skipped:
        shown = [(safe(one.reason), safe(os.fsdecode(one.path))) for one in skipped]
        click.echo("\n".join(table(shown)))
    else:
        click.echo("no file was skipped", err=True)


def forget_contents(directory: Path) -> None:
    """Make every skipped file of an index one whose bytes nobody has seen; it stays listed.

    Raises:
        IndexLocked: another process is writing to the index.
    """
    from lexsearch.bundle.records import CommitBatch
    from lexsearch.bundle.snapshot import Snapshot
    from lexsearch.bundle.writer import BundleWriter

    snapshot = Snapshot.open(directory)
    identity = snapshot.identity
    snapshot.close()
    with BundleWriter.open(directory, identity=identity, create=False) as writer:
        skipped = [one._replace(sha256=None) for one in writer.known_skipped().values()]
        writer.commit(CommitBatch(skipped=skipped))


def path_record(path: bytes) -> dict[str, str]:
    """A path as JSON values; its exact bytes only if they are not UTF-8."""
    record = {"path": display_path(path)}
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        record["path_bytes"] = base64.b64encode(path).decode("ascii")
    return record
