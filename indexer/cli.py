"""The command `lexsearch index`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lexsearch.cli.options import db_option, json_option, print_json
from lexsearch.cli.terminal import safe
from lexsearch.errors import IndexMissing, NoResult, UsageError

if TYPE_CHECKING:
    from indexer.options import IndexOptions
    from indexer.report import IndexReport
    from lexsearch.settings import Settings


class IndexCommand(click.Command):
    """A command with an option whose value may be left out: `--watch` is `--watch=auto`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse."""
        end = args.index("--") if "--" in args else len(args)
        spelled = ["--watch=auto" if word == "--watch" else word for word in args[:end]]
        return super().parse_args(ctx, [*spelled, *args[end:]])


@click.command("index", cls=IndexCommand)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path())
@db_option
@json_option
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@click.option(
    "--exclude",
    metavar="GLOB",
    multiple=True,
    help="Leave out names, or with a / paths, that match; adds to the default ones. Repeatable.",
)
@click.option("--no-default-excludes", is_flag=True, help="Leave out only hidden files.")
@click.option("--include-hidden", is_flag=True, help="Take names that start with a dot.")
@click.option(
    "--follow-symlinks", is_flag=True, help="Follow links that stay below the given folders."
)
@click.option(
    "--force", is_flag=True, help="Encode everything again, in place, also with another model."
)
@click.option("--retry", is_flag=True, help="Try skipped files again that have not changed.")
@click.option("--rehash", is_flag=True, help="Read every file; trust no size or time.")
@click.option(
    "--batch-size",
    metavar="N",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Photos per durable commit.",
)
@click.option(
    "--prune", is_flag=True, help="Let photos leave even if a whole folder is missing or empty."
)
@click.option("--strict", is_flag=True, help="Exit with 1 if a file was skipped.")
@click.option(
    "--max-megapixels",
    metavar="N",
    type=click.FloatRange(min=0, min_open=True),
    default=100.0,
    show_default=True,
    help="Skip larger photos.",
)
@click.option(
    "--file-timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=20.0,
    show_default=True,
    help="Give up a photo that takes more work than that.",
)
@click.option("--no-space-check", is_flag=True, help="Do not look at the free disk space first.")
@click.option(
    "--wait",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Wait that long for another run that writes to the index.",
)
@click.option(
    "--pool-tokens",
    metavar="N",
    type=click.IntRange(1, 16),
    help="Keep one token of a photo in place of N: a smaller index. On 1,000 Flickr8k photos "
    "recall@10 of late and hybrid search moved by .016 or less at 2 to 8, within the standard "
    "error; one in ten of the ten best of late was another. Kept by later runs; another N needs "
    "--force.",
)
@click.option(
    "--watch",
    metavar="[=poll:SECONDS]",
    help="Go on and index what changes; poll looks by itself, for network drives.",
)
@click.option(
    "--model",
    metavar="NAME|FAMILY:DIR",
    help="Model of a new index (see: lexsearch models list), or a checkpoint. Default: mini. "
    "For an index of another model everything is encoded anew beside it, and searches go on with "
    "the old until the new is complete.",
)
@click.option(
    "--device",
    metavar="NAME[,NAME]|all",
    help="Where a published model computes: cpu, cuda:0, or several, each in a process of its "
    "own; all = every GPU. Default: a GPU when there is one.",
)
def command(paths: tuple[str, ...], db: str | None, model: str | None, **given: Any) -> None:
    """Read folders of photos into an index.

    Run it again after changes: only new and changed photos are encoded, photos that were moved
    or renamed keep their vectors, and those that are gone leave. Ctrl-C keeps what is done.

    \b
    Examples:
      lexsearch index ~/Pictures
      lexsearch index ~/Pictures --db ./photos.lxdb --exclude '*_thumb.*'
      lexsearch index ~/Pictures --dry-run
      lexsearch index ~/Pictures --watch
    """
    from lexsearch.bundle.location import db_directory
    from lexsearch.settings import Settings

    settings = Settings.load(db=db, model=model)
    directory = db_directory(settings.db, data_dir=settings.data_dir)
    options = _options(given, settings)
    recorded = _recorded_model(directory)
    if given["dry_run"]:
        if model and recorded not in (None, model):
            options = replace(options, force=True)
        _preview(paths, directory, options, as_json=given["as_json"])
        return
    from indexer.devices import parse
    from indexer.heap import one_arena

    one_arena()
    devices = parse(given["device"])
    options = replace(options, beside=model is not None)
    name = model or recorded or settings.model
    if given["watch"]:
        _watch(paths, directory, name, options, devices, given)
    report = _index(paths, directory, name, options, devices)
    _show(report, as_json=given["as_json"])
    _judge(report, paths, strict=given["strict"])


def _options(given: dict[str, Any], settings: Settings) -> IndexOptions:
    from indexer.excludes import MAX_GLOB
    from indexer.options import IndexOptions

    for glob in given["exclude"]:
        if not 0 < len(glob) <= MAX_GLOB:
            raise UsageError(f"--exclude {glob[:40]!r}: a glob has 1 to {MAX_GLOB} letters")
    return IndexOptions(
        batch_size=given["batch_size"],
        exclude=given["exclude"],
        default_excludes=not given["no_default_excludes"],
        include_hidden=given["include_hidden"],
        follow_symlinks=given["follow_symlinks"],
        force=given["force"],
        rehash=given["rehash"],
        prune=given["prune"],
        max_pixels=max(1, round(given["max_megapixels"] * 1_000_000)),
        check_space=not given["no_space_check"],
        wait_s=given["wait"],
        threads=settings.threads,
        pool_tokens=given["pool_tokens"],
        lists_from=settings.lists_from,
        retry=given["retry"],
        file_s=given["file_timeout"],
    )


def _recorded_model(directory: Path) -> str | None:
    """The name of the model that made the index, if there is an index."""
    from lexsearch.bundle.snapshot import Snapshot

    try:
        snapshot = Snapshot.open(directory)
    except IndexMissing:
        return None
    name = snapshot.identity.name
    snapshot.close()
    return name


def _preview(
    paths: tuple[str, ...], directory: Path, options: IndexOptions, *, as_json: bool
) -> None:
    from indexer.preview import preview_folders

    preview = preview_folders(paths, directory=directory, options=options)
    _say(preview.report.notes)
    if as_json:
        print_json(preview.to_json())
        return
    for line in preview.lines():
        click.echo(safe(line))


def _index(
    paths: tuple[str, ...],
    directory: Path,
    model_name: str,
    options: IndexOptions,
    devices: Sequence[str],
) -> IndexReport:
    from indexer.devices import opened
    from indexer.interrupt import graceful_stop
    from indexer.pipeline import index_folders
    from indexer.progress import shown

    with (
        graceful_stop() as stop,
        shown() as listener,
        opened(model_name, devices, threads=options.threads) as model,
    ):
        return index_folders(
            paths,
            directory=directory,
            model=model,
            options=options,
            on_progress=listener,
            stop=stop,
        )


def _watch(
    paths: tuple[str, ...],
    directory: Path,
    model_name: str,
    options: IndexOptions,
    devices: Sequence[str],
    given: dict[str, Any],
) -> None:
    """Index what changes until a signal comes, which is how every watch ends."""
    from indexer.devices import opened
    from indexer.interrupt import graceful_stop
    from indexer.progress import shown
    from indexer.scan import topmost
    from indexer.wake import waker
    from indexer.watch import Watch

    def note(text: str) -> None:
        _say((text,))

    def show(report: IndexReport) -> None:
        _show(report, as_json=given["as_json"])
        sys.stdout.flush()

    wakes = waker(given["watch"], topmost(paths), note)
    with graceful_stop() as stop, opened(model_name, devices, threads=options.threads) as model:
        watch = Watch(paths, directory, model, options, wakes, show, note, shown)
        note("watching; Ctrl-C ends it")
        watch.run(stop)
    raise KeyboardInterrupt


def _show(report: IndexReport, *, as_json: bool) -> None:
    _say(report.notes)
    if as_json:
        print_json(report.to_json())
    else:
        click.echo(safe(report.summary()))


def _say(notes: tuple[str, ...]) -> None:
    for note in notes:
        click.echo(f"note: {safe(note)}", err=True)


def _judge(report: IndexReport, paths: tuple[str, ...], *, strict: bool) -> None:
    """Raise what the exit code has to say beside the report."""
    if report.interrupted:
        click.echo("stopped; what is committed is safe, the same command goes on", err=True)
        raise KeyboardInterrupt
    shown = ", ".join(paths)
    if report.missing and not report.found and not report.removed:
        raise UsageError(f"no such folder: {shown}")
    if not report.found and not report.removed:
        raise NoResult(f"no picture below {shown}")
    if strict and report.skipped:
        raise NoResult(f"{len(report.skipped):,} files were skipped (see: lexsearch errors)")


if __name__ == "__main__":
    from lexsearch.cli import main

    sys.exit(main(["index", *sys.argv[1:]]))
