"""The compiled word index gives the ranking of the NumPy one to the bit, whatever it skips."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.registry import build
from lexsearch.stores.segment_data import lexical_sections
from lexsearch.types import SparseVectors

pytest.importorskip("numba", reason="the compiled word index needs numba (extra `fast`)")

from lexsearch.stores.lexical import impact_numba

VOCAB = 40
SCAN, BOUNDS, COLUMNS, PLANNED = "scan", "bounds", "columns", "planned"
WAYS = (SCAN, BOUNDS, COLUMNS, PLANNED)
# Each draws weights that some way of rounding would confuse.
WEIGHTS = ("grid", "near", "spread", "subnormal")


def compiled(way: str, vocab_size: int = VOCAB) -> impact_numba.NumbaImpactIndex:
    derive_from = 10**9 if way == SCAN else 0
    share = 1.0 if way in (BOUNDS, COLUMNS) else impact_numba.SCORED_SHARE
    many = {BOUNDS: 1.0, COLUMNS: 0.0}.get(way, impact_numba.MANY_BLOCKS)
    return impact_numba.NumbaImpactIndex(
        vocab_size, derive_from=derive_from, scored_share=share, many_blocks=many
    )


def drawn(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    if kind == "grid":  # few values, so many ties
        return rng.integers(1, 4, shape) / 8
    if kind == "near":  # neighbours in float16 that share a step of 1/255
        return np.float16(1) + rng.integers(0, 3, shape) * np.float16(2**-10)
    if kind == "spread":  # fourteen orders of two, so that a step of the heaviest hides the rest
        return 2.0 ** -rng.integers(0, 14, shape) * rng.uniform(1, 2, shape)
    return rng.integers(1, 2**11, shape) * 2.0**-24


def sparse(matrix: np.ndarray) -> SparseVectors:
    rows = [(np.flatnonzero(row).astype(np.int32), row[row != 0]) for row in matrix]
    return SparseVectors.from_rows(rows, matrix.shape[1])


def images(rng: np.random.Generator, kind: str, n: int) -> SparseVectors:
    return sparse(drawn(rng, kind, (n, VOCAB)) * (rng.random((n, VOCAB)) < 0.3))


def query(rng: np.random.Generator, kind: str, *, signs: bool) -> SparseVectors:
    row = drawn(rng, kind, (1, VOCAB)) * (rng.random((1, VOCAB)) < 0.5)
    return sparse(row * np.where(signs & (rng.random(row.shape) < 0.2), -1, 1))


def assert_same(found: Any, wanted: Any) -> None:
    assert found.ids.tolist() == wanted.ids.tolist()
    assert found.scores.tobytes() == wanted.scores.tobytes()
    assert found.ids.dtype == np.int64
    assert found.scores.dtype == np.float32


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", WEIGHTS)
def test_the_ranking_is_that_of_the_numpy_index_to_the_bit(way: str, kind: str) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 2**31), st.lists(st.integers(0, 400), max_size=4), st.booleans())
    def holds(seed: int, sizes: list[int], signs: bool) -> None:
        rng = np.random.default_rng(seed)
        ids = rng.permutation(10 * sum(sizes) + 1)[: sum(sizes)].astype(np.int64)
        plain, fast = build("stores.lexical", "impact", vocab_size=VOCAB), compiled(way)
        start = 0
        for number, size in enumerate(sizes):
            own, vectors = ids[start : start + size], images(rng, kind, size)
            live = rng.random(size) < rng.choice([0.5, 1.0])
            for index in (plain, fast):
                if number % 2:
                    index.add(own, vectors)
                else:
                    index.attach(own, lexical_sections(vectors), live=live)
            start += size
        gone = ids[rng.random(len(ids)) < 0.1] if rng.random() < 0.5 else ids[:0]
        assert fast.remove(gone) == plain.remove(gone)
        assert len(fast) == len(plain)
        allowed = np.sort(ids[rng.random(len(ids)) < rng.choice([0.01, 0.6])])
        for k in (1, 3, 30, sum(sizes) // 5, sum(sizes) + 5):
            asked = query(rng, kind, signs=signs)
            assert_same(fast.search(asked, k), plain.search(asked, k))
            assert_same(
                fast.search(asked, k, allowed=allowed), plain.search(asked, k, allowed=allowed)
            )
        assert fast.score(asked, ids).tobytes() == plain.score(asked, ids).tobytes()

    holds()


def one_image_a_block(weights: np.ndarray) -> SparseVectors:
    """Every eighth image has all words, the others none: a bound is as tight as it can be."""
    n, words = weights.shape
    indptr = np.concatenate([[0], np.repeat(np.arange(1, n + 1) * words, 8)])
    ids = np.tile(np.arange(words, dtype=np.int32), n)
    return SparseVectors(indptr, ids, weights.astype(np.float32).ravel(), VOCAB)


@pytest.mark.parametrize("way", [BOUNDS, COLUMNS])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("case", ["between two steps", "on a step", "rare words"])
def test_no_rounding_hides_an_image_whose_bound_is_tight(seed: int, case: str, way: str) -> None:
    rng = np.random.default_rng(seed)
    count, words = 1_500, 6 + seed
    if case == "on a step":  # every image scores the same: the last bit decides about all
        weights = np.ones((count, words))
    else:  # the score is nearly the same, and almost a whole step of the grid hides in it
        weights = (
            rng.integers(99, 101, (count, words)) + rng.uniform(0, 0.99, (count, words))
        ) / 255
        weights[count // 2] = [1, *[0.4] * (words - 1)]
    vectors = one_image_a_block(weights)
    row = np.zeros((1, VOCAB), np.float32)
    row[0, :words] = rng.uniform(0.1, 1, words)
    plain, fast = build("stores.lexical", "impact", vocab_size=VOCAB), compiled(way)
    ids = rng.permutation(8 * count).astype(np.int64)
    for index in (plain, fast):
        if case == "rare words":  # fewer than 1 in 16 images have them: no columns
            few = vectors.select(np.arange(2_400))
            both = np.concatenate([ids[:2_400], np.arange(50_000) + 10**6])
            joined = SparseVectors(
                np.concatenate([few.indptr, np.full(50_000, few.indptr[-1])]),
                few.indices, few.weights, VOCAB,
            )  # fmt: skip
            index.attach(both, lexical_sections(joined))
        else:
            index.attach(ids, lexical_sections(vectors))
    for k in (1, 5, 20, 100):
        assert_same(fast.search(sparse(row), k), plain.search(sparse(row), k))
        assert not fast.plan.fell_back


def clustered(rng: np.random.Generator, n: int, vocab_size: int) -> SparseVectors:
    """Images of one theme stand together, so that most blocks can be left out."""
    rows = []
    for i in range(n):
        theme = i * 40 // n
        words = np.unique(rng.integers(theme * 10, theme * 10 + 30, 20))
        rows.append((words.astype(np.int32), rng.gamma(2, 0.5, len(words)) + 0.01))
    return SparseVectors.from_rows(rows, vocab_size)


@pytest.mark.parametrize("segments", [1, 3])
def test_few_images_are_scored_one_by_one(segments: int) -> None:
    rng = np.random.default_rng(5)
    vectors, asked = clustered(rng, 60_000, 500), clustered(rng, 40, 500)
    plain, fast = build("stores.lexical", "impact", vocab_size=500), compiled(PLANNED, 500)
    for part in np.array_split(rng.permutation(60_000), segments):
        for index in (plain, fast):
            index.attach(part, lexical_sections(vectors.select(part)))
    scored = 0
    for i in range(40):
        assert_same(fast.search(asked.select([i]), 10), plain.search(asked.select([i]), 10))
        assert not fast.plan.fell_back
        scored += fast.plan.rows_scored
    assert scored < 40 * 60


def test_a_query_that_bounds_do_not_help_falls_back_to_the_scan() -> None:
    same = SparseVectors(
        np.arange(5_001), np.zeros(5_000, np.int32), np.ones(5_000, np.float32), VOCAB
    )
    index = compiled(PLANNED)
    index.attach(np.arange(5_000), lexical_sections(same))
    one = SparseVectors.from_rows([(np.array([0], np.int32), np.ones(1, np.float32))], VOCAB)
    assert index.search(one, 10).ids.tolist() == list(range(10))
    assert index.plan.fell_back


@pytest.mark.parametrize("way", WAYS)
def test_images_that_tie_across_segments_and_blocks_are_taken_by_id(way: str) -> None:
    index = compiled(way)
    ids = np.random.default_rng(0).permutation(3_000).astype(np.int64)
    even = SparseVectors(
        np.arange(1_501), np.full(1_500, 3, np.int32), np.full(1_500, 0.1, np.float32), VOCAB
    )
    index.attach(ids[:1_500], lexical_sections(even))
    index.attach(ids[1_500:], lexical_sections(even))
    one = SparseVectors.from_rows([(np.array([3], np.int32), np.ones(1, np.float32))], VOCAB)
    assert index.search(one, 25).ids.tolist() == list(range(25))


@pytest.mark.parametrize("way", WAYS)
def test_fewer_admitted_images_than_wanted_are_all_found(way: str) -> None:
    rng = np.random.default_rng(4)
    index = compiled(way)
    index.attach(np.arange(2_000), lexical_sections(images(rng, "near", 2_000)))
    allowed = np.concatenate([np.arange(0, 2_000, 40), np.arange(5_000, 6_000)])
    assert len(index.search(query(rng, "near", signs=False), 100, allowed=allowed)) == 50


@pytest.mark.parametrize("weight", [np.inf, 1e36, -1e37])
def test_huge_query_weights_are_scored_as_numpy_does(weight: float) -> None:
    rng = np.random.default_rng(3)
    vectors = images(rng, "spread", 50)
    asked = SparseVectors.from_rows(
        [(np.array([1, 2], np.int32), np.array([weight, 1], np.float32))], VOCAB
    )
    plain, fast = build("stores.lexical", "impact", vocab_size=VOCAB), compiled(BOUNDS)
    for index in (plain, fast):
        index.add(np.arange(50), vectors)
    with np.errstate(over="ignore", invalid="ignore"):
        assert_same(fast.search(asked, 5), plain.search(asked, 5))


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [("inv_rows", 0, 9), ("fwd_ids", 1, 60_000), ("inv_ptr", 3, 4_000_000), ("fwd_ptr", 0, 1)],
)
def test_arrays_that_point_outside_are_refused(name: str, place: int, value: int) -> None:
    arrays = lexical_sections(images(np.random.default_rng(1), "grid", 5))
    arrays[name] = arrays[name].copy()
    arrays[name][place] = value
    index = compiled(SCAN)
    index.attach(np.arange(5), arrays)
    one = SparseVectors.from_rows([(np.array([0], np.int32), np.ones(1, np.float32))], VOCAB)
    with pytest.raises(ValueError, match=name):
        index.search(one, 1)


def test_a_query_word_outside_the_vocabulary_is_refused() -> None:
    index = compiled(SCAN)
    index.add(np.arange(5), images(np.random.default_rng(1), "grid", 5))
    odd = SparseVectors(
        np.array([0, 1]), np.array([VOCAB], np.int32), np.ones(1, np.float32), VOCAB
    )
    with pytest.raises(ValueError, match="outside the vocabulary of 40"):
        index.search(odd, 1)


def test_every_float16_is_read_exactly() -> None:
    from lexsearch.stores.lexical._compiled import weight_of_bits

    bits = np.arange(0x7C00, dtype=np.uint16)
    read = np.array([weight_of_bits(one) for one in bits], dtype=np.float32)
    assert read.tobytes() == bits.view(np.float16).astype(np.float32).tobytes()


def test_searches_in_threads_do_not_disturb_each_other() -> None:
    from concurrent.futures import ThreadPoolExecutor

    rng = np.random.default_rng(8)
    index = compiled(BOUNDS)
    index.add(np.arange(2_000), images(rng, "spread", 2_000))
    asked = [query(rng, "spread", signs=False) for _ in range(40)]
    alone = [index.search(one, 20) for one in asked]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: index.search(one, 20), asked))
    for one, other in zip(alone, together, strict=True):
        assert_same(one, other)


def test_code_is_kept_where_the_user_says(tmp_path: Path) -> None:
    import os

    code = (
        "from lexsearch.stores.lexical._kernels import chunk_maxima; import numpy as np;"
        "chunk_maxima(np.zeros(64, np.int32), np.zeros(1, np.int32));"
        "print(sum(chunk_maxima.stats.cache_hits.values()))"
    )
    place = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    hits = [
        subprocess.run(
            [sys.executable, "-c", code], env=place, capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert hits == ["0", "1"]
    assert list(tmp_path.rglob("*.nbc"))


def test_code_of_another_source_is_never_taken(tmp_path: Path) -> None:
    import os

    code = "from lexsearch.stores.lexical import _compiled; print(_compiled.CACHE_FOLDER)"
    place = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    place.pop("NUMBA_CACHE_DIR", None)
    package = Path(impact_numba.__file__).parents[3]
    copy = tmp_path / "copy"
    shutil.copytree(package / "lexsearch", copy / "lexsearch")
    with (copy / "lexsearch/stores/lexical/_kernels.py").open("a") as file:
        file.write("# changed\n")
    folders = [
        subprocess.run(
            [sys.executable, "-c", code], env={**place, "PYTHONPATH": str(root)}, cwd=tmp_path,
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for root in (package, package, copy)
    ]  # fmt: skip
    assert folders[0] == folders[1] != folders[2]


def test_warming_up_leaves_nothing_to_compile() -> None:
    from lexsearch.stores.lexical import _derived, _kernels, _skipping

    impact_numba.warm_up()
    compiled_so_far = {
        f: len(f.signatures) for m in (_derived, _kernels, _skipping) for f in vars(m).values()
        if hasattr(f, "signatures")
    }  # fmt: skip
    rng = np.random.default_rng(2)
    for way in WAYS:
        index = compiled(way)
        index.add(np.arange(2_000), images(rng, "spread", 2_000))
        index.remove(np.arange(5))
        index.search(query(rng, "spread", signs=False), 20)
        index.search(query(rng, "spread", signs=False), 20, allowed=np.arange(900))
        index.score(query(rng, "spread", signs=False), np.arange(9))
    assert {f: len(f.signatures) for f in compiled_so_far} == compiled_so_far


@pytest.mark.parametrize("seed", range(3))
def test_a_guess_that_is_lowered_leaves_no_gap(seed: int) -> None:
    """Images of a block share few words, so the first guess is far too high."""
    rng = np.random.default_rng(seed)
    count, kinds = 60_000, 4
    share = VOCAB // kinds
    own = (np.arange(count) % kinds)[:, np.newaxis] * share + np.arange(share)
    weights = rng.uniform(0.01, 1, own.shape).astype(np.float32)
    indptr = np.arange(count + 1, dtype=np.int64) * share
    vectors = SparseVectors(indptr, own.astype(np.int32).ravel(), weights.ravel(), VOCAB)
    plain, fast = build("stores.lexical", "impact", vocab_size=VOCAB), compiled(BOUNDS)
    ids = rng.permutation(count).astype(np.int64)
    for index in (plain, fast):
        index.attach(ids, lexical_sections(vectors))
    asked = sparse(rng.uniform(0.95, 1, (1, VOCAB)))
    for k in range(20, 900, 7):
        assert_same(fast.search(asked, k), plain.search(asked, k))
        assert not fast.plan.fell_back
