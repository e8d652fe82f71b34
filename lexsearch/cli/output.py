"""What becomes of search results: order, groups, notes, copies, and one of the formats."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lexsearch.cli.formats import FORMATS, write
from lexsearch.cli.options import client_of, open_db, refuse_with_server
from lexsearch.cli.terminal import safe
from lexsearch.grouping import NEAR_BITS, SPARE, first_of_each

if TYPE_CHECKING:
    from lexsearch.api import LexSearch
    from lexsearch.results import SearchHit, SearchResults

F = TypeVar("F", bound=Callable[..., Any])
NO_RESULT = 1
MAX_NOTE = 240  # letters


def output_options(function: F) -> F:
    """The options of `search` and `like` that say how results are shown."""
    options = (
        click.option(
            "--format",
            "format_",
            type=click.Choice(FORMATS),
            default="table",
            show_default=True,
            help="How to print the photos.",
        ),
        click.option("-f", "paths", is_flag=True, help="Print paths only; --format paths."),
        click.option("-0", "nul", is_flag=True, help="Print paths ended by NUL, for xargs -0."),
        click.option("--explain", is_flag=True, help="Show every score and word of each photo."),
        click.option(
            "--sort",
            type=click.Choice(["score", "date"]),
            default="score",
            show_default=True,
            help="Order, after the cut-off.",
        ),
        click.option(
            "--group-duplicates",
            "group",
            is_flag=True,
            help="Show one of several nearly equal photos.",
        ),
        click.option(
            "--copy-to",
            metavar="DIR",
            type=click.Path(file_okay=False),
            help="Copy the photos to DIR as 0001_name.jpg; never overwrites.",
        ),
        click.option(
            "--link-to",
            metavar="DIR",
            type=click.Path(file_okay=False),
            help="Make symbolic links in DIR instead.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Shown:
    """How results are to be shown."""

    format: str
    nul: bool
    explain: bool
    sort: str
    group: bool
    copy_to: str | None
    link_to: str | None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Shown:
        """From the values of `output_options`."""
        paths = given["paths"] or given["nul"]
        return cls(
            "paths" if paths else given["format_"],
            given["nul"],
            given["explain"],
            given["sort"],
            given["group"],
            given["copy_to"],
            given["link_to"],
        )

    def depth(self, top: int) -> int:
        """How many photos to ask for so that `top` can be shown."""
        return top * SPARE if self.group else top


def answer(
    ask: Callable[..., SearchResults],
    shown: Shown,
    top: int,
    *,
    db: str | None,
    server: str | None,
    fusion: str | None,
    **only_here: object,
) -> int:
    """Ask the server or the index that the options name, and present what is found.

    Args:
        ask: given a `Client` or a `LexSearch`, and the options of their methods that say how much
            is wanted.
        shown: how it is shown.
        top: photos wanted.
        db, server, fusion: the options.
        only_here: further options that a server does not take, by name.

    Returns:
        The exit code.
    """
    if (client := client_of(server, db)) is not None:
        refuse_with_server(fusion=fusion, **only_here)
        found = ask(client, top_k=top, every_word=shown.explain, group_duplicates=shown.group)
        return present(None, found, shown, top)
    with open_db(db, fusion=fusion) as index:
        found = ask(index, top_k=shown.depth(top), every_word=shown.explain)
        return present(index, found, shown, top)


def present(index: LexSearch | None, results: SearchResults, shown: Shown, top: int) -> int:
    """Print notes and results, make the copies; returns the exit code.

    index: None where a server has left out nearly equal photos already.
    """
    from lexsearch.cli.collect import collect

    hits = list(results)
    if shown.group and index is not None:
        hits = first_of_each(hits, index.near_duplicates(NEAR_BITS))[:top]
    if shown.sort == "date":
        hits.sort(key=_newest_first)
        hits.sort(key=lambda hit: hit.below_cutoff)
    results = replace(results, hits=tuple(hits))
    say(results.notes)
    if results.excluded:
        say([f"{results.excluded:,} photos were left out by -word or --not"])
    write(results, shown.format, nul=shown.nul, explain=shown.explain)
    wanted = [hit for hit in hits if not hit.below_cutoff]
    for folder, link in ((shown.copy_to, False), (shown.link_to, True)):
        if folder is not None:
            sys.stdout.flush()
            say([collect(wanted, folder, link=link)])
    return 0 if hits else NO_RESULT


def say(notes: Sequence[str]) -> None:
    """Print notes on stderr; a note that quotes a whole page is cut."""
    for note in notes:
        short = note if len(note) <= MAX_NOTE else f"{note[:MAX_NOTE]}…"
        click.echo(f"note: {safe(short)}", err=True)


def _newest_first(hit: SearchHit) -> tuple[bool, list[int]]:
    taken = hit.meta.get("taken")
    return taken is None, [-ord(letter) for letter in taken or ""]
