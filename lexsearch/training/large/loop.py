"""The loop that all recipes on large backbones share."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lexsearch.errors import LexsearchError, UsageError
from lexsearch.training.checkpoints import Checkpoint
from lexsearch.training.curve import LossLog, save_curve
from lexsearch.training.large.config import LoopConfig, as_plain
from lexsearch.training.schedule import cosine_rate

Say = Callable[[str], None]
SEED_STEP = 1_000_003  # prime: steps of runs with neighbouring seeds do not share theirs
MAY_CHANGE = {"save_every", "say_every", "local_files_only", "save_memory"}  # when a run resumes


class Batch(Protocol):
    """Samples of one draw; a part of them is a batch too."""

    def __len__(self) -> int:
        """Samples."""

    def part(self, rows: slice) -> Any:
        """The samples of some rows, in the same form."""


class Recipe(Protocol):
    """What one paper adds to the loop.

    A step draws a batch, encodes its samples one by one and computes losses from all the codes;
    so that the samples may pass through the towers a few at a time.
    """

    trained: Mapping[str, nn.Module]
    """Modules with what trains, for the optimiser and the checkpoint; frozen parts stay out."""

    def draw(self, number: int, chooser: random.Random) -> Batch:
        """The batch of that number; all chance comes from the chooser.

        Runs beside the training of the batch before it.
        """

    def encode(self, batch: Any) -> tuple[Tensor, ...]:
        """Codes of the samples, one row each in every tensor."""

    def losses(self, codes: Sequence[Tensor], batch: Any) -> dict[str, Tensor]:
        """Losses of a whole batch by name, unweighted, float32."""

    def weights(self, step: int) -> Mapping[str, float]:
        """The weight of every loss at a step; those that are not named have none."""

    def after(self) -> None:
        """Called after every update, to keep parameters in their ranges."""


@dataclass(frozen=True, slots=True)
class Run:
    """Where and how a recipe runs.

    Attributes:
        out: folder of checkpoints and logs.
        device: of the towers: `cpu`, `cuda`, `cuda:1`.
        say: takes lines of progress.
    """

    out: Path
    device: torch.device
    say: Say


def device_named(name: str) -> torch.device:
    """The device of that name.

    Raises:
        UsageError: there is no such device here.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UsageError(f"--device {name} cannot be used: {str(error).splitlines()[0]}") from error
    return device


def train(recipe: Recipe, config: LoopConfig, run: Run, *, name: str) -> None:
    """Train until config.steps; a run of the same name in the same folder goes on where it was.

    Writes OUT/NAME.pt (checkpoint), OUT/NAME.json (the configuration), OUT/NAME.losses.jsonl and
    OUT/NAME.losses.png.

    Raises:
        UsageError: the folder holds a run of another configuration.
        LexsearchError: a loss is not a finite number.
    """
    run.out.mkdir(parents=True, exist_ok=True)
    same_configuration(run.out / f"{name}.json", config)
    parameters = [p for p in _parameters(recipe.trained) if p.requires_grad]
    optimiser = make_optimiser(recipe.trained, config)
    kept = Checkpoint(run.out / f"{name}.pt", {"trained": nn.ParameterList(parameters)}, optimiser)
    log = LossLog(run.out / f"{name}.losses.jsonl")
    start = kept.resume(run.say)
    log.resume(start)
    with DrawnAhead(recipe, config) as drawn:
        for step in range(start, config.steps):
            for group in optimiser.param_groups:
                group["lr"] = config.rate * cosine_rate(step, config.steps, max(1, config.warm_up))
            optimiser.zero_grad()
            losses = backward(recipe, config, step, run.device, drawn)
            if config.clip:
                nn.utils.clip_grad_norm_(parameters, config.clip)
            optimiser.step()
            recipe.after()
            done = step + 1
            if step % config.say_every == 0 or done == config.steps:
                said = "  ".join(f"{key} {value:.4f}" for key, value in losses.items())
                run.say(f"{name} {step}/{config.steps}  {said}")
            log.append(step, losses)
            if done % config.save_every == 0 or done == config.steps:
                kept.step(done, of=done)
    save_curve(log.path, run.out / f"{name}.losses.png")


def seed_of(number: int, config: LoopConfig) -> int:
    """The seed of all that is random in one batch."""
    return config.seed * SEED_STEP + number


class DrawnAhead:
    """Batches by number; while one is trained on, the next one is read in a thread."""

    def __init__(self, recipe: Recipe, config: LoopConfig) -> None:
        self._recipe, self._config = recipe, config
        self._thread = ThreadPoolExecutor(1)
        self._next: tuple[int, Future[Batch]] | None = None

    def __enter__(self) -> DrawnAhead:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def __call__(self, number: int) -> Batch:
        """The batch of that number."""
        if self._next is not None and self._next[0] == number:
            batch = self._next[1].result()
        else:
            batch = draw(self._recipe, self._config, number)
        following = number + 1
        if following < self._config.steps * self._config.accumulate:
            task = self._thread.submit(draw, self._recipe, self._config, following)
            self._next = following, task
        return batch


