"""Late interaction of FILIP (arXiv 2111.07783): every token looks for its best counterpart."""

from __future__ import annotations

import torch
from torch import Tensor


def token_similarities(image: Tensor, text: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor]:
    """Both directions of mean max-similarity between all pairs of a batch.

    Args:
        image: (b1, n1, dim), unit rows, all real.
        text: (b2, n2, dim), unit rows.
        text_mask: bool (b2, n2), True = real; every text has a real token.

    Returns:
        s_image (b1, b2): mean over image tokens of the best word;
        s_text (b1, b2): mean over real words of the best patch. Values in [-1, 1].

    Raises:
        ValueError: a text has no real token.

    Source: section 3.2; padding takes part in neither the maxima nor the means.
    """
    counts = text_mask.sum(dim=1)
    if bool((counts == 0).any()):
        raise ValueError("a text has no real token")
    s = torch.einsum("ipd,jqd->ijpq", image, text)
    best_patch = s.amax(dim=2) * text_mask[None].to(s.dtype)
    s_text = best_patch.sum(dim=-1) / counts[None].to(s.dtype)
    best_word = s.masked_fill(~text_mask[None, :, None, :], float("-inf")).amax(dim=3)
    return best_word.mean(dim=-1), s_text


def informative_tokens(own: Tensor, others: Tensor, other_mask: Tensor, share: float) -> Tensor:
    """Indices of the tokens to keep in training: the `share` with the highest best similarity.

    Args:
        own: (b, n, dim); others: (c, m, dim) tokens of the other modality on the same worker.
        other_mask: bool (c, m).
        share: in (0, 1]; FILIP uses 0.25.

    Returns:
        int64 (b, ceil(share * n)), ascending.
    """
    s = torch.einsum("ipd,jqd->ipjq", own, others)
    s = s.masked_fill(~other_mask[None, None], float("-inf"))
    best = s.flatten(2).amax(dim=2)
    keep = max(1, -(-int(share * own.shape[1] * 1000) // 1000))
    return best.topk(keep, dim=1).indices.sort(dim=1).values
