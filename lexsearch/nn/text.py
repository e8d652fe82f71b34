"""Text tower: byte-level BPE ids to token states.

Positions are rotary, with no table of them; a table of absolute positions is the teacher's form,
from which a rotary tower is distilled (TULIP, arXiv 2410.10034).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lexsearch.nn.rotary import BASE_THETA, angles, rotate

PAD = 0


class TextBlock(nn.Module):
    """Pre-norm block whose attention turns queries and keys by their positions."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor, mask: Tensor | None, turn: tuple[Tensor, Tensor] | None) -> Tensor:
        """x: (batch, tokens, width); mask: bool, True = may be attended; turn: cos and sin."""
        b, n, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(b, n, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        if turn is not None:
            q = rotate(q.float(), *turn).to(v.dtype)
            k = rotate(k.float(), *turn).to(v.dtype)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        mixed = mixed.transpose(1, 2).reshape(b, n, width)
        x = x + F.dropout(self.out(mixed), self.dropout, self.training)
        inner = self.fc2(F.gelu(self.fc1(self.norm2(x))))
        return x + F.dropout(inner, self.dropout, self.training)


class TextTower(nn.Module):
    """Bidirectional transformer over at most `context` tokens.

    absolute: a learned table of positions instead of rotary ones.
    """

    cosine: Tensor
    sine: Tensor

    def __init__(
        self,
        *,
        vocab_size: int,
        width: int = 256,
        depth: int = 4,
        heads: int = 4,
        context: int = 248,
        theta: float = BASE_THETA,
        dropout: float = 0.1,
        absolute: bool = False,
    ) -> None:
        super().__init__()
        self.context = context
        self.table = nn.Parameter(torch.randn(context, width) * 0.01) if absolute else None
        self.embedding = nn.Embedding(vocab_size, width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(TextBlock(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        cosine, sine = angles(context, width // heads, theta=theta)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """ids: int64 (batch, n <= context); mask: bool, True = real; out (batch, n, width).

        mask None means that every token is real; it spares a single text the masking.
        """
        n = ids.shape[1]
        x = self.embedding(ids)
        turn = None
        if self.table is None:
            turn = (self.cosine[:n], self.sine[:n])
        else:
            x = x + self.table[:n]
        attend = None if mask is None else mask[:, None, None, :]
        for block in self.blocks:
            x = block(x, attend, turn)
        return self.norm(x)


def masked_mean(x: Tensor, mask: Tensor | None) -> Tensor:
    """Mean over the real tokens; x: (batch, tokens, width), out (batch, width)."""
    if mask is None:
        return x.mean(dim=1)
    weight = mask.unsqueeze(-1).to(x.dtype)
    return (x * weight).sum(dim=1) / weight.sum(dim=1)


def real_tokens(ids: Tensor) -> Tensor:
    """True where a token is not padding."""
    return torch.ne(ids, PAD)
