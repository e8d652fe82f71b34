"""The command line: `lexsearch ...`; nothing heavy is imported before a command asks for it."""

from lexsearch.cli.run import main

__all__ = ["main"]
