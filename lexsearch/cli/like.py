"""`lexsearch like`: photos like a given one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lexsearch.cli.options import (
    db_option,
    fusion_option,
    mode_option,
    server_option,
    top_option,
)
from lexsearch.cli.output import Shown, answer, output_options
from lexsearch.cli.search import parse_cutoff
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from lexsearch.api import LexSearch
    from lexsearch.client import Client
    from lexsearch.engine import Mode
    from lexsearch.results import SearchResults


@click.command("like")
@click.argument("file", type=click.Path())
@db_option
@server_option
@mode_option
@fusion_option
@top_option
@click.option(
    "--cutoff",
    metavar="auto|none|X",
    help="Where relevance ends. Default: auto for the table, none otherwise.",
)
@output_options
def command(
    file: str,
    db: str | None,
    server: str | None,
    mode: Mode,
    fusion: str | None,
    top: int,
    cutoff: str | None,
    **shown: Any,
) -> None:
    """Find photos like FILE, which need not be in the index.

    The picture itself is left out of the answer.

    \b
    Examples:
      lexsearch like ~/Pictures/IMG_2231.jpg
      lexsearch like ./ref.jpg --mode dense -t 50 -f
    """
    out = Shown.of(shown)
    if not Path(file).expanduser().is_file():
        raise UsageError(f"no such picture: {file}")
    limit = parse_cutoff(cutoff, out.format)

    def ask(at: LexSearch | Client, **much: Any) -> SearchResults:
        return at.like(file, mode=mode, cutoff=limit, **much)

    click.get_current_context().exit(answer(ask, out, top, db=db, server=server, fusion=fusion))
