"""`lexsearch export`: the words of an index in the formats of other search engines."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from lexsearch.cli.group import HelpfulGroup
from lexsearch.cli.options import db_option, json_option, open_db, print_json
from lexsearch.cli.terminal import safe

SCALE = 256.0  # as lexsearch.stores.impacts, which would load NumPy for a page of help


@click.group("export", cls=HelpfulGroup)
def command() -> None:
    """Write the words of an index for other search engines.

    \b
    Example:
      lexsearch export anserini ./words --topics queries.tsv
    """


@command.command("anserini")
@click.argument("folder", type=click.Path(path_type=Path))
@db_option
@click.option(
    "--topics",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Queries to write too: lines of qid TAB text.",
)
@click.option(
    "--scale",
    type=float,
    default=SCALE,
    show_default=True,
    help="Impacts per unit of weight: round(weight * scale), at least 1.",
)
@click.option(
    "--query-scale",
    type=float,
    default=SCALE,
    show_default=True,
    help="The same for the weights of queries.",
)
@json_option
def anserini(
    folder: Path,
    db: str | None,
    topics: Path | None,
    scale: float,
    query_scale: float,
    as_json: bool,
) -> None:
    """Write the words of every photo into the new FOLDER, for Anserini and Pyserini.

    FOLDER/collection is a JsonVectorCollection whose documents carry the ids of hits;
    FOLDER/topics.jsonl holds the queries, encoded, for Pyserini's LuceneImpactSearcher.

    \b
    Examples:
      lexsearch export anserini ./words
      lexsearch export anserini ./words --topics queries.tsv --json
    """
    from lexsearch.evaluation.anserini import export, read_topic_texts

    texts = None if topics is None else read_topic_texts(topics)
    with open_db(db) as index:
        made = export(index.engine, folder, texts, scale=scale, query_scale=query_scale)
    for note in made.notes:
        click.echo(f"note: {safe(note)}", err=True)
    if as_json:
        print_json({"schema": 1, **asdict(made)})
        return
    click.echo(
        f"wrote {made.images:,} photos with {made.postings:,} words"
        + (f" and {made.topics:,} queries" if texts is not None else "")
        + f" to {safe(str(folder))}"
    )
