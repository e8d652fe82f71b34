"""`lexsearch upgrade`: moves an index of an older version to this one."""

from __future__ import annotations

import click

from lexsearch.cli.options import db_folder, db_option, json_option, print_json
from lexsearch.cli.terminal import safe


@click.command("upgrade")
@db_option
@click.option(
    "--wait",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Wait that long for another run that writes to the index.",
)
@json_option
def command(db: str | None, wait: float, as_json: bool) -> None:
    """Bring an index of an older version up to date, in place; encodes nothing.

    Its catalog is kept beside it as a backup. The change happens as a whole or not at all: an
    interrupted upgrade leaves the index as it was.

    \b
    Example:
      lexsearch upgrade --db ./photos.lxdb
    """
    from lexsearch.bundle.upgrade import upgrade

    folder = db_folder(db)
    report = upgrade(folder, wait_s=wait)
    if as_json:
        print_json({
            "schema": 1, "before": report.before, "after": report.after,
            "backup": None if report.backup is None else str(report.backup),
        })  # fmt: skip
    elif report.backup is None:
        click.echo(f"{safe(str(folder))} is up to date (step {report.after})")
    else:
        click.echo(
            f"upgraded {safe(str(folder))} from step {report.before} to {report.after}; "
            f"the catalog as it was is in {safe(report.backup.name)}"
        )
