"""`lexsearch words`: what a photo says, what a query says, what the vocabulary holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from lexsearch.cli.options import db_option, json_option, open_db, print_json
from lexsearch.cli.terminal import bar, safe, table
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from lexsearch.results import WordCount, WordWeight


@click.command("words")
@click.argument("file", required=False, type=click.Path())
@db_option
@click.option("--query", "text", metavar="TEXT", help="Words that a text stands for.")
@click.option("--complete", "prefix", metavar="PREFIX", help="Words that begin so, with counts.")
@click.option(
    "-t",
    "--top",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Number of words.",
)
@json_option
def command(
    file: str | None,
    db: str | None,
    text: str | None,
    prefix: str | None,
    top: int,
    as_json: bool,
) -> None:
    """Show the words of FILE, of a query, or of the vocabulary.

    \b
    Examples:
      lexsearch words ~/Pictures/IMG_2231.jpg
      lexsearch words --query "dog on sand"
      lexsearch words --complete umb
    """
    if sum(value is not None for value in (file, text, prefix)) != 1:
        raise UsageError("expected one of FILE, --query TEXT and --complete PREFIX")
    with open_db(db) as index:
        if prefix is not None:
            counts = index.complete(prefix, top_k=top)
            found = show_counts(counts, as_json=as_json)
        else:
            weights = (
                index.words(file, top_k=top)
                if file is not None
                else index.query_words(text or "", top_k=top)
            )
            found = show_weights(weights, as_json=as_json)
    click.get_current_context().exit(0 if found else 1)


def show_weights(words: Sequence[WordWeight], *, as_json: bool) -> bool:
    """Print words with their weights; returns whether there were any."""
    if as_json:
        print_json({"schema": 1, "words": [{"word": w.word, "weight": w.weight} for w in words]})
    else:
        top = max((w.weight for w in words), default=1.0)
        rows = [(safe(w.word), f"{w.weight:.4f}", bar(w.weight / top)) for w in words]
        _print_rows(rows)
    return bool(words)


def show_counts(words: Sequence[WordCount], *, as_json: bool) -> bool:
    """Print words with the number of photos that carry them."""
    if as_json:
        print_json({"schema": 1, "words": [{"word": w.word, "images": w.images} for w in words]})
    else:
        _print_rows([(safe(w.word), f"{w.images:,} photos") for w in words])
    return bool(words)


def _print_rows(rows: Sequence[Sequence[str]]) -> None:
    if rows:
        click.echo("\n".join(table(rows)))
    else:
        click.echo("no such word", err=True)
