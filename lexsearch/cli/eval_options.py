"""Options, model and lines of output that the commands of `lexsearch eval` share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lexsearch.cli.options import load_settings

if TYPE_CHECKING:
    from lexsearch.protocols import Model

F = TypeVar("F", bound=Callable[..., Any])


def images_option(function: F) -> F:
    """`--images`."""
    return click.option(
        "--images", required=True, metavar="DIR", type=click.Path(), help="Folder of the pictures."
    )(function)


def captions_option(function: F) -> F:
    """`--captions`."""
    return click.option(
        "--captions",
        "captions_file",
        required=True,
        metavar="TSV",
        type=click.Path(),
        help="Lines file<TAB>sentence; for retrieval also a Karpathy split (.json).",
    )(function)


def bootstrap_option(function: F) -> F:
    """`--bootstrap`."""
    return click.option(
        "--bootstrap",
        "resamples",
        type=click.IntRange(min=0),
        default=1_000,
        show_default=True,
        metavar="N",
        help="Resamples behind the 95 % intervals; 0 leaves them out.",
    )(function)


def model_option(function: F) -> F:
    """`--model`."""
    return click.option(
        "--model",
        "model_name",
        metavar="NAME",
        help="Model set to measure. Default: the one of the settings.",
    )(function)


def chosen_model(name: str | None) -> Model:
    """The model that `--model` names.

    Raises:
        UsageError: no such model; the message lists those that exist.
    """
    from lexsearch.registry import build

    settings = load_settings()
    model: Model = build("encoders.models", name or settings.model, threads=settings.threads)
    return model


class Counter:
    """Shows how many of something are done, on a terminal only."""

    def __init__(self, total: int, what: str) -> None:
        self.total, self.what = total, what
        self.shown = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        """Tell the person who waits."""
        if self.shown and (done % 16 == 0 or done == self.total):
            end = "\n" if done == self.total else ""
            click.echo(f"\r{done:,} of {self.total:,} {self.what}{end}", err=True, nl=False)


def percent(value: float, interval: Sequence[float] | None = None) -> str:
    """A fraction as percent, with its interval where there is one.

    >>> percent(0.5), percent(0.5, (0.4, 0.625))
    ('50.0', '50.0 [40.0, 62.5]')
    """
    shown = f"{100 * value:.1f}"
    if interval is None:
        return shown
    return f"{shown} [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"
