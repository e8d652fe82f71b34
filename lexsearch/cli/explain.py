"""`lexsearch explain`: which words made a photo answer a query, and where they are in it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lexsearch.cli.options import (
    db_option,
    feedback_of,
    feedback_options,
    fusion_option,
    json_option,
    open_db,
    print_json,
)
from lexsearch.cli.search import QueryCommand
from lexsearch.cli.shares import share_lines
from lexsearch.cli.terminal import BOLD, CYAN, bar, colour_wanted, pad, paint, safe
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexsearch.explain.terms import Contribution
    from lexsearch.results import Explanation
    from lexsearch.types import Region

CHANNELS = ("lexical", "dense", "late")
MEANING = {"lexical": "shared words", "dense": "whole meaning", "late": "fine match"}


@click.command("explain", cls=QueryCommand)
@click.argument("query", nargs=-1, required=True)
@click.argument("file", type=click.Path())
@db_option
@fusion_option
@feedback_options
@click.option(
    "--top-words",
    type=click.IntRange(min=1),
    default=15,
    show_default=True,
    help="Words to list; the rest is summed in one line.",
)
@click.option(
    "--heatmap",
    metavar="PNG",
    type=click.Path(dir_okay=False),
    help="Write a picture that shows where the words are.",
)
@click.option(
    "--word",
    "words",
    multiple=True,
    metavar="WORD",
    help="Word to show in the heat map. Repeatable. Default: the three heaviest.",
)
@json_option
def command(
    query: tuple[str, ...],
    file: str,
    db: str | None,
    fusion: str | None,
    top_words: int,
    heatmap: str | None,
    words: tuple[str, ...],
    as_json: bool,
    **more: Any,
) -> None:
    """Say why FILE, a photo of the index, answers QUERY.

    Lists the words that query and photo share; their contributions add up to the lexical
    score. Then the arithmetic that joins the channels into one score.

    \b
    Examples:
      lexsearch explain "dog on sand" ~/Pictures/IMG_2231.jpg
      lexsearch explain dog IMG_2231.jpg --heatmap why.png --word dog --word beach
    """
    from lexsearch.query import Query

    if words and heatmap is None and not as_json:
        raise UsageError("--word needs --heatmap FILE.png, the picture to draw it in")
    with open_db(db, fusion=fusion) as index:
        wanted = Query.parse(" ".join(query)).with_(feedback=feedback_of(more))
        explanation = index.explain(wanted, file)
        check_words(explanation, words)
        if as_json:
            record = explanation.to_dict()
            if words:
                record["maps"] = {word: explanation.heatmap(word).tolist() for word in words}
            print_json(record)
        else:
            click.echo("\n".join(lines(explanation, top_words, colour=colour_wanted())))
        if heatmap is not None:
            drawn = draw(explanation, heatmap, words)
            click.echo(f"wrote {safe(drawn)}", err=as_json)


def check_words(explanation: Explanation, words: Sequence[str]) -> None:
    """Raises UsageError for a word that has no heat map."""
    for word in words:
        if explanation.vocabulary.lookup(word) is None:
            raise UsageError(
                f"--word got {word!r}, which is not in the vocabulary; "
                f"see words with: lexsearch words --complete {word[:2]}"
            )


def draw(explanation: Explanation, target: str, words: Sequence[str]) -> str:
    """Write the heat map; returns its path."""
    folder = Path(target).parent
    if not folder.is_dir():
        raise UsageError(f"no such folder for the heat map: {folder}")
    if not words and not explanation.shown_words():
        raise UsageError("no word of the query fires on this photo; name one with --word WORD")
    return str(explanation.render(target, words=list(words) or None))


def lines(explanation: Explanation, top_words: int, *, colour: bool) -> list[str]:
    """The explanation for people."""
    title = f"{safe(explanation.path)}  for  {safe(explanation.query)}"
    return [
        paint(title, BOLD, colour=colour),
        "",
        *word_lines(explanation.terms, top_words, explanation.lexical, colour=colour),
        "",
        *fusion_lines(explanation, colour=colour),
        *seen_lines(explanation.region),
    ]


def seen_lines(region: Region) -> list[str]:
    """What the model did not see of the photo, if anything."""
    left, top, right, bottom = region
    if (right - left) * (bottom - top) > 0.995:
        return []
    side, part = (
        ("width", right - left) if right - left < bottom - top else ("height", bottom - top)
    )
    return [
        "",
        f"the model saw the middle {part:.0%} of the photo's {side}; nothing outside counts",
    ]


def word_lines(
    terms: Sequence[Contribution], top_words: int, lexical: float | None, *, colour: bool
) -> list[str]:
    """One line per word, the rest in one, and the sum."""
    if lexical is None:
        return ["words: the query has no word side"]
    if not terms:
        return ["words: none of the query's words fires on this photo", "sum = 0.0000"]
    shown, rest = terms[:top_words], terms[top_words:]
    width = max(len("word"), *(len(safe(term.word)) for term in shown), len(_rest(rest)))
    top = max(abs(term.contribution) for term in terms) or 1.0
    out = [f"  {pad('word', width)}    query  x  photo  =  share"]
    for term in shown:
        filled = paint(bar(term.contribution / top), CYAN, colour=colour)
        out.append(
            f"  {pad(safe(term.word), width)}  {term.query:7.4f}  x {term.image:6.4f}"
            f"  = {term.contribution:8.5f}  {filled}".rstrip()
        )
    if rest:
        share = math.fsum(term.contribution for term in rest)
        out.append(f"  {pad(_rest(rest), width)}  {'':19}= {share:8.5f}")
    total = math.fsum(term.contribution for term in terms)
    out.append(f"  {pad('sum', width)}  {'':19}= {total:8.5f}  = the lexical score {lexical:.5f}")
    return out


def _rest(rest: Sequence[Contribution]) -> str:
    return f"{len(rest)} more words" if rest else ""


def fusion_lines(explanation: Explanation, *, colour: bool) -> list[str]:
    """What every channel adds to the fused score, and their sum."""
    if explanation.fusion != "model":
        body = share_lines(explanation.shares, explanation.fused, fusion=explanation.fusion)
        place = f"ranks and scales are those among the {explanation.candidates:,} candidates"
        return [*body[:-1], paint(body[-1], BOLD, colour=colour), f"  ({place})"]
    scores = {
        "lexical": explanation.lexical,
        "dense": explanation.dense,
        "late": explanation.late,
    }
    out = [f"  {'channel':25}    score  x weight  =  share"]
    for name in CHANNELS:
        score, weight = scores[name], explanation.weights.get(name)
        label = f"{name} ({MEANING[name]})"
        if score is None or weight is None:
            out.append(f"  {label:25}        -")
            continue
        out.append(f"  {label:25}  {score:7.4f}  x {weight:6.4f}  = {score * weight:7.4f}")
    out.append(f"  {'fused':25}  {'':19}= {explanation.fused:7.4f}")
    return [paint(line, BOLD, colour=colour and line is out[-1]) for line in out]
