"""`lexsearch eval retrieval`: every caption is a query, its own picture the right answer."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lexsearch.cli.eval_options import (
    Counter,
    bootstrap_option,
    captions_option,
    images_option,
    percent,
)
from lexsearch.cli.options import db_option, json_option, load_settings, print_json
from lexsearch.cli.terminal import safe, table
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from lexsearch.api import LexSearch
    from lexsearch.evaluation.retrieval import Outcome


@click.command("retrieval")
@images_option
@captions_option
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
@click.option(
    "--joined",
    "join",
    is_flag=True,
    help="Join the captions of a picture into one long text.",
)
@bootstrap_option
@json_option
def retrieval(
    images: str,
    captions_file: str,
    db: str | None,
    run_file: str | None,
    qrels_file: str | None,
    limit: int | None,
    join: bool,
    resamples: int,
    as_json: bool,
) -> None:
    """Search every caption and see where its own picture lands.

    The folder is indexed first; pictures that are known cost nothing. R@k: share of captions
    whose picture is among the first k. RR: mean of 1 / rank, which others call MRR. ms_p50:
    median time per query. Brackets: 95 % interval by bootstrap over the captions.

    \b
    Example:
      lexsearch eval retrieval --images photos/ --captions captions.tsv --run r.trec --json
    """
    from lexsearch.evaluation.indexed import ids_of, inside
    from lexsearch.evaluation.retrieval import (
        joined,
        judgements,
        read_captions,
        run_captions,
        summary,
    )
    from lexsearch.evaluation.runs import write_qrels

    folder = Path(os.path.abspath(Path(images).expanduser()))  # noqa: PTH100 (links stay)
    if not folder.is_dir():
        raise UsageError(f"no such folder: {images}")
    captions = read_captions(Path(captions_file), limit=limit)
    captions = joined(captions) if join else captions
    with indexed(folder, db) as index:
        image_ids = ids_of(index.snapshot, folder, (one.file for one in captions))
        outcomes = run_captions(
            index.engine,
            captions,
            allowed=inside(index.snapshot, folder),
            on_progress=Counter(len(captions), "texts"),
        )
    qrels = judgements(captions, image_ids)
    if run_file is not None:
        write_runs(run_file, outcomes)
    if qrels_file is not None:
        write_qrels(Path(qrels_file), qrels)
    result = summary(outcomes, qrels, captions, resamples=resamples)
    if as_json:
        print_json(result)
    else:
        click.echo("\n".join(lines(result)))


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


def write_runs(target: str, outcomes: Mapping[str, Outcome]) -> None:
    """Write the hybrid run to `target` and every other mode to `target.<mode>`."""
    from lexsearch.evaluation.runs import write_run

    for mode, outcome in outcomes.items():
        path = target if mode == "hybrid" else f"{target}.{mode}"
        write_run(Path(path), outcome.run, tag=f"lexsearch-{mode}")


def lines(result: Mapping[str, Any]) -> list[str]:
    """The table for people, in percent and milliseconds, and the sentences below it."""
    modes, around = result["modes"], result.get("intervals", {})
    names = list(next(iter(modes.values())))
    body = [
        [
            mode,
            *(
                f"{value:.1f}"
                if name == "ms_p50"
                else percent(value, around.get(mode, {}).get(name))
                for name, value in figures.items()
            ),
        ]
        for mode, figures in modes.items()
    ]
    below = [f"{result['queries']:,} texts, {result['long']:,} of them longer than 32 words"]
    gain = result.get("gain")
    if gain is not None:
        low, high = gain["interval"]
        bounds = f" [{100 * low:+.1f}, {100 * high:+.1f}]" if around else ""
        below.append(
            f"hybrid over best single channel ({gain['over']}), {gain['measure']}: "
            f"{100 * gain['difference']:+.1f}{bounds}"
        )
    return [*table(body, header=["mode", *names]), *below]
