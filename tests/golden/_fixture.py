"""One golden fixture: its tensors, its official layout on disk, and the comparisons made."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor


class Unsupported(Exception):
    """There is no check for a fixture."""


@dataclass(frozen=True)
class Result:
    """What the comparison of one fixture gave.

    Attributes:
        compared: tensors. error, name: the largest difference and where.
        tolerance: in words. failures: a line each.
        left: tensors of the fixture that were not compared.
    """

    compared: int
    error: float
    name: str
    tolerance: str
    failures: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.failures

    def __str__(self) -> str:
        verdict = "ok    " if self.passed else "FAILED"
        return (
            f"{verdict} largest error {self.error:.2e} ({self.name})  tolerance {self.tolerance}  "
            f"{self.compared} tensors"
        )


class Fixture:
    """The folder of a fixture and what was compared so far."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        self.folder, self.temporary = folder, temporary
        self.meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        self.io: dict[str, Tensor] = load_file(str(folder / "io.safetensors"))
        self.config: dict[str, Any] = self.meta["config"]
        said = self.meta["tolerance"]
        self.atol = float(said.get("atol", said.get("float64_atol", 0.0)))
        self.rtol = float(said.get("rtol", 0.0))
        self._seen: dict[str, float] = {}
        self._failures: list[str] = []

    def layout(self, weights: str = "model.safetensors", **tables: Any) -> Path:
        """A folder with the weights under that name and JSON files, as a release has them.

        tables: name of a file without .json -> its values.
        """
        os.symlink(self.folder / "weights.safetensors", self.temporary / weights)
        for name, values in tables.items():
            path = self.temporary / f"{name}.json"
            path.write_text(json.dumps(values), encoding="utf-8")
        return self.temporary

    def names(self, start: str) -> list[str]:
        """Names of tensors that begin so, sorted."""
        return sorted(name for name in self.io if name.startswith(start))

    def same(
        self, name: str, found: Tensor, *, atol: float | None = None, rtol: float | None = None
    ) -> None:
        """Compare with `out.NAME`; integers and booleans exactly."""
        wanted = self.io[f"out.{name}"]
        found = found.detach().reshape(wanted.shape) if found.numel() == 1 else found.detach()
        self._seen[name] = 0.0
        if found.shape != wanted.shape:
            self._failures.append(
                f"{name}: shape {list(found.shape)}, expected {list(wanted.shape)}"
            )
            return
        if not wanted.is_floating_point():
            wrong = int((found.to(wanted.dtype) != wanted).sum())
            self._seen[name] = float(wrong)
            if wrong:
                self._failures.append(f"{name}: {wrong} of {wanted.numel()} differ, expected none")
            return
        if atol is None:
            said = self.meta["tolerance"]
            single = wanted.dtype == torch.float32
            atol = float(said.get("float32_atol", self.atol)) if single else self.atol
        rtol = self.rtol if rtol is None else rtol
        difference = (found.double() - wanted.double()).abs()
        worst = float(difference.max()) if difference.numel() else 0.0
        self._seen[name] = worst
        allowed = atol + rtol * wanted.double().abs()
        if not bool((difference <= allowed).all()):
            self._failures.append(f"{name}: {worst:.2e} off, expected at most {atol:g}")

    def require(self, what: str, holds: bool) -> None:
        """A fact that no tensor states."""
        if not holds:
            self._failures.append(what)

    def result(self) -> Result:
        """The sum of the comparisons; outputs that nobody compared are failures too."""
        left = tuple(
            name.removeprefix("out.")
            for name in self.names("out.")
            if name.removeprefix("out.") not in self._seen and not name.endswith("_WRONG")
        )
        failures = [*self._failures, *(f"{name}: was not compared" for name in left)]
        worst = max(self._seen, key=lambda name: self._seen[name]) if self._seen else "none"
        tolerance = f"{self.atol:g}" + (f" + {self.rtol:g} |x|" if self.rtol else "")
        return Result(
            len(self._seen), self._seen.get(worst, 0.0), worst, tolerance, tuple(failures), left
        )


def unit(x: Tensor) -> Tensor:
    """Rows of unit length."""
    return torch.nn.functional.normalize(x, dim=-1)
