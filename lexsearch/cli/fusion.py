"""`lexsearch fusion`: how the channels of an index are joined, learned from judged topics."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lexsearch.cli.eval_options import Counter
from lexsearch.cli.group import HelpfulGroup
from lexsearch.cli.options import db_option, json_option, open_db, print_json
from lexsearch.cli.terminal import safe, table
from lexsearch.errors import LexsearchError, NoResult, UsageError

if TYPE_CHECKING:
    from lexsearch.api import LexSearch
    from lexsearch.evaluation.fusion_learning import Learned

MEASURES = ("nDCG@10", "RR@10", "R@1", "R@5", "R@10")


@click.group("fusion", cls=HelpfulGroup)
def command() -> None:
    """Learn, show or forget how the channels of an index are joined.

    \b
    Examples:
      lexsearch fusion learn --topics topics.tsv --qrels qrels.txt
      lexsearch fusion show
    """


@command.command("learn")
@click.option(
    "--topics",
    "--queries",
    "topics",
    required=True,
    metavar="FILE",
    type=click.Path(allow_dash=True),
    help="Lines qid<TAB>text, or JSON objects with qid and text; - is standard input.",
)
@click.option("--qrels", required=True, metavar="FILE", type=click.Path(), help="TREC judgements.")
@db_option
@click.option(
    "-m",
    "--measure",
    type=click.Choice(MEASURES),
    default=MEASURES[0],
    show_default=True,
    help="What to be good at.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=3),
    default=5,
    show_default=True,
    help="Parts of the topics, each of which is held out once.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the folds.")
@click.option("--trees/--no-trees", default=None, help="Try LambdaMART. Default: if installed.")
@click.option("--dry-run", is_flag=True, help="Measure and say, but keep nothing.")
@json_option
def learn_(
    topics: str,
    qrels: str,
    db: str | None,
    measure: str,
    folds: int,
    seed: int,
    trees: bool | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Choose and teach a fusion on judged topics; keep it if it beats plain RRF.

    Tries reciprocal ranks, convex weights, distribution-based fusion, logistic regression and
    LambdaMART. The method is chosen by cross-validation, and the whole procedure measured on
    topics that neither choice nor teaching has seen; topics with a relevant photo in common stay
    on one side. It is kept when it is better than plain RRF there (paired randomisation test,
    p < 0.05) and no worse than the model's own weights; else nothing changes and the exit code is
    1. Searches by text then use it; see --fusion.

    \b
    Example:
      lexsearch fusion learn --topics topics.tsv --qrels qrels.txt -m nDCG@10
    """
    import importlib.util

    from lexsearch.evaluation import fusion_learning
    from lexsearch.evaluation.fusion_methods import methods
    from lexsearch.evaluation.runs import read_qrels
    from lexsearch.evaluation.topics import read_topics

    queries, judged = read_topics(topics), read_qrels(Path(qrels))
    with_trees = importlib.util.find_spec("lightgbm") is not None if trees is None else trees
    with open_db(db) as index:
        searches = fusion_learning.judged_searches(
            index.engine, queries, judged, on_progress=Counter(len(queries), "topics")
        )
        fold = fusion_learning.folds(searches, judged, count=folds, seed=seed)
        known = methods(searches, measure, with_trees=with_trees, threads=index.settings.threads)
        found = fusion_learning.learn(
            searches,
            fold,
            known,
            weights=index.model.fusion,
            measure=measure,
            on_progress=Counter(fusion_learning.lessons(len(known), folds), "lessons"),
        )
        if found.kept and not dry_run:
            keep(index, found)
    if as_json:
        record = {"schema": 1, "kept": found.kept and not dry_run, "reason": found.reason}
        print_json({**record, "method": found.rule.name, **found.facts()})
    else:
        click.echo("\n".join(lines(found.facts())))
        click.echo(f"{found.reason}{' (dry run: nothing was saved)' if dry_run else ''}")
    if not found.kept:
        click.get_current_context().exit(NoResult.exit_code)


def keep(index: LexSearch, found: Learned) -> None:
    """Save what was learned with the index."""
    from lexsearch.ranking.learned_fusion import LearnedFusion

    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    facts = {**found.facts(), "images": len(index), "when": when}
    fingerprints = {str(r): f for r, f in index.snapshot.identity.fingerprints.items()}
    save(index, LearnedFusion(found.rule, fingerprints, facts).to_text())


def save(index: LexSearch, text: str | None) -> None:
    """Write the text of a learned fusion into the catalog, or take it away."""
    from lexsearch.bundle.writer import BundleWriter

    identity = index.snapshot.identity
    with BundleWriter.open(index.directory, identity=identity, create=False) as writer:
        writer.set_fusion(text)


def lines(facts: Mapping[str, Any]) -> list[str]:
    """The means on held-out topics, best first."""
    held_out = sorted(facts["held_out"].items(), key=lambda one: -one[1])
    names = {"learned": "learned (method chosen in each fold)", "model": "model (its own weights)"}
    rows = [[names.get(name, name), f"{value:.4f}"] for name, value in held_out]
    return [
        *table(rows, header=["fusion", f"{facts['measure']} held out"]),
        f"{facts['queries']:,} topics; chosen in the folds: {', '.join(facts['chosen_in_folds'])}",
    ]


@command.command("show")
@db_option
@json_option
def show(db: str | None, as_json: bool) -> None:
    """Show what the index has learned, or that it has learned nothing.

    \b
    Example:
      lexsearch fusion show --json
    """
    with open_db(db) as index:
        status = index.status()["fusion"]
        weights = None if status is not None else dict(index.model.fusion)
    if as_json:
        print_json({"schema": 1, "learned": status, "model": weights})
        return
    if status is None:
        shown = ", ".join(f"{name} {value:.4f}" for name, value in (weights or {}).items())
        click.echo(f"nothing learned; the model's weights on the raw scores: {shown}")
        return
    if "problem" in status:
        raise UsageError(
            f"what the index has learned is not readable: {safe(status['problem'])}; forget it "
            "with: lexsearch fusion forget"
        )
    click.echo(f"{status['method']}, learned {status['facts'].get('when', '')}")
    click.echo("\n".join(lines(status["facts"])))


@command.command("forget")
@db_option
def forget(db: str | None) -> None:
    """Go back to the model's own weights.

    \b
    Example:
      lexsearch fusion forget --db photos
    """
    with open_db(db) as index:
        if index.snapshot.fusion is None:
            raise LexsearchError(f"{index.directory} has learned no fusion")
        save(index, None)
    click.echo("forgotten; the model's own weights join the channels again")
