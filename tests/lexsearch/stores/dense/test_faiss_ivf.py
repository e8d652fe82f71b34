"""A large dense index visits lists, finds nearly everything, and scores as the flat one does."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.registry import build
from lexsearch.stores.dense import PQ4_FROM, code_bytes, codes_for, pq4_codes
from lexsearch.stores.segment_data import dense_sections
from lexsearch.types import DenseVectors

pytest.importorskip("faiss")
ivf = pytest.importorskip("lexsearch.stores.dense._ivf")
calibrate = pytest.importorskip("lexsearch.stores.dense._calibrate")
DIM, N = 16, 3_000


def groups(seed: int, n: int = N) -> np.ndarray:
    """Unit vectors around 40 centres."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(40, DIM))
    values = centres[rng.integers(0, 40, n)] + 0.4 * rng.normal(size=(n, DIM))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def one(values: np.ndarray) -> DenseVectors:
    return DenseVectors(np.asarray(values, dtype=np.float32).reshape(1, -1))


def pair(n: int = N, **options: Any) -> tuple[Any, Any, np.ndarray]:
    """A store with lists and a flat one of the same segments, and the image ids."""
    values = groups(1, n)
    ids = np.random.default_rng(2).permutation(10 * n)[:n].astype(np.int64) + 2**61
    lists = build("stores.dense", "faiss_ivf", dim=DIM, up=500, down=300, **options)
    flat = build("stores.dense", "flat", dim=DIM)
    for store in (lists, flat):
        for part in np.array_split(np.arange(n), 3):
            store.attach(ids[part], dense_sections(DenseVectors(values[part])))
    return lists, flat, ids


def held(lists: Any) -> Any:
    """The index of FAISS inside, brought up to date."""
    lists._renew()
    return lists._ivf


def recall(lists: Any, flat: Any, k: int = 100, **options: Any) -> float:
    found = []
    for query in groups(7, 40):
        a, b = (set(s.search(one(query), k, **options).ids.tolist()) for s in (lists, flat))
        found.append(len(a & b) / max(1, len(b)))
    return float(np.mean(found))


def test_lists_are_used_from_one_size_on_and_dropped_below_a_smaller_one() -> None:
    lists, _, ids = pair(600)
    assert "visiting" in lists.state
    lists.remove(ids[:250])
    assert "visiting" in lists.state
    lists.remove(ids[250:350])
    assert lists.state == "scanning all 250 images"
    lists.add(ids[:200], DenseVectors(groups(3, 200)))
    assert "scanning" in lists.state
    lists.add(ids[200:260], DenseVectors(groups(3, 60)))
    assert "visiting" in lists.state


@pytest.mark.parametrize("codes", ["fp16", "sq8", "pq4"])
def test_nearly_all_neighbours_are_found_with_the_scores_of_the_flat_index(codes: str) -> None:
    lists, flat, _ = pair(codes=codes)
    assert recall(lists, flat) >= 0.95
    for query in groups(8, 10):
        found = lists.search(one(query), 20)
        assert found.scores.tobytes() == flat.score(one(query), found.ids).tobytes()
        order = np.lexsort((found.ids, -found.scores))
        assert order.tolist() == list(range(20))


def test_scores_by_id_are_those_of_the_flat_index_to_the_bit() -> None:
    lists, flat, ids = pair()
    query = one(groups(9, 1))
    lists.search(query, 1)
    for chosen in (ids, ids[:7], ids[::-2]):
        assert lists.score(query, chosen).tobytes() == flat.score(query, chosen).tobytes()
    assert np.isnan(lists.score(query, np.array([5]))).all()


def test_k_images_are_found_whenever_k_are_allowed() -> None:
    lists, flat, ids = pair()
    rng = np.random.default_rng(0)

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 2**31), st.sampled_from([1, 50, 400, 2_000]), st.integers(1, 3_500))
    def holds(seed: int, size: int, k: int) -> None:
        rng = np.random.default_rng(seed)
        allowed = np.sort(rng.choice(ids, size, replace=False))
        query = one(rng.normal(size=DIM))
        found = lists.search(query, k, allowed=allowed)
        assert len(found) == min(k, size)
        assert np.isin(found.ids, allowed).all()
        assert found.scores.tobytes() == flat.score(query, found.ids).tobytes()

    holds()
    few = np.sort(rng.choice(ids, 30, replace=False))
    query = one(rng.normal(size=DIM))
    wanted = flat.search(query, 10, allowed=few)
    assert lists.search(query, 10, allowed=few).ids.tolist() == wanted.ids.tolist()


def test_neighbours_among_few_allowed_images_are_looked_for_in_more_lists() -> None:
    lists, flat, ids = pair(24_000)
    allowed = np.sort(np.random.default_rng(3).choice(ids, 1_200, replace=False))
    assert held(lists).proposals(100) < len(allowed)
    assert recall(lists, flat, 50, allowed=allowed) >= 0.95


