"""`lexsearch db`: the indexes themselves, as things to list, move, copy and remove."""

from __future__ import annotations

from pathlib import Path

import click

from lexsearch.cli.group import HelpfulGroup
from lexsearch.cli.options import agreed, json_option, load_settings, print_json
from lexsearch.cli.terminal import safe, table
from lexsearch.errors import LexsearchError, UsageError


@click.group("db", cls=HelpfulGroup)
def command() -> None:
    """List, move, copy or remove indexes; photos are never touched.

    An index is a folder. A NAME lives in the data folder of lexsearch; a value with a slash
    or a leading dot is a folder anywhere.

    \b
    Examples:
      lexsearch db list
      lexsearch db move default ./photos.lxdb
    """


def folder_of(name: str) -> Path:
    """The folder that a name or a folder stands for."""
    from lexsearch.bundle.location import db_directory

    return db_directory(name, data_dir=load_settings().data_dir)


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the named indexes with their photos.

    \b
    Example:
      lexsearch db list
    """
    from lexsearch.bundle.location import list_dbs

    found = [describe(directory) for directory in list_dbs(load_settings().data_dir)]
    if as_json:
        print_json({"schema": 1, "dbs": found})
    elif found:
        rows = [
            (
                safe(str(one["name"])),
                str(one["error"] or f"{one['images']:,} photos"),
                safe(str(one["directory"])),
            )
            for one in found
        ]
        click.echo("\n".join(table(rows)))
    else:
        click.echo("no index yet; make one with: lexsearch index ~/Pictures", err=True)


def describe(directory: Path) -> dict[str, object]:
    """Name, folder and number of photos; an index that does not open says why."""
    from lexsearch.bundle.snapshot import Snapshot

    record: dict[str, object] = {
        "name": directory.name, "directory": str(directory), "images": None, "error": None,
    }  # fmt: skip
    try:
        snapshot = Snapshot.open(directory)
    except LexsearchError as error:
        return {**record, "error": str(error)}
    try:
        return {**record, "images": len(snapshot)}
    finally:
        snapshot.close()


@command.command("move")
@click.argument("source")
@click.argument("target")
def move_(source: str, target: str) -> None:
    """Move the index SOURCE to TARGET; both are names or folders.

    \b
    Example:
      lexsearch db move default ./photos.lxdb
    """
    from lexsearch.bundle.places import move

    old, new = folder_of(source), folder_of(target)
    move(old, new)
    click.echo(f"moved {safe(str(old))} to {safe(str(new))}")


@command.command("export")
@click.argument("name")
@click.argument("archive", type=click.Path(dir_okay=False))
def export_(name: str, archive: str) -> None:
    """Write the index NAME as one file, ARCHIVE (tar).

    \b
    Example:
      lexsearch db export default photos.tar
    """
    from lexsearch.bundle.places import export

    export(folder_of(name), Path(archive))
    click.echo(f"wrote {safe(archive)}")


@command.command("import")
@click.argument("archive", type=click.Path())
@click.argument("name")
def import_(archive: str, name: str) -> None:
    """Unpack ARCHIVE, made by `db export`, as the index NAME.

    \b
    Example:
      lexsearch db import photos.tar travels
    """
    from lexsearch.bundle.places import import_ as unpack

    if not Path(archive).is_file():
        raise UsageError(f"no such archive: {archive}")
    target = folder_of(name)
    unpack(Path(archive), target)
    click.echo(f"imported {safe(str(target))}")


@command.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_(name: str, yes: bool) -> None:
    """Remove the index NAME; the photos stay.

    \b
    Example:
      lexsearch db remove travels
    """
    from lexsearch.bundle.places import remove

    directory = folder_of(name)
    shown = safe(str(directory))
    if not yes and not agreed(f"remove the index {shown}?"):
        raise UsageError(f"{directory} was kept")
    remove(directory)
    click.echo(f"removed {shown}")
