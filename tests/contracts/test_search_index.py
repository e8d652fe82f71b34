"""Every word index and every dense index keeps the promises of `SearchIndex`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.errors import ModelMissing
from lexsearch.registry import build, names
from lexsearch.stores import segment_data
from lexsearch.types import DenseVectors, Ranking, SparseVectors

VOCAB, DIM = 12, 6


@dataclass(frozen=True)
class Kind:
    """One plugin with the vectors it takes; rows of a matrix stand for images."""

    group: str
    name: str
    options: tuple[tuple[str, Any], ...] = ()

    def build(self) -> Any:
        size = {"vocab_size": VOCAB} if self.group == "stores.lexical" else {"dim": DIM}
        try:
            return build(self.group, self.name, **size, **dict(self.options))
        except ModelMissing as error:
            pytest.skip(str(error))

    @property
    def width(self) -> int:
        return VOCAB if self.group == "stores.lexical" else DIM

    def vectors(self, matrix: np.ndarray) -> Any:
        if self.group == "stores.dense":
            return DenseVectors(matrix.astype(np.float32))
        rows = [(np.flatnonzero(r).astype(np.int32), r[r != 0]) for r in matrix]
        return SparseVectors.from_rows(rows, VOCAB)

    def sections(self, matrix: np.ndarray) -> Any:
        vectors = self.vectors(matrix)
        if self.group == "stores.dense":
            return segment_data.dense_sections(vectors)
        return segment_data.lexical_sections(vectors)

    def images(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Values on a grid of 1/8, so that many images tie; words are >= 0 and often absent."""
        if self.group == "stores.dense":
            return rng.integers(-4, 5, (n, DIM)) / 8
        return rng.integers(0, 5, (n, VOCAB)) / 8 * (rng.random((n, VOCAB)) < 0.5)

    def query(self, rng: np.random.Generator) -> np.ndarray:
        return rng.integers(-4, 5, (1, self.width)) / 8


KINDS = [Kind(group, name) for group in ("stores.lexical", "stores.dense") for name in names(group)]
# Inverted lists from the first image on; so few images make one list, which hides none of them.
KINDS.append(Kind("stores.dense", "faiss_ivf", (("up", 1), ("down", 0))))
pytestmark = pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name + "+" * bool(k.options))


def expected(
    ids: np.ndarray, matrix: np.ndarray, query: np.ndarray, k: int
) -> tuple[list[int], list[float]]:
    """The definition: all dot products, descending, ties to the smaller id."""
    scores = (matrix.astype(np.float64) @ query[0].astype(np.float64)).tolist()
    best = sorted(zip(ids.tolist(), scores, strict=True), key=lambda hit: (-hit[1], hit[0]))[:k]
    return [hit[0] for hit in best], [hit[1] for hit in best]


def check(found: Ranking, wanted: tuple[list[int], list[float]]) -> None:
    assert found.ids.tolist() == wanted[0]
    assert found.scores.tolist() == pytest.approx(wanted[1], abs=1e-6)
    assert found.ids.dtype == np.int64
    assert found.scores.dtype == np.float32


def image_ids(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.permutation(10 * n + 1)[:n].astype(np.int64) + 2**62


def test_a_search_equals_the_dense_product(kind: Kind) -> None:
    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 2**31), st.integers(0, 30), st.integers(0, 40))
    def holds(seed: int, n: int, k: int) -> None:
        rng = np.random.default_rng(seed)
        ids, matrix, query = image_ids(rng, n), kind.images(rng, n), kind.query(rng)
        index = kind.build()
        index.add(ids, kind.vectors(matrix))
        check(index.search(kind.vectors(query), k), expected(ids, matrix, query, k))
        assert len(index) == n

    holds()


def test_segments_with_dead_rows_equal_added_rows_to_the_bit(kind: Kind) -> None:
    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 2**31), st.lists(st.integers(0, 9), max_size=5))
    def holds(seed: int, sizes: list[int]) -> None:
        rng = np.random.default_rng(seed)
        n = sum(sizes)
        ids, query = image_ids(rng, n), kind.vectors(rng.normal(size=(1, kind.width)))
        matrix = np.abs(rng.normal(size=(n, kind.width))).astype(np.float16) + np.float16(0.01)
        live = rng.random(n) < 0.7
        attached, added = kind.build(), kind.build()
        start = 0
        for size in sizes:
            part = slice(start, start + size)
            attached.attach(ids[part], kind.sections(matrix[part]), live=live[part])
            start += size
        added.add(ids[live], kind.vectors(matrix[live]))
        one, other = attached.search(query, n), added.search(query, n)
        assert len(attached) == len(added) == int(live.sum())
        assert one.ids.tolist() == other.ids.tolist()
        assert one.scores.tobytes() == other.scores.tobytes()

    holds()


