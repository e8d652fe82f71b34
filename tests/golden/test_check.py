"""The comparison with golden fixtures: it holds, and it notices what is wrong."""

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from tests.golden.check import CHECKS, check_fixture, main  # noqa: E402

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("system", sorted(CHECKS))
def test_a_fixture_holds(shared: Path, system: str) -> None:
    torch.set_num_threads(1)
    result = check_fixture(shared / "golden" / system)
    assert result.passed, result.failures


def copied(shared: Path, tmp_path: Path, system: str) -> Path:
    shutil.copytree(shared / "golden" / system, tmp_path / system)
    for path in [tmp_path / system, *(tmp_path / system).iterdir()]:
        path.chmod(0o755)
    return tmp_path / system


def test_a_prefix_of_distributed_training_changes_nothing(shared: Path, tmp_path: Path) -> None:
    folder = copied(shared, tmp_path, "dinov2_hf")
    path = str(folder / "weights.safetensors")
    save_file({f"module.{k}": v for k, v in load_file(path).items()}, path)
    assert check_fixture(folder).passed


def test_a_wrong_output_and_an_unknown_system_fail(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(shared, tmp_path, "limber_clip_rn")
    io = load_file(str(folder / "io.safetensors"))
    io["out.grid_tokens"] += 1e-3
    save_file(io, str(folder / "io.safetensors"))
    assert main([str(tmp_path)]) == 1
    assert "grid_tokens" in capsys.readouterr().out
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "system": "other"}))
    folder.rename(tmp_path / "other")
    assert main([str(tmp_path)]) == 1
    assert "NOT SUPPORTED" in capsys.readouterr().out
    assert main([str(tmp_path / "other")]) == 1  # no fixture at all
