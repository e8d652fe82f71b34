"""Pictures and their vectors as bytes between processes: no pickle, safetensors for the vectors."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from indexer.wire import WireError
from lexsearch.types import DenseVectors, Encoded, IntArray, PixelArray, SparseVectors, TokenVectors

_SHAPE = struct.Struct("<III")


def pack_pixels(pixels: PixelArray) -> tuple[bytes, bytes]:
    """Shape and content of pictures, uint8 (n, height, width, 3)."""
    n, height, width, _ = pixels.shape
    return _SHAPE.pack(n, height, width), pixels.tobytes()


def unpack_pixels(payload: bytes) -> PixelArray:
    """The pictures in a payload.

    Raises:
        WireError: it is not of the form that `pack_pixels` gives.
    """
    try:
        n, height, width = _SHAPE.unpack_from(payload)
        flat = np.frombuffer(payload, np.uint8, offset=_SHAPE.size)
        return flat.reshape(n, height, width, 3)
    except (struct.error, ValueError) as error:
        raise WireError(f"no pictures: {error}") from error


def pack_encoded(encoded: Encoded) -> bytes:
    """The vectors of pictures."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    if (words := encoded.lexical) is not None:
        arrays |= {
            "words.indptr": words.indptr, "words.indices": words.indices,
            "words.weights": words.weights, "words.size": np.array([words.vocab_size]),
        }  # fmt: skip
    if encoded.dense is not None:
        arrays["dense"] = encoded.dense.values
    if (tokens := encoded.tokens) is not None:
        arrays |= {"tokens": tokens.values, "tokens.offsets": tokens.offsets}
        if tokens.grid is not None:
            arrays["tokens.grid"] = np.array(tokens.grid)
    made: bytes = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return made


def unpack_encoded(payload: bytes) -> Encoded:
    """The vectors in a payload that `pack_encoded` gave.

    Raises:
        WireError: it is none.
    """
    try:
        found = load(payload)
        lexical = dense = tokens = None
        if "words.size" in found:
            lexical = SparseVectors(
                found["words.indptr"], found["words.indices"], found["words.weights"],
                int(found["words.size"][0]),
            )  # fmt: skip
        if "dense" in found:
            dense = DenseVectors(found["dense"])
        if "tokens" in found:
            grid = found.get("tokens.grid")
            shape = None if grid is None else (int(grid[0]), int(grid[1]))
            tokens = TokenVectors(found["tokens"], found["tokens.offsets"], shape)
    except Exception as error:  # the library has errors of its own for each fault
        raise WireError(f"no vectors: {error}") from error
    return Encoded(lexical, dense, tokens)


def joined(parts: Sequence[Encoded]) -> Encoded:
    """The vectors of runs of pictures as those of all of them, in that order."""
    first = parts[0]
    if len(parts) == 1:
        return first
    lexical = dense = tokens = None
    if first.lexical is not None:
        rows = [one.lexical for one in parts if one.lexical is not None]
        lexical = SparseVectors(
            _offsets([row.indptr for row in rows]),
            np.concatenate([row.indices for row in rows]),
            np.concatenate([row.weights for row in rows]),
            first.lexical.vocab_size,
        )
    if first.dense is not None:
        dense = DenseVectors(np.concatenate([p.dense.values for p in parts if p.dense is not None]))
    if first.tokens is not None:
        sets = [one.tokens for one in parts if one.tokens is not None]
        tokens = TokenVectors(
            np.concatenate([one.values for one in sets]),
            _offsets([one.offsets for one in sets]),
            first.tokens.grid,
        )
    return Encoded(lexical, dense, tokens)


def _offsets(parts: Sequence[IntArray]) -> IntArray:
    lengths = np.concatenate([np.diff(part) for part in parts])
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
