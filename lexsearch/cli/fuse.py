"""`lexsearch fuse`: several TREC runs in, one out."""

from __future__ import annotations

from pathlib import Path

import click

from lexsearch.cli.repeated import RepeatedValues
from lexsearch.errors import UsageError

METHODS = ("rrf", "convex", "dbsf", "interpolation")


@click.command("fuse", cls=RepeatedValues)
@click.option(
    "--runs", multiple=True, required=True, metavar="FILE...", type=click.Path(), help="TREC runs."
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="rrf",
    show_default=True,
    help="By ranks (rrf), or by scores: between least and best (convex), between mean - 3 sigma "
    "and mean + 3 sigma (dbsf), or as they are (interpolation).",
)
@click.option(
    "--rrf-k",
    "--rrf.k",
    "damping",
    type=float,
    default=60.0,
    show_default=True,
    help="Added to every rank by rrf.",
)
@click.option(
    "--weights", multiple=True, type=float, metavar="W...", help="One per run. Default: equal."
)
@click.option(
    "--floors",
    multiple=True,
    type=float,
    metavar="X...",
    help="Least score each run can give, for convex: 0 for words, -1 for dense and late. "
    "Default: the least it gave.",
)
@click.option(
    "--hits", type=click.IntRange(min=1), default=1_000, show_default=True, help="Per topic."
)
@click.option("--tag", default="fused", show_default=True, help="Name of the run, in it.")
@click.option(
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Where the run goes; - is standard output.",
)
def command(
    runs: tuple[str, ...],
    method: str,
    damping: float,
    weights: tuple[float, ...],
    floors: tuple[float, ...],
    hits: int,
    tag: str,
    output: str,
) -> None:
    """Join runs of any systems over the same documents into one run.

    A document that a run lacks gets nothing from it; ties go to the smaller document id.

    \b
    Examples:
      lexsearch fuse --runs words.trec dense.trec --method rrf --rrf-k 60 --output f.trec
      lexsearch fuse --runs a.trec b.trec --method convex --weights 0.3 0.7 --output f.trec
    """
    from lexsearch.evaluation.run_fusion import fuse_runs
    from lexsearch.evaluation.runs import read_run, write_run

    if len(runs) < 2:
        raise UsageError(f"--runs names {len(runs)} run; give two or more")
    fused = fuse_runs(
        [read_run(Path(name)) for name in runs],
        method=method,
        damping=damping,
        weights=weights or None,
        floors=floors or None,
        k=hits,
    )
    write_run(Path(output), fused, tag=tag)
