"""The whole way at the command line: every family in its official layout, and what goes wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from PIL import Image

from lexsearch.cli import main

FAMILIES = {
    "clip": "clip:{0.clip}?words=60",
    "tulip": "tulip:{0.tulip}?words=60",
    "filip": "filip:{0.filip}?words=60",
    "declip": "filip:{0.declip}?words=60&variant=declip",
    "siglip2": "siglip:{0.siglip2}?words=60",
    "lexvla": "lexvla:{0.lexvla}",
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process; its exit code, and both streams."""
    monkeypatch.setenv("LEXSEARCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("LEXSEARCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    def command(*words: str | Path) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    noise = np.random.default_rng(5)
    for i, (height, width) in enumerate(((48, 60), (90, 30), (20, 200))):
        pixels = noise.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_is_indexed_and_searched(
    tiny: Any, run: Run, photos: Path, tmp_path: Path, family: str
) -> None:
    name, db = FAMILIES[family].format(tiny), tmp_path / "db"
    code, out, err = run("index", photos, "--db", db, "--model", name, "--json")
    assert code == 0, err
    assert json.loads(out)["encoded"] == 3
    code, out, err = run("search", "two dogs on the beach", "--db", db, "--format", "json")
    assert code == 0, err
    assert len(json.loads(out)["hits"]) == 3
    code, out, err = run("index", photos, "--db", db, "--json")  # the db remembers its set
    assert (code, json.loads(out)["encoded"]) == (0, 0), err
    assert json.loads(run("status", "--db", db, "--json")[1])["model"] == name
    code, out, err = run("check", "--read-data", "--db", db)
    assert code == 0, err


def test_another_set_is_built_beside_and_put_in_force(
    tiny: Any, run: Run, photos: Path, tmp_path: Path
) -> None:
    db = tmp_path / "db"
    first, second = (FAMILIES[name].format(tiny) for name in ("clip", "siglip2"))
    assert run("index", photos, "--db", db, "--model", first)[0] == 0
    code, out, err = run("index", photos, "--db", db, "--model", second, "--json")
    assert (code, json.loads(out)["encoded"]) == (0, 3), err
    assert json.loads(run("status", "--db", db, "--json")[1])["model"] == second
    assert run("search", "dogs", "--db", db)[0] == 0


def test_what_cannot_be_loaded_is_said_with_exit_code_6(
    tiny: Any, run: Run, photos: Path, tmp_path: Path
) -> None:
    def refused(model: str) -> str:
        code, _, err = run("index", photos, "--db", tmp_path / "db", "--model", model)
        assert code == 6, err
        assert "Traceback" not in err
        assert not (tmp_path / "db").exists()
        return err

    assert f"try: --model siglip:{tiny.siglip}" in refused(f"clip:{tiny.siglip}")
    shutil.copytree(tiny.clip, tmp_path / "half")
    data = (tmp_path / "half" / "model.safetensors").read_bytes()
    (tmp_path / "half" / "model.safetensors").write_bytes(data[: len(data) // 2])
    assert f"is truncated or damaged ({len(data) // 2:,} bytes" in refused(f"clip:{tmp_path}/half")
    assert "lexsearch models pull openai/clip-vit-base-patch32" in refused("clip-b32")
    assert "there is no folder or file" in refused("clip:/no/where/at/all")
