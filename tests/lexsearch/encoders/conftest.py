"""The fixture `tiny`: checkpoints with random weights in the layouts of the published ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TEXTS = [
    "a red bike in the park", "two dogs on the beach", "a photo of a green house",
    "The man is riding a white horse.", "The focus of lies on important words",
]  # fmt: skip


@dataclass(frozen=True)
class Tiny:
    """Folders: CLIP of transformers and of open_clip, TULIP and DeCLIP's FILIP as torch files,
    FILIP as trained here, SigLIP, SigLIP 2 with NaFlex, LexVLA with its backbones, LiMBeR."""

    root: Path

    def __getattr__(self, name: str) -> Path:
        return self.root / name


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tf = pytest.importorskip("transformers", reason="transformers is not installed")
    tf.utils.logging.disable_progress_bar()
    torch.set_num_threads(
        1
    )  # tiny matrices gain nothing from more, and lose much on a busy machine
    torch.manual_seed(7)
    made = Tiny(tmp_path_factory.mktemp("tiny"))
    size = tokenizer(made.clip, ends=("<|startoftext|>", "<|endoftext|>"))
    _clip(made, tf, size)
    _open_clip(made, torch, size)
    _declip(made, torch, size)
    _siglip(made, tf)
    _lexvla(made, torch, tf)
    _filip(made)
    return made


SMALL: dict[str, Any] = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
}  # fmt: skip


@pytest.fixture(scope="session")
def make_tokenizer() -> Any:
    """`tokenizer` for tests that build a checkpoint of their own."""
    return tokenizer


def _clip(made: Tiny, tf: Any, size: int) -> None:
    text = {
        **SMALL, "vocab_size": size, "bos_token_id": size - 2, "eos_token_id": 2,
        "max_position_embeddings": 77,
    }  # fmt: skip
    vision = {**SMALL, "image_size": 32, "patch_size": 8}
    model = tf.CLIPModel(tf.CLIPConfig(text_config=text, vision_config=vision, projection_dim=48))
    spread(model)
    model.save_pretrained(made.clip)


def _open_clip(made: Tiny, torch: Any, size: int) -> None:
    from safetensors.torch import save_file

    from lexsearch.nn.clip_text import ClipText, TextShape
    from lexsearch.nn.clip_vision import ClipVision, VisionShape

    text = ClipText(TextShape(size, 64, 48, 2, 1, 256))
    visual = ClipVision(VisionShape(64, 48, 2, 1, 256, 8, 32))
    spread(text)
    spread(visual)
    state = dict(text.state_dict())
    state |= {f"visual.{k}": v for k, v in visual.state_dict().items()}
    state["logit_scale"] = torch.tensor(4.6)
    for name in ("open_clip", "tulip"):
        (made.root / name).mkdir()
        (made.root / name / "tokenizer.json").write_bytes(
            (made.clip / "tokenizer.json").read_bytes()
        )
    save_file(state, str(made.open_clip / "open_clip_model.safetensors"))
    config = {"model_cfg": {"embed_dim": 48, "quick_gelu": True, "vision_cfg": {}, "text_cfg": {}}}
    (made.open_clip / "open_clip_config.json").write_text(json.dumps(config))
    torch.save(
        {"epoch": 1, "name": "tulip", "state_dict": {f"module.{k}": v for k, v in state.items()}},
        made.tulip / "epoch_1.pt",
    )


def _declip(made: Tiny, torch: Any, size: int) -> None:
    from lexsearch.nn.clip_text import ClipText, TextShape
    from lexsearch.nn.clip_vision import ClipVision, VisionShape
    from lexsearch.nn.declip import DeclipFilip

    text = ClipText(TextShape(size + 1, 64, 40, 2, 1, 256))
    model = DeclipFilip(ClipVision(VisionShape(64, 40, 2, 1, 256, 8, 32)), text, 24)
    spread(model)
    state = dict(model.state_dict())
    state["encode_text.text_projection.weight"] = state.pop(
        "encode_text.text_projection"
    ).T.contiguous()
    state["encode_text.text_projection.bias"] = state.pop("projection_bias")
    state["text_label_predictor.weight"] = torch.zeros(size + 1, 64)
    state["text_label_predictor.bias"] = torch.zeros(size + 1)
    made.declip.mkdir()
    (made.declip / "tokenizer.json").write_bytes((made.clip / "tokenizer.json").read_bytes())
    torch.save(
        {"model": {f"module.{k}": v for k, v in state.items()}}, made.declip / "ckpt.pth.tar"
    )


def _siglip(made: Tiny, tf: Any) -> None:
    for name, kind, config, extra in (
        ("siglip", tf.SiglipModel, tf.SiglipConfig, {"image_size": 32}),
        ("siglip2", tf.Siglip2Model, tf.Siglip2Config, {"num_patches": 16}),
    ):
        size = tokenizer(made.root / name, starts=("<pad>", "<eos>"))
        text = {
            **SMALL, "vocab_size": size, "max_position_embeddings": 64, "projection_size": 64,
            "bos_token_id": 1, "eos_token_id": 1,
        }  # fmt: skip
        vision = {**SMALL, "patch_size": 8, **extra}
        model = kind(config(text_config=text, vision_config=vision))
        spread(model)
        model.save_pretrained(made.root / name)


def _lexvla(made: Tiny, torch: Any, tf: Any) -> None:
    from safetensors.torch import save_file

    from lexsearch.nn.lexvla import PROMPT, LexVla
    from lexsearch.nn.lora import add_lora, lora_state

    dino = tf.Dinov2Model(
        tf.Dinov2Config(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8
        )
    )
    size = tokenizer(made.llama, starts=("<unk>", "<s>", "</s>"), begin=True)
    llama = tf.LlamaForCausalLM(tf.LlamaConfig(**SMALL, vocab_size=size))
    for model, name in ((dino, "dino"), (llama, "llama")):
        spread(model)
        model.save_pretrained(made.root / name)
    decoder = llama.base_model
    add_lora(decoder, rank=2, alpha=4.0)
    head = LexVla(llama.lm_head.weight, torch.arange(3, size), image_width=32, heads=4)
    with torch.no_grad():
        head.z_img.add_(0.05 * torch.randn_like(head.z_img))
    made.lexvla.mkdir()
    state = {k: v.contiguous() for k, v in head.state_dict().items() if k != "z_txt"}
    state |= {f"lora.{k}": v.contiguous() for k, v in lora_state(decoder).items()}
    save_file(state, str(made.lexvla / "lexvla.safetensors"))
    (made.lexvla / "prompt.json").write_text(json.dumps({"prompt": PROMPT}))
    said = {
        "recipe": "lexvla", "image_model": str(made.dino), "text_model": str(made.llama),
        "image_size": 32, "lora_rank": 2, "lora_alpha": 4.0, "lora_targets": [],
        "adapter_heads": 4, "adapter_inner": 0, "max_tokens": 160, "text": "prompt",
    }  # fmt: skip
    (made.lexvla / "config.json").write_text(json.dumps(said))


def _filip(made: Tiny) -> None:
    from safetensors.torch import save_file

    from lexsearch.encoders._backbones import ImageTower, Source, TextTower
    from lexsearch.nn.filip import Filip, FilipHeads

    source = Source(str(made.clip), local=True)
    model = Filip(ImageTower(source, side=32), TextTower(source), FilipHeads(64, 64, 24))
    made.filip.mkdir()
    save_file(
        {k: v.contiguous() for k, v in model.state_dict().items()},
        str(made.filip / "filip.safetensors"),
    )
    (made.filip / "tokenizer.json").write_bytes((made.clip / "tokenizer.json").read_bytes())
    said = {
        "recipe": "filip", "image_model": str(made.clip), "text_model": str(made.clip),
        "image_size": 32, "dim": 24, "include_cls": False, "max_tokens": 77,
    }  # fmt: skip
    (made.filip / "config.json").write_text(json.dumps(said))


def spread(model: Any) -> None:
    """Weights large enough that different inputs give different outputs."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                parameter.normal_(std=0.15)


def tokenizer(
    folder: Path,
    *,
    starts: Sequence[str] = (),
    ends: Sequence[str] = (),
    begin: bool = False,
    plain: bool = False,
) -> int:
    """Byte-level BPE in a folder; special tokens get the lowest or the highest ids."""
    import transformers as tf
    from tokenizers import (
        AddedToken,
        Tokenizer,
        decoders,
        models,
        pre_tokenizers,
        processors,
        trainers,
    )

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=300, special_tokens=list(starts), show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )  # fmt: skip
    made.add_special_tokens([AddedToken(token, special=True) for token in ends])
    if ends:
        single, used = f"{ends[0]} $A {ends[1]}", ends
    elif begin:
        single, used = f"{starts[1]} $A", starts[1:2]
    else:
        single, used = f"$A {starts[1]}", starts[1:2]
    if not plain:
        made.post_processor = processors.TemplateProcessing(
            single=single, special_tokens=[(token, made.token_to_id(token)) for token in used]
        )
    end = ends[1] if ends else starts[-1]
    tf.PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token=end, pad_token=ends[1] if ends else starts[0]
    ).save_pretrained(folder)
    return int(made.get_vocab_size())