def test_only_allowed_images_are_found_and_k_of_them(kind: Kind) -> None:
    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 30))
    def holds(seed: int, n: int, k: int) -> None:
        rng = np.random.default_rng(seed)
        ids, matrix, query = image_ids(rng, n), kind.images(rng, n), kind.query(rng)
        index = kind.build()
        index.add(ids, kind.vectors(matrix))
        chosen = rng.random(n) < 0.5
        unknown = np.array([1, 2**63 - 1])
        allowed = np.sort(np.concatenate([ids[chosen], unknown]))
        found = index.search(kind.vectors(query), k, allowed=allowed)
        check(found, expected(ids[chosen], matrix[chosen], query, k))

    holds()


def test_removed_images_are_never_found_and_replaced_ones_score_anew(kind: Kind) -> None:
    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 2**31), st.integers(1, 20))
    def holds(seed: int, n: int) -> None:
        rng = np.random.default_rng(seed)
        ids, matrix, query = image_ids(rng, n), kind.images(rng, n), kind.query(rng)
        newer = kind.images(rng, n)
        index = kind.build()
        index.attach(ids, kind.sections(matrix))
        again = rng.random(n) < 0.3
        index.add(ids[again], kind.vectors(newer[again]))
        matrix = np.where(again[:, np.newaxis], newer, matrix)
        gone = rng.random(n) < 0.3
        twice = np.concatenate([ids[gone], ids[gone], np.array([5])])
        assert index.remove(twice) == int(gone.sum())
        assert index.remove(twice) == 0
        found = index.search(kind.vectors(query), n)
        check(found, expected(ids[~gone], matrix[~gone], query, n))
        assert len(index) == int((~gone).sum())

    holds()


def test_scores_are_those_of_the_search_and_nan_for_strangers(kind: Kind) -> None:
    rng = np.random.default_rng(3)
    ids, matrix = image_ids(rng, 40), kind.images(rng, 40)
    query = kind.vectors(kind.query(rng))
    index = kind.build()
    index.attach(ids[:25], kind.sections(matrix[:25]))
    index.add(ids[25:], kind.vectors(matrix[25:]))
    index.remove(ids[:1])
    found = index.search(query, 40)
    scores = index.score(query, found.ids)
    assert scores.dtype == np.float32
    assert scores.tolist() == pytest.approx(found.scores.tolist(), abs=1e-6)
    asked = np.array([ids[30], 7, ids[0], ids[3], ids[30]])
    assert np.isnan(index.score(query, asked)).tolist() == [False, True, True, False, False]
    assert index.score(query, np.zeros(0, np.int64)).tolist() == []


def test_an_empty_index_finds_nothing(kind: Kind) -> None:
    index = kind.build()
    query = kind.vectors(np.ones((1, kind.width)))
    assert len(index) == 0
    assert len(index.search(query, 10)) == 0
    assert np.isnan(index.score(query, np.array([1]))).all()
    assert index.remove(np.array([1])) == 0
    index.add(np.zeros(0, np.int64), kind.vectors(np.zeros((0, kind.width))))
    assert len(index.search(query, 10, allowed=np.array([1]))) == 0


def test_one_image_is_found_whatever_k_is(kind: Kind) -> None:
    index = kind.build()
    index.add(np.array([42]), kind.vectors(np.full((1, kind.width), 0.5)))
    query = kind.vectors(np.ones((1, kind.width)))
    for k, wanted in ((0, []), (1, [42]), (100, [42])):
        assert index.search(query, k).ids.tolist() == wanted
    assert index.search(query, 1).scores.tolist() == [0.5 * kind.width]


def test_images_that_score_zero_or_less_fill_the_list(kind: Kind) -> None:
    matrix = np.zeros((4, kind.width))
    matrix[:, 0] = [0.5, 0, 0, 0.25]
    matrix[1:3, 1] = 1.0
    index = kind.build()
    index.add(np.array([9, 8, 7, 6]), kind.vectors(matrix))
    minus = np.zeros((1, kind.width))
    minus[0, 0] = -1.0
    found = index.search(kind.vectors(minus), 4)
    assert found.ids.tolist() == [7, 8, 6, 9]
    assert found.scores.tolist() == [0.0, 0.0, -0.25, -0.5]


def test_equal_scores_go_to_the_smaller_ids_at_the_last_place_too(kind: Kind) -> None:
    ids = np.random.default_rng(0).permutation(200).astype(np.int64)
    index = kind.build()
    index.add(ids, kind.vectors(np.full((200, kind.width), 0.25)))
    query = kind.vectors(np.ones((1, kind.width)))
    assert index.search(query, 7).ids.tolist() == list(range(7))
    index.remove(np.array([0, 3]))
    assert index.search(query, 4).ids.tolist() == [1, 2, 4, 5]


