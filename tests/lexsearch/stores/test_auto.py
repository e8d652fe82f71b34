"""The automatic word index answers with the backend that suits the number of images."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from lexsearch.protocols import WarmsUp
from lexsearch.registry import build
from lexsearch.stores.lexical import auto, impact
from lexsearch.types import SparseVectors

VOCAB = 50


def vectors(n: int) -> SparseVectors:
    rng = np.random.default_rng(n)
    words = rng.integers(0, VOCAB, n).astype(np.int32)
    weights = rng.integers(1, 9, n).astype(np.float32) / 8
    return SparseVectors(np.arange(n + 1), words, weights, VOCAB)


def module_of(index: auto.AutomaticIndex) -> str:
    return type(index.backend).__module__.rpartition(".")[2]


def test_the_backend_changes_with_the_number_of_images_and_the_ranking_does_not() -> None:
    index = auto.build(vocab_size=VOCAB)
    plain = impact.build(vocab_size=VOCAB)
    everything = vectors(auto.SMALL + 500)
    asked = SparseVectors.from_rows([(np.array([3], np.int32), np.ones(1, np.float32))], VOCAB)
    seen = []
    for part in (np.arange(1_000), np.arange(1_000, auto.SMALL + 500)):
        for one in (index, plain):
            one.add(part, everything.select(part))
        found, wanted = index.search(asked, 40), plain.search(asked, 40)
        assert found.ids.tolist() == wanted.ids.tolist()
        assert found.scores.tobytes() == wanted.scores.tobytes()
        assert index.score(asked, part).tobytes() == plain.score(asked, part).tobytes()
        seen.append(module_of(index))
    assert seen == ["_segmented", "_segmented"]  # machine code is not waited for
    index.warm_up()
    found, wanted = index.search(asked, 40), plain.search(asked, 40)
    assert found.ids.tolist() == wanted.ids.tolist()
    assert found.scores.tobytes() == wanted.scores.tobytes()
    assert module_of(index) in ("impact_numba", "_segmented")
    assert index.remove(np.arange(10)) == 10
    assert len(index) == auto.SMALL + 490
    assert not np.isin(np.arange(10), index.search(asked, 1_000).ids).any()


def test_without_numba_scipy_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "find_spec", lambda name: None)
    index = auto.build(vocab_size=VOCAB)
    index.add(np.arange(auto.SMALL + 1), vectors(auto.SMALL + 1))
    index.warm_up()
    assert "scipy_csc" in repr(index.backend._make_scorer)


def test_one_search_of_many_images_starts_no_compiler_and_the_second_does() -> None:
    index = auto.build(vocab_size=VOCAB)
    index.add(np.arange(auto.SMALL + 1), vectors(auto.SMALL + 1))
    asked = vectors(1)
    index.search(asked, 5)
    assert index._getting_ready is None
    wanted = index.search(asked, 5)
    assert index._getting_ready is not None
    index.warm_up()
    assert index.backend is index._large
    assert index.search(asked, 5).ids.tolist() == wanted.ids.tolist()


def test_few_images_have_nothing_to_warm_up() -> None:
    index = auto.build(vocab_size=VOCAB)
    assert isinstance(index, WarmsUp)
    index.warm_up(images=auto.SMALL)
    assert index._getting_ready is None


def test_a_backend_that_fails_leaves_the_answers_to_numpy(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise OSError("no room for machine code")

    monkeypatch.setattr(auto, "_large", fails)
    index = auto.build(vocab_size=VOCAB)
    index.add(np.arange(auto.SMALL + 1), vectors(auto.SMALL + 1))
    index.warm_up()
    assert len(index.search(vectors(1), 5)) == 5
    assert "stays with NumPy" in caplog.text


def test_a_small_index_loads_neither_numba_nor_scipy() -> None:
    code = (
        "import sys, numpy as np; from lexsearch.registry import build;"
        "from lexsearch.types import SparseVectors;"
        "one = SparseVectors(np.array([0, 1]), np.zeros(1, np.int32), np.ones(1, np.float32), 5);"
        "index = build('stores.lexical', 'auto', vocab_size=5);"
        "index.add(np.arange(1), one); index.search(one, 1);"
        "print(sorted(sys.modules.keys() & {'scipy', 'numba', 'llvmlite'}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_registry_builds_it_by_its_name() -> None:
    assert type(build("stores.lexical", "auto", vocab_size=5)).__name__ == "AutomaticIndex"
