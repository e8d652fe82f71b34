"""`lexsearch dups`: photos that are equal, or nearly so."""

from __future__ import annotations

from collections.abc import Sequence

import click

from lexsearch.cli.options import db_option, json_option, open_db, print_json
from lexsearch.cli.terminal import safe


@click.command("dups")
@db_option
@click.option(
    "--threshold",
    type=click.IntRange(0, 32),
    default=4,
    show_default=True,
    help="Bits of 64 in which the hashes of two nearly equal photos may differ.",
)
@json_option
def command(db: str | None, threshold: int, as_json: bool) -> None:
    """List photos that are the same file twice, or nearly the same picture.

    Nothing is deleted. Exit code 1 when there is none.

    \b
    Examples:
      lexsearch dups
      lexsearch dups --threshold 8 --json
    """
    with open_db(db) as index:
        exact = index.duplicates()
        near = index.near_duplicates(threshold)
    if as_json:
        print_json({"schema": 1, "exact": exact, "near": near, "threshold": threshold})
    else:
        _print_groups("the same bytes", exact)
        _print_groups(f"nearly the same picture (up to {threshold} of 64 bits differ)", near)
        if not exact and not near:
            click.echo("no duplicates", err=True)
    click.get_current_context().exit(0 if exact or near else 1)


def _print_groups(title: str, groups: Sequence[Sequence[str]]) -> None:
    if not groups:
        return
    click.echo(f"{len(groups)} groups of {title}")
    for group in groups:
        click.echo("\n".join(f"  {safe(path)}" for path in group) + "\n")
