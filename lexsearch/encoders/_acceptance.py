"""Whether a TULIP checkpoint reads texts with the theta and activations it was trained with.

No file of a TULIP says them, a wrong theta loads without a word, and the vectors look right. So the
settings that come into question are tried on pictures with their captions: the right one finds
the picture of a caption more often than the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lexsearch.encoders._clip_tower import ClipTower, load_tulip
from lexsearch.encoders._device import Device
from lexsearch.encoders._families import texts_of
from lexsearch.errors import ModelMissing, UsageError
from lexsearch.types import FloatArray, PixelArray, PixelSpec

# Plain, and what the published code expands it to (see `expanded_theta`, heads of 64): from 248 to
# 600, from 200 to 600 and from 77 to 248 positions.
THETAS = (10_000.0, 133_985.45, 186_269.10, 206_278.42)
ACTIVATIONS = ("gelu", "quick_gelu")
# Standard errors of the mean difference from which on one setting is clearly better: 15 others are
# compared, so two would condemn a right one too often.
CLEAR = 3.0
LEAST = 20  # captions, below which nothing is said
SHORT = 77  # tokens, up to which thetas are hard to tell apart
AT_ONCE = 16
Status = Literal["accepted", "undecided", "refused"]


@dataclass(frozen=True, slots=True, order=True)
class Setting:
    """What no file says."""

    theta: float
    text_activation: str
    vision_activation: str

    def options(self) -> str:
        """As options behind the name of a model."""
        theta = f"{self.theta:.2f}".rstrip("0").rstrip(".")
        return (
            f"theta={theta}&text_activation={self.text_activation}"
            f"&vision_activation={self.vision_activation}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """How one setting did.

    Attributes:
        setting: that was tried.
        reciprocal_ranks: float64 (texts,), 1 / rank of the picture of each text.
    """

    setting: Setting
    reciprocal_ranks: npt.NDArray[np.float64]

    @property
    def recall_at_1(self) -> float:
        """Share of texts whose picture comes first."""
        return float((self.reciprocal_ranks == 1.0).mean())

    @property
    def mrr(self) -> float:
        """Mean of 1 / rank."""
        return float(self.reciprocal_ranks.mean())


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What the trials say about the setting that was asked about.

    Attributes:
        trials: best first.
        given: the trial of that setting.
        status: `accepted` = clearly better than every other; `refused` = another is clearly
            better; else `undecided`.
        rivals: settings that are clearly better (`refused`), or not clearly worse (`undecided`).
        long_texts: texts of more than SHORT tokens.
    """

    trials: tuple[Trial, ...]
    given: Trial
    status: Status
    rivals: tuple[Setting, ...]
    long_texts: int = 0

    @property
    def theta_is_clear(self) -> bool:
        """Whether every other theta is clearly worse, whatever the activations."""
        theta = self.given.setting.theta
        return self.status != "refused" and all(one.theta == theta for one in self.rivals)

    def demand(self, name: str) -> None:
        """Let an accepted or undecided setting pass.

        Raises:
            ModelMissing: it is refused; the message has the setting to use.
        """
        if self.status == "refused":
            best = self.trials[0]
            raise ModelMissing(
                f"{name} was not trained with {self.given.setting.options()}: that puts "
                f"{self.given.recall_at_1:.1%} of the texts' pictures first, "
                f"{best.setting.options()} {best.recall_at_1:.1%}; give the latter behind the name"
            )


def judge(trials: Sequence[Trial], given: Setting) -> Verdict:
    """The verdict on one of the settings that were tried on the same texts.

    Two settings are compared text by text: the mean difference of 1 / rank against its standard
    error. Equal means are in the order of the settings.

    Raises:
        UsageError: fewer than LEAST texts.
    """
    ordered = sorted(trials, key=lambda one: (-one.mrr, one.setting))
    own = next(one for one in ordered if one.setting == given)
    if len(own.reciprocal_ranks) < LEAST:
        raise UsageError(
            f"{len(own.reciprocal_ranks)} texts with pictures say nothing; give {LEAST} or more"
        )
    others = [one for one in ordered if one is not own]
    better = tuple(one.setting for one in others if _clearly_better(one, own))
    if better:
        return Verdict(tuple(ordered), own, "refused", better)
    close = tuple(one.setting for one in others if not _clearly_better(own, one))
    return Verdict(tuple(ordered), own, "undecided" if close else "accepted", close)


def _clearly_better(one: Trial, other: Trial) -> bool:
    difference = one.reciprocal_ranks - other.reciprocal_ranks
    mean = float(difference.mean())
    error = float(difference.std(ddof=1)) / math.sqrt(len(difference))
    return mean > 0 and mean > CLEAR * error


