"""`lexsearch version`."""

from __future__ import annotations

import click

from lexsearch import __version__


@click.command("version")
def command() -> None:
    """Print the version.

    \b
    Example:
      lexsearch version
    """
    click.echo(__version__)
