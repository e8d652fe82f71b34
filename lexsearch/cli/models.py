"""`lexsearch models`: the published models, as things to list, fetch, verify and remove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lexsearch.cli.group import HelpfulGroup
from lexsearch.cli.models_accept import accept
from lexsearch.cli.options import agreed, json_option, print_json
from lexsearch.cli.terminal import safe, size, table
from lexsearch.errors import ModelMissing, UsageError

if TYPE_CHECKING:
    from lexsearch.models.hub import Cached
    from lexsearch.models.published import Published


@click.group("models", cls=HelpfulGroup)
def command() -> None:
    """List, fetch, verify or remove models.

    A NAME is one of the list, a hub id (ORGANISATION/MODEL), or, for verify and path, a folder.
    Only `pull` uses the network. Models lie in the cache of Hugging Face (HF_HOME), which other
    programs share; the model `mini` comes with lexsearch and needs none of this.

    \b
    Examples:
      lexsearch models list
      lexsearch models pull clip-b32
      lexsearch index ~/Pictures --model clip-b32 --db ./clip.lxdb
    """


command.add_command(accept)


def hub_id(name: str) -> str:
    """The hub id behind a name.

    Raises:
        UsageError: it is neither a published name nor a hub id.
    """
    from lexsearch.models.hub import is_hub_id
    from lexsearch.models.published import BUNDLED, SETS

    if name in SETS:
        return SETS[name].source
    if name in BUNDLED:
        raise UsageError(f"{name} comes with lexsearch; it is not fetched and not removed")
    if not is_hub_id(name):
        raise UsageError(
            f"no model is called {name!r}; known: {', '.join(SETS)}, or a hub id such as "
            "ORGANISATION/MODEL"
        )
    return name


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the published models: size, memory, room per photo, licence, what is here.

    Sizes are those of float32 weights; memory is what loading and running takes at most.

    \b
    Example:
      lexsearch models list
    """
    from lexsearch.models.hub import cached
    from lexsearch.models.published import BUNDLED, SETS

    here = {one.name: one for one in cached()}
    if as_json:
        print_json({"schema": 1, "models": [described(n, o, here) for n, o in SETS.items()]})
        return
    rows = [("name", "source", "disk", "memory", "per photo", "licence", "here")]
    rows += [(name, "comes with lexsearch", "-", "-", "-", "-", "yes") for name in BUNDLED]
    for name, one in SETS.items():
        kept = here.get(one.source)
        rows.append(
            (
                name, one.source, size(one.disk_bytes), size(one.memory_bytes),
                size(one.bytes_per_photo), one.licence, size(kept.size_bytes) if kept else "no",
            )
        )  # fmt: skip
    sources = {one.source for one in SETS.values()}
    rows += [
        ("", safe(name), "-", "-", "-", "-", size(one.size_bytes))
        for name, one in here.items()
        if name not in sources
    ]
    click.echo("\n".join(table(rows)))


def described(name: str, one: Published, here: dict[str, Cached]) -> dict[str, object]:
    """A published model as JSON values."""
    kept = here.get(one.source)
    return {
        "name": name,
        "family": one.family,
        "source": one.source,
        "licence": one.licence,
        "parameters": one.parameters * 1_000_000,
        "disk_bytes": one.disk_bytes,
        "memory_bytes": one.memory_bytes,
        "bytes_per_photo": one.bytes_per_photo,
        "cached_bytes": None if kept is None else kept.size_bytes,
        "folder": None if kept is None else str(kept.folder),
    }


@command.command("pull")
@click.argument("name")
def pull_(name: str) -> None:
    """Fetch a model into the cache of Hugging Face; goes on where it was interrupted.

    \b
    Example:
      lexsearch models pull siglip2-b16
    """
    from lexsearch.models.hub import pull

    source = hub_id(name)
    click.echo(f"fetching {safe(source)}", err=True)
    click.echo(safe(str(pull(source))))


@command.command("path")
@click.argument("name")
def path_(name: str) -> None:
    """Print the folder of a model that is here.

    \b
    Example:
      lexsearch models path clip-b32
    """
    click.echo(safe(str(folder_of(name))))


def folder_of(name: str) -> Path:
    """The folder of a model that is here.

    Raises:
        ModelMissing: it is not in the cache.
    """
    from lexsearch.models.files import FOLDER
    from lexsearch.models.hub import resolve
    from lexsearch.models.published import BUNDLED

    if name in BUNDLED:
        return FOLDER / name
    return resolve(name if Path(name).exists() else hub_id(name))


@command.command("verify")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def verify_(names: tuple[str, ...]) -> None:
    """Compare every file of models with the hashes that the hub gave for it.

    Exit code 6 when a file is ill.

    \b
    Example:
      lexsearch models verify clip-b32 mini
    """
    from lexsearch.models.files import bundled, verify
    from lexsearch.models.hub import verify as verify_cached
    from lexsearch.models.published import BUNDLED

    problems: list[str] = []
    for name in names:
        found = verify(bundled(name)) if name in BUNDLED else list(verify_cached(folder_of(name)))
        click.echo(f"{safe(name)}: {'every file is what was sent' if not found else 'ill'}")
        problems += found
    if problems:
        raise ModelMissing("\n".join(problems))


@command.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_(name: str, yes: bool) -> None:
    """Remove a model from the cache of Hugging Face, where other programs use it too.

    \b
    Example:
      lexsearch models remove clip-l14
    """
    from lexsearch.models.hub import remove

    source = hub_id(name)
    if not yes and not agreed(f"remove {safe(source)} from the cache?"):
        raise UsageError(f"{source} was kept")
    click.echo(f"freed {size(remove(source))}")
