"""The losses of a run as lines of JSON, and the picture of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

SMOOTH = 25  # the smoothed line averages over 1 in this many points


class LossLog:
    """A file with one line {"step": 3, "losses": {"dense": 1.25}} for every step that is logged."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def resume(self, step: int) -> None:
        """Drop the lines of `step` and later ones: the run does these steps again.

        A last line that was cut off by a crash goes too.
        """
        if not self.path.is_file():
            return
        kept = [_line(done, losses) for done, losses in _read(self.path) if done < step]
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text("".join(kept), encoding="utf-8")
        temporary.replace(self.path)

    def append(self, step: int, losses: Mapping[str, float]) -> None:
        """Write one line; the folder is made when it is not there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(step, losses))

    def read(self) -> list[tuple[int, dict[str, float]]]:
        """All lines in order; empty without a file."""
        return _read(self.path) if self.path.is_file() else []


def _line(step: int, losses: Mapping[str, float]) -> str:
    return json.dumps({"step": step, "losses": dict(losses)}) + "\n"


def _read(path: Path) -> list[tuple[int, dict[str, float]]]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            value = json.loads(line)
        except json.JSONDecodeError:
            break
        found.append((int(value["step"]), {k: float(v) for k, v in value["losses"].items()}))
    return found


def save_curve(log: Path, png: Path) -> None:
    """Draw every loss of a log over the steps, raw and smoothed, one panel each.

    Args:
        log: as `LossLog` writes it.
        png: the picture; written whole or not at all.

    Raises:
        ValueError: the log has no line.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    series: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
    for step, losses in LossLog(log).read():
        for name, value in losses.items():
            series[name][0].append(step)
            series[name][1].append(value)
    if not series:
        raise ValueError(f"{log} has no line; nothing to draw")
    columns = min(3, len(series))
    rows = -(-len(series) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(4.5 * columns, 3 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(series) :]:
        axis.remove()
    for axis, (name, (steps, values)) in zip(axes.flat, series.items(), strict=False):
        axis.plot(steps, values, color="0.8", linewidth=0.8)
        axis.plot(steps, _smooth(values), color="tab:blue", linewidth=1.5)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("step", fontsize=8)
        axis.tick_params(labelsize=8)
    temporary = png.with_suffix(".tmp")
    png.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(temporary, format="png", dpi=100)
    plt.close(figure)
    temporary.replace(png)


def _smooth(values: list[float]) -> list[float]:
    keep = max(0.5, 1.0 - SMOOTH / len(values))
    smoothed, level = [], values[0]
    for value in values:
        level = keep * level + (1.0 - keep) * value
        smoothed.append(level)
    return smoothed
