"""Texts as ids for the towers: the tokenizer beside a checkpoint, padding, what is a real token."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from lexsearch.encoders._weights import read_json
from lexsearch.errors import ModelMissing
from lexsearch.models.hub import resolve

CLIP_TOKENIZER = "openai/clip-vit-base-patch32"  # every CLIP and TULIP has this one
_SPACES = re.compile(r"\s+")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Texts:
    """Texts to rows of ids and to padded batches.

    Args:
        tokenizer: that adds its special tokens by itself.
        context: most tokens of a text; the last one, its end, survives a cut.
        pad: id that fills up rows.
        fixed: every row is filled up to the context (SigLIP), which takes part in the model.
        skipped: tokens at the start that say nothing of the text (the begin token).
        shift: what special ids of the tokenizer gain in the weights (DeCLIP has one more before).
        fold: `lower` or `plain` (lower case without punctuation), as in training; or "".
    """

    def __init__(
        self, tokenizer: Tokenizer, *, context: int, pad: int = 0, fixed: bool = False,
        skipped: int = 1, shift: int = 0, fold: str = "",
    ) -> None:  # fmt: skip
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer, self.context, self._pad = tokenizer, context, pad
        self._fixed, self.skipped, self._shift, self._fold = fixed, skipped, shift, fold
        self._specials = tokenizer.get_vocab_size() - 2

    def row(self, text: str) -> list[int]:
        """Ids of a text with its special tokens, at most `context`."""
        ids: list[int] = self._tokenizer.encode(self._folded(text)).ids
        if self._shift:
            ids = [i + self._shift if i >= self._specials else i for i in ids]
        return ids if len(ids) <= self.context else [*ids[: self.context - 1], ids[-1]]

    def batch(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """ids and mask (1 = real), int64 (n, longest row, or the context when it is fixed)."""
        longest = self.context if self._fixed else max(map(len, rows))
        ids = torch.full((len(rows), longest), self._pad, dtype=torch.int64)
        mask = torch.zeros(len(rows), longest, dtype=torch.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = 1
        return ids, mask

    def fix_length(self) -> None:
        """Fill every row up to the context from now on (DeCLIP, where padding takes part)."""
        self._fixed = True

    def pieces(self, text: str) -> list[str]:
        """What stands behind every real token that is not skipped, for display."""
        found = [self._tokenizer.decode([i]).strip() or "·" for i in self.row(text)]
        return found[self.skipped :]

    def _folded(self, text: str) -> str:
        if not self._fold:
            return text
        folded = _SPACES.sub(" ", text.lower()).strip()
        return folded if self._fold == "lower" else folded.translate(_PUNCTUATION).strip()


def clip_texts(source: Path, *, context: int, vocab_size: int) -> Texts:
    """The tokenizer of a CLIP-like checkpoint: beside the weights, else CLIP's from the cache.

    Raises:
        ModelMissing: there is none, or it is of another vocabulary.
    """
    tokenizer = tokenizer_beside(source)
    where = str(source)
    if tokenizer is None:
        try:
            where = str(resolve(CLIP_TOKENIZER, weights=False))
        except ModelMissing as error:
            raise ModelMissing(
                f"{source} brings no tokenizer.json, and CLIP's own is not in the cache; put one "
                f"beside the weights, or get it with: lexsearch models pull {CLIP_TOKENIZER}"
            ) from error
        tokenizer = tokenizer_beside(Path(where))
    size = tokenizer.get_vocab_size() if tokenizer else 0
    if tokenizer is None or vocab_size not in (size, size + 1):
        raise ModelMissing(
            f"the tokenizer in {where} has {size} entries; expected {vocab_size}, as the weights"
        )
    return Texts(tokenizer, context=context, shift=vocab_size - size)


def siglip_texts(source: Path, *, context: int, second: bool) -> Texts:
    """The tokenizer of a SigLIP; every text is padded to the context.

    second: SigLIP 2, which lower-cases; the first also drops punctuation.

    Raises:
        ModelMissing: there is none.
    """
    tokenizer = tokenizer_beside(source)
    if tokenizer is None:
        raise ModelMissing(f"{source} brings no tokenizer.json; pull the model again")
    said = read_json(source / "tokenizer_config.json").get("pad_token", "<pad>")
    token = said.get("content") if isinstance(said, dict) else said
    pad = tokenizer.padding["pad_id"] if tokenizer.padding else tokenizer.token_to_id(str(token))
    fold = "lower" if second else "plain"
    return Texts(tokenizer, context=context, pad=int(pad or 0), fixed=True, skipped=0, fold=fold)


def tokenizer_beside(source: Path) -> Tokenizer | None:
    """The fast tokenizer in a folder, or in the folder of a file; None when there is none."""
    folder = source if source.is_dir() else source.parent
    path = folder / "tokenizer.json"
    if path.is_file():
        try:
            return Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises a bare Exception
            raise ModelMissing(f"{path} is not a tokenizer: {error}") from error
    if any((folder / name).is_file() for name in ("merges.txt", "spiece.model")):
        from transformers import AutoTokenizer

        found: Tokenizer = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True
        ).backend_tokenizer
        return found
    return None
