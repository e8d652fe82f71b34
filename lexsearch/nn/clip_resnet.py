"""The modified ResNet of CLIP (arXiv 2103.00020, section 2.4), with and without attention pool.

LiMBeR (arXiv 2209.15162) reads the grid of RN50x16 before the pool. Names are those of OpenAI.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EXPANSION = 4
HEAD_DIM = 64  # of the attention pool of every released model


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 with an average pool in place of every stride (anti-aliased)."""

    def __init__(self, inside: int, planes: int, stride: int) -> None:
        super().__init__()
        out = planes * EXPANSION
        self.conv1 = nn.Conv2d(inside, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.conv3 = nn.Conv2d(planes, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample: nn.Sequential | None = None
        if stride > 1 or inside != out:
            self.downsample = nn.Sequential()
            self.downsample.add_module("-1", nn.AvgPool2d(stride))
            self.downsample.add_module("0", nn.Conv2d(inside, out, 1, bias=False))
            self.downsample.add_module("1", nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, inside, h, w); out (batch, 4 * planes, h / stride, w / stride)."""
        same = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.pool(F.relu(self.bn2(self.conv2(y))))
        return F.relu(self.bn3(self.conv3(y)) + same)


class AttentionPool(nn.Module):
    """The mean of the grid attends to itself and to the grid; its state, projected, is left."""

    def __init__(self, grid: int, width: int, heads: int, embed_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.positional_embedding = nn.Parameter(torch.randn(grid * grid + 1, width) * width**-0.5)
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.c_proj = nn.Linear(width, embed_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (batch, grid * grid, width), row-major; out (batch, embed_dim)."""
        b, _, width = tokens.shape
        x = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)
        x = x + self.positional_embedding
        parts = [self.q_proj(x[:, :1]), self.k_proj(x), self.v_proj(x)]
        q, k, v = (p.reshape(b, -1, self.heads, width // self.heads).transpose(1, 2) for p in parts)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, width)
        out: Tensor = self.c_proj(mixed)
        return out


class ClipResNet(nn.Module):
    """Normalised pixels to a grid of tokens, and to CLIP's vector when it has its pool.

    Args:
        layers: blocks of the four stages.
        width: channels of the stem; the grid has 32 times as many.
        grid: tokens along one side, a 32nd of the pixels.
        heads, embed_dim: of the attention pool; embed_dim 0 leaves the pool out.
    """

    def __init__(
        self, layers: Sequence[int], width: int, grid: int, *, heads: int = 1, embed_dim: int = 0
    ) -> None:
        super().__init__()
        self.grid, self.channels = grid, width * 32
        half = width // 2
        self.conv1 = nn.Conv2d(3, half, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(half, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self._inside = width
        self.layer1 = self._stage(width, layers[0], 1)
        self.layer2 = self._stage(2 * width, layers[1], 2)
        self.layer3 = self._stage(4 * width, layers[2], 2)
        self.layer4 = self._stage(8 * width, layers[3], 2)
        self.attnpool = AttentionPool(grid, self.channels, heads, embed_dim) if embed_dim else None

    def _stage(self, planes: int, count: int, stride: int) -> nn.Sequential:
        blocks = [Bottleneck(self._inside, planes, stride)]
        self._inside = planes * EXPANSION
        blocks += [Bottleneck(self._inside, planes, 1) for _ in range(count - 1)]
        return nn.Sequential(*blocks)

    def grid_tokens(self, pixels: Tensor) -> Tensor:
        """Tokens before any pool, (batch, h * w, 32 * width), row-major, >= 0."""
        x = F.relu(self.bn1(self.conv1(pixels)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.avg_pool2d(F.relu(self.bn3(self.conv3(x))), 2)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return x.flatten(2).transpose(1, 2)

    def both(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """The image vector (batch, embed_dim) and the grid in its space (batch, n, embed_dim).

        A token passes the pool alone: its value and the projection, no attention.

        Raises:
            ValueError: the tower was built without its attention pool.
        """
        if self.attnpool is None:
            raise ValueError("this tower has no attention pool; use grid_tokens")
        tokens = self.grid_tokens(pixels)
        return self.attnpool(tokens), self.attnpool.c_proj(self.attnpool.v_proj(tokens))

    def forward(self, pixels: Tensor) -> Tensor:
        """CLIP's image vector, (batch, embed_dim), not of unit length; errors as in `both`."""
        return self.both(pixels)[0]


def resnet_of(state: Mapping[str, Tensor], *, heads: int | None = None) -> ClipResNet:
    """A tower of the sizes of a state whose names start at `conv1.weight`; no weights loaded.

    heads: of the attention pool; None = channels / 64.

    Raises:
        KeyError: a tensor of the trunk is missing, by its name.
    """
    layers = [
        len({k.split(".")[1] for k in state if k.startswith(f"layer{i}.")}) for i in (1, 2, 3, 4)
    ]
    width = state["layer1.0.conv1.weight"].shape[0]
    pool = state.get("attnpool.positional_embedding")
    grid = 0 if pool is None else round((pool.shape[0] - 1) ** 0.5)
    return ClipResNet(
        layers,
        width,
        grid,
        heads=heads or max(1, width * 32 // HEAD_DIM),
        embed_dim=0 if pool is None else state["attnpool.c_proj.weight"].shape[0],
    )
