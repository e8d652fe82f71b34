"""Learning rates and scales over a run."""

from __future__ import annotations

import math

from torch import Tensor

MAX_SCALE = math.log(100.0)


def cosine_rate(step: int, steps: int, warm_up: int) -> float:
    """Linear from 0 to 1 over warm_up steps, then half a cosine down to 0."""
    return min(1.0, (step + 1) / warm_up) * 0.5 * (1.0 + math.cos(math.pi * step / steps))


def clamped_scale(log_scale: Tensor) -> Tensor:
    """exp of a learned log scale, at most 100 (CLIP, arXiv 2103.00020)."""
    return log_scale.clamp(max=MAX_SCALE).exp()
