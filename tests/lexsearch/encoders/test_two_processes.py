"""A checkpoint's pictures encoded in two processes: the same bytes as in one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from indexer.devices import opened
from indexer.vectors import pack_encoded
from lexsearch.registry import build


def test_a_clip_in_two_processes_gives_the_bytes_of_one(tiny: Any) -> None:
    name = f"clip:{tiny.clip}?words=0"
    pixels = np.random.default_rng(2).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    alone = build("encoders.models", name, threads=1, device="cpu")
    with opened(name, ["cpu", "cpu"], threads=1) as model:
        assert model.identity == alone.identity
        together = model.encode_pixels(pixels)
    assert pack_encoded(together) == pack_encoded(alone.encode_pixels(pixels))
