"""A learned projection of patch and word tokens that goes on top of frozen towers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lexsearch.encoders._device import Device
from lexsearch.encoders._weights import digest, load_strict, read_weights
from lexsearch.errors import ModelMissing

NAME = "late.safetensors"


class LateHead:
    """Two linear maps, `image_mapping` and `text_mapping`, as FILIP's heads."""

    def __init__(self, maps: nn.ModuleDict, dim: int, fingerprint: str, place: Any) -> None:
        self._maps, self.dim, self.fingerprint = maps.to(place).eval(), dim, fingerprint

    @torch.inference_mode()
    def image(self, patches: Tensor) -> Tensor:
        """(n, m, width) to (n, m, dim)."""
        out: Tensor = self._maps["image_mapping"](patches)
        return out

    @torch.inference_mode()
    def text(self, tokens: Tensor) -> Tensor:
        """The same of words."""
        out: Tensor = self._maps["text_mapping"](tokens)
        return out


def load_head(source: Path, width: int, device: Device) -> LateHead:
    """A learned projection: `late.safetensors` in a folder, or the file.

    width: of the towers' tokens.

    Raises:
        ModelMissing: the file is missing, ill, or made for towers of another width.
    """
    path = source / NAME if source.is_dir() else source
    state = read_weights(path)
    weight = state.get("image_mapping.weight")
    if weight is None or weight.ndim != 2 or weight.shape[1] != width:
        raise ModelMissing(f"{path} holds no projection of tokens that are {width} wide")
    dim = weight.shape[0]
    maps = nn.ModuleDict(
        {side: nn.Linear(width, dim) for side in ("image_mapping", "text_mapping")}
    )
    load_strict(maps, state, source=path, aside=("logit_scale",))
    return LateHead(maps, dim, digest(path), device.place)
