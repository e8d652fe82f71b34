"""Image tower of CLIP (arXiv 2103.00020) under the names of open_clip, and its patch tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lexsearch.nn.clip_text import HEAD_DIM, Activation, Blocks


class VisionShape(NamedTuple):
    """Sizes of a tower: states, features (0 = no projection), blocks, heads, MLP, pixels."""

    width: int
    embed_dim: int
    depth: int
    heads: int
    inner: int
    patch: int
    side: int

    @property
    def grid(self) -> int:
        """Patches along one side."""
        return self.side // self.patch


class ClipVision(nn.Module):
    """Normalised pixels to the states of CLS and of a row-major grid of patches.

    Parameters carry the names below `visual.` of a file of open_clip or OpenAI.
    """

    def __init__(self, shape: VisionShape, *, activation: Activation = "quick_gelu") -> None:
        super().__init__()
        self.shape, self.activation = shape, activation
        scale = shape.width**-0.5
        self.conv1 = nn.Conv2d(3, shape.width, shape.patch, shape.patch, bias=False)
        self.class_embedding = nn.Parameter(scale * torch.randn(shape.width))
        tokens = 1 + shape.grid**2
        self.positional_embedding = nn.Parameter(scale * torch.randn(tokens, shape.width))
        self.ln_pre = nn.LayerNorm(shape.width)
        self.transformer = Blocks(shape, activation, causal=False)
        self.ln_post = nn.LayerNorm(shape.width)
        self.proj = nn.Parameter(scale * torch.randn(shape.width, shape.embed_dim))

    def states(self, pixels: Tensor) -> Tensor:
        """States after the last block, before `ln_post`.

        pixels: (batch, 3, side, side), normalised; out (batch, 1 + patches, width), CLS first.
        """
        x = self.conv1(pixels).flatten(2).transpose(1, 2)
        cls = self.class_embedding.expand(len(x), 1, -1)
        x = torch.cat([cls, x], dim=1) + self.positional_embedding
        out: Tensor = self.transformer(self.ln_pre(x))
        return out

    def project(self, states: Tensor) -> Tensor:
        """`ln_post`, then the projection, of any tokens; (..., width) to (..., embed_dim).

        Of CLS that is CLIP's image vector; of a patch, the projection trick, which puts it into
        the space of texts.
        """
        out: Tensor = self.ln_post(states) @ self.proj
        return out

    def both(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """The image vector (batch, embed_dim) and patches in its space (batch, n, embed_dim)."""
        projected = self.project(self.states(pixels))
        return projected[:, 0], projected[:, 1:]

    def forward(self, pixels: Tensor) -> Tensor:
        """The image vector, (batch, embed_dim), not of unit length."""
        return self.project(self.states(pixels)[:, 0])


def vision_shape(state: Mapping[str, Tensor], *, heads: int | None = None) -> VisionShape:
    """Sizes of the image tower in a file with open_clip's names.

    heads: no tensor says how many; None = width / 64, as in all released models.

    Raises:
        KeyError: a tensor of the tower is missing, by its name.
    """
    width, _, patch, _ = state["visual.conv1.weight"].shape
    tokens = state["visual.positional_embedding"].shape[0]
    start = "visual.transformer.resblocks."
    return VisionShape(
        width=width,
        embed_dim=state["visual.proj"].shape[1],
        depth=len({k.split(".")[3] for k in state if k.startswith(start)}),
        heads=heads or max(1, width // HEAD_DIM),
        inner=state[f"{start}0.mlp.c_fc.bias"].shape[0],
        patch=patch,
        side=patch * round((tokens - 1) ** 0.5),
    )
