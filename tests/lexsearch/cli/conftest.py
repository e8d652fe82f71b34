"""The command line in a folder that a module of tests made, called `world`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lexsearch.cli.run import main


@pytest.fixture
def run(
    world: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Calls the command line there; gives exit code, stdout and stderr."""
    monkeypatch.setenv("LEXSEARCH_DATA_DIR", str(world / "data"))
    monkeypatch.chdir(world)

    def invoke(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        out, err = capfd.readouterr()
        return code, out, err

    return invoke