def reciprocal_ranks(
    texts: FloatArray, pictures: FloatArray, owners: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """1 / rank of the picture of every text by cosine; of equal scores the own comes last.

    Args:
        texts: (n, dim). pictures: (m, dim). owners: (n,), the picture of every text.
    """
    unit = [
        x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (texts, pictures)
    ]
    scores = unit[0] @ unit[1].T
    own = scores[np.arange(len(scores)), owners][:, np.newaxis]
    return 1.0 / (scores >= own).sum(axis=1)


def accept_tulip(
    source: Path,
    texts: Sequence[str],
    owners: Sequence[int],
    pictures: Callable[[PixelSpec], PixelArray],
    *,
    device: str = "auto",
    on_trial: Callable[[Trial], None] = lambda trial: None,
    **options: Any,
) -> Verdict:
    """Try a checkpoint with every theta and activation that come into question.

    Args:
        source: folder or file.
        texts: captions; those beyond 77 tokens tell thetas apart best.
        owners: number of the picture of each.
        pictures: gives all pictures, uint8 (m, height, width, 3), as the model wants them.
        device: see `Device.choose`.
        on_trial: is told of every trial.
        options: of `load_tulip`; what they say of the setting is what the verdict is about, in
            place of what the loader takes by itself.

    Raises:
        ModelMissing: the checkpoint does not load.
        UsageError: too few texts.
    """
    place = Device.choose(device, "fp32")
    free = {k: v for k, v in options.items() if k not in ("theta", *_ACTIVATIONS)}
    plain = load_tulip(source, **options)
    given = setting_of(plain)
    tokens = texts_of(plain, source)
    rows = [tokens.row(text) for text in texts]
    pixels = pictures(plain.preprocess.spec)
    owned = np.asarray(owners, dtype=np.int64)
    seen: dict[str, FloatArray] = {}
    found: list[Trial] = []
    for theta, said in _text_settings(given):
        vectors: FloatArray | None = None
        for looks in dict.fromkeys((given.vision_activation, *ACTIVATIONS)):
            if vectors is None or looks not in seen:
                tower = load_tulip(
                    source, theta=theta, text_activation=said, vision_activation=looks, **free
                ).to(place.place, place.dtype)
            if vectors is None:
                vectors = _text_vectors(tower, tokens, rows)
            if looks not in seen:
                seen[looks] = _picture_vectors(tower, pixels)
            ranks = reciprocal_ranks(vectors, seen[looks], owned)
            found.append(Trial(Setting(theta, said, looks), ranks))
            on_trial(found[-1])
    verdict = judge(found, given)
    count = sum(len(row) > SHORT for row in rows)
    return Verdict(verdict.trials, verdict.given, verdict.status, verdict.rivals, count)


_ACTIVATIONS = ("text_activation", "vision_activation")


def setting_of(tower: ClipTower) -> Setting:
    """The setting that a loaded TULIP has."""
    form = tower.form
    assert form.theta is not None
    return Setting(form.theta, form.text_activation, form.vision_activation)


def _text_settings(given: Setting) -> Iterator[tuple[float, str]]:
    for theta in dict.fromkeys((given.theta, *THETAS)):
        for activation in ACTIVATIONS:
            yield theta, activation


def _text_vectors(tower: ClipTower, tokens: Any, rows: Sequence[Sequence[int]]) -> FloatArray:
    parts: list[Tensor] = []
    for start in range(0, len(rows), AT_ONCE):
        ids, mask = tokens.batch(rows[start : start + AT_ONCE])
        parts.append(tower.text(ids, mask)[0].cpu())
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)


def _picture_vectors(tower: ClipTower, pixels: PixelArray) -> FloatArray:
    parts: list[Tensor] = []
    for start in range(0, len(pixels), AT_ONCE):
        ready = tower.preprocess.normalise(
            pixels[start : start + AT_ONCE], tower.device, tower.dtype
        )
        parts.append(tower.image(ready)[0].cpu())
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)


def to_json(verdict: Verdict) -> Mapping[str, Any]:
    """A verdict as JSON values."""
    return {
        "status": verdict.status,
        "given": verdict.given.setting.options(),
        "theta_is_clear": verdict.theta_is_clear,
        "rivals": [one.options() for one in verdict.rivals],
        "texts": len(verdict.given.reciprocal_ranks),
        "long_texts": verdict.long_texts,
        "trials": [
            {
                "setting": one.setting.options(),
                "recall@1": round(one.recall_at_1, 4),
                "mrr": round(one.mrr, 4),
            }
            for one in verdict.trials
        ],
    }
