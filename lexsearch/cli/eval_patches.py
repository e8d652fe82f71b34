"""`lexsearch eval patchdis` and `eval pointing`: whether a word fires where its thing is."""

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
from lexsearch.cli.options import json_option, print_json
from lexsearch.cli.terminal import safe, table


@click.command("patchdis")
@images_option
@click.option(
    "--masks",
    required=True,
    metavar="DIR",
    type=click.Path(),
    help="Folder of PNG masks of class ids, each named as its picture; 0 = unlabelled.",
)
@click.option(
    "--classes",
    "classes_file",
    required=True,
    metavar="TSV",
    type=click.Path(),
    help="Lines id<TAB>name.",
)
@click.option(
    "--things",
    type=click.IntRange(min=1),
    metavar="N",
    help="Measure classes with ids up to N only (COCO: 90); others count as unlabelled.",
)
@click.option("--by-class", is_flag=True, help="Print the IoU of every class as well.")
@model_option
@json_option
def patchdis(
    images: str,
    masks: str,
    classes_file: str,
    things: int | None,
    by_class: bool,
    model_name: str | None,
    as_json: bool,
) -> None:
    """Label every patch with the most similar class name and compare with pixel masks.

    mIoU: intersection over union per class over the whole set, mean over classes. random: the
    same with patches labelled at random. words: names as rows of the codebook, as in LexVLA;
    text: names as queries. set: any class of the set may be chosen; given: only those that the
    photo has.

    \b
    Example:
      lexsearch eval patchdis --images coco/images --masks coco/masks --classes coco/classes.tsv
    """
    from lexsearch.evaluation.patchdis import masked_pictures, read_classes
    from lexsearch.evaluation.patchdis import patchdis as measured

    pairs = masked_pictures(Path(images).expanduser(), Path(masks).expanduser())
    classes = read_classes(Path(classes_file).expanduser(), things=things)
    result = measured(
        chosen_model(model_name), pairs, classes, on_progress=Counter(len(pairs), "photos")
    )
    if as_json:
        print_json(result)
    else:
        click.echo("\n".join(patchdis_lines(result, by_class=by_class)))


def patchdis_lines(result: Mapping[str, Any], *, by_class: bool) -> list[str]:
    """The table for people, in percent, and the sentences below it."""
    ways = [way for way in ("words", "text") if way in result]
    body = [
        [
            way,
            kind,
            f"{100 * result[way][kind]['miou']:.2f}",
            f"{100 * result[way][kind]['random']:.2f}",
            f"{result[way][kind]['ratio']:.2f}",
        ]
        for way in ways
        for kind in ("set", "given")
    ]
    shown = table(body, header=["names", "classes", "mIoU %", "random %", "ratio"])
    shown.append(
        f"{result['images']:,} photos, {result['patches']:,} patches, {result['classes']} classes"
    )
    if result["unnamed"]:
        shown.append(f"without a word: {safe(', '.join(result['unnamed']))}")
    if by_class:
        first = result[ways[0]]["iou"]
        rows = [
            [safe(name), *(f"{100 * result[way]['iou'][name]:.1f}" for way in ways)]
            for name in sorted(first, key=lambda name: (-first[name], name))
        ]
        shown += ["", *table(rows, header=["class, IoU %", *ways])]
    return shown


@click.command("pointing")
@click.option(
    "--corpus",
    required=True,
    metavar="DIR",
    type=click.Path(),
    help="Folder with objects.tsv (file<TAB>mask<TAB>name), images/ and masks/.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Use the first N pictures only."
)
@model_option
@bootstrap_option
@json_option
def pointing(
    corpus: str, limit: int | None, model_name: str | None, resamples: int, as_json: bool
) -> None:
    """See whether the strongest patch of a word lies on the object that it names.

    centre: the centre of the patch lies on the object. touch: any pixel of the patch does.
    chance: mean share of patches that would be right. reachable: share of questions that some
    patch can answer.

    \b
    Example:
      lexsearch eval pointing --corpus sample_corpus/
    """
    from lexsearch.evaluation.pointing import pointing as measured

    result = measured(
        chosen_model(model_name), Path(corpus).expanduser(), limit=limit, resamples=resamples
    )
    if as_json:
        print_json(result)
    else:
        click.echo("\n".join(pointing_lines(result, intervals=resamples > 0)))


def pointing_lines(result: Mapping[str, Any], *, intervals: bool) -> list[str]:
    """The table for people, in percent, and the sentences below it."""
    body = []
    for rule in ("centre", "touch"):
        one = result[rule]
        body.append(
            [
                rule,
                percent(one["accuracy"], one["interval"] if intervals else None),
                percent(one["chance"]),
                f"{one['ratio']:.2f}",
                percent(one["reachable"]),
            ]
        )
    shown = table(body, header=["hit", "accuracy %", "chance %", "ratio", "reachable %"])
    shown.append(f"{result['questions']:,} words in {result['images']:,} pictures")
    if result["unknown"]:
        shown.append(f"not in the vocabulary: {safe(', '.join(result['unknown']))}")
    return shown
