"""`lexsearch search`: words, pictures and conditions in, photos with reasons out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lexsearch.cli.options import (
    db_option,
    feedback_of,
    feedback_options,
    fusion_option,
    mode_option,
    server_option,
    top_option,
)
from lexsearch.cli.output import Shown, answer, output_options
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from lexsearch.api import LexSearch
    from lexsearch.client import Client
    from lexsearch.engine import Mode
    from lexsearch.query import Query
    from lexsearch.results import SearchResults

MOVED = "lexsearch.exclusions"  # how many of the last words of a command were moved there
EXCLUSION = re.compile(r"-[^\W\d_][\w']*[^\W\d_][\w'-]*")  # -people, but not -t, -t5 or -f0


class QueryCommand(click.Command):
    """A command whose words may carry a minus: `dog -people` needs no quotes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, with exclusions moved behind `--`, where no word is an option."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        end = args.index("--") if "--" in args else len(args)
        takes_value = {
            name
            for option in self.get_params(ctx)
            if isinstance(option, click.Option) and not option.is_flag and not option.count
            for name in option.opts
        }
        kept: list[str] = []
        moved: list[str] = []
        for i, word in enumerate(args[:end]):
            is_value = i > 0 and args[i - 1] in takes_value
            (moved if EXCLUSION.fullmatch(word) and not is_value else kept).append(word)
        ctx.meta[MOVED] = len(moved)
        tail = [*args[end + 1 :], *moved]
        return super().parse_args(ctx, [*kept, "--", *tail] if tail else kept)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the command line says the query is made of."""

    words: tuple[str, ...]
    images: tuple[str, ...]
    add: tuple[str, ...]
    subtract: tuple[str, ...]
    must: tuple[str, ...]
    exclude: tuple[str, ...]
    weights: tuple[str, ...]
    filters: str | None


def make_query(parts: Parts) -> Query:
    """The query that the parts stand for.

    Raises:
        UsageError: nothing to search for, no such picture, a weight or filter that is none.
    """
    from lexsearch.query import Filter, Query

    query = Query.parse(" ".join(parts.words))
    for image in parts.images:
        if not Path(image).expanduser().is_file():
            raise UsageError(f"no such picture: {image}")
        query = query + Query.image(image)
    for text in parts.add:
        query = query + Query.parse(text)
    for text in parts.subtract:
        query = query - Query.parse(text)
    weights = dict(parse_weight(text) for text in parts.weights)
    if not query.parts and (weights or parts.must):
        query = query + Query.words(weights or dict.fromkeys(parts.must, 1.0))
        weights = {}
    return query.with_(
        must=parts.must,
        exclude=parts.exclude,
        weights=weights,
        filters=Filter.parse(parts.filters) if parts.filters else None,
    )


def parse_weight(text: str) -> tuple[str, float]:
    """`dog=2` as a pair.

    >>> parse_weight("dog=2")
    ('dog', 2.0)
    """
    word, sign, number = text.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if not sign or not word or not abs(value) < float("inf"):
        raise UsageError(f"--weight got {text!r}; expected WORD=NUMBER, such as dog=2")
    return word, value


def parse_cutoff(text: str | None, format_: str) -> str | float:
    """`auto`, `none` or a score; when not given, `auto` for the table only."""
    if text is None:
        return "auto" if format_ == "table" else "none"
    if text in ("auto", "none"):
        return text
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value != value:  # NaN: neither a number nor a word we know
        raise UsageError(f"--cutoff got {text!r}; expected auto, none or a score")
    return value


def parse_rerank(text: str | None) -> int | None:
    """`off` as 0 (late interaction scores nothing), N as a number, None as everything."""
    if text is None:
        return None
    if text == "off":
        return 0
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"--rerank got {text!r}; expected a number of photos, or off")
    return int(text)


@click.command("search", cls=QueryCommand)
@click.argument("query", nargs=-1)
@db_option
@server_option
@mode_option
@fusion_option
@top_option
@click.option(
    "-i",
    "--image",
    "images",
    multiple=True,
    metavar="FILE",
    type=click.Path(),
    help="Add a picture to the query. Repeatable.",
)
@click.option("-a", "--add", multiple=True, metavar="Q", help="Add another query. Repeatable.")
@click.option("-s", "--subtract", multiple=True, metavar="Q", help="Subtract another query.")
@click.option("--must", multiple=True, metavar="WORD", help="Only photos that carry WORD.")
@click.option(
    "--not",
    "exclude",
    multiple=True,
    metavar="WORD",
    help="No photo that carries WORD; the same as -WORD in the query.",
)
@click.option(
    "--weight",
    "weights",
    multiple=True,
    metavar="WORD=W",
    help="Multiply the weight of a word; 0 drops it.",
)
@click.option(
    "--filter",
    "filters",
    metavar="F",
    help="Conditions: 'after:2024 before:2025-06 camera:fuji path:*/sea/* type:png "
    "near:48.2,16.37,5km box:48,16,48.5,17'.",
)
@click.option(
    "--cutoff",
    metavar="auto|none|X",
    help="Where relevance ends. Default: auto for the table, none otherwise.",
)
@click.option(
    "--rerank", metavar="N|off", help="Fine match of the best N candidates only. Default: of all."
)
@feedback_options
@output_options
def command(
    query: tuple[str, ...],
    db: str | None,
    server: str | None,
    mode: Mode,
    fusion: str | None,
    top: int,
    images: tuple[str, ...],
    add: tuple[str, ...],
    subtract: tuple[str, ...],
    must: tuple[str, ...],
    exclude: tuple[str, ...],
    weights: tuple[str, ...],
    filters: str | None,
    cutoff: str | None,
    rerank: str | None,
    **shown: Any,
) -> None:
    """Find photos by words, pictures, or both.

    QUERY may hold -word (never show it), "a phrase", 2:word (twice the weight),
    ./picture.jpg, conditions such as after:2024, and sums with + and -.

    \b
    Examples:
      lexsearch search "dog on sand -people after:2024" -t 3
      lexsearch search beach -i ./ref.jpg --must dog --format json
      lexsearch search "red car" -0 | xargs -0 ls -l
    """
    feedback = feedback_of(shown)
    out = Shown.of(shown)
    parts = Parts(query, images, add, subtract, must, exclude, weights, filters)
    if not any((" ".join(query).strip(), images, add, subtract, must, weights)):
        raise UsageError("the query is empty; give words, a picture (-i FILE) or --weight WORD=W")
    wanted = make_query(parts).with_(feedback=feedback)
    limit = parse_cutoff(cutoff, out.format)
    depth = parse_rerank(rerank)

    def ask(at: LexSearch | Client, **much: Any) -> SearchResults:
        return at.search(wanted, mode=mode, cutoff=limit, rerank=depth, **much)

    code = answer(ask, out, top, db=db, server=server, fusion=fusion, prf=feedback)
    click.get_current_context().exit(code)
