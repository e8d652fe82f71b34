"""Vision transformer of the image tower (ViT, Dosovitskiy et al. 2021; weights of DeiT)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Preprocessing that the DeiT weights were trained with (ImageNet statistics).
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class VitBlock(nn.Module):
    """Pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, width: int, heads: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=eps)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=eps)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, tokens, width); the same shape out."""
        b, n, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(b, n, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, width)
        x = x + self.out(mixed)
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Vit(nn.Module):
    """Pixels to one CLS token and a row-major grid of patch tokens."""

    mean: Tensor
    std: Tensor

    def __init__(
        self, *, width: int = 192, depth: int = 12, heads: int = 3, side: int = 224, patch: int = 16
    ) -> None:
        super().__init__()
        grid = side // patch
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, 1 + grid * grid, width))
        self.patch = nn.Conv2d(3, width, patch, patch)
        self.blocks = nn.ModuleList(VitBlock(width, heads, 1e-6) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """pixels: (batch, side, side, 3) in [0, 255]; out (batch, 1 + patches, width)."""
        return self.upper(self.lower(pixels, 0), 0)

    def lower(self, pixels: Tensor, depth: int) -> Tensor:
        """States after the first `depth` blocks, (batch, 1 + patches, width), not normed."""
        x = pixels.permute(0, 3, 1, 2).float() / 255.0
        x = self.patch((x - self.mean) / self.std).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        for block in self.blocks[:depth]:
            x = block(x)
        return x

    def upper(self, x: Tensor, depth: int) -> Tensor:
        """The blocks from `depth` on and the last norm; any number of tokens."""
        for block in self.blocks[depth:]:
            x = block(x)
        out: Tensor = self.norm(x)
        return out


def from_hugging_face(weights: Mapping[str, Tensor], *, depth: int = 12) -> dict[str, Tensor]:
    """State of `Vit` from the older Hugging Face ViT layout (`vit.encoder.layer.N...`).

    Raises:
        KeyError: a tensor is missing, by its name; classifier tensors are left aside.
    """
    prefix = "vit." if any(name.startswith("vit.") for name in weights) else ""
    part = {name.removeprefix(prefix): value.float() for name, value in weights.items()}
    state = {
        "cls": part["embeddings.cls_token"],
        "positions": part["embeddings.position_embeddings"],
    }
    for kind in ("weight", "bias"):
        state[f"patch.{kind}"] = part[f"embeddings.patch_embeddings.projection.{kind}"]
        state[f"norm.{kind}"] = part[f"layernorm.{kind}"]
        for i in range(depth):
            layer = f"encoder.layer.{i}"
            rows = [
                part[f"{layer}.attention.attention.{name}.{kind}"]
                for name in ("query", "key", "value")
            ]
            state[f"blocks.{i}.qkv.{kind}"] = torch.cat(rows)
            for ours, theirs in (
                ("out", "attention.output.dense"),
                ("norm1", "layernorm_before"),
                ("norm2", "layernorm_after"),
                ("fc1", "intermediate.dense"),
                ("fc2", "output.dense"),
            ):
                state[f"blocks.{i}.{ours}.{kind}"] = part[f"{layer}.{theirs}.{kind}"]
    return state
