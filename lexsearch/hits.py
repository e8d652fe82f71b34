"""Makes hits of what was found: paths, scores and the words that speak for each picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from lexsearch.explain.terms import Contribution, contributions, heaviest_words
from lexsearch.finding import CHANNELS, Found
from lexsearch.results import SearchHit, display_path
from lexsearch.types import IntArray, SparseVectors, docid

if TYPE_CHECKING:
    from lexsearch.bundle.snapshot import Snapshot
    from lexsearch.protocols import LexicalIndex, Vocabulary

SHOWN_TERMS = 5  # words that a hit carries as its reasons
SHOWN_META = ("taken", "camera", "gps", "width", "height")


def make_hits(
    found: Found,
    snapshot: Snapshot,
    reasons: list[tuple[Contribution, ...]],
    *,
    is_fused: bool,
    limit: float,
    with_shares: int = 0,
) -> tuple[SearchHit, ...]:
    """The hits of a ranking, best first.

    Args:
        found: what was found.
        snapshot: knows the pictures.
        reasons: words by hit.
        is_fused: the score of the ranking is that of the fusion.
        limit: hits that score less are marked.
        with_shares: so many of the best hits say how their fused score came about.
    """
    ids = found.ranking.ids
    places = np.searchsorted(found.candidates, ids)
    hits: list[SearchHit] = []
    for i, record in enumerate(snapshot.images(ids.tolist())):
        score = float(found.ranking.scores[i])
        scores: dict[str, float | None] = dict.fromkeys((*CHANNELS, "fused"))
        for name, values in found.scores.items():
            value = float(values[places[i]])
            scores[name] = None if np.isnan(value) else value
        if is_fused:
            scores["fused"] = score
        hits.append(
            SearchHit(
                rank=i + 1,
                id=docid(record.image_id),
                raw_path=record.paths[0],
                score=score,
                scores=scores,
                terms=reasons[i],
                also=tuple(display_path(path) for path in record.paths[1:]),
                meta={**{name: getattr(record, name) for name in SHOWN_META}, **record.meta},
                ids=record.ids,
                below_cutoff=score < limit,
                shares=(
                    found.rule.shares(found.scores, int(places[i]))
                    if i < with_shares and found.rule is not None
                    else ()
                ),
            )
        )
    return tuple(hits)


def reasons(
    query: SparseVectors | None,
    ids: IntArray,
    lexical: Callable[[], LexicalIndex],
    vocabulary: Vocabulary,
    *,
    every_word: bool = False,
) -> list[tuple[Contribution, ...]]:
    """The words that speak for each image, heaviest first.

    Args:
        query: one row, or None for a query without words.
        ids: of the images.
        lexical: gives the word index; asked where there is a query.
        vocabulary: spells the words.
        every_word: every entry that both sides share, so that they add up to the score;
            otherwise at most SHOWN_TERMS whole words that count for the image.
    """
    if query is None or not len(ids):
        return [()] * len(ids)
    stored = lexical().vectors(ids)
    if not every_word:
        return heaviest_words(query, stored, vocabulary, SHOWN_TERMS)
    rows = (stored.select([i]) for i in range(len(ids)))
    return [tuple(contributions(query, row, vocabulary)) for row in rows]
