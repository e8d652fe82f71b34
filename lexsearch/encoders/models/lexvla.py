"""LexVLA as a model set: its words, and dense vectors and tokens of a partner."""

from __future__ import annotations

from typing import Any

import torch

from lexsearch.encoders._device import Device, memory_for
from lexsearch.encoders._families import LOADERS, number, pair
from lexsearch.encoders._lexvla_model import WORDS_PER_IMAGE, LexVlaModel
from lexsearch.encoders._lexvla_tower import load_lexvla
from lexsearch.errors import UsageError
from lexsearch.models.hub import resolve


def build(
    source: str,
    *,
    name: str = "",
    device: str = "auto",
    dtype: str = "auto",
    batch_size: int | str = 0,
    keep: int | str = WORDS_PER_IMAGE,
    partner: str = "",
    threads: int = 0,
    **options: Any,
) -> LexVlaModel:
    """The set over a folder that `lexsearch train lexvla` has written.

    Args:
        source: the folder.
        name: of the set; "" = lexvla:source.
        device, dtype, batch_size: as of `pair`.
        keep: most words of a vector; 0 = all above the threshold.
        partner: FAMILY:SOURCE that fills the other roles, on pictures of the same size; "" = none.
        threads: of the processor; 0 = as many as torch takes.
        options: of `load_lexvla`.
    """
    chosen = Device.choose(device, dtype)
    if threads:
        torch.set_num_threads(threads)
    with memory_for(source):
        tower = load_lexvla(resolve(source), **options).to(chosen.place, chosen.dtype)
    other = None
    if partner:
        family, _, place = partner.partition(":")
        if family not in LOADERS:
            raise UsageError(f"partner is {partner!r}; known families: {', '.join(LOADERS)}")
        other = pair(family, place, LOADERS[family], words=0, device=device, dtype=dtype)
    return LexVlaModel(
        name or f"lexvla:{source}",
        tower,
        device=chosen,
        batch_size=number("batch_size", batch_size),
        keep=number("keep", keep),
        partner=other,
    )
