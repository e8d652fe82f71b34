"""Runs one command and turns whatever happens into an exit code and one line."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

import click

from lexsearch import __version__
from lexsearch.cli.group import HELP_FLAGS, LazyGroup
from lexsearch.errors import LexsearchError, StorageError

OK, INTERNAL, INTERRUPTED = 0, 70, 130
EPILOG = """\b
Examples:
  lexsearch index ~/Pictures
  lexsearch "dog on sand -people after:2024"
  lexsearch explain "dog on sand" ~/Pictures/IMG_2231.jpg --heatmap why.png

\b
Exit codes: 0 ok, 1 no result, 2 usage, 3 index locked, 4 index missing or
damaged, 5 disk, 6 model missing, 7 index too new, 130 interrupted.
Completion: eval "$(_LEXSEARCH_COMPLETE=bash_source lexsearch)"   (zsh_, fish_)
"""


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": list(HELP_FLAGS), "max_content_width": 100},
)
@click.version_option(__version__, message="lexsearch %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def cli() -> None:
    """Search your own photos with words and see which words found them.

    A first word that is no command starts a search: lexsearch "dog on sand"
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line on argv (the process's own by default); returns the exit code."""
    args, debug = _take_debug(sys.argv[1:] if argv is None else argv)
    _speak_utf8()
    try:
        code = _run(args, debug=debug)
        sys.stdout.flush()
    except BrokenPipeError:
        _close_stdout()
        return OK
    except OSError as error:  # the last flush found the disk behind stdout full
        if debug:
            raise
        _close_stdout()
        return _report(error)
    return code


def _run(args: list[str], *, debug: bool) -> int:
    try:
        with _broken_pipe_stays_itself():
            result = cli.main(args, prog_name="lexsearch", standalone_mode=False)
    except click.Abort as error:
        if isinstance(error.__cause__, EOFError):
            complain("stopped: no answer was given")
        return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    except click.ClickException as error:
        complain(_usage_line(error))
        return error.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:  # the outermost loop: nobody above could report it
        if debug:
            raise
        return _report(error)
    return result if isinstance(result, int) else OK


def _report(error: Exception) -> int:
    """Say what went wrong in one line; returns the exit code."""
    if isinstance(error, LexsearchError):
        complain(str(error))
        return error.exit_code
    if isinstance(error, OSError):
        complain(str(error))
        return StorageError.exit_code
    complain(
        f"internal error: {type(error).__name__}: {error}; "
        "run the same command with --debug and report what it prints"
    )
    return INTERNAL


def complain(message: str) -> None:
    """Print one line `lexsearch: ...` on stderr, safe for a terminal."""
    from lexsearch.cli.terminal import safe

    line = " ".join(safe(part.strip()) for part in message.splitlines() if part.strip())
    click.echo(f"lexsearch: {line}", err=True)


def _usage_line(error: click.ClickException) -> str:
    message = error.format_message().strip()
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message} (see: {ctx.command_path} --help)" if ctx else message


def _take_debug(argv: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without `--debug`, which may stand anywhere before `--`."""
    args = list(argv)
    end = args.index("--") if "--" in args else len(args)
    kept = [word for word in args[:end] if word != "--debug"]
    return [*kept, *args[end:]], len(kept) < end


def _speak_utf8() -> None:
    """Write UTF-8 without BOM on both streams, whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")


@contextlib.contextmanager
def _broken_pipe_stays_itself() -> Iterator[None]:
    """click answers EPIPE with a muted stdout and exit code 1, our `no result`; undo that."""
    stdout = sys.stdout
    try:
        yield
    except SystemExit as error:
        if sys.stdout is stdout:
            raise
        sys.stdout = stdout
        raise BrokenPipeError from error


def _close_stdout() -> None:
    """Let the interpreter flush into nowhere, so that it stays quiet at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
