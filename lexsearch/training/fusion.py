"""The fusion that is stored with a model: weights of the channels and depth of the first stage.

Fused score = sum of weight * raw score, which stays linear so that its shares can be shown. The
weights come from a grid over shares of the standardised scores; how well weights chosen this way
do on unseen queries is measured by cross-validation over photos.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

CHANNELS = ("lexical", "dense", "late")
# Steps of the grid. No share is 0: a channel without weight could not be edited or explained.
STEP = 20
FOLDS = 5
DEPTHS = (100, 200, 400)  # no fewer: collections are larger than the choosing set
DEPTH_LOSS = 0.1  # points of R@10 that a shallower first stage may cost


@dataclass(frozen=True, slots=True)
class Fusion:
    """Weights on raw scores, adding up to 1.

    held_out: R@10 in percent over all queries, each measured with the weights chosen on the
    folds that do not hold its photo.
    """

    weights: dict[str, float]
    held_out: float


def recalls(scores: Tensor, own: Tensor) -> dict[str, float]:
    """R@1, R@5, R@10 of text to photo, in percent; a photo's ties count against it."""
    rank = ranks(scores, own)
    return {f"R@{k}": 100 * float((rank < k).float().mean()) for k in (1, 5, 10)}


def ranks(scores: Tensor, own: Tensor) -> Tensor:
    """How many other photos score at least as high as a text's own; int64 (texts,)."""
    mine = scores.gather(1, own[:, None])
    return (scores >= mine).sum(dim=1) - 1


def fuse(scores: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Sum of weight * raw score, float32 (texts, photos)."""
    return torch.stack([weights[name] * scores[name] for name in CHANNELS]).sum(dim=0)


def choose_fusion(scores: Mapping[str, Tensor], own: Tensor) -> Fusion:
    """Weights with the best R@10 + R@1 (then R@5) over all queries.

    Args:
        scores: by channel, float32 (texts, photos).
        own: int64 (texts,), the column of each text's photo.
    """
    spread = {name: float(scores[name].std()) for name in CHANNELS}
    tried = [
        {name: share / spread[name] for name, share in zip(CHANNELS, shares, strict=True)}
        for shares in _shares()
    ]
    rank = torch.stack([ranks(fuse(scores, weights), own) for weights in tried])
    best = tried[_best(rank)]
    total = sum(best.values())
    found = torch.zeros(len(own), dtype=torch.bool)
    fold = own % FOLDS
    for number in range(FOLDS):
        chosen = _best(rank[:, fold != number]) if bool((fold != number).any()) else 0
        found[fold == number] = (rank[chosen] < 10)[fold == number]
    weights = {name: round(value / total, 4) for name, value in best.items()}
    return Fusion(weights, 100 * float(found.float().mean()))


def _shares() -> Iterator[tuple[float, float, float]]:
    for a in range(1, STEP - 1):
        for b in range(1, STEP - a):
            yield a / STEP, b / STEP, (STEP - a - b) / STEP


def _best(rank: Tensor) -> int:
    share = {k: (rank < k).float().mean(dim=1) for k in (1, 5, 10)}
    value = share[10] + share[1] + 1e-3 * share[5]
    return int(value.argmax())


def choose_depth(scores: Mapping[str, Tensor], own: Tensor, weights: Mapping[str, float]) -> int:
    """Photos that each first-stage channel must propose: the fewest that lose nearly nothing.

    Late interaction and fusion see the union of the best `depth` of lexical and dense; the R@10
    of every depth is compared with that of all photos.
    """
    fused = fuse(scores, weights)
    photos = fused.shape[1]
    whole = recalls(fused, own)["R@10"]
    places = {name: _place(scores[name]) for name in ("lexical", "dense")}
    for depth in DEPTHS:
        if depth >= photos:
            break
        proposed = (places["lexical"] < depth) | (places["dense"] < depth)
        few = fused.masked_fill(~proposed, float("-inf"))
        rank = ranks(few, own)
        mine = proposed.gather(1, own[:, None])[:, 0]
        reached = 100 * float(((rank < 10) & mine).float().mean())
        if reached >= whole - DEPTH_LOSS:
            return depth
    return DEPTHS[-1]


def _place(scores: Tensor) -> Tensor:
    return scores.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
