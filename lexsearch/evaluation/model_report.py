"""Every measure of a model in one run, as one object of JSON values."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lexsearch.engine import Engine
from lexsearch.errors import UsageError
from lexsearch.evaluation.bootstrap import LEVEL, RESAMPLES, SEED
from lexsearch.evaluation.channels import encode_pictures, encode_sentences
from lexsearch.evaluation.indexed import ids_of, indexed_folder
from lexsearch.evaluation.labels import chosen, read_labels, zero_shot
from lexsearch.evaluation.patchdis import masked_pictures, patchdis, read_classes
from lexsearch.evaluation.pointing import pointing
from lexsearch.evaluation.pruning import pruning_loss
from lexsearch.evaluation.retrieval import (
    Caption,
    Outcome,
    best_single_caption,
    by_file,
    joined,
    judgements,
    read_captions,
    run_captions,
    summary,
)
from lexsearch.evaluation.runs import Qrels
from lexsearch.evaluation.word_truth import word_truth
from lexsearch.protocols import Model
from lexsearch.ranking.pruning import heaviest
from lexsearch.types import SparseVectors

Say = Callable[[str], None]
# Numbers of stored words that the loss of pruning is reported for, beside the model's own.
STORED_WORDS = (32, 64, 128, 256)


@dataclass(frozen=True, slots=True)
class ReportPlaces:
    """Where the data lies; a measure whose data is None is left out.

    Attributes:
        photos, captions: folder and file of retrieval, joined texts and true words.
        corpus: rendered scenes with objects.tsv, images/ and masks/.
        segments: folder with images/, masks/ and classes.tsv.
        labelled, labels: folder and file of zero-shot classes.
        classes: those to tell apart; None = all.
    """

    photos: Path | None = None
    captions: Path | None = None
    corpus: Path | None = None
    segments: Path | None = None
    labelled: Path | None = None
    labels: Path | None = None
    classes: Sequence[str] | None = None


def model_report(
    model: Model,
    places: ReportPlaces,
    *,
    uncut: Model | None = None,
    floor: float = 0.0,
    limit: int | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    say: Say = lambda _: None,
) -> dict[str, Any]:
    """Run every measure that has data.

    Args:
        model: what is measured.
        places: the data.
        uncut: the same model with every word above its threshold, of pictures and of texts; None
            leaves out the loss of pruning.
        floor: of `lexsearch.ranking.pruning.kept_words`, as the model stores its words.
        limit: use the first so many captions only; all their pictures stay in the index.
        resamples, seed: of every interval; 0 resamples = none.
        say: told what is being measured.

    Returns:
        model, bootstrap, and for each measure that was run its figures: retrieval, joined, words,
        pruning, pointing, patchdis, labels.

    Raises:
        UsageError: data that cannot be read, or one of two places that belong together.
    """
    for one, other in ((places.photos, places.captions), (places.labelled, places.labels)):
        if (one is None) != (other is None):
            raise UsageError(f"{one or other} was given without its folder or its table")
    report: dict[str, Any] = {
        "model": {
            "name": model.identity.name,
            "fingerprints": dict(model.identity.fingerprints),
            "words_per_image": model.identity.words_per_image,
        },
        "bootstrap": {"resamples": resamples, "seed": seed, "level": LEVEL},
    }
    if places.photos is not None and places.captions is not None:
        captions = read_captions(places.captions, limit=limit)
        say("retrieval")
        report.update(_retrieval(model, places.photos, captions, resamples, seed))
        say("words")
        report.update(_words(model, uncut, floor, places.photos, captions, resamples, seed))
    if places.corpus is not None:
        say("pointing")
        report["pointing"] = pointing(model, places.corpus, resamples=resamples, seed=seed)
    if places.segments is not None:
        say("patchdis")
        pairs = masked_pictures(places.segments / "images", places.segments / "masks")
        report["patchdis"] = patchdis(
            model, pairs, read_classes(places.segments / "classes.tsv"), seed=seed
        )
    if places.labelled is not None and places.labels is not None:
        say("labels")
        labelled = read_labels(places.labels)
        report["labels"] = zero_shot(
            model, places.labelled, labelled, classes=chosen(labelled, places.classes),
            resamples=resamples, seed=seed,
        )  # fmt: skip
    return report


def _retrieval(
    model: Model, photos: Path, captions: Sequence[Caption], resamples: int, seed: int
) -> dict[str, Any]:
    folder = Path(os.path.abspath(photos))  # noqa: PTH100 (links stay)
    with (
        tempfile.TemporaryDirectory() as place,
        indexed_folder(folder, Path(place) / "db", model) as engine,
    ):
        ids = ids_of(engine.snapshot, folder, (one.file for one in captions))
        outcomes, qrels, single = _searched(engine, captions, ids, resamples, seed)
        whole = joined(captions)
        _, _, long = _searched(engine, whole, ids, resamples, seed)
    best = best_single_caption(outcomes["hybrid"].run, captions, qrels)
    long["best_single_caption"] = best
    long["gain_over_single"] = long["modes"]["hybrid"]["R@10"] - best
    return {"retrieval": single, "joined": long}


def _searched(
    engine: Engine,
    captions: Sequence[Caption],
    ids: Mapping[str, int],
    resamples: int,
    seed: int,
) -> tuple[dict[str, Outcome], Qrels, dict[str, Any]]:
    outcomes = run_captions(engine, captions)
    qrels = judgements(captions, ids)
    return outcomes, qrels, summary(outcomes, qrels, captions, resamples=resamples, seed=seed)


def _words(
    model: Model,
    uncut: Model | None,
    floor: float,
    photos: Path,
    captions: Sequence[Caption],
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    grouped = by_file(captions)
    paths = [photos / file for file in grouped]
    everything = _lexical(uncut or model, paths)
    stored = model.identity.words_per_image
    kept = heaviest(everything, stored, floor=floor)
    flat = [text for texts in grouped.values() for text in texts]
    texts = encode_sentences(model, flat).lexical
    assert texts is not None  # _lexical has refused a model without the role
    found = {
        "words": word_truth(kept, texts, grouped, model.vocabulary, resamples=resamples, seed=seed)
    }
    if uncut is not None:
        right = np.repeat(np.arange(len(grouped)), [len(texts) for texts in grouped.values()])
        counts = sorted({stored, *STORED_WORDS})
        whole = encode_sentences(uncut, flat).lexical
        assert whole is not None
        found["pruning"] = pruning_loss(
            texts,
            whole,
            everything,
            right,
            words=counts,
            floor=floor,
            resamples=resamples,
            seed=seed,
        )
    return found


def _lexical(model: Model, paths: Sequence[Path]) -> SparseVectors:
    found = encode_pictures(model, paths).lexical
    if found is None:
        raise UsageError(f"the model {model.identity.name!r} has no lexical role")
    return found
