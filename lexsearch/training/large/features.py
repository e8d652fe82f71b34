"""Tokens of a frozen image tower, computed once per photo and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lexsearch.encoders._backbones import ImageTower, fingerprint
from lexsearch.training.large.data import Pairs, Pixels
from lexsearch.training.large.loop import Run

BATCH = 32


class KeptTokens:
    """Tokens of all photos as float16 (n, 1 + patches, width) in one file, read as needed."""

    def __init__(self, path: Path) -> None:
        self._tokens = np.load(path, mmap_mode="r", allow_pickle=False)

    def rows(self, rows: Sequence[int]) -> Tensor:
        """float32 (rows, 1 + patches, width)."""
        return torch.from_numpy(np.asarray(self._tokens[np.asarray(rows)], dtype=np.float32))


def kept_tokens(pairs: Pairs, tower: ImageTower, pixels: Pixels, run: Run) -> KeptTokens:
    """Tokens from OUT/features, computed when these photos were not seen by this tower before."""
    names = "\n".join(f"{path.name} {path.stat().st_size}" for path in pairs.paths)
    said = f"{fingerprint(tower)} {pixels} {names}"
    place = run.out / "features" / f"{hashlib.sha256(said.encode()).hexdigest()[:16]}.npy"
    if not place.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        _compute(pairs, tower, pixels, place, run)
    return KeptTokens(place)


@torch.no_grad()
def _compute(pairs: Pairs, tower: ImageTower, pixels: Pixels, place: Path, run: Run) -> None:
    n, temporary = len(pairs.paths), place.with_suffix(".tmp")
    shape = (n, 1 + (pixels.side // tower.patch) ** 2, tower.width)
    tokens = np.lib.format.open_memmap(temporary, "w+", np.float16, shape)
    for start in range(0, n, BATCH):
        paths = pairs.paths[start : start + BATCH]
        states = tower(pixels.read(paths).to(run.device))
        tokens[start : start + len(paths)] = states.half().cpu().numpy()
        run.say(f"features {start + len(paths)}/{n}")
    tokens.flush()
    temporary.replace(place)
