"""How a published checkpoint wants its pixels: size, cut, resampling, mean and deviation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from lexsearch.errors import ModelMissing, UsageError
from lexsearch.types import PixelArray, PixelSpec

Channels = tuple[float, float, float]
CLIP_MEAN: Channels = (0.48145466, 0.4578275, 0.40821073)  # of OpenAI's CLIP
CLIP_STD: Channels = (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN: Channels = (0.485, 0.456, 0.406)
IMAGENET_STD: Channels = (0.229, 0.224, 0.225)
HALF: Channels = (0.5, 0.5, 0.5)  # of SigLIP, both mean and deviation
_PILLOW: dict[int, Literal["bilinear", "bicubic"]] = {2: "bilinear", 3: "bicubic"}


@dataclass(frozen=True, slots=True)
class Preprocess:
    """What lies between a decoded picture and the network.

    Attributes:
        spec: size, cut and resampling of the uint8 pixels.
        mean, std: of the channels, for values in [0, 1].
    """

    spec: PixelSpec
    mean: Channels
    std: Channels

    def normalise(
        self, pixels: PixelArray, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """uint8 (n, height, width, 3) as (n, 3, height, width), normalised in float32.

        Pixels travel to a GPU as bytes, from pinned memory.
        """
        found = torch.tensor(pixels)
        if device.type == "cuda":
            found = found.pin_memory().to(device, non_blocking=True)
        x = found.permute(0, 3, 1, 2).float() / 255.0
        mean = torch.tensor(self.mean, device=device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=device).view(1, 3, 1, 1)
        return ((x - mean) / std).to(dtype)

    def with_fit(self, fit: str) -> Preprocess:
        """The same with another cut; "" keeps the published one.

        Raises:
            UsageError: it is neither `crop` nor `squash`.
        """
        if fit not in ("", "crop", "squash"):
            raise UsageError(f"fit is {fit!r}; expected crop or squash")
        cut: Literal["crop", "squash"] = "squash" if fit == "squash" else "crop"
        return self if not fit else replace(self, spec=replace(self.spec, fit=cut))

    def text(self) -> str:
        """All of it in one line, for a fingerprint."""
        s = self.spec
        return f"{s.width}x{s.height} {s.fit} {s.resample} {self.mean} {self.std}"


def published(
    found: Mapping[str, Any],
    *,
    side: int,
    fit: Literal["crop", "squash"],
    mean: Channels,
    std: Channels,
) -> Preprocess:
    """What a preprocessor_config.json (or the preprocess_cfg of open_clip) says.

    Args:
        found: its values; those it lacks come from the family:
        side: in pixels, of the network. fit, mean, std: of the family.

    Raises:
        ModelMissing: its size is not the network's, or it resamples in an unknown way.
    """
    said = found.get("crop_size") or found.get("size") or side
    size = _side(said)
    if size != side:
        raise ModelMissing(f"the preprocessing makes {size} pixels, the weights expect {side}")
    resample = found.get("resample", 3)
    name = _PILLOW.get(resample) if isinstance(resample, int) else None
    name = {"bilinear": "bilinear", "bicubic": "bicubic"}.get(  # type: ignore[assignment]
        str(found.get("interpolation", "")), name
    )
    if name is None:
        raise ModelMissing(f"resampling {resample!r} is not known here; known: 2, 3")
    if found.get("do_center_crop") is False or found.get("resize_mode") == "squash":
        fit = "squash"
    return Preprocess(
        PixelSpec(side, side, fit, name),
        _channels(found.get("image_mean") or found.get("mean"), mean),
        _channels(found.get("image_std") or found.get("std"), std),
    )


def _side(said: Any) -> int:
    if isinstance(said, Mapping):
        return int(said.get("shortest_edge") or said.get("height") or 0)
    return int(said[0] if isinstance(said, list | tuple) else said)


def _channels(said: Any, plain: Channels) -> Channels:
    return plain if said is None else (float(said[0]), float(said[1]), float(said[2]))
