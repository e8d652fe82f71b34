"""The bundled model: one image tower, one text tower, three heads on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lexsearch.nn.rotary import BASE_THETA
from lexsearch.nn.text import TextBlock, TextTower, masked_mean
from lexsearch.nn.vit import Vit

GRID = 14  # patches along a side of the tower
POOLED = 7  # patches along a side after merging 2 x 2
CELLS = POOLED * POOLED
TEXT_VOCAB = 8000  # entries of the tokenizer


@dataclass(frozen=True, slots=True)
class MiniShape:
    """Sizes of the model.

    Attributes:
        words: V, entries of the vocabulary.
        text_vocab: entries of the tokenizer.
        width: of the text tower and of the image adapter.
        frozen: lower blocks of the image tower that never train; their output is cached.
        theta: base of the rotary positions.
        absolute: a learned table of positions in the text tower instead of rotary ones.
    """

    words: int
    text_vocab: int = TEXT_VOCAB
    tower_width: int = 192
    width: int = 256
    text_depth: int = 4
    adapter_depth: int = 2
    local_depth: int = 1
    heads: int = 4
    dense_dim: int = 256
    token_dim: int = 128
    lexical_dim: int = 256
    context: int = 248
    dropout: float = 0.1
    frozen: int = 8
    theta: float = BASE_THETA
    absolute: bool = False


class Sides(NamedTuple):
    """What one tower says of a batch.

    dense (batch, dense_dim), not yet of unit length; tokens (batch, n, token_dim), unit rows;
    lexical: (batch, dim) for texts, (batch, 1 + n, dim) for images, CLS first.
    """

    dense: Tensor
    tokens: Tensor
    lexical: Tensor


def cells_of(tower: Tensor) -> tuple[Tensor, Tensor]:
    """(batch, 1 + 196, width), row-major, as CLS (batch, 1, width) and cells of 2 x 2 patches.

    Cells are (batch, 49, 4, width), row-major too.
    """
    b, width = tower.shape[0], tower.shape[2]
    grid = tower[:, 1:].reshape(b, POOLED, 2, POOLED, 2, width).permute(0, 1, 3, 2, 4, 5)
    return tower[:, :1], grid.reshape(b, CELLS, 4, width)


class ImageSide(nn.Module):
    """The trained upper blocks of the image tower, 2 x 2 merge, adapters and three heads.

    The merge of four neighbours by one linear map follows Swin (Liu et al. 2021). There are two
    adapters of self-attention with MLPs (LexVLA): a deeper one for the dense head, which speaks
    for the whole picture, and a shallow one for tokens and words, which must stay where they are.
    """

    def __init__(self, shape: MiniShape) -> None:
        super().__init__()
        width = shape.width
        tower = Vit(width=shape.tower_width)
        self.upper = tower.blocks[shape.frozen :]
        self.upper_norm = tower.norm
        self.cls = nn.Linear(shape.tower_width, width)
        self.merge = nn.Linear(4 * shape.tower_width, width)
        self.positions = nn.Parameter(torch.zeros(1, 1 + CELLS, width))
        self.blocks = nn.ModuleList(
            TextBlock(width, shape.heads, shape.dropout) for _ in range(shape.adapter_depth)
        )
        self.norm = nn.LayerNorm(width)
        self.local = nn.ModuleList(
            TextBlock(width, shape.heads, shape.dropout) for _ in range(shape.local_depth)
        )
        self.local_norm = nn.LayerNorm(width)
        self.dense = nn.Sequential(
            nn.Linear(3 * width, 2 * width), nn.GELU(), nn.Linear(2 * width, shape.dense_dim)
        )
        self.tokens = nn.Linear(width, shape.token_dim)
        self.lexical = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, shape.lexical_dim)
        )

    def start_from(self, tower: Vit) -> None:
        """Take the upper blocks and the last norm of a trained tower."""
        first = len(tower.blocks) - len(self.upper)
        self.upper.load_state_dict(tower.blocks[first:].state_dict())
        self.upper_norm.load_state_dict(tower.norm.state_dict())

    def tower_parameters(self) -> list[nn.Parameter]:
        """Those that come from the backbone and train at a low rate."""
        return [*self.upper.parameters(), *self.upper_norm.parameters()]

    def forward(self, tower: Tensor, kept: Tensor | None = None) -> Sides:
        """tower: (batch, 1 + 196, tower_width), states of the frozen lower blocks.

        kept: int64 (k,), the cells that take part in a training step; None = all 49 (a random
        half in training halves its cost: FLIP, Li et al. 2023).
        """
        cls, cells = cells_of(tower)
        positions = self.positions[:, 1:]
        if kept is not None:
            cells, positions = cells[:, kept], positions[:, kept]
        b, n, four, width = cells.shape
        x = torch.cat([cls, cells.reshape(b, n * four, width)], dim=1)
        for block in self.upper:
            x = block(x)
        x = self.upper_norm(x)
        patches = self.merge(x[:, 1:].reshape(b, n, four * width)) + positions
        x = torch.cat([self.cls(x[:, :1]) + self.positions[:, :1], patches], dim=1)
        near = x
        for block in self.local:
            near = block(near, None, None)
        near = self.local_norm(near)
        for block in self.blocks:
            x = block(x, None, None)
        x = self.norm(x)
        pooled = torch.cat([x[:, 0], x[:, 1:].mean(dim=1), x[:, 1:].amax(dim=1)], dim=1)
        tokens = F.normalize(self.tokens(near[:, 1:]).float(), dim=-1)
        return Sides(self.dense(pooled).float(), tokens, self.lexical(near).float())


class TextSide(nn.Module):
    """Text tower and its three heads."""

    def __init__(self, shape: MiniShape) -> None:
        super().__init__()
        self.tower = TextTower(
            vocab_size=shape.text_vocab,
            width=shape.width,
            depth=shape.text_depth,
            heads=shape.heads,
            context=shape.context,
            dropout=shape.dropout,
            theta=shape.theta,
            absolute=shape.absolute,
        )
        self.dense = nn.Linear(shape.width, shape.dense_dim)
        self.tokens = nn.Linear(shape.width, shape.token_dim)
        self.lexical = nn.Linear(shape.width, shape.lexical_dim)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Sides:
        """ids: int64 (batch, tokens); mask: bool, True = real, None = all real."""
        x = self.tower(ids, mask)
        pooled = masked_mean(x, mask)
        tokens = F.normalize(self.tokens(x).float(), dim=-1)
        return Sides(self.dense(pooled).float(), tokens, self.lexical(pooled).float())


class Mini(nn.Module):
    """Both sides and both codebooks; the frozen lower blocks of the image tower stay outside."""

    def __init__(self, shape: MiniShape) -> None:
        super().__init__()
        self.shape = shape
        self.image = ImageSide(shape)
        self.text = TextSide(shape)
        start = torch.randn(shape.words, shape.lexical_dim) * shape.lexical_dim**-0.5
        self.z_txt = nn.Parameter(start)
        self.z_img = nn.Parameter(start.clone())
        # log of the scale of each contrastive loss: dense, late, lexical; the last one weighs
        # the sum of the three scaled scores.
        self.log_scale = nn.Parameter(torch.tensor([2.66, 2.66, 4.0, -0.7]))

    def freeze_text_codebook(self) -> None:
        """Fix the meaning of every dimension: Z_txt no longer trains, Z_img starts from it."""
        self.z_txt.requires_grad_(False)
        with torch.no_grad():
            self.z_img.copy_(self.z_txt)
