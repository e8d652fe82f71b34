"""The command line: `lexsearch ...`; nothing heavy is imported before a command asks for it."""

from __future__ import annotations

TYPE_CHECKING = False  # see lexsearch/__init__.py
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line on argv (the process's own by default); returns the exit code.

    Ctrl-C ends it quietly, also while it is still being loaded.
    """
    try:
        from lexsearch.cli.run import main as run

        return run(argv)
    except KeyboardInterrupt:
        return INTERRUPTED
