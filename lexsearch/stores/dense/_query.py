"""What every dense index asks of its arguments."""

from __future__ import annotations

from lexsearch.types import DenseVectors, FloatArray


def query_row(query: DenseVectors, dim: int) -> FloatArray:
    """The only row of a query, float32 (dim,).

    Raises:
        ValueError: not exactly one row, or another width.
    """
    if len(query) != 1:
        raise ValueError(f"a search takes one query, not {len(query)}")
    check_dim(query.dim, dim)
    row: FloatArray = query.values[0]
    return row


def one_by_one(queries: DenseVectors) -> list[DenseVectors]:
    """Each query by itself."""
    return [DenseVectors(queries.values[i : i + 1]) for i in range(len(queries))]


def check_dim(found: int, expected: int) -> None:
    """Raise ValueError unless the widths agree."""
    if found != expected:
        raise ValueError(f"vectors of dim {found}; this index has {expected}")
