"""Fusion of runs, by its formulas and against ranx."""

from typing import Any

import numpy as np
import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.run_fusion import METHODS, fuse_runs
from lexsearch.evaluation.runs import Run

A: Run = {"q": {"x": 3.0, "y": 1.0}, "only": {"x": 1.0}}
B: Run = {"q": {"y": 10.0, "z": 6.0, "x": 2.0}}


def test_rrf_adds_reciprocal_ranks() -> None:
    fused = fuse_runs([A, B], damping=60)
    assert fused["q"] == pytest.approx({"y": 1 / 62 + 1 / 61, "x": 1 / 61 + 1 / 63, "z": 1 / 62})
    assert list(fused["q"]) == ["y", "x", "z"]
    assert fused["only"] == {"x": pytest.approx(1 / 61)}


def test_convex_stretches_between_least_and_best() -> None:
    fused = fuse_runs([A, B], method="convex", weights=[0.25, 0.75])
    assert fused["q"] == pytest.approx({"x": 0.25 * 1, "y": 0.75 * 1, "z": 0.75 * 4 / 8})
    fused = fuse_runs([A, B], method="convex", weights=[0.25, 0.75], floors=[0, 0])
    assert fused["q"] == pytest.approx(
        {"x": 0.25 * 1 + 0.75 * 2 / 10, "y": 0.25 / 3 + 0.75, "z": 0.75 * 6 / 10}
    )


def test_interpolation_takes_scores_as_they_are() -> None:
    fused = fuse_runs([A, B], method="interpolation", weights=[0.5, 0.5])
    assert fused["q"] == pytest.approx({"y": 5.5, "z": 3.0, "x": 2.5})


def test_dbsf_stretches_three_sigma_around_the_mean() -> None:
    fused = fuse_runs([B], method="dbsf")["q"]
    mean, sigma = 6.0, np.std([10.0, 6.0, 2.0])
    assert fused["z"] == pytest.approx(0.5)
    assert fused["y"] == pytest.approx((10 - (mean - 3 * sigma)) / (6 * sigma), rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_the_runs_does_not_matter_and_k_cuts(method: str) -> None:
    rng = np.random.default_rng(1)
    runs: list[Run] = [
        {"q": {f"d{i}": float(rng.integers(0, 9)) for i in rng.choice(40, 20, replace=False)}}
        for _ in range(3)
    ]
    whole = fuse_runs(runs, method=method)
    assert fuse_runs(runs[::-1], method=method) == whole
    cut = fuse_runs(runs, method=method, k=5)["q"]
    assert list(cut.items()) == list(whole["q"].items())[:5]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"method": "rrf"}, {"method": "rrf", "params": {"k": 60}, "norm": None}),
        (
            {"method": "convex", "weights": [0.3, 0.7]},
            {"method": "wsum", "params": {"weights": (0.3, 0.7)}, "norm": "min-max"},
        ),
        (
            {"method": "interpolation", "weights": [1.0, 1.0]},
            {"method": "sum", "norm": None},
        ),
    ],
    ids=["rrf", "convex", "interpolation"],
)
def test_fusion_is_that_of_ranx(ranx: Any, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    rng = np.random.default_rng(5)
    runs: list[Run] = [
        {
            f"q{q}": {f"d{i}": float(rng.random()) for i in rng.choice(60, 30, replace=False)}
            for q in range(10)
        }
        for _ in range(2)
    ]
    expected = ranx.fuse(runs=[ranx.Run(run) for run in runs], **theirs).to_dict()
    found = fuse_runs(runs, **ours)
    for qid, scores in found.items():
        for name, score in scores.items():
            assert score == pytest.approx(expected[qid][name], abs=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "magic"}, "'magic'"),
        ({"weights": [1.0]}, "1 weights for 2 runs"),
        ({"weights": [1.0, float("nan")]}, "finite"),
        ({"floors": [0.0, 0.0]}, "floors are for"),
        ({"damping": -1.0}, "above -1"),
    ],
)
def test_what_does_not_fit_is_said(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fuse_runs([A, B], **wrong)


def test_no_run_is_nothing_to_fuse() -> None:
    with pytest.raises(UsageError, match="no run"):
        fuse_runs([])