def draw(recipe: Recipe, config: LoopConfig, number: int) -> Batch:
    """The batch of that number, drawn now."""
    return recipe.draw(number, random.Random(seed_of(number, config)))


def backward(
    recipe: Recipe,
    config: LoopConfig,
    step: int,
    device: torch.device,
    drawn: Callable[[int], Batch],
) -> dict[str, float]:
    """Add the gradient of one update to the parameters; returns the mean of every loss.

    drawn: gives the batch of a number.

    Raises:
        LexsearchError: the loss is not a finite number.
    """
    means: dict[str, float] = {}
    for i in range(config.accumulate):
        number = step * config.accumulate + i
        seed, batch = seed_of(number, config), drawn(number)
        size = config.cached or len(batch)
        starts = range(0, len(batch), size)
        parts = [(seed + SEED_STEP * j, slice(at, at + size)) for j, at in enumerate(starts)]
        single = len(parts) == 1
        codes = []
        for part_seed, rows in parts:
            with torch.set_grad_enabled(single), _towers(part_seed, config, device):
                codes.append(recipe.encode(batch.part(rows)))
        whole = [torch.cat(column) for column in zip(*codes, strict=True)]
        if not single:
            whole = [column.detach().requires_grad_() for column in whole]
        parts_of_loss = recipe.losses(whole, batch)
        weights = recipe.weights(step)
        total = torch.stack(
            [weights[k] * v for k, v in parts_of_loss.items() if k in weights]
        ).sum()
        if not bool(torch.isfinite(total)):
            raise LexsearchError(
                f"the loss of step {step} is {total.item()}; lower the rate or set precision = "
                "'fp32'. The last checkpoint is as it was"
            )
        torch.autograd.backward(total / config.accumulate)
        if not single:
            _second_pass(recipe, batch, parts, whole, config, device)
        for key, value in parts_of_loss.items():
            means[key] = means.get(key, 0.0) + value.item() / config.accumulate
    return means


def _second_pass(
    recipe: Recipe,
    batch: Batch,
    parts: Sequence[tuple[int, slice]],
    whole: Sequence[Tensor],
    config: LoopConfig,
    device: torch.device,
) -> None:
    """Send the gradients of the codes through the towers, a part of the batch at a time."""
    for part_seed, rows in parts:
        with _towers(part_seed, config, device):
            codes = recipe.encode(batch.part(rows))
        pairs = [
            (code, column.grad[rows])
            for code, column in zip(codes, whole, strict=True)
            if code.requires_grad and column.grad is not None
        ]
        torch.autograd.backward([code for code, _ in pairs], [grad for _, grad in pairs])


@contextmanager
def _towers(seed: int, config: LoopConfig, device: torch.device) -> Iterator[None]:
    """Same seed, same dropout: both passes over a part must agree."""
    torch.manual_seed(seed)
    with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16"):
        yield


def _parameters(modules: Mapping[str, nn.Module]) -> list[nn.Parameter]:
    return [p for module in modules.values() for p in module.parameters()]


def make_optimiser(modules: Mapping[str, nn.Module], config: LoopConfig) -> torch.optim.Optimizer:
    """Adam or AdamW over what trains; vectors, scalars and embeddings do not decay."""
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for module in modules.values():
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                small = parameter.ndim < 2 or "embed" in name
                (plain if small else decayed).append(parameter)
    groups = [
        {"params": some, "weight_decay": decay}
        for some, decay in ((decayed, config.decay), (plain, 0.0))
        if some
    ]
    if not groups:
        raise UsageError("nothing trains with this configuration; set a LoRA rank or train = 'all'")
    options: dict[str, Any] = {
        "lr": config.rate, "betas": (config.beta1, config.beta2), "eps": config.eps
    }  # fmt: skip
    if config.optimiser == "adam":
        return torch.optim.Adam([{"params": group["params"]} for group in groups], **options)
    return torch.optim.AdamW(groups, **options)


def same_configuration(path: Path, config: LoopConfig) -> None:
    """Keep the configuration beside a run; a run resumes with the one that it began with.

    Raises:
        UsageError: the file holds another one; names the keys that differ.
    """
    own = {k: v for k, v in as_plain(config).items() if k not in MAY_CHANGE}
    if not path.is_file():
        path.write_text(json.dumps(own, indent=2) + "\n", encoding="utf-8")
        return
    old = json.loads(path.read_text(encoding="utf-8"))
    differ = sorted(k for k in own.keys() | old.keys() if own.get(k) != old.get(k))
    if differ:
        said = ", ".join(f"{k} ({old.get(k)!r} then, {own.get(k)!r} now)" for k in differ)
        raise UsageError(f"{path.parent} holds a run of another configuration: {said}; use --out")
