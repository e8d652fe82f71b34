"""The lazy group: knows all commands by the table and imports one when it is called."""

from __future__ import annotations

import importlib

import click
from click.shell_completion import CompletionItem

from lexsearch.cli.table import COMMANDS, FALLBACK, SECTIONS, Entry
from lexsearch.errors import ModelMissing, UsageError

HELP_FLAGS = ("-h", "--help")


def load(entry: Entry) -> click.Command:
    """The click command behind an entry of the table.

    Raises:
        UsageError: another package has taken the name of one of ours.
        ModelMissing: the command needs a package that is not installed.
    """
    module_name, _, attribute = entry.target.partition(":")
    if entry.owner is not None:
        _refuse_stranger(module_name.partition(".")[0], entry.owner)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.partition(".")[0] in ("lexsearch", "indexer", "ui"):
            raise UsageError(
                f"this installation has no {missing}; reinstall it with: "
                "pip install --force-reinstall lexsearch"
            ) from error
        raise ModelMissing(
            f"this command needs the package {missing!r}, which is not installed; "
            "get it with: pip install 'lexsearch[cpu,train]'"
        ) from error
    command = getattr(module, attribute)
    assert isinstance(command, click.Command)
    return command


def _refuse_stranger(package: str, owner: str) -> None:
    module = importlib.import_module(package)
    found = getattr(module, "OWNER", None)
    if found != owner:
        where = getattr(module, "__file__", None) or "an unknown place"
        raise UsageError(
            f"the package {package!r} at {where} does not belong to lexsearch "
            f"(its OWNER is {found!r}); remove it or install lexsearch in an environment of its own"
        )


class HelpfulGroup(click.Group):
    """A group that prints its help when it is called alone."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; nothing at all means `--help`."""
        alone = not args and not ctx.resilient_parsing
        return super().parse_args(ctx, ["--help"] if alone else args)


class LazyGroup(HelpfulGroup):
    """A group whose commands and help come from the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None when there is none."""
        entry = COMMANDS.get(cmd_name)
        return None if entry is None else load(entry)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; a first word that is no command starts a search."""
        at = next((i for i, word in enumerate(args) if word != "--debug"), len(args))
        own = (*HELP_FLAGS, "--version", *COMMANDS)
        if at < len(args) and args[at] not in own:
            hint(args[at:], ctx)
            args = [*args[:at], FALLBACK, *args[at:]]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table, section by section."""
        width = max(map(len, COMMANDS))
        for section in SECTIONS:
            with formatter.section(section):
                formatter.write_dl(
                    [
                        (name.ljust(width), entry.help)
                        for name, entry in COMMANDS.items()
                        if entry.section == section
                    ]
                )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and help from the table, then the options of the group."""
        found = [
            CompletionItem(name, help=entry.help)
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


def hint(words: list[str], ctx: click.Context) -> None:
    """Say so when the first word looks like a command that was mistyped."""
    first = words[0]
    if ctx.resilient_parsing or " " in first or first.startswith("-"):
        return
    import difflib

    near = difflib.get_close_matches(first, COMMANDS, n=1, cutoff=0.75)
    if near:
        click.echo(f"note: searching for {first!r}; the command is called {near[0]!r}", err=True)
