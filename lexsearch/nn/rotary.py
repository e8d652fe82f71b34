"""Rotary positions (RoPE, Su et al. 2021) in interleaved pairs, as TULIP uses them."""

from __future__ import annotations

import torch
from torch import Tensor

BASE_THETA = 10_000.0


def angles(length: int, head_dim: int, *, theta: float = BASE_THETA) -> tuple[Tensor, Tensor]:
    """cos and sin, each (length, head_dim / 2); position p turns pair i by p * theta^(-2i/d)."""
    frequency = theta ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    turn = torch.arange(length, dtype=torch.float64)[:, None] * frequency[None, :]
    return turn.cos().float(), turn.sin().float()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn the pairs (x_0, x_1), (x_2, x_3), ... of the last axis; x: (..., length, head_dim)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1)
    return turned.flatten(-2)


def expanded_theta(
    trained: int, wanted: int, head_dim: int, *, alpha: float = 8.0, theta: float = BASE_THETA
) -> float:
    """Base for `wanted` positions after training on `trained` of them.

    theta' = theta * (alpha * wanted / trained - (alpha - 1)) ^ (d / (d - 2)); the identity when
    both lengths are equal.

    >>> round(expanded_theta(77, 248, 64), 2)
    206278.42

    Source: NTK-aware scaling as in the code of TULIP (arXiv 2410.10034).
    """
    stretch = alpha * wanted / trained - (alpha - 1.0)
    return theta * stretch ** (head_dim / (head_dim - 2))
