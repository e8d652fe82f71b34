"""Options that several commands share, and the way they open an index."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from lexsearch.api import LexSearch
    from lexsearch.client import Client
    from lexsearch.feedback import Feedback
    from lexsearch.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
MODES = ("lexical", "dense", "late", "hybrid")
FUSIONS = ("auto", "model", "learned", "rrf", "convex", "dbsf")


def db_option(function: F) -> F:
    """`--db NAME|DIR`."""
    return click.option(
        "--db",
        metavar="NAME|DIR",
        help="Index to use: a name, or a folder (with a / or a leading dot). Default: default.",
    )(function)


def server_option(function: F) -> F:
    """`--server`."""
    return click.option(
        "--server",
        metavar="URL",
        help="Ask a running lexsearch serve. Default: LEXSEARCH_SERVER, unless --db is given.",
    )(function)


def json_option(function: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(function)


def mode_option(function: F) -> F:
    """`--mode`."""
    return click.option(
        "--mode",
        type=click.Choice(MODES),
        default="hybrid",
        show_default=True,
        help="lexical: words; dense: meaning; late: fine match; hybrid: all three.",
    )(function)


def fusion_option(function: F) -> F:
    """`--fusion`."""
    return click.option(
        "--fusion",
        type=click.Choice(FUSIONS),
        help="How channels are joined: the model's weights, reciprocal ranks, common scales, or "
        "what the index has learned. Default: learned if there is, else model.",
    )(function)


def feedback_options(function: F) -> F:
    """`--prf` and what belongs to it; see `feedback_of`."""
    options = (
        click.option(
            "--prf",
            type=click.Choice(["rocchio", "rm3"]),
            help="Expand the words of the query by those of the best photos of a first search.",
        ),
        click.option("--prf-docs", type=click.IntRange(min=1), default=10, show_default=True,
                     help="Photos that lend words."),
        click.option("--prf-words", type=click.IntRange(min=1), default=20, show_default=True,
                     help="Words taken from them."),
        click.option("--prf-weight", type=click.FloatRange(0, 1), default=0.5, show_default=True,
                     help="What their words count beside those of the query."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def feedback_of(given: dict[str, Any]) -> Feedback | None:
    """Takes the values of `feedback_options` out of what a command was given."""
    method = given.pop("prf")
    docs, words, weight = (given.pop(f"prf_{name}") for name in ("docs", "words", "weight"))
    if method is None:
        return None
    from lexsearch.feedback import Feedback

    return Feedback(method, docs, words, weight)


def top_option(function: F) -> F:
    """`-t / --top`."""
    return click.option(
        "-t",
        "--top",
        type=click.IntRange(min=1),
        default=10,
        show_default=True,
        help="Number of photos.",
    )(function)


def load_settings(db: str | None = None, *, fusion: str | None = None) -> Settings:
    """The settings of this call, flags last."""
    from lexsearch.settings import Settings

    return Settings.load(db=db, fusion=fusion)


def open_db(db: str | None, *, fusion: str | None = None) -> LexSearch:
    """The index that `--db` names; its channels are joined as `--fusion` says.

    Raises:
        IndexMissing: there is none; the message names the command that makes one.
    """
    from lexsearch.api import LexSearch

    settings = load_settings(db, fusion=fusion)
    return LexSearch.open(settings.db, settings=settings)


def client_of(server: str | None, db: str | None) -> Client | None:
    """The server to ask, or None where the index itself is to be opened.

    Raises:
        UsageError: both were named.
    """
    if server is not None and db is not None:
        raise UsageError("--server and --db were both given; a server has an index of its own")
    if db is not None:
        return None
    settings = load_settings()
    address = settings.server if server is None else server
    if not address:
        return None
    from lexsearch.client import Client

    return Client(address, token=settings.token)


def refuse_with_server(**given: object) -> None:
    """Refuse options that a server does not take, by their names.

    Raises:
        UsageError: one of them was given.
    """
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"--{name} does not go with --server: the server decides it")


def db_folder(db: str | None) -> Path:
    """The folder of the index that `--db` names; it need not exist."""
    from lexsearch.bundle.location import db_directory

    settings = load_settings(db)
    return db_directory(settings.db, data_dir=settings.data_dir)


def agreed(question: str) -> bool:
    """Whether the user says yes.

    Raises:
        UsageError: there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody is here to answer; say --yes")
    return click.confirm(question, err=True)


def print_json(value: object) -> None:
    """Print one JSON object as UTF-8."""
    click.echo(dump_json(value))


def dump_json(value: object) -> str:
    r"""JSON in UTF-8; control and bidi characters, which JSON may carry as they are, as \uXXXX."""
    from lexsearch.cli.terminal import UNSAFE

    text = json.dumps(value, ensure_ascii=False)
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
