"""How many lists are visited is measured on queries as far from images as texts are."""

import numpy as np
import pytest

from lexsearch.stores.dense._calibrate import (
    BANK,
    RECALL,
    calibrate,
    exact_neighbours,
    text_like,
)


def unit(seed: int, n: int, dim: int = 16) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_exact_neighbours_are_the_best_dot_products() -> None:
    values, queries = unit(1, 500), unit(2, 5)
    rows = np.arange(3, 500)
    found = exact_neighbours(lambda chosen: values[chosen], rows, queries, 20)
    wanted = np.argsort(-(queries @ values[rows].T), axis=1)[:, :20]
    assert np.sort(found, axis=1).tolist() == np.sort(wanted, axis=1).tolist()


def test_queries_made_from_images_are_as_far_away_as_captions() -> None:
    values = unit(1, 500)
    made = text_like(lambda rows: values[rows], np.arange(500), np.random.default_rng(0))
    assert made.shape == (BANK, 16)
    assert np.linalg.norm(made, axis=1) == pytest.approx(1.0, abs=1e-5)
    sources = np.sort(np.random.default_rng(0).permutation(500)[:BANK])
    assert (made * values[sources]).sum(axis=1).mean() == pytest.approx(1 / 10**0.5, abs=0.05)


def tried(shares: dict[int, list[float]], lists: int = 64) -> tuple[int, float]:
    """Calibration where so many lists find such a share of each query's ten neighbours."""
    queries = len(next(iter(shares.values())))
    truth = np.arange(10 * queries).reshape(queries, 10)

    def probe(bank: np.ndarray, depth: int, probes: int) -> np.ndarray:
        assert (len(bank), depth) == (queries, 10)
        best = max((n for n in shares if n <= probes), default=None)
        found = np.full((queries, 10), -1)
        for i, share in enumerate([0.0] * queries if best is None else shares[best]):
            kept = round(10 * share)
            found[i, :kept] = truth[i, :kept]
        return found

    return calibrate(probe, lists, truth, unit(0, queries))


def test_the_smallest_number_that_is_enough_is_taken_in_quarters_of_an_octave() -> None:
    assert tried({8: [1.0] * 4}) == (8, 1.0)
    assert tried({8: [0.5] * 4, 13: [1.0] * 4}) == (14, 1.0)
    assert tried({30: [1.0] * 4}) == (32, 1.0)
    assert tried({33: [1.0] * 4}) == (40, 1.0)


def test_the_recall_has_to_hold_for_other_queries_too() -> None:
    """Half of the queries at 1, half at .9: the mean is .95, its error is not 0."""
    scattered = [1.0, 0.9] * 20
    assert float(np.mean(scattered)) == pytest.approx(RECALL)
    probes, recall = tried({8: scattered, 16: [1.0] * 40})
    assert (probes, recall) == (16, 1.0)


def test_where_nothing_is_enough_all_lists_are_visited() -> None:
    assert tried({8: [0.3] * 4}, lists=20) == (20, 0.3)
    assert tried({1: [1.0] * 4}, lists=3) == (3, 1.0)
