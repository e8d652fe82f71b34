"""One score from several channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lexsearch.ranking.topk import top_k
from lexsearch.types import FloatArray, Ranking


def weighted_sum(scores: Mapping[str, FloatArray], weights: Mapping[str, float]) -> FloatArray:
    """sum over channels of weight * score; a missing score counts as the least of its channel.

    Weights and scores are taken raw, neither renormalised: a model's weights are learned on the
    scores as they are.

    Args:
        scores: channel -> float32 (n,), NaN where the channel does not know the image. A
            channel that knows none adds nothing.
        weights: channel -> weight; channels without scores are ignored.

    Returns:
        float32 (n,), summed in float64 in alphabetical order of the channels, so that the order
        of the mapping does not matter.

    Raises:
        ValueError: no channel, a channel without a weight, or lengths that differ.

    Source: Bruch, Gai and Ingber 2023, convex combination.
    """
    lengths = {len(channel) for channel in scores.values()}
    if len(lengths) != 1:
        raise ValueError(f"scores of {len(scores)} channels have lengths {sorted(lengths)}")
    unknown = sorted(set(scores) - set(weights))
    if unknown:
        raise ValueError(f"no weight for {', '.join(unknown)}; known: {', '.join(sorted(weights))}")
    total = np.zeros(lengths.pop(), dtype=np.float64)
    for channel in sorted(scores):
        total += weights[channel] * filled(scores[channel]).astype(np.float64)
    return total.astype(np.float32)


def filled(scores: FloatArray) -> FloatArray:
    """The scores with NaN replaced by the least of them; all 0 when there is no other."""
    missing = np.isnan(scores)
    least = scores[~missing].min() if not missing.all() else np.float32(0.0)
    return np.where(missing, least, scores).astype(np.float32)


def reciprocal_rank(
    rankings: Sequence[Ranking],
    k: int,
    *,
    damping: float = 60.0,
    weights: Sequence[float] | None = None,
) -> Ranking:
    """The k best by sum over rankings of weight / (damping + rank); rank starts at 1.

    Args:
        rankings: any number; an image outside a ranking gets nothing from it.
        k: images wanted.
        damping: > -1; the larger, the less the first ranks stand out.
        weights: one per ranking, default 1.

    Returns:
        A ranking with source `fused`; the order of the rankings does not matter.

    Raises:
        ValueError: weights and rankings differ in number.

    Source: Cormack, Clarke and Buettcher 2009.
    """
    shares = [1.0] * len(rankings) if weights is None else list(weights)
    if len(shares) != len(rankings):
        raise ValueError(f"{len(shares)} weights for {len(rankings)} rankings")
    if not rankings:
        return Ranking(np.zeros(0, np.int64), np.zeros(0, np.float32), "fused")
    ids = np.unique(np.concatenate([ranking.ids for ranking in rankings]))
    parts = np.zeros((len(rankings), len(ids)), dtype=np.float64)
    for part, share, ranking in zip(parts, shares, rankings, strict=True):
        ranks = np.arange(1, len(ranking) + 1)
        part[np.searchsorted(ids, ranking.ids)] = share / (damping + ranks)
    parts.sort(axis=0)  # one order of addition, whatever the order of the rankings
    return top_k(ids, parts.sum(axis=0).astype(np.float32), k, source="fused")
