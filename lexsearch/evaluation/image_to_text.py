"""Image-to-text retrieval: every picture is a query and ranks all captions."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from lexsearch.engine import Engine, Mode
from lexsearch.evaluation.channels import encode_sentences, score_matrices
from lexsearch.evaluation.experiment import permitted_modes
from lexsearch.evaluation.retrieval import DEPTH, Caption, Outcome
from lexsearch.evaluation.runs import Qrels, Run
from lexsearch.query import Query
from lexsearch.types import Encoded, docid


def text_judgements(captions: Sequence[Caption], image_ids: Mapping[str, int]) -> Qrels:
    """Every caption of a picture is right for it; files with the same bytes are one picture.

    Args:
        captions: what is ranked.
        image_ids: file name as the captions spell it -> id of the picture.
    """
    qrels: Qrels = {}
    for one in captions:
        qrels.setdefault(docid(image_ids[one.file]), {})[one.qid] = 1
    return qrels


def run_pictures(
    engine: Engine,
    captions: Sequence[Caption],
    image_ids: Mapping[str, int],
    folder: Path,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Outcome]:
    """Rank all captions by every picture, in every mode that the model has vectors for.

    Late interaction is that of the image: the mean, over patches, of the best token of the
    caption. The hybrid joins the channels with the model's weights. Ties go to the smaller
    caption id.

    Args:
        engine: encodes the pictures as it does for a search by picture.
        captions: what is ranked, at least one.
        image_ids: file name as the captions spell it -> id of the picture.
        folder: where the pictures lie.
        on_progress: called after every picture with how many are done.

    Returns:
        Mode -> the DEPTH best captions per picture, by the picture's document id.

    Source: Radford et al. 2021 (CLIP), Yao et al. 2021 (FILIP), equation 4.
    """
    files: dict[int, str] = {}
    for one in captions:
        files.setdefault(image_ids[one.file], one.file)
    captions = sorted(captions, key=lambda one: one.qid)
    texts = encode_sentences(engine.model, [one.text for one in captions])
    modes = permitted_modes(engine.snapshot.identity)
    runs: dict[str, Run] = {mode: {} for mode in modes}
    millis: dict[str, list[float]] = {mode: [] for mode in modes}
    for done, (image_id, file) in enumerate(files.items(), start=1):
        start = time.perf_counter()
        side = engine.encode(Query.image(folder / file))
        picture = Encoded(side.lexical, side.dense, side.tokens)
        encoding = time.perf_counter() - start
        for mode in modes:
            start = time.perf_counter()
            scores = score_matrices(_only(picture, mode), texts, engine.model.fusion)[mode][0]
            best = np.argsort(-scores, kind="stable")[:DEPTH]
            runs[mode][docid(image_id)] = {captions[i].qid: float(scores[i]) for i in best}
            millis[mode].append(1000 * (encoding + time.perf_counter() - start))
        if on_progress is not None:
            on_progress(done)
    return {mode: Outcome(runs[mode], statistics.median(millis[mode])) for mode in modes}


def _only(picture: Encoded, mode: Mode) -> Encoded:
    """The side of a picture that a mode looks at."""
    if mode == "hybrid":
        return picture
    return Encoded(
        picture.lexical if mode == "lexical" else None,
        picture.dense if mode == "dense" else None,
        picture.tokens if mode == "late" else None,
    )
