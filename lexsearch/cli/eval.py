"""`lexsearch eval`: measures of retrieval."""

from __future__ import annotations

import glob
import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lexsearch.cli.group import HelpfulGroup
from lexsearch.cli.options import db_option, json_option, load_settings, print_json
from lexsearch.cli.terminal import safe, table
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from lexsearch.api import LexSearch
    from lexsearch.evaluation.retrieval import Caption, Outcome
    from lexsearch.types import IntArray


@click.group("eval", cls=HelpfulGroup)
def command() -> None:
    """Measure how well a search finds.

    \b
    Example:
      lexsearch eval retrieval --images photos/ --captions captions.tsv
    """


@command.command("retrieval")
@click.option(
    "--images", required=True, metavar="DIR", type=click.Path(), help="Folder of the pictures."
)
@click.option(
    "--captions",
    "captions_file",
    required=True,
    metavar="TSV",
    type=click.Path(),
    help="Lines file<TAB>sentence.",
)
@db_option
@click.option(
    "--run",
    "run_file",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the hybrid run (TREC), and FILE.lexical, FILE.dense, FILE.late.",
)
@click.option(
    "--qrels",
    "qrels_file",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the judgements (TREC).",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Use the first N captions only; all pictures stay in the index.",
)
@json_option
def retrieval(
    images: str,
    captions_file: str,
    db: str | None,
    run_file: str | None,
    qrels_file: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Search every caption and see where its own picture lands.

    The folder is indexed first; pictures that are known cost nothing. R@k: share of captions
    whose picture is among the first k. RR: mean of 1 / rank. ms_p50: median time per query.

    \b
    Example:
      lexsearch eval retrieval --images photos/ --captions captions.tsv --run r.trec --json
    """
    from lexsearch.evaluation.retrieval import figures, judgements, read_captions, run_captions
    from lexsearch.evaluation.runs import write_qrels

    folder = Path(os.path.abspath(Path(images).expanduser()))  # noqa: PTH100 (links stay)
    if not folder.is_dir():
        raise UsageError(f"no such folder: {images}")
    captions = read_captions(Path(captions_file), limit=limit)
    with indexed(folder, db) as index:
        image_ids = ids_of(index, folder, captions)
        outcomes = run_captions(
            index.engine, captions, allowed=inside(index, folder), on_progress=Counter(captions)
        )
    qrels = judgements(captions, image_ids)
    if run_file is not None:
        write_runs(run_file, outcomes)
    if qrels_file is not None:
        write_qrels(Path(qrels_file), qrels)
    result = figures(outcomes, qrels)
    if as_json:
        print_json({"modes": result})
    else:
        click.echo("\n".join(rows(result)))


def indexed(folder: Path, db: str | None) -> LexSearch:
    """The index with everything of the folder in it.

    Without `--db` the index is called `eval-` and a hash of the folder, so that a second
    measurement finds it again.
    """
    from lexsearch.api import LexSearch

    name = f"eval-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    settings = load_settings(db or name)
    index = LexSearch.create(settings.db, settings=settings)
    report = index.index(folder)
    for one in report.skipped:
        click.echo(f"note: skipped {safe(os.fsdecode(one.path))}: {safe(one.reason)}", err=True)
    return index


def ids_of(index: LexSearch, folder: Path, captions: Sequence[Caption]) -> dict[str, int]:
    """File name -> image id, for every file that a caption names.

    Raises:
        UsageError: a file is not in the index.
    """
    ids: dict[str, int] = {}
    for file in dict.fromkeys(caption.file for caption in captions):
        path = os.path.normpath(folder / file)
        found = index.snapshot.find(os.fsencode(path))
        if found is None:
            raise UsageError(f"the captions name {file!r}, but {path} is not in the index")
        ids[file] = found
    return ids


def inside(index: LexSearch, folder: Path) -> IntArray | None:
    """Ids of the pictures below the folder; None when that is all of them."""
    below = index.snapshot.allowed(
        after=None, before=None, path_glob=f"{glob.escape(str(folder))}/*", type_=None, camera=None
    )
    return None if len(below) == len(index) else below


def write_runs(target: str, outcomes: Mapping[str, Outcome]) -> None:
    """Write the hybrid run to `target` and every other mode to `target.<mode>`."""
    from lexsearch.evaluation.runs import write_run

    for mode, outcome in outcomes.items():
        path = target if mode == "hybrid" else f"{target}.{mode}"
        write_run(Path(path), outcome.run, tag=f"lexsearch-{mode}")


def rows(result: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The table for people: percent, and milliseconds."""
    names = list(next(iter(result.values())))
    body = [
        [mode, *(f"{v:.1f}" if name == "ms_p50" else f"{100 * v:.1f}" for name, v in line.items())]
        for mode, line in result.items()
    ]
    return table(body, header=["mode", *names])


class Counter:
    """Shows how many captions are done, on a terminal only."""

    def __init__(self, captions: Sequence[Caption]) -> None:
        self.total = len(captions)
        self.shown = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        """Tell the person who waits."""
        if self.shown and (done % 50 == 0 or done == self.total):
            end = "\n" if done == self.total else ""
            click.echo(f"\r{done:,} of {self.total:,} captions{end}", err=True, nl=False)
