"""A few pictures in memory, for tests of the engine that need no folder."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from lexsearch.stores.segment_data import sections
from lexsearch.types import IntArray

MODES: list[Any] = ["lexical", "dense", "late", "hybrid"]
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


class MemorySnapshot:
    """Stands for a folder on disk: pictures of two halves, one segment per list."""

    lists = None

    def __init__(self, model: Any, segments: Sequence[Sequence[tuple[Any, Any]]]) -> None:
        self.identity = model.identity
        self.segments = []
        first = 10
        for pictures in segments:
            pixels = np.zeros((len(pictures), 8, 8, 3), np.uint8)
            for i, (left, right) in enumerate(pictures):
                pixels[i, :, :4], pixels[i, :, 4:] = left, right
            encoded = model.encode_pixels(pixels)
            ids = np.arange(first, first + len(pictures), dtype=np.int64)
            first += len(pictures)
            arrays = {
                role: sections(role, getattr(encoded, role), model.identity)
                for role in ("lexical", "dense", "tokens")
            }
            self.segments.append(
                SimpleNamespace(image_ids=ids, live=None, sections=arrays.__getitem__)
            )

    def image_ids(self) -> IntArray:
        return np.sort(np.concatenate([s.image_ids for s in self.segments]))

    def allowed(self, **conditions: Any) -> IntArray:
        assert set(conditions) == {
            "after", "before", "path_glob", "type_", "camera", "near", "box"
        }  # fmt: skip
        return self.image_ids()[:2] if self.few is None else self.few

    few: IntArray | None = None

    def images(self, ids: Sequence[int]) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(
                image_id=i, paths=(b"/p/%d.png" % i, b"/p/copy-\xe9.png"), taken=None,
                camera=None, gps=None, width=8, height=8, ids=(), meta={},
            )
            for i in ids
        ]  # fmt: skip


PICTURES = [(RED, RED), (RED, GREEN), (GREEN, GREEN), (BLUE, BLUE), (WHITE, WHITE)]


def ids(results: Any) -> list[int]:
    return [int(hit.id, 16) for hit in results]


def said(results: Any) -> list[Any]:
    return [
        (hit.rank, hit.id, hit.score, dict(hit.scores), hit.terms, hit.below_cutoff)
        for hit in results
    ]