def test_of_one_id_given_twice_the_last_row_counts(kind: Kind) -> None:
    index = kind.build()
    matrix = np.stack([np.full(kind.width, 0.25), np.full(kind.width, 0.5)])
    index.add(np.array([1, 1]), kind.vectors(matrix))
    found = index.search(kind.vectors(np.ones((1, kind.width))), 5)
    assert found.ids.tolist() == [1]
    assert found.scores.tolist() == [0.5 * kind.width]


def test_images_added_one_by_one_equal_images_added_at_once(kind: Kind) -> None:
    rng = np.random.default_rng(1)
    ids, matrix = image_ids(rng, 50), kind.images(rng, 50)
    query = kind.vectors(kind.query(rng))
    single, whole = kind.build(), kind.build()
    for i in range(50):
        single.add(ids[i : i + 1], kind.vectors(matrix[i : i + 1]))
    whole.add(ids, kind.vectors(matrix))
    one, other = single.search(query, 50), whole.search(query, 50)
    assert one.ids.tolist() == other.ids.tolist()
    assert one.scores.tobytes() == other.scores.tobytes()


def test_attached_arrays_may_be_read_only(kind: Kind) -> None:
    rng = np.random.default_rng(2)
    arrays = kind.sections(kind.images(rng, 5))
    for array in arrays.values():
        array.flags.writeable = False
    index = kind.build()
    index.attach(np.arange(5), arrays, live=np.array([True, True, False, True, True]))
    index.remove(np.array([1]))
    assert sorted(index.search(kind.vectors(kind.query(rng)), 5).ids.tolist()) == [0, 3, 4]


@pytest.mark.parametrize(
    "misuse",
    [
        lambda index, kind: index.search(kind.vectors(np.ones((2, kind.width))), 1),
        lambda index, kind: index.score(kind.vectors(np.ones((0, kind.width))), np.array([1])),
        lambda index, kind: index.search(kind.vectors(np.ones((1, kind.width))), -1),
        lambda index, kind: index.add(np.array([1]), kind.vectors(np.ones((2, kind.width)))),
        lambda index, kind: index.attach(
            np.array([1]), kind.sections(np.ones((1, kind.width))), live=np.ones(2, bool)
        ),
        lambda index, kind: index.add(
            np.array([1]), kind.vectors(np.full((1, kind.width), np.nan))
        ),
    ],
    ids=["two queries", "no query", "negative k", "ids too few", "marks too many", "not a number"],
)
def test_misuse_is_refused_and_leaves_the_index_usable(
    kind: Kind, misuse: Callable[[Any, Kind], Any]
) -> None:
    index = kind.build()
    index.add(np.array([4]), kind.vectors(np.ones((1, kind.width))))
    with pytest.raises(ValueError, match=r".+"):
        misuse(index, kind)
    assert index.search(kind.vectors(np.ones((1, kind.width))), 3).ids.tolist() == [4]


def test_vectors_of_another_width_are_refused(kind: Kind) -> None:
    index = kind.build()
    if kind.group == "stores.dense":
        other: Any = DenseVectors(np.ones((1, DIM + 1), np.float32))
    else:
        row = (np.array([0], np.int32), np.ones(1, np.float32))
        other = SparseVectors.from_rows([row], VOCAB + 1)
    with pytest.raises(ValueError, match="this index has"):
        index.search(other, 1)
    with pytest.raises(ValueError, match="this index has"):
        index.add(np.array([1]), other)


def test_many_queries_at_once_answer_as_one_by_one(kind: Kind) -> None:
    if not hasattr(kind.build(), "search_many"):
        assert kind.group == "stores.lexical", "a dense index takes many queries at a time"
        return

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 2**31), st.integers(0, 60), st.integers(0, 25), st.integers(0, 70))
    def holds(seed: int, n: int, count: int, k: int) -> None:
        rng = np.random.default_rng(seed)
        ids, matrix = image_ids(rng, n), kind.images(rng, n)
        index = kind.build()
        half = n // 2
        index.attach(ids[:half], kind.sections(matrix[:half]))
        index.add(ids[half:], kind.vectors(matrix[half:]))
        index.remove(ids[:3])
        rows = [kind.query(rng) for _ in range(count)]
        queries = np.concatenate([np.zeros((0, kind.width)), *rows])
        for allowed in (None, np.sort(ids[n // 6 :])):
            many = index.search_many(kind.vectors(queries), k, allowed=allowed)
            alone = [index.search(kind.vectors(row), k, allowed=allowed) for row in rows]
            assert [f.ids.tolist() for f in many] == [f.ids.tolist() for f in alone]
            assert [f.scores.tobytes() for f in many] == [f.scores.tobytes() for f in alone]

    holds()
