"""What it costs to keep only the heaviest words of a picture and of a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lexsearch.evaluation.bootstrap import RESAMPLES, SEED, Values, paired_difference
from lexsearch.evaluation.channels import lexical_scores, ranks_of
from lexsearch.ranking.pruning import heaviest
from lexsearch.types import IntArray, SparseVectors

DEPTH = 10


def pruning_loss(
    texts: SparseVectors,
    whole_texts: SparseVectors,
    pictures: SparseVectors,
    right: IntArray,
    *,
    words: Sequence[int],
    floor: float = 0.0,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Any]:
    """R@10 of the lexical channel with all words of both sides, and with the heaviest ones.

    Words are lost on both sides, so the peer of what is shipped is the channel without any cut:
    against texts that are cut already, more words of a picture may even do harm.
    Scores are exact products of float32, without the rounding of a store.

    Args:
        texts: n rows, as a query has them.
        whole_texts: the same, every word above the threshold of the encoder.
        pictures: likewise.
        right: shape (n,), the row of each text's picture.
        words: numbers of stored words to try.
        floor: of `kept_words`, as the model stores them.
        resamples, seed: of the intervals, by bootstrap over the texts; 0 = none.

    Returns:
        all: R@10 with all words of both sides; all_of_pictures: with texts as a query has them;
        words: mean number of words above the threshold, `image` and `text`; `stored`: words ->
        R@10 with texts as a query has them, loss against all (positive = worse), its interval.
    """

    def hits(left: SparseVectors, some: SparseVectors) -> Values:
        found: Values = (ranks_of(lexical_scores(left, some), right) <= DEPTH).astype(np.float64)
        return found

    everything = hits(whole_texts, pictures)
    stored: dict[str, Any] = {}
    for count in words:
        found = hits(texts, heaviest(pictures, count, floor=floor))
        loss = paired_difference(everything, found, resamples=resamples, seed=seed)
        stored[str(count)] = {
            "R@10": float(found.mean()),
            "loss": loss.mean,
            "interval": [loss.low, loss.high],
        }
    return {
        "all": float(everything.mean()),
        "all_of_pictures": float(hits(texts, pictures).mean()),
        "words": {
            "image": float(np.diff(pictures.indptr).mean()),
            "text": float(np.diff(whole_texts.indptr).mean()),
        },
        "stored": stored,
    }
