"""LiMBeR (arXiv 2209.15162): a linear map from image features to soft prompts.

The language model is a causal one of transformers, frozen, called with embeddings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

IGNORED = -100  # label of a position that is not predicted


class SoftPrompt(nn.Module):
    """The map: every token by one Linear, or one vector by a Linear onto k tokens.

    Names and shapes are those of the released `proj.ckpt`: weight (k * width, channels), bias.
    """

    def __init__(self, channels: int, outputs: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, channels))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.width = width

    @property
    def tokens_per_feature(self) -> int:
        """Soft prompts that one feature vector becomes."""
        return len(self.bias) // self.width

    def forward(self, features: Tensor) -> Tensor:
        """features: (batch, n, channels), row-major; out (batch, n * k, width), token by token."""
        mapped = F.linear(features, self.weight, self.bias)
        return mapped.reshape(len(features), -1, self.width)


def flattened(features: Tensor) -> Tensor:
    """A map (batch, channels, h, w) as tokens (batch, h * w, channels), row-major."""
    return features.flatten(2).transpose(1, 2)


def joined(language_model: Any, prefix: Tensor, ids: Tensor) -> Tensor:
    """Soft prompts, then the embeddings of a text; ids: (batch or 1, n)."""
    words = language_model.get_input_embeddings()(ids.to(prefix.device))
    return torch.cat([prefix, words.expand(len(prefix), -1, -1).to(prefix.dtype)], dim=1)


@torch.inference_mode()
def greedy(language_model: Any, embeddings: Tensor, *, end: int, steps: int) -> Tensor:
    """The likeliest continuation, token by token; int64 (batch, at most steps).

    A batch stops when all rows say `end` in the same step, as the official sampler does; what
    follows the first `end` of a row is to be cut.
    """
    found: list[Tensor] = []
    out = language_model(inputs_embeds=embeddings, use_cache=True)
    for _ in range(steps):
        best = out.logits[:, -1].argmax(dim=-1)
        found.append(best)
        if bool((best == end).all()) or len(found) == steps:
            break
        out = language_model(
            input_ids=best[:, None], past_key_values=out.past_key_values, use_cache=True
        )
    return torch.stack(found, dim=1)


def cut_at_end(row: Sequence[int], *, end: int, dropped: Sequence[int] = ()) -> list[int]:
    """The ids before the first `end`, without those to be dropped."""
    ids = list(row)
    kept = ids[: ids.index(end)] if end in ids else ids
    return [i for i in kept if i not in dropped]


def labels(ids: Tensor, images: int, *, end: int) -> Tensor:
    """What every position should be: images are not predicted, nor is what follows the first end.

    Args:
        ids: int64 (batch, n), padded on the right with `end`, the first of which is a target.
        images: soft prompts before the text.
    """
    after = (ids == end).cumsum(dim=1) - (ids == end).long() > 0
    front = torch.full((len(ids), images), IGNORED, dtype=ids.dtype, device=ids.device)
    return torch.cat([front, ids.masked_fill(after, IGNORED)], dim=1)


def token_log_likelihood(logits: Tensor, wanted: Tensor) -> Tensor:
    """Log-likelihood of every wanted token but the first, 0 where none is wanted.

    logits: (batch, n, V); wanted: (batch, n), `labels`; out (batch, n - 1): the last soft prompt
    predicts the first token of the text.
    """
    target = wanted[:, 1:]
    known = target != IGNORED
    likelihood = F.log_softmax(logits[:, :-1].float(), dim=-1)
    picked = likelihood.gather(2, target.clamp(min=0)[:, :, None])[:, :, 0]
    return picked * known


def mean_log_likelihood(logits: Tensor, wanted: Tensor) -> Tensor:
    """Mean log-likelihood of the wanted tokens of every text; (batch,)."""
    counts = (wanted[:, 1:] != IGNORED).sum(dim=1).clamp(min=1)
    return token_log_likelihood(logits, wanted).sum(dim=1) / counts


def caption_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy over all wanted tokens of the batch."""
    counts = (wanted[:, 1:] != IGNORED).sum().clamp(min=1)
    return -token_log_likelihood(logits, wanted).sum() / counts


def nucleus(logits: Tensor, threshold: float) -> Tensor:
    """Tokens that the official sampler keeps: up to cumulative probability 1 - threshold.

    So 0.9 is a nucleus of 0.1 in the usual sense, nearly greedy. The likeliest is always kept.
    logits: (batch, V); out bool (batch, V).
    """
    ordered, places = logits.sort(dim=-1, descending=True)
    beyond = ordered.softmax(dim=-1).cumsum(dim=-1) > 1.0 - threshold
    beyond = torch.cat([torch.zeros_like(beyond[:, :1]), beyond[:, :-1]], dim=1)
    return torch.zeros_like(beyond).scatter(1, places, ~beyond)
