"""Losses of CLIP, FILIP and LexVLA."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def infonce(logits: Tensor, same: Tensor | None = None) -> Tensor:
    """Symmetric contrastive loss; logits (n, n), pairs on the diagonal.

    same: bool (images, texts), True where another pair is a true match too (two captions of one
    picture); such entries are left out of the denominators.

    Source: CLIP, figure 3 of arXiv 2103.00020.
    """
    n = logits.shape[0]
    target = torch.arange(n, device=logits.device)
    if same is not None:
        off = same & ~torch.eye(n, dtype=torch.bool, device=logits.device)
        logits = logits.masked_fill(off, float("-inf"))
    return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))


def filip(s_image: Tensor, s_text: Tensor, scale: Tensor, same: Tensor | None = None) -> Tensor:
    """Half of the cross-entropy of s_image over texts plus that of s_text over images.

    Source: FILIP, equations 1 to 4 of arXiv 2111.07783.
    """
    n = s_image.shape[0]
    target = torch.arange(n, device=s_image.device)
    rows, columns = scale * s_image, scale * s_text.T
    if same is not None:
        off = same & ~torch.eye(n, dtype=torch.bool, device=s_image.device)
        rows = rows.masked_fill(off, float("-inf"))
        columns = columns.masked_fill(off.T, float("-inf"))
    return 0.5 * (F.cross_entropy(rows, target) + F.cross_entropy(columns, target))


def flops(vectors: Tensor, share: Tensor | None = None) -> Tensor:
    """Sum over words of the squared mean activation; vectors (n, V), >= 0.

    share: (V,), how many words each column stands for when the columns are a sample.
    """
    squares = vectors.mean(dim=0).square()
    return squares.sum() if share is None else squares @ share


def overuse(vectors: Tensor, share: Tensor | None = None) -> Tensor:
    """V * sum(mean^3) / sum(mean): the FLOPs loss weighted by how much each word is used.

    share: (V,), how many words each column stands for when the columns are a sample.

    At least `flops` for any non-negative batch, equal when all mean activations are equal.

    Source: LexVLA, section 3.3 of arXiv 2407.17827.
    """
    mean = vectors.mean(dim=0)
    stands_for = torch.ones_like(mean) if share is None else share
    return stands_for.sum() * (mean.pow(3) @ stands_for) / (mean @ stands_for)


def quadratic_ramp(step: int, length: int) -> float:
    """min(1, step / length) squared: the weight of a penalty that must not come first."""
    return min(1.0, step / max(1, length)) ** 2


def word_prediction(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean negative log-likelihood of the target words under a softmax over all words.

    Args:
        logits: (n, V).
        targets: (n, V), >= 0; a row of zeros does not count.
    """
    total = targets.sum(dim=1)
    likelihood = (F.log_softmax(logits, dim=1) * targets).sum(dim=1)
    known = total > 0
    return -(likelihood[known] / total[known]).sum() / max(1, int(known.sum()))


def pointing(logits: Tensor, right: Tensor) -> Tensor:
    """Mean negative log of the share of a word's softmax over patches that lies where it should.

    Args:
        logits: (m, patches), one row for each word of a picture.
        right: bool (m, patches); rows without a right patch do not count.
    """
    known = right.any(dim=1)
    inside = logits.masked_fill(~right, float("-inf"))[known]
    lost = torch.logsumexp(logits[known], dim=1) - torch.logsumexp(inside, dim=1)
    return lost.sum() / max(1, int(known.sum()))


def distance_of_directions(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean of 1 - cosine between rows; TULIP's distillation loss (arXiv 2410.10034)."""
    return (1.0 - F.cosine_similarity(student, teacher, dim=1)).mean()
