"""`lexsearch eval run`: measures of runs, side by side, and whether they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lexsearch.cli.options import json_option, print_json
from lexsearch.cli.repeated import RepeatedValues
from lexsearch.cli.terminal import safe, table
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from lexsearch.evaluation.comparison import Comparison

MEASURES = ("nDCG@10", "R@1", "R@5", "R@10", "RR")
FORMATS = ("table", "markdown", "latex", "tsv")
_LATEX = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}",
                        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"})  # fmt: skip


@click.command("run", cls=RepeatedValues)
@click.option("--qrels", required=True, metavar="FILE", type=click.Path(), help="TREC judgements.")
@click.option(
    "--run",
    "--runs",
    "runs",
    multiple=True,
    required=True,
    metavar="FILE...",
    type=click.Path(),
    help="TREC runs; the others are compared with the first.",
)
@click.option(
    "-m",
    "--measure",
    "measures",
    multiple=True,
    metavar="M...",
    help=f"Names of ir-measures. Default: {' '.join(MEASURES)}.",
)
@click.option("--per-query", is_flag=True, help="A table of every query instead of the means.")
@click.option(
    "--test",
    type=click.Choice(["randomisation", "t-test", "bootstrap", "none"]),
    default="randomisation",
    show_default=True,
    help="Paired test over queries.",
)
@click.option(
    "--correction",
    type=click.Choice(["holm", "bonferroni", "none"]),
    default="holm",
    show_default=True,
    help="For the comparisons in one measure.",
)
@click.option("--all-pairs", is_flag=True, help="Compare every two runs, not only with the first.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="Of the tables.",
)
@json_option
def run(
    qrels: str,
    runs: tuple[str, ...],
    measures: tuple[str, ...],
    per_query: bool,
    test: str,
    correction: str,
    all_pairs: bool,
    format_: str,
    as_json: bool,
) -> None:
    """Measure runs by judgements, with paired tests of their differences.

    Figures are those of ir-measures (trec_eval). ms_p50, the median time per query, is shown
    for runs that `lexsearch run --times` wrote.

    \b
    Examples:
      lexsearch eval run --qrels qrels.txt --run run.trec -m nDCG@10 -m R@1
      lexsearch eval run --qrels qrels.txt --run rrf.trec learned.trec --test t-test --json
    """
    from lexsearch.evaluation.comparison import compare
    from lexsearch.evaluation.experiment import read_times
    from lexsearch.evaluation.measures import by_query
    from lexsearch.evaluation.runs import read_qrels, read_run

    names = list(dict.fromkeys(measures or MEASURES))
    judged = read_qrels(Path(qrels))
    titles = _titles(runs)
    values = {
        title: by_query(judged, read_run(Path(path)), names)
        for title, path in zip(titles, runs, strict=True)
    }
    times = {title: read_times(Path(path)) for title, path in zip(titles, runs, strict=True)}
    compared = (
        compare(values, test=test, correction=correction, all_pairs=all_pairs)
        if test != "none" and len(runs) > 1
        else []
    )
    if as_json:
        print_json(as_record(values, times, compared, test, correction, per_query=per_query))
        return
    shown = query_table(values) if per_query else mean_table(values, times)
    click.echo("\n".join(formatted(shown, format_)))
    if compared and not per_query:
        click.echo("")
        click.echo("\n".join(formatted(comparison_table(compared, test, correction), format_)))


def _titles(runs: Sequence[str]) -> list[str]:
    """A name per run: the file's, or the whole path where two files are called alike."""
    if len(set(runs)) < len(runs):
        raise UsageError("--run names one file twice")
    short = [Path(path).name for path in runs]
    return short if len(set(short)) == len(short) else list(runs)


Values = Mapping[str, Mapping[str, Mapping[str, float]]]
Table = list[list[str]]


def _mean(values: Mapping[str, float]) -> float:
    return sum(values.values()) / len(values)


def mean_table(values: Values, times: Mapping[str, float | None]) -> Table:
    """A line per run: every mean in four decimals, and milliseconds where they are known."""
    timed = any(ms is not None for ms in times.values())
    header = ["run", *next(iter(values.values())), *(["ms_p50"] if timed else [])]
    rows = [header]
    for name, measured in values.items():
        row = [name, *(f"{_mean(by_query):.4f}" for by_query in measured.values())]
        if timed:
            ms = times[name]
            row.append("-" if ms is None else f"{ms:.1f}")
        rows.append(row)
    return rows


def query_table(values: Values) -> Table:
    """A line per query: every measure of every run."""
    names, first = list(values), next(iter(values.values()))
    columns = [(measure, name) for measure in first for name in names]
    rows = [
        ["qid", *(f"{measure} {name}" if len(names) > 1 else measure for measure, name in columns)]
    ]
    for qid in next(iter(first.values())):
        rows.append([qid, *(f"{values[name][measure][qid]:.4f}" for measure, name in columns)])
    return rows


def comparison_table(compared: Sequence[Comparison], test: str, correction: str) -> Table:
    """A line per comparison: the difference with its interval, and p."""
    corrected = correction != "none"
    header = ["run", "against", "measure", "difference", "95 % interval", f"p ({test})"]
    rows = [[*header, *([f"p ({correction})"] if corrected else [])]]
    for one in compared:
        line = [
            one.run, one.other, one.measure, f"{one.difference.mean:+.4f}",
            f"[{one.difference.low:+.4f}, {one.difference.high:+.4f}]", f"{one.p:.4f}",
        ]  # fmt: skip
        rows.append([*line, *([f"{one.corrected:.4f}"] if corrected else [])])
    return rows


def formatted(rows: Table, format_: str) -> list[str]:
    """The lines of a table; its first row is the header."""
    if format_ == "latex":
        body = [" & ".join(cell.translate(_LATEX) for cell in row) + r" \\" for row in rows]
        start = rf"\begin{{tabular}}{{l{'r' * (len(rows[0]) - 1)}}}"
        return [start, r"\hline", body[0], r"\hline", *body[1:], r"\hline", r"\end{tabular}"]
    shown = [[safe(cell) for cell in row] for row in rows]
    if format_ == "tsv":
        return ["\t".join(row) for row in shown]
    if format_ == "markdown":
        cells = [[cell.replace("|", "\\|") for cell in row] for row in shown]
        rule = ["---", *["---:"] * (len(rows[0]) - 1)]
        return [f"| {' | '.join(row)} |" for row in (cells[0], rule, *cells[1:])]
    return table(shown[1:], header=shown[0])


def as_record(
    values: Values,
    times: Mapping[str, float | None],
    compared: Sequence[Comparison],
    test: str,
    correction: str,
    *,
    per_query: bool,
) -> dict[str, Any]:
    """Everything as JSON values, schema 1."""
    first = next(iter(next(iter(values.values())).values()))
    record: dict[str, Any] = {
        "schema": 1,
        "queries": len(first),
        "runs": {
            name: {
                **{measure: _mean(by_query) for measure, by_query in measured.items()},
                **({} if times[name] is None else {"ms_p50": times[name]}),
            }
            for name, measured in values.items()
        },
    }
    if compared:
        record["test"], record["correction"] = test, correction
        record["comparisons"] = [
            {
                "run": one.run,
                "against": one.other,
                "measure": one.measure,
                "difference": one.difference.mean,
                "interval": [one.difference.low, one.difference.high],
                "p": one.p,
                "p_corrected": one.corrected,
            }
            for one in compared
        ]
    if per_query:
        record["per_query"] = {name: dict(measured) for name, measured in values.items()}
    return record
