"""The choice of fusion weights and of the first stage's depth."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lexsearch.training.fusion import (  # noqa: E402
    CHANNELS,
    choose_depth,
    choose_fusion,
    fuse,
    ranks,
    recalls,
)

PHOTOS, TEXTS = 500, 1000
OWN = torch.arange(TEXTS) % PHOTOS


def noise(seed: int) -> torch.Tensor:
    return torch.randn(TEXTS, PHOTOS, generator=torch.Generator().manual_seed(seed))


def signal(strength: float) -> torch.Tensor:
    right = torch.zeros(TEXTS, PHOTOS)
    right[torch.arange(TEXTS), OWN] = strength
    return right


def test_recall_counts_ties_against_the_right_photo() -> None:
    scores = torch.tensor([[1.0, 1.0, 0.0], [0.0, 2.0, 1.0]])
    assert ranks(scores, torch.tensor([0, 1])).tolist() == [1, 0]
    assert recalls(scores, torch.tensor([0, 1]))["R@1"] == 50.0


def test_the_weights_prefer_the_channel_that_knows() -> None:
    scores = {"lexical": 10 * noise(1), "dense": noise(2) + signal(2.5), "late": noise(3)}
    chosen = choose_fusion(scores, OWN)
    assert sum(chosen.weights.values()) == pytest.approx(1.0, abs=1e-3)
    assert all(weight > 0 for weight in chosen.weights.values())
    spread = {name: float(scores[name].std()) * chosen.weights[name] for name in CHANNELS}
    assert max(spread, key=spread.__getitem__) == "dense"
    assert (
        recalls(fuse(scores, chosen.weights), OWN)["R@10"]
        > 0.9 * recalls(scores["dense"], OWN)["R@10"]
    )


def test_channels_that_err_apart_do_better_together() -> None:
    scores = {name: noise(seed) + signal(1.2) for seed, name in enumerate(CHANNELS)}
    chosen = choose_fusion(scores, OWN)
    alone = max(recalls(values, OWN)["R@10"] for values in scores.values())
    assert recalls(fuse(scores, chosen.weights), OWN)["R@10"] > alone + 2
    assert chosen.held_out > alone
    assert chosen.held_out <= recalls(fuse(scores, chosen.weights), OWN)["R@10"] + 1


def test_the_first_stage_is_as_shallow_as_it_may_be() -> None:
    weights = dict.fromkeys(CHANNELS, 1.0)
    sure = {name: noise(seed) + signal(50.0) for seed, name in enumerate(CHANNELS)}
    assert choose_depth(sure, OWN, weights) == 100
    blind = {"lexical": noise(1), "dense": noise(2), "late": noise(3) + signal(50.0)}
    assert choose_depth(blind, OWN, weights) == 400
