"""States of the frozen lower image tower, computed once per photo and kept in a cache folder."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from lexsearch.nn.vit import Vit, from_hugging_face
from lexsearch.training.data import PhotoSet

BATCH = 32
SIDE = 224
CROP_AREA = (0.5, 1.0)  # share of a photo that a crop shows
CROP_ASPECT = (0.75, 4 / 3)  # of a crop, against the photo's own


@dataclass(frozen=True, slots=True)
class View:
    """How the photos of a set are seen: mirrored left and right or not, whole or cropped.

    crop: 0 = whole; another number gives every photo a random part of its own.
    """

    flip: bool = False
    crop: int = 0

    def box(self, name: str, width: int, height: int) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels of what is seen of a photo of that name and size."""
        if self.crop == 0:
            return 0, 0, width, height
        chooser = random.Random(f"{self.crop}/{name}")
        area = chooser.uniform(*CROP_AREA)
        aspect = math.exp(chooser.uniform(*map(math.log, CROP_ASPECT)))
        across = min(1.0, math.sqrt(area * aspect)) * width
        down = min(1.0, math.sqrt(area / aspect)) * height
        left = chooser.uniform(0, width - across)
        top = chooser.uniform(0, height - down)
        return left, top, left + across, top + down


WHOLE = View()


@dataclass(frozen=True, slots=True, eq=False)
class Backbone:
    """The tower and its ImageNet classifier (weight (1000, width), bias (1000,))."""

    tower: Vit
    weight: Tensor
    bias: Tensor
    fingerprint: str


def load_backbone(path: Path) -> Backbone:
    """DeiT-Tiny from a safetensors file in the Hugging Face layout."""
    weights = load_file(str(path))
    tower = Vit()
    tower.load_state_dict(from_hugging_face(weights))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return Backbone(
        tower.eval(),
        weights["classifier.weight"].float(),
        weights["classifier.bias"].float(),
        digest,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Of one set: states after the frozen blocks, float16 (n, 197, width), and class logits.

    The class logits, float16 (n, 1000), are those of the whole tower as it came.
    """

    tokens: np.ndarray
    logits: np.ndarray

    def batch(self, rows: Sequence[int]) -> Tensor:
        """Tokens of the rows, float32."""
        return torch.from_numpy(np.asarray(self.tokens[np.asarray(rows)], dtype=np.float32))


def read_pixels(path: Path, view: View = WHOLE) -> np.ndarray:
    """uint8 (224, 224, 3), squashed."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
    if picture.size != (SIDE, SIDE) or view.crop:
        box = view.box(path.name, *picture.size)
        picture = picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)
    if view.flip:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(picture)


def features_of(
    photos: PhotoSet,
    backbone: Backbone,
    *,
    cache: Path,
    frozen: int,
    view: View = WHOLE,
    device: str = "cpu",
    say: Callable[[str], None] = lambda _: None,
) -> Features:
    """Features of a set, from the cache when the same files were seen by the same tower.

    frozen: blocks of the tower below the cached states.
    """
    names = "\n".join(f"{path.name} {path.stat().st_size}" for path in photos.paths)
    seen = f"{view.flip}/crop-{view.crop}" if view.crop else f"{view.flip}"
    told = f"{backbone.fingerprint}/{frozen}/{seen}/{names}"
    key = hashlib.sha256(told.encode()).hexdigest()[:16]
    place = cache / f"{photos.name}-{key}"
    done = place.with_suffix(".logits.npy")
    if not done.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        _compute(photos, backbone, place, frozen=frozen, view=view, device=device)
        say(f"{photos.name}: {len(photos.paths)} photos through the tower ({view})")
    tokens = np.load(place.with_suffix(".tokens.npy"), mmap_mode="r", allow_pickle=False)
    return Features(tokens, np.load(done, allow_pickle=False))


@torch.inference_mode()
def _compute(
    photos: PhotoSet, backbone: Backbone, place: Path, *, frozen: int, view: View, device: str
) -> None:
    n, width = len(photos.paths), backbone.weight.shape[1]
    tokens = np.lib.format.open_memmap(
        place.with_suffix(".tokens.npy"), "w+", np.float16, (n, 197, width)
    )
    logits = np.zeros((n, len(backbone.bias)), np.float16)
    tower = backbone.tower.to(device)
    for start in range(0, n, BATCH):
        paths = photos.paths[start : start + BATCH]
        pixels = np.stack([read_pixels(path, view) for path in paths])
        with torch.autocast(device.partition(":")[0], torch.bfloat16):
            lower = tower.lower(torch.from_numpy(pixels).to(device), frozen)
            cls = tower.upper(lower, frozen)[:, 0].float().cpu()
        tokens[start : start + len(paths)] = lower.half().cpu().numpy()
        logits[start : start + len(paths)] = (cls @ backbone.weight.T + backbone.bias).half()
    tokens.flush()
    np.save(place.with_suffix(".logits.npy"), logits)