def test_many_queries_at_once_answer_as_one_by_one_to_the_bit() -> None:
    lists, _, ids = pair()
    lists.remove(ids[::7])
    lists.add(np.arange(40), DenseVectors(groups(3, 40)))
    live = lists._blocks.table.ids[lists._blocks.table.candidates(None)]

    @settings(max_examples=25, deadline=None)
    @given(
        st.integers(0, 2**31),
        st.sampled_from([0, 1, 2, 19, 20, 45]),
        st.sampled_from([0, 1, 10, 300]),
        st.sampled_from([0, 30, 900, 2_000]),
    )
    def holds(seed: int, n: int, k: int, size: int) -> None:
        rng = np.random.default_rng(seed)
        queries = np.concatenate([groups(seed, n), np.zeros((1, DIM), np.float32)])[: max(n, 1)]
        allowed = np.sort(rng.choice(live, size, replace=False)) if size else None
        together = lists.search_many(DenseVectors(queries), k, allowed=allowed)
        alone = [lists.search(one(query), k, allowed=allowed) for query in queries]
        assert [found.ids.tolist() for found in together] == [f.ids.tolist() for f in alone]
        assert [f.scores.tobytes() for f in together] == [f.scores.tobytes() for f in alone]
        assert all(len(found) == min(k, size or len(live)) for found in together)

    holds()


def test_many_queries_go_to_faiss_together() -> None:
    lists, _, _ = pair()
    calls = []
    index, nearest = held(lists), ivf.Ivf.nearest

    def counted(self: Any, queries: np.ndarray, *arguments: Any, **options: Any) -> Any:
        calls.append(len(queries))
        return nearest(self, queries, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ivf.Ivf, "nearest", counted)
        lists.search_many(DenseVectors(groups(7, 30)), 10)
    assert index is held(lists)
    assert calls == [30]


def test_allowed_images_that_lie_in_one_far_list_are_all_found() -> None:
    lists, flat, _ = pair()
    far = groups(1)[0]
    near = np.sort(flat.search(one(far), 1_200).ids)
    assert len(lists.search(one(-far), 1_000, allowed=near)) == 1_000


def test_the_whole_store_is_found_in_the_order_of_the_flat_index() -> None:
    lists, flat, _ = pair()
    query = one(groups(4, 1))
    for k in (N, 2 * N):
        found, wanted = lists.search(query, k), flat.search(query, k)
        assert found.ids.tolist() == wanted.ids.tolist()
        assert found.scores.tobytes() == wanted.scores.tobytes()
    assert len(lists.search(query, 0)) == 0
    with pytest.raises(ValueError, match="k must be >= 0"):
        lists.search(query, -1)


def test_ties_go_to_the_smaller_ids() -> None:
    lists = build("stores.dense", "faiss_ivf", dim=2, up=10, down=1)
    ids = np.random.default_rng(0).permutation(1_000)
    lists.add(ids, DenseVectors(np.ones((1_000, 2), np.float32)))
    assert lists.search(one(np.ones(2)), 5).ids.tolist() == [0, 1, 2, 3, 4]


def test_images_that_come_and_go_are_seen_by_the_next_search() -> None:
    lists, flat, _ = pair()
    query = groups(5, 1)
    before = lists.search(one(query), 5)
    for store in (lists, flat):
        store.remove(before.ids[:2])
        store.add(np.array([3, 4]), DenseVectors(np.concatenate([query, -query])))
    found = lists.search(one(query), 5)
    assert found.ids[0] == 3
    assert not np.isin(found.ids, before.ids[:2]).any()
    assert found.scores.tobytes() == flat.score(one(query), found.ids).tobytes()
    moved = before.ids[2]
    lists.add(np.array([moved]), one(-query))
    assert moved not in lists.search(one(query), 5).ids
    assert lists.search(one(-query), 3).ids.tolist()[:2] == sorted([4, int(moved)])
    assert len(lists) == N
    assert len(lists.search(one(query), N)) == N


def test_many_dead_rows_are_taken_out_of_the_lists() -> None:
    lists, flat, ids = pair()
    lists.search(one(groups(5, 1)), 5)
    for store in (lists, flat):
        store.remove(ids[::3])
    assert held(lists).index.ntotal == len(lists) == len(flat)
    assert recall(lists, flat) >= 0.9


def test_training_is_repeated_after_fourfold_growth() -> None:
    lists, _, _ = pair(600)
    first = held(lists)
    assert first.facts.trained == 600
    lists.add(np.arange(1_000), DenseVectors(groups(6, 1_000)))
    assert held(lists).facts.trained == 600
    lists.add(np.arange(1_000, 2_000), DenseVectors(groups(7, 1_000)))
    assert held(lists).facts.trained == 2_600
    assert held(lists).lists > first.lists


def test_lists_that_became_twice_as_uneven_are_trained_again() -> None:
    lists, _, _ = pair()
    held(lists)
    same = np.repeat(groups(1, 1), 4_000, axis=0)
    lists.add(np.arange(4_000), DenseVectors(same))
    assert held(lists).facts.trained == N + 4_000


