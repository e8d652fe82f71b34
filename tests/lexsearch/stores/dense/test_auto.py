"""The default dense index scans, or visits lists that were made elsewhere and given to it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lexsearch.protocols import KeepsLists
from lexsearch.registry import build
from lexsearch.stores.segment_data import dense_sections
from lexsearch.types import DenseVectors, Lists

pytest.importorskip("faiss")
ivf = pytest.importorskip("lexsearch.stores.dense._ivf")
listed = pytest.importorskip("lexsearch.stores.dense._listed")
DIM, N = 16, 1_000


def groups(seed: int, n: int = N) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(20, DIM))
    values = centres[rng.integers(0, 20, n)] + 0.4 * rng.normal(size=(n, DIM))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


IDS = np.random.default_rng(2).permutation(10 * N)[:N].astype(np.int64) + 2**61


def one(values: np.ndarray) -> DenseVectors:
    return DenseVectors(np.asarray(values, dtype=np.float32).reshape(1, -1))


def store(name: str = "auto", n: int = N, **options: Any) -> Any:
    size = {"up": 500, "down": 300} | options if name == "auto" else {}
    made = build("stores.dense", name, dim=DIM, **size)
    for part in np.array_split(np.arange(n), 3):
        made.attach(IDS[part], dense_sections(DenseVectors(groups(1)[part])))
    return made


def lists_of(n: int = N, **options: Any) -> Lists:
    lists: Lists | None = store(n=n, **options).make_lists()
    assert lists is not None
    return lists


@pytest.fixture(scope="module")
def lists() -> Lists:
    return lists_of()


def test_it_never_makes_lists_by_itself() -> None:
    index = store()
    assert isinstance(index, KeepsLists)
    index.search(one(groups(3, 1)), 5)
    assert index.state == "scanning all 1,000 images"
    assert store(n=400).make_lists() is None


def test_given_lists_find_what_a_scan_finds_with_the_same_scores(lists: Lists) -> None:
    index, flat = store(), store("flat")
    index.use_lists(lists)
    assert index.state.startswith(f"visiting {lists.facts.nprobe} of {lists.facts.lists} lists")
    shared = []
    for query in groups(4, 30):
        found, wanted = (one_.search(one(query), 100) for one_ in (index, flat))
        assert found.scores.tobytes() == flat.score(one(query), found.ids).tobytes()
        assert (np.diff(found.scores) <= 0).all()
        shared.append(len(np.intersect1d(found.ids, wanted.ids)))
    assert np.mean(shared) >= 95


def test_lists_fit_rows_in_any_order(lists: Lists) -> None:
    index, other = store(), build("stores.dense", "auto", dim=DIM)
    order = np.random.default_rng(0).permutation(N)
    other.attach(IDS[order], dense_sections(DenseVectors(groups(1)[order])))
    for made in (index, other):
        made.use_lists(lists)
    for query in groups(5, 20):
        a, b = (made.search(one(query), 50) for made in (index, other))
        assert a.ids.tolist() == b.ids.tolist()
        assert a.scores.tobytes() == b.scores.tobytes()


def test_lists_lie_in_the_bytes_that_were_given_and_those_are_never_written(lists: Lists) -> None:
    data = lists.data.copy()
    data.flags.writeable = False
    index = store()
    index.use_lists(replace(lists, data=data))
    query = groups(4, 1)
    index.add(np.array([5]), DenseVectors(query))
    index.remove(IDS[:400])
    assert index.search(one(query), 1).ids.tolist() == [5]
    made = index.make_lists()
    assert made is not None
    assert made is not lists
    assert data.tobytes() == lists.data.tobytes()


def test_lists_in_use_are_kept_while_they_fit(lists: Lists) -> None:
    index = store()
    index.use_lists(lists)
    calls: list[int] = []
    assert index.make_lists(bank=lambda: calls.append(1)) is lists
    assert calls == []
    index.add(np.arange(50), DenseVectors(groups(6, 50)))
    assert index.make_lists() is lists
    index.add(np.arange(50, 60), DenseVectors(groups(7, 10)))
    assert index.make_lists(bank=lambda: groups(8, 20)) is not lists


def test_the_harder_of_the_texts_given_and_of_those_made_decides() -> None:
    easy = store().make_lists(bank=lambda: groups(1)[:50]).facts
    none = store().make_lists().facts
    hard = store().make_lists(bank=lambda: -groups(9, 50)).facts
    assert easy.nprobe == none.nprobe < hard.nprobe
    assert store().make_lists(bank=lambda: np.zeros((0, DIM), np.float32)).facts == none


def test_an_image_with_a_new_vector_is_found_by_the_new_one(lists: Lists) -> None:
    for add in (
        lambda index, i, v: index.add(i, DenseVectors(v)),
        lambda index, i, v: index.attach(i, dense_sections(DenseVectors(v))),
    ):
        index, query = store(), groups(4, 1)
        index.use_lists(lists)
        moved = index.search(one(query), 1).ids
        add(index, moved, -query)
        assert moved[0] not in index.search(one(query), 20).ids
        assert index.search(one(-query), 1).ids.tolist() == moved.tolist()
        assert len(index.search(one(query), 2 * N)) == N


def test_only_images_outside_the_lists_are_left(lists: Lists) -> None:
    index = store()
    index.use_lists(lists)
    index.add(np.array([1, 2, 3]), DenseVectors(np.repeat(groups(4, 1), 3, axis=0)))
    allowed = np.array([1, 2, 3])
    assert index.search(one(groups(4, 1)), 2, allowed=allowed).ids.tolist() == [1, 2]
    index.remove(IDS)
    assert index.search(one(groups(4, 1)), 9).ids.tolist() == [1, 2, 3]
    index.remove(allowed)
    assert len(index.search(one(groups(4, 1)), 9)) == 0


@pytest.mark.parametrize("cut", [0, 3, 100, 5_000, -1])
def test_bytes_that_are_cut_are_refused(lists: Lists, cut: int) -> None:
    index = store()
    with pytest.raises(ValueError, match=r"FAISS cannot read it|it has \d+ bytes"):
        index.use_lists(replace(lists, data=lists.data[:cut].copy()))
    assert index.state == "scanning all 1,000 images"


def test_an_index_of_another_kind_is_refused(lists: Lists) -> None:
    faiss = ivf.faiss
    flat = faiss.IndexFlatIP(DIM)
    flat.add(groups(1))
    with pytest.raises(ValueError, match="IndexFlat"):
        store().use_lists(replace(lists, data=faiss.serialize_index(flat)))
    narrow = build("stores.dense", "auto", dim=DIM - 1)
    with pytest.raises(ValueError, match=f"of dim {DIM} in .* expected 1000 of dim {DIM - 1}"):
        narrow.use_lists(lists)
    assert faiss.get_deserialization_loop_limit() == 0


def test_a_gpu_serves_unmasked_searches_once_there_were_many(
    lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clone is a stand-in: it answers like the index on the processor and counts."""
    asked: list[int] = []

    class Clone:
        def __init__(self, index: Any) -> None:
            self.index = index

        def search(self, rows: Any, depth: int, *, params: Any) -> Any:
            asked.append(depth)
            return self.index.search(rows, depth, params=params)

    def place(faiss: Any, index: Any) -> Any:
        return listed_placed(Clone(index))

    monkeypatch.setattr(ivf, "place", place)
    index, query = store(), one(groups(4, 1))
    index.use_lists(lists)
    plain, held = index.search(query, 10), index._ivf
    for _ in range(listed.PATIENCE - 1):
        index.search(query, 10)
    assert asked == []
    found = index.search(query, 10)
    assert asked == [held.proposals(10)]
    assert found.ids.tolist() == plain.ids.tolist()
    assert "on the GPU" in index.state
    index.search(query, 10, allowed=np.sort(IDS[: N - 1]))
    assert len(asked) == 1
    still = store(gpu=False)
    still.use_lists(lists)
    for _ in range(listed.PATIENCE + 2):
        still.search(query, 10)
    assert len(asked) == 1


def listed_placed(clone: Any) -> Any:
    from lexsearch.stores.dense._gpu import Placed

    return Placed(clone, True, "searching on the GPU", SimpleNamespace())


def test_a_small_index_never_imports_faiss() -> None:
    code = (
        "import sys\nimport numpy as np\nfrom lexsearch.registry import build\n"
        "from lexsearch.types import DenseVectors\n"
        "index = build('stores.dense', 'auto', dim=2)\n"
        "index.add(np.arange(5), DenseVectors(np.ones((5, 2), np.float32)))\n"
        "index.search(DenseVectors(np.ones((1, 2), np.float32)), 3)\n"
        "assert index.make_lists() is None\n"
        "assert 'faiss' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_sizes_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="below 9 images but used from 5"):
        build("stores.dense", "auto", dim=2, up=5, down=9)
