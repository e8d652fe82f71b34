"""The fixture `toys`: tiny backbones with random weights, and a folder of coloured pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 60), "blue": (40, 60, 220), "white": (240,) * 3}
SHAPES = ("circle", "square", "bar")
LONG = " It lies on a dark table. There is nothing else to see, and the light comes from above."


@dataclass(frozen=True)
class Toys:
    """Folders: of a CLIP (32 px, 20 tokens), a DINOv2 (28 px), a Llama, and of twelve pairs."""

    clip: Path
    dinov2: Path
    llama: Path
    data: Path


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Toys:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    import transformers as tf

    tf.utils.logging.disable_progress_bar()
    root = tmp_path_factory.mktemp("toys")
    captions = _pairs(root / "data")
    torch.manual_seed(0)
    vocabulary = _tokenizer(captions, root / "clip", ends=("<|startoftext|>", "<|endoftext|>"))
    small: dict[str, Any] = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }  # fmt: skip
    clip = tf.CLIPModel(
        tf.CLIPConfig(
            text_config={
                **small, "vocab_size": vocabulary, "max_position_embeddings": 20,
                "bos_token_id": vocabulary - 2, "eos_token_id": vocabulary - 1,
            },
            vision_config={**small, "image_size": 32, "patch_size": 8},
            projection_dim=24,
        )
    )  # fmt: skip
    _spread(clip, torch)
    clip.save_pretrained(root / "clip")
    dinov2 = tf.Dinov2Model(
        tf.Dinov2Config(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=4, image_size=28, patch_size=14
        )
    )
    _spread(dinov2, torch)
    dinov2.save_pretrained(root / "dinov2")
    words = _tokenizer(captions, root / "llama", starts=("<unk>", "<s>", "</s>"))
    llama = tf.LlamaForCausalLM(tf.LlamaConfig(**small, vocab_size=words))
    _spread(llama, torch)
    llama.save_pretrained(root / "llama")
    return Toys(root / "clip", root / "dinov2", root / "llama", root / "data")


def _spread(model: Any, torch: Any) -> None:
    """Weights large enough that different inputs give different outputs."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                parameter.normal_(std=0.15)


def _pairs(folder: Path) -> list[str]:
    (folder / "images").mkdir(parents=True)
    lines = []
    for i, colour in enumerate(COLOURS):
        for j, shape in enumerate(SHAPES):
            name = f"{colour}-{shape}.png"
            _picture(COLOURS[colour], shape, 40 + 4 * i, 36 + 2 * j).save(folder / "images" / name)
            lines.append(f"{name}\tA {colour} {shape}.{LONG}")
            lines.append(f"{name}\tthe {shape} is {colour}")
    (folder / "captions.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [line.partition("\t")[2] for line in lines]


def _picture(colour: tuple[int, ...], shape: str, width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height), (20, 20, 20))
    draw, box = ImageDraw.Draw(picture), (8, 8, width - 8, height - 8)
    if shape == "circle":
        draw.ellipse(box, fill=colour)
    elif shape == "square":
        draw.rectangle(box, fill=colour)
    else:
        draw.rectangle((0, height // 2 - 4, width, height // 2 + 4), fill=colour)
    return picture


def _tokenizer(
    lines: Sequence[str],
    folder: Path,
    *,
    starts: Sequence[str] = (),
    ends: Sequence[str] = (),
) -> int:
    """Byte-level BPE saved in a folder; special tokens get the lowest or the highest ids."""
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
        lines,
        trainers.BpeTrainer(
            vocab_size=320,
            special_tokens=list(starts),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    made.add_special_tokens([AddedToken(token, special=True) for token in ends])
    begin = (ends or starts[1:])[0]
    pieces = [(token, made.token_to_id(token)) for token in {begin, *ends}]
    single = f"{begin} $A {ends[1]}" if ends else f"{begin} $A"
    made.post_processor = processors.TemplateProcessing(single=single, special_tokens=pieces)
    end = ends[1] if ends else starts[2]
    tf.PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token=begin, eos_token=end, unk_token=begin
    ).save_pretrained(folder)
    return int(made.get_vocab_size())


class Killed(Exception):
    """Stands for a machine that went down."""


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call a run and end it after so many steps, before the next one is logged."""
    from lexsearch.training.curve import LossLog

    def run(work: Any, *, after: int) -> None:
        calls = 0
        append = LossLog.append

        def count(self: LossLog, step: int, losses: Any) -> None:
            nonlocal calls
            append(self, step, losses)
            calls += 1
            if calls == after:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(LossLog, "append", count)
            with pytest.raises(Killed):
                work()

    return run
