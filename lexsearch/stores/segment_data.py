"""The arrays inside the files of one segment: from vectors, back to vectors, and merged.

Every role is a mapping from section name to a little array; a container file stores them as
they are and a store attaches them as they are, so nothing is converted on the way.

    lexical  fwd_ptr u32 (n + 1), fwd_ids u16 (nnz), fwd_weights f16 (nnz): words by image
             inv_ptr u32 (vocab + 1), inv_rows u16 (nnz), inv_weights f16 (nnz): images by word
    dense    values f16 (n, dim)
    tokens   values i8 (total, dim), offsets u32 (n + 1)

Quantising is a fixed rule of the value and of constants of the model, never of the other rows:
an index that grew in steps holds the same bytes per image as one made at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lexsearch.protocols import Sections
from lexsearch.types import (
    DenseVectors,
    FloatArray,
    IntArray,
    ModelIdentity,
    Role,
    SparseVectors,
    TokenVectors,
)

SectionArrays: TypeAlias = dict[str, npt.NDArray[np.generic]]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

# inv_rows is u16, so a segment of words holds fewer rows than this.
MAX_ROWS = 65_536
# fwd_ids is u16 too: the largest vocabulary.
MAX_VOCABULARY = 65_536
# Least and largest positive float16; a weight outside is stored as the nearer of the two, so
# that a word that was found never turns into 0 or infinity.
LEAST_WEIGHT = 2.0**-24
LARGEST_WEIGHT = 65_504.0
# Largest magnitude of a stored token component; -128 stays unused, so the range is symmetric.
TOKEN_LEVELS = 127


def sections(
    role: Role, vectors: SparseVectors | DenseVectors | TokenVectors, identity: ModelIdentity
) -> SectionArrays:
    """The arrays that a segment file of this role stores for these vectors.

    Raises:
        ValueError: the vectors are not of the role's kind, or not of the identity's widths.
    """
    if role == "lexical" and isinstance(vectors, SparseVectors):
        _same_width("vocabulary", vectors.vocab_size, identity.vocab_size)
        return lexical_sections(vectors)
    if role == "dense" and isinstance(vectors, DenseVectors):
        _same_width("dense dim", vectors.dim, identity.dense_dim)
        return dense_sections(vectors)
    if role == "tokens" and isinstance(vectors, TokenVectors):
        _same_width("token dim", vectors.dim, identity.token_dim)
        return token_sections(vectors, scale=identity.token_scale)
    raise ValueError(f"the role {role!r} does not store {type(vectors).__name__}")


def rows(role: Role, arrays: Sections) -> int:
    """Number of images in the arrays of one segment file."""
    if role == "lexical":
        return len(arrays["fwd_ptr"]) - 1
    if role == "dense":
        return len(arrays["values"])
    return len(arrays["offsets"]) - 1


def lexical_sections(vectors: SparseVectors) -> SectionArrays:
    """Forward and inverted arrays of at most 65,535 sparse vectors.

    Weights become float16, words as they are; within one word the rows ascend.

    Raises:
        ValueError: too many rows or words for u16, or a weight that is not finite and > 0.
    """
    weights = vectors.weights
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError("the weights of stored images must be finite and > 0")
    stored = np.clip(weights, LEAST_WEIGHT, LARGEST_WEIGHT).astype(np.float16)
    return _both_directions(vectors.indptr, vectors.indices, stored, vectors.vocab_size)


def dense_sections(vectors: DenseVectors) -> SectionArrays:
    """Dense vectors as float16.

    Raises:
        ValueError: a value is not finite.
    """
    if not np.isfinite(vectors.values).all():
        raise ValueError("dense vectors must be finite")
    return {"values": np.ascontiguousarray(vectors.values, dtype=np.float16)}


def token_sections(vectors: TokenVectors, *, scale: float) -> SectionArrays:
    """Token vectors as int8: round(value / scale * 127), clipped to [-127, 127].

    Args:
        vectors: tokens of n images.
        scale: > 0, the value that 127 stands for; a constant of the model.

    Raises:
        ValueError: the scale or a value is not usable.
    """
    if not np.isfinite(vectors.values).all():
        raise ValueError("token vectors must be finite")
    levels = quantise(vectors.values, scale)
    return {"values": levels, "offsets": np.asarray(vectors.offsets, dtype=np.uint32)}


def quantise(values: FloatArray, scale: float) -> npt.NDArray[np.int8]:
    """round(value / scale * 127) clipped to [-127, 127], half to even; same shape, int8."""
    if not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"the token scale must be > 0, not {scale}")
    levels = np.asarray(values, dtype=np.float32) * np.float32(TOKEN_LEVELS / scale)
    np.rint(levels, out=levels)
    np.clip(levels, -TOKEN_LEVELS, TOKEN_LEVELS, out=levels)
    return levels.astype(np.int8)


def lexical_vectors(arrays: Sections, vocab_size: int) -> SparseVectors:
    """The stored weights of a lexical segment, as float32."""
    return SparseVectors(
        np.asarray(arrays["fwd_ptr"], dtype=np.int64),
        np.asarray(arrays["fwd_ids"], dtype=np.int32),
        np.asarray(arrays["fwd_weights"], dtype=np.float32),
        vocab_size,
    )


def dense_vectors(arrays: Sections) -> DenseVectors:
    """The stored values of a dense segment, as float32."""
    return DenseVectors(np.asarray(arrays["values"], dtype=np.float32))


def token_vectors(
    arrays: Sections, scale: float, grid: tuple[int, int] | None = None
) -> TokenVectors:
    """The stored tokens of a segment, dequantised: level * scale / 127."""
    values = np.asarray(arrays["values"], dtype=np.float32)
    offsets = np.asarray(arrays["offsets"], dtype=np.int64)
    return TokenVectors(values * np.float32(scale / TOKEN_LEVELS), offsets, grid)


def merge(role: Role, parts: Sequence[tuple[Sections, BoolArray | None]]) -> SectionArrays:
    """One segment that holds the live rows of several, in order, with the same stored values.

    Args:
        role: what the segments hold.
        parts: at least one pair of arrays and live rows, bool (n,), None for all.

    Raises:
        ValueError: no parts, unequal vocabularies, or more rows than one segment can hold.
    """
    if not parts:
        raise ValueError("nothing to merge")
    kept = [_live_rows(role, arrays, live) for arrays, live in parts]
    if role == "dense":
        return {
            "values": np.concatenate(
                [np.asarray(a["values"])[k] for (a, _), k in zip(parts, kept, strict=True)]
            )
        }
    pointer = "fwd_ptr" if role == "lexical" else "offsets"
    taken = [entries(a[pointer], k) for (a, _), k in zip(parts, kept, strict=True)]
    lengths = np.concatenate([counts for _, counts in taken])
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])

    def joined(name: str) -> npt.NDArray[np.generic]:
        return np.concatenate(
            [np.asarray(a[name])[where] for (a, _), (where, _) in zip(parts, taken, strict=True)]
        )

    if role == "tokens":
        return {"values": joined("values"), "offsets": offsets.astype(np.uint32)}
    vocabularies = {len(arrays["inv_ptr"]) - 1 for arrays, _ in parts}
    if len(vocabularies) > 1:
        raise ValueError(f"segments of different vocabularies: {sorted(vocabularies)}")
    ids = joined("fwd_ids").astype(np.int32)
    return _both_directions(offsets, ids, joined("fwd_weights"), vocabularies.pop())


def entries(offsets: npt.NDArray[np.generic], chosen: IntArray) -> tuple[IntArray, IntArray]:
    """Positions of everything that the chosen rows own, row after row, and how many each owns.

    Args:
        offsets: shape (n + 1,); row i owns positions offsets[i]:offsets[i + 1].
        chosen: int64 row numbers, any order, repeats allowed.

    Returns:
        positions, int64 (sum of lengths,), and lengths, int64 (len(chosen),).
    """
    bounds = np.asarray(offsets)
    starts = bounds[chosen].astype(np.int64)
    lengths = bounds[chosen + 1].astype(np.int64) - starts
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - ends + lengths, lengths), lengths


def _both_directions(
    indptr: IntArray,
    indices: npt.NDArray[np.int32],
    weights: npt.NDArray[np.generic],
    vocab_size: int,
) -> SectionArrays:
    n = len(indptr) - 1
    if n >= MAX_ROWS:
        raise ValueError(f"a segment holds fewer than {MAX_ROWS} images, not {n}")
    if vocab_size > MAX_VOCABULARY:
        raise ValueError(f"a vocabulary has at most {MAX_VOCABULARY} words, not {vocab_size}")
    if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= vocab_size):
        raise ValueError(f"a word id lies outside the vocabulary of {vocab_size}")
    ids = indices.astype(np.uint16)
    order = np.argsort(ids, kind="stable")
    owners = np.repeat(np.arange(n, dtype=np.uint16), np.diff(indptr))
    counts = np.bincount(indices, minlength=vocab_size)
    return {
        "fwd_ptr": indptr.astype(np.uint32),
        "fwd_ids": ids,
        "fwd_weights": weights,
        "inv_ptr": np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32),
        "inv_rows": owners[order],
        "inv_weights": weights[order],
    }


def _live_rows(role: Role, arrays: Sections, live: BoolArray | None) -> IntArray:
    n = rows(role, arrays)
    if live is None:
        return np.arange(n)
    if len(live) != n:
        raise ValueError(f"{len(live)} live marks for {n} rows")
    return np.flatnonzero(live)


def _same_width(what: str, found: int, expected: int) -> None:
    if found != expected:
        raise ValueError(f"{what}: found {found}, the index has {expected}")
