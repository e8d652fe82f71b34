"""`lexsearch check`: verifies the files of an index."""

from __future__ import annotations

import click

from lexsearch.cli.options import db_folder, db_option, json_option, print_json
from lexsearch.cli.terminal import safe
from lexsearch.errors import IndexDamaged


@click.command("check")
@db_option
@click.option(
    "--read-data",
    "amount",
    metavar="[=10%|2/5|5G]",
    is_flag=False,
    flag_value="all",
    help="Read and verify every byte, or of that much; otherwise headers.",
)
@json_option
def command(db: str | None, amount: str | None, as_json: bool) -> None:
    """Verify the files of an index; changes nothing.

    The first number printed is the count of indexed photos. Exit code 4 for damage. The data
    of a large index can be read in pieces: a share of it at random, the n-th of t parts, or an
    amount; the catalog is always read whole.

    \b
    Examples:
      lexsearch check
      lexsearch check --db ./photos.lxdb --read-data
      lexsearch check --read-data=1/7
    """
    from lexsearch.bundle.check import check
    from lexsearch.bundle.sample import Sample

    sample = None if amount is None else Sample.parse(amount)
    report = check(db_folder(db), read_data=sample is not None, sample=sample)
    problems = [str(problem) for problem in report.problems]
    orphans = [str(orphan) for orphan in report.orphans]
    if as_json:
        print_json(
            {
                "schema": 1,
                "images": report.images,
                "problems": problems,
                "orphans": orphans,
                "read_data": amount is not None,
                "sample": amount,
            }
        )
        click.get_current_context().exit(IndexDamaged.exit_code if problems else 0)
    depth = {None: "headers and sizes read", "all": "every byte read"}.get(
        amount, f"{amount} of the data read"
    )
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    click.echo(f"{report.images} photos, {count} ({depth})")
    for problem in problems:
        click.echo(f"  {safe(problem)}")
    if orphans:
        click.echo(f"{len(orphans)} leftover files; the next index removes them", err=True)
    if problems:
        click.echo("mend it with: lexsearch repair", err=True)
        click.get_current_context().exit(IndexDamaged.exit_code)