def test_the_number_of_lists_is_a_power_of_two_near_four_roots() -> None:
    assert ivf.lists_for(100_000) == 1_024
    assert ivf.lists_for(1_000_000) == 4_096
    assert ivf.lists_for(20_000) == 512
    assert ivf.lists_for(60_000) == 1_024
    assert ivf.lists_for(100) == 2
    assert ivf.lists_for(1) == ivf.lists_for(0) == 1
    assert ivf.lists_for(10**10) == 65_536


def test_calibration_reaches_its_recall_on_the_bank_that_was_given() -> None:
    bank = groups(11, 50)
    lists, flat, _ = pair(bank=DenseVectors(bank))
    facts = held(lists).facts
    assert facts.recall >= calibrate.RECALL or facts.nprobe == facts.lists
    found = []
    for query in bank:
        a, b = (store.search(one(query), 100).ids for store in (lists, flat))
        found.append(len(np.intersect1d(a, b)))
    assert np.mean(found) / 100 >= facts.recall - 0.01


def test_coded_rows_take_a_quarter_of_their_bytes_and_a_gpu_gets_whole_components() -> None:
    assert codes_for(1_000_000) == "pq4"
    assert codes_for(PQ4_FROM - 1) == codes_for(1_000_000, gpu=True) == "fp16"
    assert codes_for(10_000_000, gpu=True) == "sq8"
    assert [pq4_codes(dim) for dim in (1, 7, 256, 512, 768, 1_152)] == [1, 7, 256, 256, 256, 192]
    assert [code_bytes(256, codes) for codes in ("fp16", "sq8", "pq4")] == [512, 256, 128]
    assert code_bytes(7, "pq4") == 4


def test_coded_rows_are_proposed_as_often_as_calibration_found_and_for_few_results_as_for_100() -> (
    None
):
    lists, _, _ = pair(codes="pq4")
    index = held(lists)
    assert index.facts.depth in ivf.DEPTHS["pq4"]
    assert index.proposals(1) == index.proposals(100) == 100 * index.facts.depth
    assert index.proposals(150) == 150 * index.facts.depth
    whole = held(pair(codes="fp16")[0])
    assert (whole.facts.depth, whole.proposals(10)) == (1, 10 + ivf.MARGIN)


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        ({2: (76, 0.93), 4: (12, 0.96), 8: (10, 0.97), 16: (10, 0.97)}, (12, 4)),
        ({2: (76, 0.96), 4: (12, 0.96), 8: (76, 0.97), 16: (76, 0.97)}, (12, 4)),
        ({2: (76, 0.71), 4: (76, 0.83), 8: (76, 0.91), 16: (76, 0.94)}, (76, 16)),
    ],
)
def test_the_cheapest_way_to_the_recall_is_taken_else_the_best(
    monkeypatch: pytest.MonkeyPatch,
    found: dict[int, tuple[int, float]],
    chosen: tuple[int, int],
) -> None:
    monkeypatch.setattr(ivf, "calibrate", lambda probe, *_: found[probe.args[0]])
    monkeypatch.setitem(ivf.ROW_COSTS, "pq4", 1.0)
    facts = held(pair(codes="pq4")[0]).facts
    assert (facts.nprobe, facts.depth) == chosen


def test_a_query_of_zeros_finds_the_smallest_ids() -> None:
    lists, _, ids = pair(codes="pq4")
    assert lists.search(one(np.zeros(DIM)), 5).ids.tolist() == np.sort(ids)[:5].tolist()


def test_more_results_visit_more_lists() -> None:
    lists, _, _ = pair()
    index = held(lists)
    assert index.probes(1) == index.probes(100) == index.facts.nprobe
    assert index.probes(200) == min(2 * index.facts.nprobe, index.lists)
    assert index.probes(10**6) == index.lists


def test_without_faiss_it_scans_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    for name in ("_faiss", "_ivf", "_packed"):
        monkeypatch.delitem(sys.modules, f"lexsearch.stores.dense.{name}", raising=False)
    lists, flat, _ = pair(600)
    query = one(groups(4, 1))
    with caplog.at_level(logging.WARNING):
        found = [lists.search(query, 5).ids.tolist() for _ in range(2)]
    assert found == [flat.search(query, 5).ids.tolist()] * 2
    (record,) = caplog.records
    assert record.message.startswith("every search scans 600 images: ")
    assert "pip install" in record.message


def test_a_small_index_never_imports_faiss() -> None:
    code = (
        "import sys\nimport numpy as np\nfrom lexsearch.registry import build\n"
        "from lexsearch.types import DenseVectors\n"
        "index = build('stores.dense', 'faiss_ivf', dim=2)\n"
        "index.add(np.arange(5), DenseVectors(np.ones((5, 2), np.float32)))\n"
        "index.search(DenseVectors(np.ones((1, 2), np.float32)), 3)\n"
        "assert 'faiss' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="below 9 images but used from 5"):
        build("stores.dense", "faiss_ivf", dim=2, up=5, down=9)
    with pytest.raises(ValueError, match="dim 3; this index has 2"):
        build("stores.dense", "faiss_ivf", dim=2, bank=DenseVectors(np.ones((1, 3), np.float32)))
