"""The lexical head of LexVLA (arXiv 2407.17827): token features to a vector over words."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def elu1p(x: Tensor) -> Tensor:
    """x + 1 for x >= 0, exp(x) below; positive everywhere, also in float32 far below zero."""
    return torch.where(x >= 0, x + 1.0, torch.exp(torch.clamp(x, max=0.0)))


def text_logits(z: Tensor, codebook: Tensor) -> Tensor:
    """Words that a text predicts; z: (batch, dim), codebook: (V, dim), out (batch, V)."""
    return z @ codebook.T


def image_logits(tokens: Tensor, codebook: Tensor, *, chunk: int | None = None) -> Tensor:
    """Maximum over tokens of every word's logit.

    The maximum is taken before the activation: elu1p is monotone, so both orders agree and only
    (batch, V) is kept.

    Args:
        tokens: (batch, n, dim), n >= 1.
        codebook: (V, dim).
        chunk: words at a time; None = all.
    """
    if chunk is None:
        return (tokens @ codebook.T).max(dim=1).values
    parts = [(tokens @ part.T).max(dim=1).values for part in torch.split(codebook, chunk)]
    return torch.cat(parts, dim=1)


def lexical_vector(logits: Tensor, share: Tensor | None = None) -> Tensor:
    """elu1p, then unit length; (batch, V), strictly positive.

    share: (V,), how many words each column stands for when the columns are a sample of the
    vocabulary; the length is then that of the whole vector.
    """
    values = elu1p(logits)
    if share is None:
        return F.normalize(values, dim=1)
    return values / (values.square() @ share).sqrt()[:, None]


def sparsify(vectors: Tensor, *, top_k: int | None = None) -> Tensor:
    """Entries above 1 / sqrt(V), the value of a flat vector; others become 0. Not renormalised.

    top_k keeps at most that many of them, the heaviest.
    """
    size = vectors.shape[1]
    kept = torch.where(vectors > size**-0.5, vectors, torch.zeros_like(vectors))
    if top_k is None or top_k >= size:
        return kept
    values, places = kept.topk(top_k, dim=1)
    return torch.zeros_like(kept).scatter(1, places, values)


def stored_form(vectors: Tensor, top_k: int, *, floor: float) -> Tensor:
    """Vectors as an index keeps them: the heaviest words by what they stand out, unit length.

    Of the words above 1 / sqrt(V) the `top_k` heaviest stay, each lowered by `floor` times the
    heaviest weight that does not stay, or 1 / sqrt(V) when that is more; then every row gets unit
    length. It is `lexsearch.ranking.pruning.kept_words` in torch.

    Args:
        vectors: (batch, V), > 0.
        top_k: 1 to V - 1.
        floor: in [0, 1); 0 only cuts and scales.
    """
    heaviest = vectors.topk(top_k + 1, dim=1)
    values, left_out = heaviest.values[:, :top_k], heaviest.values[:, top_k:]
    known = values > vectors.shape[1] ** -0.5
    left_out = left_out.clamp(min=vectors.shape[1] ** -0.5)
    lowered = torch.where(known, values - floor * left_out, torch.zeros_like(values))
    kept = torch.zeros_like(vectors).scatter(1, heaviest.indices[:, :top_k], lowered)
    return F.normalize(kept, dim=1)


def stored_sample(vectors: Tensor, share: Tensor, *, top_k: int, floor: float) -> Tensor:
    """`stored_form` when the columns are a sample of the vocabulary.

    Args:
        vectors: (batch, n).
        share: (n,), how many words each column stands for; they add up to V.
        top_k: words of the whole vocabulary to keep. Columns are kept from the heaviest on while
            the words they stand for are at most `top_k` together, and always the heaviest.
        floor: as there; the heaviest weight left out moves no gradient.
    """
    values, order = vectors.detach().sort(dim=1, descending=True)
    stands_for = share[order].cumsum(dim=1)
    count = (stands_for <= top_k).sum(dim=1, keepdim=True).clamp(min=1)
    least = float(share.sum()) ** -0.5
    threshold, left_out = (
        values.gather(1, place.clamp(max=len(share) - 1)).clamp(min=least)
        for place in (count - 1, count)
    )
    lowered = vectors - floor * left_out
    kept = torch.where(vectors >= threshold, lowered, torch.zeros_like(vectors))
    length = (kept.square() @ share).clamp(min=1e-12).sqrt()
    return kept / length[:, None]
