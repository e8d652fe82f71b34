"""`lexsearch eval labels`: zero-shot classes by prompts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lexsearch.cli.eval_options import (
    Counter,
    bootstrap_option,
    chosen_model,
    images_option,
    model_option,
    percent,
)
from lexsearch.cli.options import json_option, load_settings, print_json
from lexsearch.cli.terminal import table
from lexsearch.errors import UsageError


@click.command("labels")
@images_option
@click.option(
    "--labels",
    "labels_file",
    required=True,
    metavar="TSV",
    type=click.Path(),
    help="Lines file<TAB>label.",
)
@click.option("--classes", metavar="A,B,C", help="Tell only these labels apart.")
@click.option(
    "--only", metavar="FILE", type=click.Path(), help="The same from a file, one label a line."
)
@click.option(
    "--held-out", is_flag=True, help="The same: labels that the model's training never saw."
)
@click.option(
    "--template",
    "templates",
    multiple=True,
    metavar="TEXT",
    help="Prompt with {} for the label; several are averaged. Default: eight.",
)
@model_option
@bootstrap_option
@json_option
def labels(
    images: str,
    labels_file: str,
    classes: str | None,
    only: str | None,
    held_out: bool,
    templates: tuple[str, ...],
    model_name: str | None,
    resamples: int,
    as_json: bool,
) -> None:
    """Find the class of every picture among the labels, by prompts.

    top1, top5: share of pictures whose own label is the most similar, or among the five most
    similar. chance: the same for a guess. hybrid: the weighted sum of the three channels.

    \b
    Examples:
      lexsearch eval labels --images photos/ --labels labels.tsv --held-out
      lexsearch eval labels --images photos/ --labels labels.tsv --classes "cat,dog,stop sign"
    """
    from lexsearch.evaluation.labels import chosen, read_labels, zero_shot
    from lexsearch.prompts import TEMPLATES

    wanted = wanted_classes(classes, only, model_name if held_out else None, held_out=held_out)
    labelled = read_labels(Path(labels_file).expanduser())
    names = chosen(labelled, wanted)
    kept = [one for one in labelled if one.label in set(names)]
    result = zero_shot(
        chosen_model(model_name),
        Path(images).expanduser(),
        kept,
        classes=names,
        templates=templates or TEMPLATES,
        resamples=resamples,
        on_progress=Counter(len(kept), "pictures"),
    )
    if as_json:
        print_json(result)
    else:
        click.echo("\n".join(lines(result, intervals=resamples > 0)))


def wanted_classes(
    classes: str | None, only: str | None, model_name: str | None, *, held_out: bool
) -> list[str] | None:
    """The classes that the options name; None = all.

    Raises:
        UsageError: two options name classes, or a file cannot be read.
    """
    from lexsearch.evaluation.labels import held_out_classes, read_names

    if sum((classes is not None, only is not None, held_out)) > 1:
        raise UsageError("expected at most one of --classes, --only and --held-out")
    if held_out:
        return held_out_classes(model_name or load_settings().model)
    if only is not None:
        return read_names(Path(only).expanduser())
    if classes is None:
        return None
    return [name for part in classes.split(",") if (name := part.strip())]


def lines(result: Mapping[str, Any], *, intervals: bool) -> list[str]:
    """The table for people, in percent, with the chance level."""
    chance = result["chance"]
    body = [
        [
            mode,
            percent(one["top1"], one["interval"] if intervals else None),
            percent(one["top5"]),
            f"{one['ratio']:.2f}",
        ]
        for mode, one in result["modes"].items()
    ]
    body.append(["chance", percent(chance["top1"]), percent(chance["top5"]), "1.00"])
    shown = table(body, header=["mode", "top1 %", "top5 %", "top1 / chance"])
    return [*shown, f"{result['images']:,} pictures of {len(result['classes'])} classes"]
