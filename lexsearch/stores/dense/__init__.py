"""Dense stores: one file, one search index over unit vectors."""

from __future__ import annotations

from typing import Literal, TypeAlias

# What inverted lists hold of a row: float16 components, bytes, or product codes of 4 bits.
Codes: TypeAlias = Literal["fp16", "sq8", "pq4"]
# Most product codes of a row: their sums are kept in 16 bits.
MOST_PQ4 = 256
# Rows that it takes to train product codes.
PQ4_FROM = 1_000
# Lists of more rows than this hold one byte per component in place of two.
SQ8_FROM = 2_000_000


def codes_for(count: int, *, gpu: bool = False) -> Codes:
    """What the lists hold of so many rows.

    Product codes, whose proposals are scored anew from the stored rows; whole components where a
    GPU is to take a clone, which it does of nothing else, and for a few rows, which do not
    suffice to train codes.
    """
    if count >= PQ4_FROM and not gpu:
        return "pq4"
    return "sq8" if count > SQ8_FROM else "fp16"


def pq4_codes(dim: int) -> int:
    """Product codes of a row: one a component up to 256, else the largest divisor of the width."""
    return next(codes for codes in range(min(dim, MOST_PQ4), 0, -1) if dim % codes == 0)


def code_bytes(dim: int, codes: Codes) -> int:
    """Bytes of a row in the lists."""
    return {"fp16": 2 * dim, "sq8": dim, "pq4": (pq4_codes(dim) + 1) // 2}[codes]
