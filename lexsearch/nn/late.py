"""Late interaction of FILIP (arXiv 2111.07783): every token looks for its best counterpart."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def token_similarities(
    image: Tensor, text: Tensor, text_mask: Tensor, image_mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Both directions of mean max-similarity between all pairs of a batch.

    Args:
        image: (b1, n1, dim), unit rows.
        text: (b2, n2, dim), unit rows.
        text_mask: bool (b2, n2), True = real; every text has a real token.
        image_mask: bool (b1, n1), the same of the images; None = all real.

    Returns:
        s_image (b1, b2): mean over real image tokens of the best word;
        s_text (b1, b2): mean over real words of the best patch. Values in [-1, 1]; rows are
        images in both.

    Raises:
        ValueError: a text or an image has no real token.

    Source: section 3.2; padding takes part in neither the maxima nor the means.
    """
    words = _real_counts(text_mask, "text")
    s = torch.einsum("ipd,jqd->ijpq", image, text)
    candidates = s
    if image_mask is not None:
        candidates = s.masked_fill(~image_mask[:, None, :, None], float("-inf"))
    best_patch = candidates.amax(dim=2).masked_fill(~text_mask[None], 0.0)
    s_text = best_patch.sum(dim=-1) / words[None].to(s.dtype)
    best_word = s.masked_fill(~text_mask[None, :, None, :], float("-inf")).amax(dim=3)
    if image_mask is None:
        return best_word.mean(dim=-1), s_text
    patches = _real_counts(image_mask, "image")
    best_word = best_word.masked_fill(~image_mask[:, None], 0.0)
    return best_word.sum(dim=-1) / patches[:, None].to(s.dtype), s_text


def token_similarities_by_parts(
    image: Tensor,
    text: Tensor,
    text_mask: Tensor,
    image_mask: Tensor | None = None,
    *,
    texts: int = 64,
) -> tuple[Tensor, Tensor]:
    """`token_similarities` of `texts` texts at a time, so that memory does not grow with b2."""
    parts = [
        token_similarities(image, some, mask, image_mask)
        for some, mask in zip(torch.split(text, texts), torch.split(text_mask, texts), strict=True)
    ]
    s_image, s_text = zip(*parts, strict=True)
    return torch.cat(s_image, dim=1), torch.cat(s_text, dim=1)


def best_similarities(own: Tensor, others: Tensor, other_mask: Tensor) -> Tensor:
    """The highest similarity of every token to any real token of any sample of the other side.

    Args:
        own: (b, n, dim), unit rows.
        others: (c, m, dim), unit rows; the own pair is among them.
        other_mask: bool (c, m), at least one True.

    Returns:
        (b, n), in [-1, 1].
    """
    s = torch.einsum("ipd,jqd->ipjq", own, others)
    s = s.masked_fill(~other_mask[None, None], float("-inf"))
    return s.flatten(2).amax(dim=2)


def informative_tokens(own: Tensor, others: Tensor, other_mask: Tensor, share: float) -> Tensor:
    """Indices of the tokens to keep in training: the `share` with the highest best similarity.

    Args:
        own: (b, n, dim); others: (c, m, dim) tokens of the other modality on the same worker.
        other_mask: bool (c, m).
        share: in (0, 1]; FILIP uses 0.25.

    Returns:
        int64 (b, ceil(share * n)), ascending.
    """
    best = best_similarities(own, others, other_mask)
    return best.topk(_kept(share, own.shape[1]), dim=1).indices.sort(dim=1).values


def informative_mask(
    own: Tensor,
    others: Tensor,
    other_mask: Tensor,
    share: float,
    *,
    own_mask: Tensor | None = None,
) -> Tensor:
    """True for the tokens to keep: of each sample, `share` of its real tokens, rounded up.

    Args:
        own: (b, n, dim), unit rows; others: (c, m, dim), unit rows of the other modality.
        other_mask: bool (c, m), True = real.
        share: in (0, 1]; FILIP uses 0.25.
        own_mask: bool (b, n), True = real; None = all real. Padding is never kept.

    Returns:
        bool (b, n); ties go to the earlier token.

    Source: section 3.3, "the 25 % with the highest token-wise maximum similarity". How the paper
    rounds is not stated; rounding up keeps a token of every sample.
    """
    best = best_similarities(own, others, other_mask)
    if own_mask is None:
        own_mask = torch.ones_like(best, dtype=torch.bool)
    best = best.masked_fill(~own_mask, float("-inf"))
    order = best.argsort(dim=1, descending=True, stable=True)
    rank = torch.empty_like(order).scatter(
        1, order, torch.arange(best.shape[1], device=best.device).expand_as(order)
    )
    wanted = [_kept(share, int(count)) for count in own_mask.sum(dim=1).tolist()]
    return own_mask & (rank < torch.tensor(wanted, device=best.device)[:, None])


def _kept(share: float, count: int) -> int:
    return max(1, math.ceil(round(share * count, 6)))


def _real_counts(mask: Tensor, side: str) -> Tensor:
    counts = mask.sum(dim=1)
    if bool((counts == 0).any()):
        raise ValueError(f"{'an' if side == 'image' else 'a'} {side} has no real token")
    return counts
