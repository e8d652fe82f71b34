"""The Lucene word index: a real Java, the ranking of the NumPy index to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.errors import ModelMissing
from lexsearch.registry import build
from lexsearch.types import SparseVectors, docid

VOCAB = 60


def lucene(**options: Any) -> Any:
    try:
        return build("stores.lexical", "lucene", vocab_size=VOCAB, **options)
    except ModelMissing as error:
        pytest.skip(str(error))


def vectors(seed: int, n: int, *, near: bool = False) -> SparseVectors:
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        words = np.flatnonzero(rng.random(VOCAB) < 0.2).astype(np.int32)
        # Neighbours in float16 share an impact: only their exact scores tell them apart.
        weights = (
            1 + rng.integers(0, 3, len(words)) / 1024 if near else rng.gamma(2, 0.5, len(words))
        )
        rows.append((words, (weights + 0.001).astype(np.float32)))
    return SparseVectors.from_rows(rows, VOCAB)


def query(seed: int) -> SparseVectors:
    rng = np.random.default_rng(seed)
    words = np.sort(rng.permutation(VOCAB)[:12]).astype(np.int32)
    return SparseVectors.from_rows([(words, rng.uniform(0.01, 1, 12).astype(np.float32))], VOCAB)


@pytest.mark.parametrize("near", [False, True], ids=["spread", "near"])
def test_rankings_equal_those_of_numpy_to_the_bit(near: bool) -> None:
    plain, other = build("stores.lexical", "impact", vocab_size=VOCAB), lucene()

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 2**31), st.integers(1, 120))
    def holds(seed: int, n: int) -> None:
        rng = np.random.default_rng(seed)
        ids = rng.integers(0, 400, n)
        ids = ids[np.unique(ids, return_index=True)[1]].astype(np.int64)  # some are replaced
        for index in (plain, other):
            index.add(ids, vectors(seed, len(ids), near=near))
        gone = rng.integers(0, 400, 20).astype(np.int64)
        assert other.remove(gone) == plain.remove(gone)
        allowed = np.flatnonzero(rng.random(400) < 0.4)
        for chosen in (None, allowed):
            for k in (1, 10, 500):
                found = other.search(query(seed), k, allowed=chosen)
                wanted = plain.search(query(seed), k, allowed=chosen)
                assert found.ids.tolist() == wanted.ids.tolist()
                assert found.scores.tobytes() == wanted.scores.tobytes()

    holds()


def test_lucene_itself_keeps_to_the_allowed_images_and_forgets_removed_ones() -> None:
    index = lucene()
    index.add(np.arange(200) + 1_000, vectors(3, 200))
    words, weights = query(3).row(0)
    rows = np.arange(0, 200, 7)
    found, scores = index.hits(words, weights, 10, rows)
    assert len(found) == 10
    assert np.isin(found, rows).all()
    assert (np.diff(scores) <= 0).all()
    index.remove(found + 1_000)
    again, _ = index.hits(words, weights, 200, rows)
    assert len(again)
    assert not np.isin(again, found).any()


def test_impacts_are_weights_times_scale_rounded_and_at_least_one() -> None:
    index = lucene(scale=100)
    index.add(
        np.array([5, 6]),
        SparseVectors.from_rows(
            [(np.array([7], np.int32), np.array([w], np.float32)) for w in (0.317, 0.0001)], VOCAB
        ),
    )
    found, scores = index.hits(np.array([7], np.int32), np.ones(1, np.float32), 2)
    assert found.tolist() == [0, 1]
    assert scores.tolist() == pytest.approx([0.32, 0.01])


def test_what_is_written_opens_in_anserinis_impact_searcher(tmp_path: Path) -> None:
    index = lucene(folder=tmp_path)
    index.add(np.arange(50) + 2**40, vectors(9, 50))
    asked = query(9)
    index.search(asked, 5)
    searcher = index._java("io.anserini.search.SimpleImpactSearcher")(str(tmp_path))
    assert searcher.get_total_num_docs() == 50
    words, weights = asked.row(0)
    impacts = index._java("java.util.HashMap")()
    whole = index._java("java.lang.Integer")
    for word, weight in zip(
        words.tolist(), np.rint(weights * 100).astype(int).tolist(), strict=True
    ):
        impacts.put(f"w{word}", whole.valueOf(max(1, weight)))
    hits = searcher.search(impacts, 10)
    rounded = SparseVectors.from_rows([(words, np.maximum(1, np.rint(weights * 100)))], VOCAB)
    best = index.search(rounded, 10)
    assert len(np.intersect1d([hit.docid for hit in hits], [docid(i) for i in best.ids])) >= 9


@pytest.mark.parametrize("scale", [0, -1, 2**15])
def test_an_unusable_scale_is_refused(scale: float) -> None:
    lucene()
    with pytest.raises(ValueError, match="expected more than 0"):
        lucene(scale=scale)


def test_without_the_jar_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lucene()
    from lexsearch.stores.lexical import _jvm

    monkeypatch.setattr(_jvm, "find_spec", lambda name: None)
    with pytest.raises(ModelMissing, match="pip install --no-deps pyserini"):
        _jvm.java_class.__wrapped__()
