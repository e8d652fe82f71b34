"""`lexsearch eval retrieval`: captions search their pictures, or pictures their captions."""

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
from lexsearch.cli.options import db_option, fusion_option, json_option, load_settings, print_json
from lexsearch.cli.terminal import safe, table
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from lexsearch.api import LexSearch
    from lexsearch.engine import Mode
    from lexsearch.evaluation.retrieval import Outcome

DIRECTIONS = ("text-to-image", "image-to-text")


@click.command("retrieval")
@images_option
@captions_option
@db_option
@fusion_option
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
    "--split",
    metavar="NAME",
    help="Split of a Karpathy file (captions.json): train, restval, val or test. Default: test.",
)
@click.option(
    "--direction",
    type=click.Choice(DIRECTIONS),
    default=DIRECTIONS[0],
    show_default=True,
    help="image-to-text: every picture ranks all captions; R@k: any of its own in the first k.",
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
@click.option(
    "--details",
    is_flag=True,
    help="With --json: also the intervals, the gain of the fusion and counts.",
)
@bootstrap_option
@json_option
def retrieval(
    images: str,
    captions_file: str,
    db: str | None,
    fusion: str | None,
    run_file: str | None,
    qrels_file: str | None,
    split: str | None,
    direction: str,
    limit: int | None,
    join: bool,
    details: bool,
    resamples: int,
    as_json: bool,
) -> None:
    """Search every caption and see where its own picture lands.

    The folder is indexed first; pictures that are known cost nothing. R@k: share of captions
    whose picture is among the first k. RR: mean of 1 / rank, which others call MRR. ms_p50:
    median time per query. Brackets: 95 % interval by bootstrap over the captions.

    \b
    Examples:
      lexsearch eval retrieval --images photos/ --captions captions.tsv --run r.trec --json
      lexsearch eval retrieval --images coco/ --captions dataset_coco.json --split val
    """
    from lexsearch.evaluation.indexed import ids_of, inside
    from lexsearch.evaluation.readers import read_collection
    from lexsearch.evaluation.retrieval import joined, judgements, run_captions, summary
    from lexsearch.evaluation.runs import write_qrels

    folder = Path(os.path.abspath(Path(images).expanduser()))  # noqa: PTH100 (links stay)
    if not folder.is_dir():
        raise UsageError(f"no such folder: {images}")
    captions = read_collection(Path(captions_file), folder, split=split, limit=limit)
    captions = joined(captions) if join else captions
    backwards = direction != DIRECTIONS[0]
    with indexed(folder, db, fusion) as index:
        image_ids = ids_of(index.snapshot, folder, (one.file for one in captions))
        if backwards:
            from lexsearch.evaluation.image_to_text import run_pictures, text_judgements

            qrels = text_judgements(captions, image_ids)
            pictures = len(set(image_ids.values()))
            outcomes = run_pictures(
                index.engine, captions, image_ids, folder,
                on_progress=Counter(pictures, "pictures"),
            )  # fmt: skip
        else:
            qrels = judgements(captions, image_ids)
            outcomes = run_captions(
                index.engine,
                captions,
                modes=permitted(index),
                allowed=inside(index.snapshot, folder),
                on_progress=Counter(len(captions), "texts"),
            )
    if run_file is not None:
        write_runs(run_file, outcomes)
    if qrels_file is not None:
        write_qrels(Path(qrels_file), qrels)
    result = summary(outcomes, qrels, captions, resamples=resamples)
    if as_json:
        print_json(result if details else {"modes": result["modes"]})
    else:
        click.echo("\n".join(lines(result)))


def permitted(index: LexSearch) -> tuple[Mode, ...]:
    """The modes that the model behind the index has vectors for."""
    from lexsearch.evaluation.experiment import permitted_modes

    return permitted_modes(index.snapshot.identity)


def indexed(folder: Path, db: str | None, fusion: str | None) -> LexSearch:
    """The index with everything of the folder in it.

    Without `--db` the index is called `eval-` and a hash of the folder, so that a second
    measurement finds it again.
    """
    from lexsearch.api import LexSearch

    name = f"eval-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    settings = load_settings(db or name, fusion=fusion)
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
