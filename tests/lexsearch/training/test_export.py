"""The files that ship say what the torch model says."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("simplemma", reason="simplemma is not installed")

from lexsearch.nn.mini import Mini, MiniShape  # noqa: E402
from lexsearch.nn.vit import Vit  # noqa: E402
from lexsearch.training.config import MiniConfig  # noqa: E402
from lexsearch.training.export import (  # noqa: E402
    Chosen,
    ImageGraph,
    TextGraph,
    calibrated_scales,
    export_model,
    quantised_rows,
)
from lexsearch.training.quantise import full_precision, static_int8  # noqa: E402
from lexsearch.training.vocabulary import VocabularyTable  # noqa: E402

# The exporter in use is the older one of torch, which says so.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]
CHOSEN = Chosen({"lexical": 0.2, "dense": 0.5, "late": 0.3}, 100, 0.05, 0.9, 0.4, 0.3)


@pytest.fixture(scope="module")
def exported(small: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Mini, Vit, Path]:
    torch.manual_seed(3)
    shape = MiniShape(words=small.words, text_vocab=300, text_depth=2, adapter_depth=1)
    model, tower = Mini(shape), Vit()
    for block in tower.blocks:
        for parameter in block.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.05)
    model.image.start_from(tower)
    folder = tmp_path_factory.mktemp("export")
    small.tokenizer().save(str(folder / "tokenizer.json"))
    table = VocabularyTable(tuple(f"w{i}" for i in range(small.words)), {"ws": "w1"}, {})
    export_model(
        model, tower, table, folder / "tokenizer.json", folder / "model",
        config=MiniConfig(), chosen=CHOSEN, measured={"set": "none"},
    )  # fmt: skip
    return model, tower, folder / "model"


def pixels(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (1, 224, 224, 3), np.uint8)


def test_the_image_graph_agrees_with_torch(exported: tuple[Mini, Vit, Path]) -> None:
    model, tower, folder = exported
    session = onnxruntime.InferenceSession(str(folder / "image.onnx"))
    with torch.inference_mode():
        wanted = ImageGraph(tower, model).eval()(torch.from_numpy(pixels(1)))
    for ours, theirs in zip(session.run(None, {"pixels": pixels(1)}), wanted, strict=True):
        assert np.abs(ours - theirs.numpy()).max() < 1e-3


def test_the_text_graph_agrees_with_torch_at_any_length(exported: tuple[Mini, Vit, Path]) -> None:
    model, _, folder = exported
    session = onnxruntime.InferenceSession(str(folder / "text.onnx"))
    for length in (1, 7, 248):
        ids = np.random.default_rng(length).integers(1, 300, (1, length))
        with torch.inference_mode():
            wanted = TextGraph(model).eval()(torch.from_numpy(ids))
        for ours, theirs in zip(session.run(None, {"ids": ids}), wanted, strict=True):
            assert np.abs(ours - theirs.numpy()).max() < 1e-3


def test_the_whole_tower_is_the_frozen_part_and_the_trained_one(
    exported: tuple[Mini, Vit, Path],
) -> None:
    model, tower, _ = exported
    one = torch.from_numpy(pixels(2))
    with torch.inference_mode():
        lower = tower.lower(one, model.shape.frozen)
        assert torch.allclose(tower(one), tower.upper(lower, model.shape.frozen))
        upper = lower
        for block in model.image.upper:
            upper = block(upper)
        assert torch.allclose(model.image.upper_norm(upper), tower(one), atol=1e-5)


def test_the_manifest_names_every_file_with_its_hash_and_what_was_chosen(
    exported: tuple[Mini, Vit, Path],
) -> None:
    _, _, folder = exported
    manifest = json.loads((folder / "model.json").read_text())
    assert {path.name for path in folder.iterdir()} == {*manifest["files"], "model.json"}
    assert manifest["first_stage"] == 100
    assert manifest["word_fires"] == 0.05
    assert manifest["identity"]["lexical_scale"] == 0.4


def test_codebook_rows_lose_less_than_half_a_step() -> None:
    values = torch.randn(20, 16)
    rows, scales = quantised_rows(values)
    assert rows.dtype == np.int8
    assert (np.abs(rows * scales[:, None] - values.numpy()) <= 0.5001 * scales[:, None]).all()


def test_scales_are_never_below_the_largest_value() -> None:
    scales = calibrated_scales(torch.tensor([[0.1234]]), torch.tensor([[-0.5671]]))
    assert scales == {"lexical_scale": 0.124, "token_scale": 0.568}


def test_the_int8_form_is_close_and_smaller(
    exported: tuple[Mini, Vit, Path], tmp_path: Path
) -> None:
    _, _, folder = exported
    source = folder / "image.onnx"
    full_precision(source, tmp_path / "whole.onnx")
    static_int8(source, tmp_path / "int8.onnx", [pixels(i)[0] for i in range(4)])
    found = {
        name: onnxruntime.InferenceSession(str(path)).run(["dense"], {"pixels": pixels(1)})[0]
        for name, path in {
            "half": source, "whole": tmp_path / "whole.onnx", "int8": tmp_path / "int8.onnx",
        }.items()
    }  # fmt: skip
    assert np.allclose(found["half"], found["whole"], atol=1e-5)
    assert float((found["half"] * found["int8"]).sum()) > 0.9
    assert (tmp_path / "int8.onnx").stat().st_size < source.stat().st_size
