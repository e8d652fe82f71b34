"""Writes a trained model as the files that ship: ONNX, codebooks, tables, manifest."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from lexsearch.nn.mini import GRID, POOLED, Mini
from lexsearch.nn.vit import Vit
from lexsearch.training.config import MiniConfig
from lexsearch.training.vocabulary import VocabularyTable
from lexsearch.types import ModelIdentity

OPSET = 18
SMALL = 512  # tensors with fewer values stay float32
PREPROCESSING = "squash-224-bicubic/imagenet-mean-std/1"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen and calibrated after training.

    Attributes:
        fusion: weights on raw scores, by channel.
        first_stage: photos that lexical and dense propose to the hybrid, each.
        word_fires: the stored weight from which on a photo carries a word.
        word_floor: of `lexsearch.ranking.pruning.kept_words`.
        lexical_scale, token_scale: the largest values that stores quantise to.
    """

    fusion: Mapping[str, float]
    first_stage: int
    word_fires: float
    word_floor: float
    lexical_scale: float
    token_scale: float


class ImageGraph(nn.Module):
    """uint8 pixels (1, 224, 224, 3) to dense (1, d), tokens (1, 49, t), words (1, 50, l)."""

    def __init__(self, tower: Vit, model: Mini) -> None:
        super().__init__()
        self.tower, self.frozen, self.side = tower, model.shape.frozen, model.image

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One picture."""
        side = self.side(self.tower.lower(pixels, self.frozen))
        return F.normalize(side.dense, dim=1), side.tokens, side.lexical


class TextGraph(nn.Module):
    """ids (1, n) to dense (1, d), tokens (1, n, t), words (1, l)."""

    def __init__(self, model: Mini) -> None:
        super().__init__()
        self.text = model.text

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One text, every token real."""
        side = self.text(ids)
        return F.normalize(side.dense, dim=1), side.tokens, side.lexical


def export_model(
    model: Mini,
    tower: Vit,
    table: VocabularyTable,
    tokenizer: Path,
    out: Path,
    *,
    config: MiniConfig,
    chosen: Chosen,
    measured: Mapping[str, Any],
) -> Path:
    """Write every file of the model into `out`; returns the manifest's path.

    Weights are stored as float16 and cast to float32 when the session loads; codebooks as int8
    with one scale per row. Arithmetic is float32 throughout.
    """
    out.mkdir(parents=True, exist_ok=True)
    model.eval()
    tower.eval()
    pixels = torch.zeros(1, 224, 224, 3, dtype=torch.uint8)
    names = ["dense", "tokens", "words"]
    _export(ImageGraph(tower, model), pixels, out / "image.onnx", "pixels", names, {})
    axes = {"ids": {1: "n"}, "tokens": {1: "n"}}
    _export(TextGraph(model), torch.tensor([[1, 5, 9, 2]]), out / "text.onnx", "ids", names, axes)
    for name in ("image.onnx", "text.onnx"):
        _halve_weights(out / name)
    _save_codebook(model.z_img, out / "image_words.safetensors")
    _save_codebook(model.z_txt, out / "text_words.safetensors")
    (out / "vocabulary.txt").write_text("\n".join(table.entries) + "\n", encoding="utf-8")
    lemmas = "".join(f"{form}\t{entry}\n" for form, entry in sorted(table.lemmas.items()))
    (out / "lemmas.tsv").write_text(lemmas, encoding="utf-8")
    (out / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    return _write_manifest(model, out, config, chosen, measured)


def _export(
    graph: nn.Module,
    example: Tensor,
    path: Path,
    name: str,
    outputs: list[str],
    axes: dict[str, dict[int, str]],
) -> None:
    with torch.inference_mode():
        torch.onnx.export(
            graph.eval(),
            (example,),
            str(path),
            input_names=[name],
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def _halve_weights(path: Path) -> None:
    """Store large float32 initialisers as float16, each behind a Cast to float32."""
    proto = onnx.load(str(path))
    graph = proto.graph
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALL:
            continue
        name = f"{tensor.name}.half"
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), name))
        casts.append(
            helper.make_node(
                "Cast", [name], [tensor.name], to=TensorProto.FLOAT, name=f"{name}.cast"
            )
        )
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *rest])
    onnx.checker.check_model(proto)
    onnx.save(proto, str(path))


def quantised_rows(values: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """int8 (V, d) and float32 scales (V,); value = int8 * scale."""
    rows = values.detach().float().numpy()
    scales = np.maximum(np.abs(rows).max(axis=1), 1e-8) / 127.0
    return np.rint(rows / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def _save_codebook(values: Tensor, path: Path) -> None:
    rows, scales = quantised_rows(values)
    save_file({"values": rows, "scales": scales}, str(path))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_manifest(
    model: Mini,
    out: Path,
    config: MiniConfig,
    chosen: Chosen,
    measured: Mapping[str, Any],
) -> Path:
    names = (
        "image.onnx", "text.onnx", "image_words.safetensors", "text_words.safetensors",
        "vocabulary.txt", "lemmas.tsv", "tokenizer.json",
    )  # fmt: skip
    hashes = {name: _sha256(out / name) for name in names}
    files = {
        name: {"sha256": digest, "bytes": (out / name).stat().st_size}
        for name, digest in hashes.items()
    }
    shape = model.shape

    def mark(*parts: str, form: str = "") -> str:
        joined = "/".join(hashes[name] for name in parts)
        told = f"{joined}/{PREPROCESSING}/{shape.context}{form}"
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    graphs = ("image.onnx", "text.onnx", "tokenizer.json")
    words = ("image_words.safetensors", "text_words.safetensors", "vocabulary.txt")
    form = f"/{config.words_per_image} words, floor {chosen.word_floor}"
    identity = ModelIdentity(
        name="mini",
        fingerprints={
            "lexical": f"mini/lexical/{mark(*graphs, *words, form=form)}",
            "dense": f"mini/dense/{mark(*graphs)}",
            "tokens": f"mini/tokens/{mark(*graphs)}",
        },
        vocab_hash=hashes["vocabulary.txt"],
        vocab_size=shape.words,
        dense_dim=shape.dense_dim,
        token_dim=shape.token_dim,
        tokens_per_image=POOLED * POOLED,
        lexical_scale=chosen.lexical_scale,
        token_scale=chosen.token_scale,
        words_per_image=config.words_per_image,
    )
    manifest = {
        "identity": asdict(identity),
        "pixels": {"width": 224, "height": 224, "fit": "squash", "resample": "bicubic"},
        "context": shape.context,
        "words_per_text": config.words_per_text,
        "word_floor": chosen.word_floor,
        "patch_grid": [GRID // 2, GRID // 2],
        "first_stage": chosen.first_stage,
        "word_fires": chosen.word_fires,
        "fusion": dict(chosen.fusion),
        "fusion_rule": "fused = sum of weight * raw score",
        "measured": dict(measured),
        "training": asdict(config),
        "files": files,
    }
    path = out / "model.json"
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return path


def calibrated_scales(lexical: Tensor, tokens: Tensor) -> dict[str, float]:
    """Largest stored weight and token component of training photos, rounded up to 1/1000."""
    return {
        "lexical_scale": math.ceil(1000 * float(lexical.max())) / 1000,
        "token_scale": math.ceil(1000 * float(tokens.abs().max())) / 1000,
    }
