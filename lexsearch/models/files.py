"""Finds the files of a bundled model and verifies them against the hashes of its model.json."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lexsearch.errors import ModelMissing
from lexsearch.types import ModelIdentity, PixelSpec

FOLDER = Path(__file__).parent
MANIFEST = "model.json"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """One model on disk.

    Attributes:
        folder: where its files lie.
        manifest: model.json as read: constants, fusion weights, sha256 of every file.
    """

    folder: Path
    manifest: dict[str, Any]

    def path(self, name: str) -> Path:
        """A file of the model.

        Raises:
            ModelMissing: the manifest does not name it, or it is not there.
        """
        path = self.folder / name
        if name not in self.manifest["files"] or not path.is_file():
            raise ModelMissing(f"{path} is missing; {_remedy()}")
        return path

    def read(self, name: str) -> bytes:
        """The bytes of a file, verified.

        Raises:
            ModelMissing: its sha256 is not the one of the manifest.
        """
        data = self.path(name).read_bytes()
        found, expected = hashlib.sha256(data).hexdigest(), self.manifest["files"][name]["sha256"]
        if found != expected:
            raise ModelMissing(
                f"{self.folder / name} has sha256 {found}, expected {expected}; {_remedy()}"
            )
        return data

    @property
    def identity(self) -> ModelIdentity:
        """What an index remembers of this model."""
        return ModelIdentity(**self.manifest["identity"])

    @property
    def pixel_spec(self) -> PixelSpec:
        """How the model wants its pictures."""
        return PixelSpec(**self.manifest["pixels"])


def bundled(name: str, *, folder: Path = FOLDER) -> ModelFiles:
    """The bundled model of that name.

    Raises:
        ModelMissing: no such model, or its manifest cannot be read.
    """
    path = folder / name / MANIFEST
    if not path.is_file():
        raise ModelMissing(f"no bundled model is called {name!r} ({path} is missing); {_remedy()}")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelMissing(f"{path} is not valid JSON: {error}; {_remedy()}") from error
    return ModelFiles(path.parent, manifest)


def verify(files: ModelFiles) -> list[str]:
    """A sentence for every file that is missing or is not what was released; empty if none."""
    problems: list[str] = []
    for name in sorted(files.manifest["files"]):
        try:
            files.read(name)
        except ModelMissing as error:
            problems.append(str(error))
    return problems


def _remedy() -> str:
    return "reinstall with: pip install --force-reinstall lexsearch"
