"""A checkpoint that cannot be used says what it is, what was expected, and what to do."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from lexsearch.encoders._device import Batches, Device  # noqa: E402
from lexsearch.encoders._weights import read_weights  # noqa: E402
from lexsearch.errors import ModelMissing, UsageError  # noqa: E402
from lexsearch.registry import build  # noqa: E402


@pytest.mark.parametrize(
    ("family", "folder", "found"),
    [
        ("clip", "siglip", "SigLIP of transformers"),
        ("siglip", "clip", "CLIP of transformers"),
        ("tulip", "siglip", "SigLIP of transformers"),
        ("filip", "open_clip", "CLIP of open_clip"),
        ("clip", "declip", "FILIP of the DeCLIP"),
        ("lexvla", "dino", "DINOv2 or ViT"),
        ("siglip", "lexvla", "LexVLA as"),
    ],
)
def test_a_checkpoint_of_another_family_is_named(
    tiny: Any, family: str, folder: str, found: str
) -> None:
    with pytest.raises(ModelMissing, match=found):
        build("encoders.models", f"{family}:{tiny.root / folder}")


def test_a_tulip_that_says_so_is_not_read_as_a_clip(tiny: Any, tmp_path: Path) -> None:
    shutil.copytree(tiny.open_clip, tmp_path / "a")
    (tmp_path / "a" / "lexsearch.json").write_text(json.dumps({"theta": 10000}))
    with pytest.raises(ModelMissing, match="--model tulip:"):
        build("encoders.models", f"clip:{tmp_path / 'a'}")


def test_a_truncated_file_is_named_with_its_size(tiny: Any, tmp_path: Path) -> None:
    for folder, name in (("clip", "model.safetensors"), ("tulip", "epoch_1.pt")):
        data = (tiny.root / folder / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(ModelMissing, match=rf"{name} is truncated or damaged \([\d,]+ bytes"):
            read_weights(tmp_path / name)


def test_a_pickle_that_wants_to_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"a": Evil()}, tmp_path / "a.pt")
    with pytest.raises(ModelMissing, match="wants to run code"):
        read_weights(tmp_path / "a.pt")
    assert not (tmp_path / "ran").exists()


def test_missing_unexpected_and_misshapen_tensors_are_all_named(tiny: Any, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    for folder, name, gone, bent in (
        ("open_clip", "open_clip_model.safetensors", "ln_final.bias", "text_projection"),
        ("siglip", "model.safetensors", "logit_bias", "text_model.head.bias"),
    ):
        shutil.copytree(tiny.root / folder, tmp_path / folder)
        state = load_file(str(tmp_path / folder / name))
        del state[gone]
        state["stranger"] = torch.zeros(2)
        if folder == "siglip":
            state[bent] = torch.zeros(3)
        save_file(state, str(tmp_path / folder / name), {"format": "pt"})
        family = "siglip" if folder == "siglip" else "clip"
        with pytest.raises(ModelMissing) as caught:
            build("encoders.models", f"{family}:{tmp_path / folder}?words=0")
        assert f"1 missing ({gone})" in str(caught.value)
        assert "1 unexpected (stranger)" in str(caught.value)
        assert (f"1 of another shape ({bent}" in str(caught.value)) == (folder == "siglip")


def test_a_tokenizer_of_another_vocabulary_is_refused(tiny: Any, tmp_path: Path) -> None:
    shutil.copytree(tiny.open_clip, tmp_path / "a")
    shutil.copyfile(tiny.siglip / "tokenizer.json", tmp_path / "a" / "tokenizer.json")
    with pytest.raises(ModelMissing, match="entries; expected"):
        build("encoders.models", f"clip:{tmp_path / 'a'}")


def test_no_such_folder_option_or_device(tiny: Any) -> None:
    with pytest.raises(ModelMissing, match="there is no folder or file"):
        build("encoders.models", "clip:/no/where/at/all")
    with pytest.raises(UsageError, match="'colour'"):
        build("encoders.models", f"clip:{tiny.clip}?colour=red")
    with pytest.raises(UsageError, match="expected KEY=VALUE"):
        build("encoders.models", f"clip:{tiny.clip}?words")
    with pytest.raises(UsageError, match="expected crop or squash"):
        build("encoders.models", f"clip:{tiny.clip}?fit=stretch&words=0")
    with pytest.raises(UsageError, match="needs a checkpoint"):
        build("encoders.models", "clip")
    with pytest.raises(UsageError, match="published: clip-b32"):
        build("encoders.models", "clap")
    with pytest.raises(UsageError, match="expected auto, fp32"):
        Device.choose("cpu", "fp8")


def test_memory_that_runs_out_halves_the_batch() -> None:
    # No GPU can be filled here: the work itself raises what torch raises there.
    batches = Batches(torch.device("cuda"), 0)
    rows = batches.run(100, _fits(16))
    assert rows == [(start, min(start + 16, 100)) for start in range(0, 100, 16)]
    assert batches.size == 16


def test_a_batch_size_that_was_asked_for_is_refused_with_the_one_that_fits() -> None:
    with pytest.raises(ModelMissing, match="64 pictures at a time; a batch size of 16 fits"):
        Batches(torch.device("cuda"), 64).run(100, _fits(16))
    with pytest.raises(ModelMissing, match="this model and one picture"):
        Batches(torch.device("cuda"), 0).run(3, _fits(0))


def test_the_end_of_memory_of_the_processor_is_one_too() -> None:
    def work(start: int, stop: int, size: int) -> int:
        return len(torch.empty(1 if size <= 16 else size * 2**45))  # more than there can be

    with pytest.raises(ModelMissing, match=r"cpu .* 64 pictures .*; a batch size of 16 fits"):
        Batches(torch.device("cpu"), 64).run(100, work)
    with pytest.raises(RuntimeError, match="another"):
        Batches(torch.device("cpu"), 64).run(1, _fails)


def _fails(start: int, stop: int, size: int) -> None:
    raise RuntimeError("another defect")


def test_a_model_that_memory_cannot_hold_is_said_so(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lexsearch.encoders._siglip_tower import SiglipTower

    def moved(self: SiglipTower, *where: Any) -> None:
        torch.empty(2**50)

    monkeypatch.setattr(SiglipTower, "to", moved)
    with pytest.raises(ModelMissing, match="not enough memory to load"):
        build("encoders.models", f"siglip:{tiny.siglip}?words=0")


def _fits(most: int) -> Any:
    def work(start: int, stop: int, size: int) -> tuple[int, int]:
        if size > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return start, stop

    return work


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    real = importlib.import_module

    def without_torch(name: str, package: str | None = None) -> Any:
        if name == "lexsearch.encoders.models.clip":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, package)

    monkeypatch.setattr("lexsearch.registry.importlib.import_module", without_torch)
    with pytest.raises(ModelMissing, match=r"pip install 'lexsearch\[models\]'"):
        build("encoders.models", "clip-b32")


def test_half_precision_stays_close(tiny: Any) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    full = build("encoders.models", f"clip:{tiny.clip}?words=0").encode_pixels(pixels)
    half = build("encoders.models", f"clip:{tiny.clip}?words=0&dtype=bf16").encode_pixels(pixels)
    cosine = (full.dense.values * half.dense.values).sum(axis=1)
    assert cosine == pytest.approx(1, abs=5e-3)
    assert half.dense.values.dtype == np.float32


@pytest.mark.gpu
def test_a_gpu_gives_what_the_processor_gives(tiny: Any) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    pixels = np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    found = [
        build("encoders.models", f"clip:{tiny.clip}?words=0&dtype=fp32&device={device}")
        .encode_pixels(pixels).dense.values
        for device in ("cpu", "cuda")
    ]  # fmt: skip
    assert np.abs(found[0] - found[1]).max() < 1e-4
