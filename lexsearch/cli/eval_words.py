"""`lexsearch eval words`: whether the words of photos and texts are true."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lexsearch.cli.eval_options import (
    Counter,
    bootstrap_option,
    captions_option,
    chosen_model,
    images_option,
    model_option,
    percent,
)
from lexsearch.cli.options import json_option, print_json
from lexsearch.cli.terminal import table
from lexsearch.errors import UsageError


@click.command("words")
@images_option
@captions_option
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Use the first N captions only."
)
@model_option
@bootstrap_option
@json_option
def words(
    images: str,
    captions_file: str,
    limit: int | None,
    model_name: str | None,
    resamples: int,
    as_json: bool,
) -> None:
    """See whether the heaviest words of a photo are said of it, and a text's own words kept.

    photo: of the five heaviest words of a photo (no sub-word pieces), the share that occurs, by
    dictionary form, in one of its captions. text: of a caption's words that the vocabulary has,
    the share among the 20 heaviest words of its vector.

    \b
    Example:
      lexsearch eval words --images photos/ --captions captions.tsv
    """
    from lexsearch.evaluation.channels import encode_pictures, encode_sentences
    from lexsearch.evaluation.retrieval import by_file, read_captions
    from lexsearch.evaluation.tables import existing_folder
    from lexsearch.evaluation.word_truth import word_truth

    folder = existing_folder(Path(images).expanduser())
    captions = by_file(read_captions(Path(captions_file), limit=limit))
    model = chosen_model(model_name)
    photos = encode_pictures(
        model, [folder / file for file in captions], on_progress=Counter(len(captions), "photos")
    ).lexical
    texts = encode_sentences(model, [text for group in captions.values() for text in group]).lexical
    if photos is None or texts is None:
        raise UsageError(f"the model {model.identity.name!r} has no lexical role")
    result = word_truth(photos, texts, captions, model.vocabulary, resamples=resamples)
    if as_json:
        print_json(result)
    else:
        click.echo("\n".join(lines(result, intervals=resamples > 0)))


def lines(result: Mapping[str, Any], *, intervals: bool) -> list[str]:
    """The table for people."""

    def share(name: str) -> str:
        one = result[name]
        return percent(one["share"], one["interval"] if intervals else None)

    rows = [
        ["of a photo's 5 heaviest words, said in its captions, %", share("photo")],
        ["of a caption's words, among its 20 heaviest, %", share("text")],
        ["active words of a photo", f"{result['active']['image']:.1f}"],
        ["active words of a text", f"{result['active']['text']:.1f}"],
    ]
    return [*table(rows), f"{result['images']:,} photos, {result['captions']:,} captions"]
