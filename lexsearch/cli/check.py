"""`lexsearch check`: verifies the files of an index."""

from __future__ import annotations

import click

from lexsearch.cli.options import db_folder, db_option, json_option, print_json
from lexsearch.cli.terminal import safe
from lexsearch.errors import IndexDamaged


@click.command("check")
@db_option
@click.option("--read-data", is_flag=True, help="Read and verify every byte; otherwise headers.")
@json_option
def command(db: str | None, read_data: bool, as_json: bool) -> None:
    """Verify the files of an index; changes nothing.

    The first number printed is the count of indexed photos. Exit code 4 for damage.

    \b
    Examples:
      lexsearch check
      lexsearch check --db ./photos.lxdb --read-data
    """
    from lexsearch.bundle.check import check

    report = check(db_folder(db), read_data=read_data)
    problems = [str(problem) for problem in report.problems]
    orphans = [str(orphan) for orphan in report.orphans]
    if as_json:
        print_json(
            {
                "schema": 1,
                "images": report.images,
                "problems": problems,
                "orphans": orphans,
                "read_data": read_data,
            }
        )
        click.get_current_context().exit(IndexDamaged.exit_code if problems else 0)
    depth = "every byte read" if read_data else "headers and sizes read"
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    click.echo(f"{report.images} photos, {count} ({depth})")
    for problem in problems:
        click.echo(f"  {safe(problem)}")
    if orphans:
        click.echo(f"{len(orphans)} leftover files; the next index removes them", err=True)
    if problems:
        click.echo("mend it with: lexsearch repair", err=True)
        click.get_current_context().exit(IndexDamaged.exit_code)
