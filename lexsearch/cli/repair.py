"""`lexsearch repair`: mends an index from what still verifies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lexsearch.cli.options import agreed, db_folder, db_option, json_option, print_json
from lexsearch.cli.terminal import safe
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from lexsearch.bundle.repair import RepairReport


@click.command("repair")
@db_option
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def command(db: str | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Mend a damaged index; encodes nothing and deletes nothing.

    What does not verify is set aside; the next `lexsearch index` encodes just those photos
    again. Shows first what it would do.

    \b
    Examples:
      lexsearch repair --dry-run
      lexsearch repair --db ./photos.lxdb --yes
    """
    from lexsearch.bundle.repair import repair

    folder = db_folder(db)
    report = repair(folder, dry_run=True)
    if report.actions and not dry_run:
        if not yes:
            show(report, err=True)
            if not agreed("do this?"):
                raise UsageError(f"{folder} was left as it is")
        report = repair(folder)
    if as_json:
        print_json({
            "schema": 1, "images": report.images, "forgotten": report.forgotten,
            "problems": list(report.problems), "actions": list(report.actions),
            "dry_run": report.dry_run,
        })  # fmt: skip
    else:
        show(report, err=False)


def show(report: RepairReport, *, err: bool) -> None:
    """Print what was found and what is done about it."""
    for problem in report.problems:
        click.echo(f"found: {safe(problem)}", err=err)
    for action in report.actions:
        click.echo(f"{'would' if report.dry_run else 'done'}: {safe(action)}", err=err)
    if not report.actions:
        click.echo(f"{report.images:,} photos, nothing to mend", err=err)
        return
    if report.dry_run:
        click.echo(
            f"{report.forgotten:,} photos would have to be encoded again by the next: "
            "lexsearch index",
            err=err,
        )
    else:
        click.echo(
            f"{report.images:,} photos are in the index; {report.forgotten:,} were forgotten and "
            "are encoded again by the next: lexsearch index",
            err=err,
        )
