"""`lexsearch explain`: which words made a photo answer a query, and where they are in it."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lexsearch.cli.options import (
    client_of,
    db_option,
    feedback_of,
    feedback_options,
    fusion_option,
    json_option,
    open_db,
    print_json,
    refuse_with_server,
    server_option,
)
from lexsearch.cli.output import say
from lexsearch.cli.search import MOVED, QueryCommand
from lexsearch.cli.shares import share_lines
from lexsearch.cli.terminal import BOLD, CYAN, bar, colour_wanted, pad, paint, safe
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexsearch.explain.terms import Contribution
    from lexsearch.explained import Explained, Explanation
    from lexsearch.types import Region

CHANNELS = ("lexical", "dense", "late")
MEANING = {"lexical": "shared words", "dense": "whole meaning", "late": "fine match"}


class ExplainCommand(QueryCommand):
    """Takes QUERY and FILE; exclusions, which were moved behind FILE, belong to QUERY."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and put FILE last again."""
        rest = super().parse_args(ctx, args)
        if moved := ctx.meta.get(MOVED, 0):
            words = [*ctx.params["query"], ctx.params["file"]]
            if len(words) == moved:
                raise click.MissingParameter(ctx=ctx, param_hint="FILE", param_type="argument")
            ctx.params["file"] = words.pop(-1 - moved)
            ctx.params["query"] = tuple(words)
        return rest


@click.command("explain", cls=ExplainCommand)
@click.argument("query", nargs=-1, required=True)
@click.argument("file", type=click.Path())
@db_option
@server_option
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
    server: str | None,
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
      lexsearch explain dog IMG_2231.jpg --server http://127.0.0.1:8080
    """
    from lexsearch.query import Query

    if words and heatmap is None and not as_json:
        raise UsageError("--word needs --heatmap FILE.png, the picture to draw it in")
    feedback = feedback_of(more)
    wanted = Query.parse(" ".join(query)).with_(feedback=feedback)
    show = partial(_show, words=words, top_words=top_words, as_json=as_json)
    if (client := client_of(server, db)) is not None:
        refuse_with_server(fusion=fusion, prf=feedback)
        served = client.explain(wanted, file, words=words)
        say(served.notes)
        show(served)
        if heatmap is not None:
            _refuse_no_folder(heatmap)
            Path(heatmap).write_bytes(client.heatmap(wanted, file, words=words))
    else:
        with open_db(db, fusion=fusion) as index:
            explanation = index.explain(wanted, file)
            check_words(explanation, words)
            show(explanation)
            if heatmap is not None:
                draw(explanation, heatmap, words)
    if heatmap is not None:
        click.echo(f"wrote {safe(heatmap)}", err=as_json)


def _show(explanation: Explained, *, words: Sequence[str], top_words: int, as_json: bool) -> None:
    if as_json:
        print_json(explanation.to_dict(words))
    else:
        click.echo("\n".join(lines(explanation, top_words, colour=colour_wanted())))


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
    _refuse_no_folder(target)
    if not words and not explanation.shown_words():
        raise UsageError("no word of the query fires on this photo; name one with --word WORD")
    return str(explanation.render(target, words=list(words) or None))


def _refuse_no_folder(target: str) -> None:
    folder = Path(target).parent
    if not folder.is_dir():
        raise UsageError(f"no such folder for the heat map: {folder}")


def lines(explanation: Explained, top_words: int, *, colour: bool) -> list[str]:
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


def fusion_lines(explanation: Explained, *, colour: bool) -> list[str]:
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
