"""Model sets by family: a checkpoint's towers with all three roles around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lexsearch.encoders import _clip_words as clip_words
from lexsearch.encoders._clip_tower import ClipTower, load_clip, load_tulip
from lexsearch.encoders._device import Device, memory_for
from lexsearch.encoders._filip_tower import FilipTower, load_filip
from lexsearch.encoders._late_head import load_head
from lexsearch.encoders._pair_model import PairModel, Tower, meaning
from lexsearch.encoders._siglip_tower import SiglipTower, load_siglip
from lexsearch.encoders._texts import Texts, clip_texts, siglip_texts
from lexsearch.errors import UsageError
from lexsearch.models.hub import resolve
from lexsearch.models.vocabulary import WordList
from lexsearch.settings import Settings

# Weights of raw scores. Chosen, not measured: no published checkpoint was at hand. The dense score
# leads; late interaction on towers trained for it counts as much.
DENSE_FIRST = {"lexical": 0.1, "dense": 1.0, "late": 0.1}
LATE_FIRST = {"lexical": 0.1, "dense": 0.1, "late": 1.0}


def pair(
    family: str,
    source: str,
    load: Callable[..., Any],
    *,
    name: str = "",
    device: str = "auto",
    dtype: str = "auto",
    batch_size: int | str = 0,
    words: int | str = -1,
    cache: Path | None = None,
    late: str = "",
    threads: int = 0,
    **options: Any,
) -> PairModel:
    """A model set over the towers of a checkpoint.

    Args:
        family: `clip`, `tulip`, `siglip` or `filip`.
        source: folder, file or hub id.
        load: the family's loader.
        name: of the set; "" = family:source.
        device, dtype: see `Device.choose`.
        batch_size: pictures at a time; 0 = what fits.
        words: how many words the lexical role has; -1 = all, 0 = no such role.
        cache: folder for the embeddings of the words; None = the cache folder of the settings.
        late: folder of a learned projection of the tokens (`late.safetensors`).
        threads: of the processor; 0 = as many as torch takes.
        options: of the loader.

    Raises:
        ModelMissing: the files are missing, ill or of another family.
    """
    place = resolve(source)
    chosen = Device.choose(device, dtype)
    if threads:
        torch.set_num_threads(threads)
    with memory_for(source):
        tower = load(place, **options).to(chosen.place, chosen.dtype)
    texts = texts_of(tower, place)
    count = number("words", words)
    vocabulary, lexical = WordList((), {}), None
    if count:
        vocabulary = clip_words.bundled_words(None if count < 0 else count)
        lexical = _lexical(tower, texts, vocabulary, chosen, cache)
    head = None
    if late:
        head = load_head(resolve(late), tower.dim, chosen)
    return PairModel(
        name or f"{family}:{source}",
        tower,
        texts,
        words=lexical,
        vocabulary=vocabulary,
        token_dim=tower.token_dim if isinstance(tower, FilipTower) else tower.dim,
        device=chosen,
        batch_size=number("batch_size", batch_size),
        fusion=LATE_FIRST if isinstance(tower, FilipTower) or head else DENSE_FIRST,
        whole_text=isinstance(tower, FilipTower) and tower.variant == "declip",
        head=head,
    )


def _lexical(
    tower: Tower, texts: Texts, vocabulary: WordList, device: Device, cache: Path | None
) -> clip_words.ClipWords:
    def encode(words: Sequence[str]) -> Tensor:
        rows = [texts.row(word) for word in words]
        vectors, states = tower.text(*texts.batch(rows))
        return meaning(tower, texts, vectors, states, rows)

    kept = Settings.load().cache_dir if cache is None else cache
    said = f"{tower.said} {texts.context} {device.dtype}"
    return clip_words.words_over(vocabulary, encode, model=said, place=device.place, cache=kept)


def texts_of(tower: Any, source: Path) -> Texts:
    """The tokenizer that belongs to a tower."""
    if isinstance(tower, SiglipTower):
        return siglip_texts(source, context=tower.context, second=tower.second)
    if isinstance(tower, ClipTower):
        size = tower.encode_text.shape.vocab_size
        return clip_texts(source, context=tower.context, vocab_size=size)
    assert isinstance(tower, FilipTower)
    texts = clip_texts(source, context=tower.context, vocab_size=tower.vocab_size)
    if tower.variant == "declip":
        texts.fix_length()
    return texts


def number(option: str, value: int | str) -> int:
    """An option that is a whole number.

    Raises:
        UsageError: it is not.
    """
    try:
        return int(value)
    except ValueError as error:
        raise UsageError(f"{option} is {value!r}; expected a whole number") from error


LOADERS: dict[str, Callable[..., Any]] = {
    "clip": load_clip, "tulip": load_tulip, "siglip": load_siglip, "filip": load_filip,
}  # fmt: skip
FAMILIES = tuple(LOADERS)


def role_model(family: str, source: str, **options: Any) -> PairModel:
    """The same without words, for an encoder of one role."""
    return pair(family, source, LOADERS[family], **{"words": 0, **options})
