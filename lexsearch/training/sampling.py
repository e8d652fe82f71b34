"""A sample of the vocabulary for one training step."""

from __future__ import annotations

import torch
from torch import Tensor


def sample_words(wanted: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Ids of the words of a step, and how many words of the vocabulary each one stands for.

    Every word that a row of `wanted` (n, V) should fire, standing for itself, and `count` of
    the others at random, each standing for its share of them: sums over the sample are then
    unbiased estimates of sums over the vocabulary (importance sampling; for softmax Jean et al.
    2015).
    """
    active = (wanted > 0).any(dim=0)
    own, others = active.nonzero()[:, 0], (~active).nonzero()[:, 0]
    drawn = others[torch.randperm(len(others))[:count]]
    share = torch.ones(len(own) + len(drawn))
    share[len(own) :] = len(others) / max(1, len(drawn))
    return torch.cat([own, drawn]), share
