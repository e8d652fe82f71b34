"""The NumPy word index adds in one fixed order, whatever the segments."""

import sys

import numpy as np
import pytest

from lexsearch.explain.terms import contributions
from lexsearch.registry import build
from lexsearch.stores.segment_data import lexical_sections
from lexsearch.types import SparseVectors

VOCAB = 300


class Words:
    """A vocabulary whose words are w0, w1, ..."""

    words = tuple(f"w{i}" for i in range(VOCAB))

    def is_word(self, word_id: int) -> bool:
        return True

    def lookup(self, word: str) -> int | None:
        return None

    def pieces(self, word: str) -> tuple[int, ...]:
        return ()

    def complete(self, prefix: str, k: int) -> list[int]:
        return []


def random_vectors(rng: np.random.Generator, n: int, words: int) -> SparseVectors:
    return SparseVectors.from_rows(
        [
            (
                rng.choice(VOCAB, words, replace=False).astype(np.int32),
                rng.gamma(2, 0.5, words).astype(np.float32) + np.float32(0.01),
            )
            for _ in range(n)
        ],
        VOCAB,
    )


def test_search_and_score_agree_to_the_bit() -> None:
    rng = np.random.default_rng(0)
    vectors, query = random_vectors(rng, 200, 90), random_vectors(rng, 1, 150)
    index = build("stores.lexical", "impact", vocab_size=VOCAB)
    index.attach(np.arange(120), lexical_sections(vectors.select(np.arange(120))))
    index.add(np.arange(120, 200), vectors.select(np.arange(120, 200)))
    found = index.search(query, 200)
    assert index.score(query, found.ids).tobytes() == found.scores.tobytes()


def test_contributions_added_in_word_order_are_the_score_to_the_bit() -> None:
    rng = np.random.default_rng(1)
    vectors, query = random_vectors(rng, 20, 90), random_vectors(rng, 1, 150)
    index = build("stores.lexical", "impact", vocab_size=VOCAB)
    index.add(np.arange(20), vectors)
    scores = index.score(query, np.arange(20))
    for i in range(20):
        terms = contributions(query, index.vectors(np.array([i])), Words())
        total = np.float32(0)
        for term in sorted(terms, key=lambda t: t.word_id):
            total += np.float32(term.contribution)
        assert total == scores[i]


def test_it_agrees_with_scipy() -> None:
    rng = np.random.default_rng(2)
    vectors, query = random_vectors(rng, 500, 40), random_vectors(rng, 1, 60)
    found = []
    for name in ("impact", "scipy_csc"):
        index = build("stores.lexical", name, vocab_size=VOCAB)
        index.add(np.arange(500), vectors)
        found.append(index.search(query, 50))
    assert found[0].ids.tolist() == found[1].ids.tolist()
    assert found[0].scores == pytest.approx(found[1].scores, rel=1e-6)


def test_more_images_than_a_segment_holds_can_be_added_at_once() -> None:
    n = 70_000
    vectors = SparseVectors(np.arange(n + 1), np.zeros(n, np.int32), np.ones(n, np.float32), VOCAB)
    vectors.weights[69_999] = 2.0
    index = build("stores.lexical", "impact", vocab_size=VOCAB)
    index.add(np.arange(n), vectors)
    one = SparseVectors.from_rows([(np.array([0], np.int32), np.ones(1, np.float32))], VOCAB)
    assert index.search(one, 3).ids.tolist() == [69_999, 0, 1]
    assert len(index) == n


def test_the_cold_search_path_loads_no_heavy_package() -> None:
    import subprocess

    code = (
        "import sys; import lexsearch.stores.lexical.impact, lexsearch.stores.dense.flat,"
        "lexsearch.stores.tokens.memmap, lexsearch.ranking.fusion;"
        "print(sorted(sys.modules.keys() & {'scipy', 'numba', 'faiss', 'PIL', 'sqlalchemy'}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
