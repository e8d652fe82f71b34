"""`lexsearch run`: a list of topics in, a TREC run out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lexsearch.cli.eval_options import Counter
from lexsearch.cli.options import (
    db_option,
    feedback_of,
    feedback_options,
    fusion_option,
    mode_option,
    open_db,
)

if TYPE_CHECKING:
    from lexsearch.engine import Mode


@click.command("run")
@click.option(
    "--topics",
    required=True,
    metavar="FILE",
    type=click.Path(allow_dash=True),
    help="Lines qid<TAB>text, or JSON objects with qid and text; - is standard input.",
)
@click.option(
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Where the run goes; - is standard output.",
)
@click.option(
    "--hits",
    type=click.IntRange(min=1),
    default=1_000,
    show_default=True,
    help="Photos per topic.",
)
@click.option("--tag", default="lexsearch", show_default=True, help="Name of the run, in it.")
@mode_option
@fusion_option
@feedback_options
@db_option
@click.option("--times", is_flag=True, help="Also write FILE.json with how long every topic took.")
def command(
    topics: str,
    output: str,
    hits: int,
    tag: str,
    mode: Mode,
    fusion: str | None,
    db: str | None,
    times: bool,
    **more: Any,
) -> None:
    """Search every topic, taken literally, and write what was found in the form of TREC.

    Lines are: qid Q0 docid rank score tag. Scores have six decimals and fall strictly within a
    topic: equal ones, which go by ascending id, are lowered just enough that every tool keeps
    the order.

    \b
    Examples:
      lexsearch run --topics topics.tsv --output run.trec --hits 100
      lexsearch run --topics - --output words.trec --mode lexical --tag words < topics.jsonl
    """
    from lexsearch.errors import UsageError
    from lexsearch.evaluation.experiment import run
    from lexsearch.evaluation.topics import read_topics

    if times and output == "-":
        raise UsageError("--times writes beside the run; give --output a file")
    feedback = feedback_of(more)
    queries = read_topics(topics)
    with open_db(db, fusion=fusion) as index:
        found = run(
            index,
            queries,
            k=hits,
            mode=mode,
            tag=tag,
            prepare=lambda query: query.with_(feedback=feedback),
            on_progress=Counter(len(queries), "topics"),
        )
    found.save(output, times=times)
    click.echo(f"{len(queries):,} topics, median {found.ms_p50:.1f} ms", err=True)
