"""Late interaction written as its definition: the oracle of the fast kernels."""

from __future__ import annotations

import numpy as np

from lexsearch.types import FloatArray, IntArray


def max_similarity(
    query: FloatArray, image: FloatArray, weights: FloatArray | None = None
) -> float:
    """Sum, over query tokens, of the best match among image tokens.

    Args:
        query: shape (q, dim), rows of unit length.
        image: shape (p, dim), p >= 1, rows of unit length.
        weights: shape (q,), what each query token counts; may be negative; default 1.

    Returns:
        A value in [-q, q]; 2-token example: max(0.6, 0.8) + max(1.0, 0.0) = 1.8.
        0 for a query without tokens.

    Raises:
        ValueError: the two sides have different dim, or the image has no tokens.

    Source: Khattab and Zaharia 2020, equation 3.
    """
    if query.shape[1] != image.shape[1]:
        raise ValueError(f"dim differs: {query.shape[1]} and {image.shape[1]}")
    if not len(image):
        raise ValueError("the image has no tokens")
    similarity = query.astype(np.float64) @ image.astype(np.float64).T  # (q, p)
    best = similarity.max(axis=1)
    return float(best.sum() if weights is None else (weights.astype(np.float64) * best).sum())


def mean_max_similarity(
    query: FloatArray, image: FloatArray, weights: FloatArray | None = None
) -> float:
    """`max_similarity` over the sum of magnitudes of the weights: a value in [-1, 1].

    Without weights the mean over query tokens. 0 when the weights sum to 0.

    Source: Yao et al. 2021 (FILIP), section 3.1.
    """
    total = (
        float(len(query)) if weights is None else float(np.abs(weights.astype(np.float64)).sum())
    )
    best = max_similarity(query, image, weights)
    return best / total if total > 0 else 0.0


def mean_max_similarities(
    query: FloatArray,
    values: FloatArray,
    offsets: IntArray,
    weights: FloatArray | None = None,
) -> FloatArray:
    """`mean_max_similarity` of one query with n images.

    Args:
        query: shape (q, dim).
        values: shape (total, dim); image i owns rows offsets[i]:offsets[i + 1].
        offsets: shape (n + 1,).
        weights: shape (q,) or None.

    Returns:
        float32 (n,); NaN for an image without tokens.
    """
    scores = np.full(len(offsets) - 1, np.nan, dtype=np.float32)
    for i in range(len(scores)):
        image = values[int(offsets[i]) : int(offsets[i + 1])]
        if len(image):
            scores[i] = mean_max_similarity(query, image, weights)
    return scores
