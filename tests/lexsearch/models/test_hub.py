"""Models in the cache of Hugging Face. The cache is made here; the hub itself is not reached."""

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner

hub = pytest.importorskip("huggingface_hub", reason="huggingface-hub is not installed")
constants = pytest.importorskip("huggingface_hub.constants")

from lexsearch.cli.models import command  # noqa: E402
from lexsearch.errors import ModelMissing, UsageError  # noqa: E402
from lexsearch.models.hub import _weights, cached, pull, remove, resolve, verify  # noqa: E402

NAME = "openai/clip-vit-base-patch32"
COMMIT = "a" * 40
WEIGHTS, CONFIG = b"weights" * 100, b"{}"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with one model of two files, laid out as the hub's client does."""
    root = tmp_path / "hub"
    place = root / "models--openai--clip-vit-base-patch32"
    snapshot = place / "snapshots" / COMMIT
    for folder in (place / "blobs", place / "refs", snapshot):
        folder.mkdir(parents=True)
    (place / "refs" / "main").write_text(COMMIT)
    git = hashlib.sha1(f"blob {len(CONFIG)}\0".encode() + CONFIG).hexdigest()
    for name, blob, data in (
        ("model.safetensors", hashlib.sha256(WEIGHTS).hexdigest(), WEIGHTS),
        ("config.json", git, CONFIG),
    ):
        (place / "blobs" / blob).write_bytes(data)
        (snapshot / name).symlink_to(place / "blobs" / blob)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(root))
    return snapshot


def test_a_model_of_the_cache_is_found_by_name_without_a_network(cache: Path) -> None:
    assert resolve(NAME) == cache
    assert [one.name for one in cached()] == [NAME]


def test_a_model_that_is_not_there_is_named_with_the_command_that_fetches_it(cache: Path) -> None:
    with pytest.raises(ModelMissing, match="lexsearch models pull google/siglip"):
        resolve("google/siglip")
    with pytest.raises(ModelMissing, match="there is no folder or file"):
        resolve("no-such-folder")


def test_without_a_network_a_pull_says_so(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(self: object, name: str) -> list[str]:
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(hub.HfApi, "list_repo_files", unreachable)
    with pytest.raises(ModelMissing, match="no network or no hub"):
        pull(NAME)


def test_a_file_that_changed_is_named_with_both_hashes(cache: Path) -> None:
    assert list(verify(cache)) == []
    blob = (cache / "model.safetensors").resolve()
    blob.write_bytes(WEIGHTS[:-1])
    problems = list(verify(cache))
    assert len(problems) == 1
    assert blob.name in problems[0]
    assert hashlib.sha256(WEIGHTS[:-1]).hexdigest() in problems[0]
    (cache / "config.json").resolve().unlink()
    assert any("config.json is missing" in line for line in verify(cache))


def test_remove_frees_what_the_model_took(cache: Path) -> None:
    assert remove(NAME) >= len(WEIGHTS)
    assert cached() == []
    with pytest.raises(ModelMissing, match="nothing to remove"):
        remove(NAME)


def test_safetensors_are_taken_before_pickles() -> None:
    names = ["pytorch_model.bin", "model.safetensors", "tf_model.h5", "onnx/model.safetensors"]
    assert _weights(names) == ["model.safetensors"]
    assert _weights(["a/b16.pt", "README.md"]) == ["a/b16.pt"]
    assert _weights(["pytorch_model.bin", "training_args.bin"]) == ["pytorch_model.bin"]


def call(*arguments: str) -> object:
    return CliRunner().invoke(command, list(arguments))


def test_the_list_says_what_is_here_and_what_it_needs(cache: Path) -> None:
    lines = call("list").output.splitlines()
    row = next(line for line in lines if line.startswith("clip-b32 "))
    assert "MIT" in row
    assert "604.0 MB" in row
    assert not row.endswith("no")
    assert next(line for line in lines if line.startswith("tulip-l14")).endswith("no")
    assert '"cached_bytes": 7' in call("list", "--json").output


def test_path_verify_and_remove(cache: Path) -> None:
    assert call("path", "clip-b32").output.strip() == str(cache)
    assert "every file is what was sent" in call("verify", "clip-b32", "mini").output
    (cache / "model.safetensors").resolve().write_bytes(b"")
    assert isinstance(call("verify", "clip-b32").exception, ModelMissing)
    assert isinstance(call("remove", "clip-b32").exception, UsageError)  # nobody said yes
    assert "freed" in call("remove", "clip-b32", "--yes").output
    assert isinstance(call("path", "clip-b32").exception, ModelMissing)
    assert isinstance(call("pull", "clap").exception, UsageError)
    assert isinstance(call("remove", "mini", "--yes").exception, UsageError)
