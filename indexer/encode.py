"""Gathers what a batch decoded to and runs the model over it once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexer.decode import KILLED_ONCE, KILLED_TWICE, Decoded, DecodeError
from indexer.decoders import Held, Outcome
from indexer.pending import Pending
from indexer.supervise import DecoderDied
from lexsearch.protocols import Model
from lexsearch.stores.pooling import pool_tokens
from lexsearch.types import Encoded


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch, sorted out.

    Attributes:
        fresh: pictures to encode, each content once, in the order of their files.
        files: files with their contents, whether fresh or held already.
        held: how many of `files` need no encoding.
        failed: files that are no pictures, with the reason.
    """

    fresh: list[Decoded]
    files: list[tuple[Pending, bytes]]
    held: int
    failed: list[tuple[Pending, DecodeError]]


def gather(
    pending: Sequence[Pending], outcomes: Sequence[Outcome], held: Collection[bytes]
) -> Batch:
    """Sort the outcomes of a batch; a content that is held, or came before, is not encoded."""
    fresh: dict[bytes, Decoded] = {}
    files: list[tuple[Pending, bytes]] = []
    failed: list[tuple[Pending, DecodeError]] = []
    for one, outcome in zip(pending, outcomes, strict=True):
        if isinstance(outcome, DecodeError):
            failed.append((one, _again(one, outcome)))
            continue
        files.append((one, outcome.sha256))
        if not isinstance(outcome, Held) and outcome.sha256 not in held:
            fresh.setdefault(outcome.sha256, outcome)
    return Batch(list(fresh.values()), files, len(files) - len(fresh), failed)


def _again(one: Pending, error: DecodeError) -> DecodeError:
    """The error; a decoder that was killed for the second time is no accident."""
    if one.was_killed and isinstance(error, DecoderDied) and error.reason == KILLED_ONCE:
        return DecoderDied(error.path, KILLED_TWICE, error.sha256)
    return error


def encode(model: Model, fresh: Sequence[Decoded], *, pool: int = 1) -> Encoded | None:
    """Vectors of the pictures, row by row; None when there are none.

    pool: tokens of a picture that one stored token stands for.
    """
    if not fresh:
        return None
    encoded = model.encode_pixels(np.stack([picture.pixels for picture in fresh]))
    if pool == 1 or encoded.tokens is None:
        return encoded
    return replace(encoded, tokens=pool_tokens(encoded.tokens, factor=pool))
