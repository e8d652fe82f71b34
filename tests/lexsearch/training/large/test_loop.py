"""The loop: gradients in parts, resuming, errors."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from torch import Tensor, nn  # noqa: E402

from lexsearch.errors import LexsearchError, UsageError  # noqa: E402
from lexsearch.training.large.config import LoopConfig  # noqa: E402
from lexsearch.training.large.loop import (  # noqa: E402
    Run,
    backward,
    device_named,
    draw,
    make_optimiser,
    train,
)
from lexsearch.training.losses import infonce  # noqa: E402

CPU = torch.device("cpu")


@dataclass
class Numbers:
    x: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def part(self, rows: slice) -> "Numbers":
        return Numbers(self.x[rows])


class Toy:
    """Two linear towers on the same numbers, with dropout and a temperature."""

    def __init__(self, *, dropout: float = 0.0, broken: bool = False) -> None:
        torch.manual_seed(0)
        self.towers = nn.ModuleList([nn.Linear(6, 4), nn.Linear(6, 4)])
        self.scale = nn.ParameterList([nn.Parameter(torch.tensor(2.0))])
        self.dropout, self.broken, self.updates = nn.Dropout(dropout), broken, 0
        self.trained = {"towers": self.towers, "scale": self.scale}

    def draw(self, number: int, chooser: random.Random) -> Numbers:
        return Numbers(torch.tensor([[chooser.gauss(0, 1) for _ in range(6)] for _ in range(8)]))

    def encode(self, batch: Numbers) -> tuple[Tensor, ...]:
        return tuple(self.dropout(tower(batch.x)) for tower in self.towers)

    def losses(self, codes: Sequence[Tensor], batch: Numbers) -> dict[str, Tensor]:
        loss = infonce(self.scale[0] * codes[0].float() @ codes[1].float().T)
        return {"pairs": loss * (float("nan") if self.broken else 1.0), "unused": codes[0].sum()}

    def weights(self, step: int) -> dict[str, float]:
        return {"pairs": 1.0}

    def after(self) -> None:
        self.updates += 1

    def gradients(self) -> list[Tensor]:
        return [p.grad for part in self.trained.values() for p in part.parameters()]


def config(**changes: Any) -> LoopConfig:
    return LoopConfig(
        **{"steps": 10, "batch": 8, "rate": 1e-2, "precision": "fp32", "save_every": 4,
           "say_every": 5, **changes}
    )  # fmt: skip


def gradient(toy: Toy, options: LoopConfig, step: int) -> dict[str, float]:
    return backward(toy, options, step, CPU, lambda number: draw(toy, options, number))


@pytest.mark.parametrize("cached", [1, 3, 4, 8, 100])
def test_a_batch_in_parts_has_the_gradient_of_the_whole(cached: int) -> None:
    whole, parts = Toy(), Toy()
    one = gradient(whole, config(), 3)
    other = gradient(parts, config(cached=cached), 3)
    assert one["pairs"] == pytest.approx(other["pairs"], rel=1e-5)
    for plain, summed in zip(whole.gradients(), parts.gradients(), strict=True):
        assert torch.allclose(plain, summed, atol=1e-6)


def test_both_passes_over_a_part_drop_the_same_numbers() -> None:
    torch.manual_seed(1)
    toy = Toy(dropout=0.5)
    seen: list[tuple[Tensor, ...]] = []
    encode = toy.encode

    def record(batch: Numbers) -> tuple[Tensor, ...]:
        seen.append(encode(batch))
        return seen[-1]

    toy.encode = record  # type: ignore[method-assign]
    gradient(toy, config(cached=4), 0)
    assert len(seen) == 4
    assert torch.equal(seen[0][0], seen[2][0])
    assert not torch.equal(seen[0][0], seen[1][0])


def test_accumulated_batches_give_the_mean_gradient() -> None:
    together, apart = Toy(), Toy()
    gradient(together, config(accumulate=2), 1)
    gradient(apart, config(), 2)
    gradient(apart, config(), 3)
    for mean, total in zip(together.gradients(), apart.gradients(), strict=True):
        assert torch.allclose(mean, total / 2, atol=1e-6)


def test_a_run_leaves_a_log_a_curve_and_a_checkpoint(tmp_path: Path) -> None:
    said: list[str] = []
    toy = Toy()
    train(toy, config(), Run(tmp_path / "run", CPU, said.append), name="toy")
    lines = (tmp_path / "run" / "toy.losses.jsonl").read_text().splitlines()
    assert len(lines) == 10
    assert json.loads(lines[-1])["step"] == 9
    assert (tmp_path / "run" / "toy.losses.png").is_file()
    assert [line.split()[1] for line in said] == ["0/10", "5/10", "9/10"]
    assert "pairs" in said[0]
    assert toy.updates == 10


def test_a_run_that_is_done_does_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path, CPU, lambda _: None)
    train(Toy(), config(), run, name="toy")
    again = Toy()
    train(again, config(), run, name="toy")
    assert again.updates == 0
    assert len((tmp_path / "toy.losses.jsonl").read_text().splitlines()) == 10


def test_another_configuration_does_not_resume(tmp_path: Path) -> None:
    run = Run(tmp_path, CPU, lambda _: None)
    train(Toy(), config(steps=2), run, name="toy")
    with pytest.raises(UsageError, match=r"another configuration: rate \(0.01 then, 0.02 now\)"):
        train(Toy(), config(steps=2, rate=0.02), run, name="toy")
    train(Toy(), config(steps=2, say_every=1), run, name="toy")


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(LexsearchError, match="the loss of step 0 is nan"):
        train(Toy(broken=True), config(), Run(tmp_path, CPU, lambda _: None), name="toy")
    assert not (tmp_path / "toy.pt").exists()


def test_vectors_and_scalars_do_not_decay() -> None:
    toy = Toy()
    optimiser = make_optimiser(toy.trained, config(decay=0.1))
    decayed, plain = optimiser.param_groups
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.1, 0.0)
    assert all(p.ndim == 2 for p in decayed["params"])
    assert len(plain["params"]) == 3
    assert isinstance(make_optimiser(toy.trained, config(optimiser="adam")), torch.optim.Adam)


def test_nothing_that_trains_is_an_error() -> None:
    with pytest.raises(UsageError, match="nothing trains"):
        make_optimiser({"frozen": nn.Linear(2, 2).requires_grad_(False)}, config())


def test_a_device_that_is_not_there_is_an_error() -> None:
    assert device_named("cpu").type == "cpu"
    with pytest.raises(UsageError, match="--device warp cannot be used"):
        device_named("warp")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="--device cuda cannot be used"):
            device_named("cuda")
