"""`lexsearch like`: photos like a given one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lexsearch.cli.options import (
    client_of,
    db_option,
    fusion_option,
    mode_option,
    open_db,
    refuse_with_server,
    server_option,
    top_option,
)
from lexsearch.cli.output import Shown, output_options, present
from lexsearch.cli.search import parse_cutoff
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from lexsearch.engine import Mode


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
    if (client := client_of(server, db)) is not None:
        refuse_with_server(fusion=fusion)
        results = client.like(
            file,
            top_k=top,
            mode=mode,
            cutoff=limit,
            every_word=out.explain,
            group_duplicates=out.group,
        )
        click.get_current_context().exit(present(None, results, out, top))
    with open_db(db, fusion=fusion) as index:
        results = index.like(
            file, top_k=out.depth(top), mode=mode, cutoff=limit, every_word=out.explain
        )
        code = present(index, results, out, top)
    click.get_current_context().exit(code)
