"""Writes search results: one function per format."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from lexsearch.cli.options import dump_json
from lexsearch.cli.shares import share_lines
from lexsearch.cli.terminal import DIM, colour_wanted, pad, paint, safe

if TYPE_CHECKING:
    from lexsearch.results import SearchHit, SearchResults

REASONS = 3
LEAST_SHARE = 0.01  # of the strongest word; less is no reason
CHANNELS = ("lexical", "dense", "late", "fused")
FIELDS = ("rank", "score", "path", "id", *CHANNELS, "taken", "why")


def write(
    results: SearchResults, format_: str, *, nul: bool = False, explain: bool = False
) -> None:
    """Write results to stdout in one of FORMATS."""
    if format_ == "paths":
        write_paths(results, nul=nul)
    elif format_ == "table":
        write_table(results, explain=explain)
    else:
        click.echo(_TEXT[format_](results), nl=False)


def reasons(hit: SearchHit, count: int = REASONS) -> str:
    """The words that speak for a hit, in two digits that count: `dog 1.9 · sand 0.0031`."""
    least = LEAST_SHARE * max((term.contribution for term in hit.terms), default=0.0)
    speaking = [term for term in hit.terms if term.contribution > max(0.0, least)]
    return " · ".join(
        f"{safe(term.word)} {float(f'{term.contribution:.2g}'):.7g}" for term in speaking[:count]
    )


def write_paths(results: SearchResults, *, nul: bool) -> None:
    """Raw bytes of every path; escaped only where a person reads them."""
    if sys.stdout.isatty() and not nul:
        for hit in results:
            click.echo(safe(os.fsdecode(hit.raw_path)))
        return
    end = b"\0" if nul else b"\n"
    click.echo(b"".join(hit.raw_path + end for hit in results), nl=False)


def write_table(results: SearchResults, *, explain: bool) -> None:
    """Score, reasons and path; what lies under the cut-off in grey, and counted."""
    colour = colour_wanted()
    if not len(results):
        click.echo("nothing found", err=True)
        return
    rows = [(f"{hit.score:.3f}", reasons(hit) or "(no word fires)", hit) for hit in results]
    width = max(len("why"), *(len(why) for _, why, _ in rows))
    if sys.stdout.isatty():
        width = min(width, max(20, shutil.get_terminal_size().columns // 2))
    score_width = max(len("score"), *(len(score) for score, _, _ in rows))
    click.echo(f"{pad('score', score_width)}  {pad('why', width)}  path")
    for score, why, hit in rows:
        path = safe(os.fsdecode(hit.raw_path))
        line = f"{score.rjust(score_width)}  {pad(why[:width], width)}  {path}"
        if hit.also:
            line += f"  (+{len(hit.also)} equal)"
        click.echo(paint(line, DIM, colour=colour and hit.below_cutoff))
        if explain:
            click.echo(explained(hit, fusion=results.fusion), nl=False)
    if results.hidden:
        click.echo(_tail(results, colour=colour))


def _tail(results: SearchResults, *, colour: bool) -> str:
    count = results.hidden
    which = "in grey " if colour else ""
    lie = "one lies" if count == 1 else f"{count} lie"
    limit = f"under the cut-off ({results.cutoff:.3f})"
    text = (
        f"… the last {lie} {which}{limit}"
        if count < len(results)
        else f"… all {count} lie {limit}: nearest, not found"
    )
    return paint(f"{text}; --cutoff none takes them as they are", DIM, colour=colour)


def explained(hit: SearchHit, *, fusion: str = "model") -> str:
    """Indented lines: every score, how they were joined, and every word with its product."""
    known = [f"{name} {hit.scores[name]:.4f}" for name in CHANNELS if _known(hit, name)]
    lines = [f"       scores  {'  '.join(known)}"]
    if hit.shares and hit.scores["fused"] is not None:
        shown = share_lines(hit.shares, hit.scores["fused"], fusion=fusion)
        lines += [f"     {line}" for line in shown]
    lines += [
        f"       {pad(safe(term.word), 20)} {term.query:7.4f} x {term.image:6.4f}"
        f" = {term.contribution:8.5f}"
        for term in hit.terms
    ]
    return "".join(f"{line}\n" for line in lines)


def _known(hit: SearchHit, channel: str) -> bool:
    return hit.scores.get(channel) is not None


def _json(results: SearchResults) -> str:
    return dump_json(results.to_dict()) + "\n"


def _json_lines(results: SearchResults) -> str:
    return "".join(dump_json({**hit.to_dict(), "schema": 1}) + "\n" for hit in results)


def record(hit: SearchHit) -> list[str]:
    """One line of csv and tsv, in the order of FIELDS."""
    numbers = [hit.scores.get(name) for name in CHANNELS]
    return [
        str(hit.rank),
        f"{hit.score:.6f}",
        hit.path,
        hit.id,
        *("" if number is None else f"{number:.6f}" for number in numbers),
        str(hit.meta.get("taken") or ""),
        reasons(hit, len(hit.terms)),
    ]


def _csv(results: SearchResults) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    shown = safe if sys.stdout.isatty() else str  # programs get the names as they are
    writer.writerows([shown(cell) for cell in record(hit)] for hit in results)
    return text.getvalue()


def _tsv(results: SearchResults) -> str:
    lines = ["\t".join(FIELDS)]
    lines += ["\t".join(safe(cell) for cell in record(hit)) for hit in results]
    return "".join(f"{line}\n" for line in lines)


def _trec(results: SearchResults) -> str:
    return results.to_trec()


_TEXT: dict[str, Callable[[SearchResults], str]] = {
    "json": _json,
    "jsonl": _json_lines,
    "csv": _csv,
    "tsv": _tsv,
    "trec": _trec,
}
FORMATS = ("table", "paths", *_TEXT)
