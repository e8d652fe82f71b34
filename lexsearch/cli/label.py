"""`lexsearch label`: a class for every picture, by prompts."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lexsearch.cli.options import db_option, open_db, print_json
from lexsearch.cli.terminal import safe, table
from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from lexsearch.bundle.snapshot import Snapshot
    from lexsearch.engine import Mode
    from lexsearch.labelling import Labels

FORMATS = ("table", "csv", "json")


@click.command("label")
@click.option(
    "--classes", "classes_file", required=True, metavar="FILE", type=click.Path(),
    help="Names of classes, one a line.",
)  # fmt: skip
@click.option(
    "--template", "templates", multiple=True, metavar="TEXT",
    help="Prompt with {} for the class; several are averaged. Default: eight.",
)  # fmt: skip
@click.option(
    "--mode", type=click.Choice(["lexical", "dense", "late", "hybrid"]),
    help="What compares pictures and prompts.  [default: dense where the model has it]",
)  # fmt: skip
@click.option(
    "--centre", is_flag=True,
    help="Take its mean over the library off every class first (no class prevails in it).",
)  # fmt: skip
@click.option(
    "--min-lead", type=click.FloatRange(min=0), default=0.0, metavar="X",
    help="No label where the best class leads the next by less.",
)  # fmt: skip
@click.option("--keep", is_flag=True, help="Keep the labels: search finds them by label:NAME.")
@click.option("--xmp", is_flag=True, help="Write photo.jpg.xmp beside photos that have none.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table")
@db_option
def command(
    classes_file: str,
    templates: tuple[str, ...],
    mode: Mode | None,
    centre: bool,
    min_lead: float,
    keep: bool,
    xmp: bool,
    format_: str,
    db: str | None,
) -> None:
    """Give every picture of an index the class whose prompts it resembles most.

    Reads no photo. Exit code 1 when no picture got a label.

    \b
    Examples:
      lexsearch label --classes classes.txt
      lexsearch label --classes classes.txt --format csv > labels.csv
      lexsearch label --classes classes.txt --keep && lexsearch search "sunny label:beach"
    """
    from lexsearch.evaluation.labels import read_names
    from lexsearch.prompts import TEMPLATES

    names = read_names(Path(classes_file).expanduser())
    with open_db(db) as index:
        labels = index.label(
            names, templates=templates or TEMPLATES, mode=mode, centre=centre, keep=keep,
            min_lead=min_lead,
        )  # fmt: skip
        if format_ == "table":
            click.echo("\n".join(summary(labels)))
        else:
            show(labels, index.snapshot, format_)
        if keep:
            click.echo("kept; find them with: lexsearch search label:NAME", err=True)
        failed = write_sidecars(labels, index.snapshot) if xmp else 0
    if failed:
        raise UsageError(f"{failed} sidecars could not be written; see above")
    click.get_current_context().exit(0 if len(labels) else 1)


def summary(labels: Labels) -> list[str]:
    """How many pictures every class has, and how sure they are."""
    leads: dict[str, list[float]] = {}
    for _, name, _, lead in labels:
        leads.setdefault(name, []).append(lead)
    body = [
        [safe(name), f"{len(held):,}", f"{sorted(held)[len(held) // 2]:.4f}"]
        for name, held in sorted(leads.items(), key=lambda pair: -len(pair[1]))
    ]
    shown = table(body, header=["label", "pictures", "median lead"])
    return [*shown, f"{len(labels):,} pictures by {labels.mode}"]


def show(labels: Labels, snapshot: Snapshot, format_: str) -> None:
    """Every picture with its label, on stdout."""
    from lexsearch.results import display_path

    records = snapshot.images([image_id for image_id, *_ in labels])
    rows = [
        (display_path(record.paths[0]), f"{image_id:016x}", name, round(score, 6), round(lead, 6))
        for record, (image_id, name, score, lead) in zip(records, labels, strict=True)
    ]
    fields = ("path", "id", "label", "score", "lead")
    if format_ == "json":
        print_json(
            {
                "schema": 1,
                "classes": list(labels.classes),
                "templates": list(labels.templates),
                "mode": labels.mode,
                "centred": labels.centred,
                "labels": [dict(zip(fields, row, strict=True)) for row in rows],
            }
        )
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows(rows)
    click.echo(text.getvalue(), nl=False)


def write_sidecars(labels: Labels, snapshot: Snapshot) -> int:
    """Write a sidecar for every path; says what was left alone; returns how many failed."""
    from lexsearch.results import display_path
    from lexsearch.sidecars import write_sidecar

    written, there, failed = 0, 0, 0
    records = snapshot.images([image_id for image_id, *_ in labels])
    for record, (_, name, _, _) in zip(records, labels, strict=True):
        for path in record.paths:
            try:
                made = write_sidecar(path, [name])
            except OSError as error:
                failed += 1
                click.echo(f"{safe(display_path(path))}.xmp: {error.strerror or error}", err=True)
                continue
            written, there = written + made, there + (not made)
    click.echo(f"{written:,} sidecars written, {there:,} were there and stay as they are", err=True)
    return failed
