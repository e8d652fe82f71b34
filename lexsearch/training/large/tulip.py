"""Training of TULIP (arXiv 2410.10034): a CLIP whose text tower reads long captions.

Stage 1 distils a tower with rotary positions from CLIP's; stage 2 stretches theta and trains both
towers on long and short captions.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from lexsearch.encoders._backbones import (
    Source,
    clip_model,
    save_memory,
    statistics,
    token_rows,
    tokenizer_of,
)
from lexsearch.errors import ModelMissing, UsageError
from lexsearch.nn.clip_text import (
    Activation,
    ClipText,
    cut,
    from_hugging_face,
    load_text,
    text_shape,
    vision_from_hugging_face,
)
from lexsearch.training.large.config import TulipConfig, as_plain
from lexsearch.training.large.data import (
    Pairs,
    Pixels,
    first_sentence,
    longest,
    read_pairs,
    rows_of,
)
from lexsearch.training.large.loop import Run, train
from lexsearch.training.losses import distance_of_directions, infonce
from lexsearch.training.schedule import MAX_SCALE, clamped_scale

WEIGHTS, STAGE_1, CONFIG_FILE = "tulip.safetensors", "stage1.safetensors", "config.json"


class ClipImage(nn.Module):
    """CLIP's image tower and its projection; pixels to (batch, dim), not of unit length."""

    def __init__(self, clip: Any) -> None:
        super().__init__()
        self.vision_model: Any = clip.vision_model
        self.visual_projection: Any = clip.visual_projection

    def forward(self, pixels: Tensor) -> Tensor:
        """pixels: (batch, 3, side, side), normalised."""
        out: Tensor = self.visual_projection(self.vision_model(pixel_values=pixels).pooler_output)
        return out


@dataclass(frozen=True, slots=True)
class Parts:
    """A whole TULIP and the teacher it comes from.

    Attributes:
        teacher: CLIP's text tower, frozen.
        student: the rotary one.
        image: CLIP's image tower.
        tokenizer: of CLIP.
        logit_scale: the temperature of CLIP, as a module so that it is saved.
        pixels: how photos are read.
        form: what a file of weights does not say: activations and heads.
    """

    teacher: ClipText
    student: ClipText
    image: ClipImage
    tokenizer: Any
    logit_scale: nn.ParameterList
    pixels: Pixels
    form: Mapping[str, Any]


def build(config: TulipConfig, *, random_weights: bool = False) -> Parts:
    """Load CLIP and make the student from its text tower.

    Raises:
        UsageError: trained_length is more than CLIP's context.
    """
    source = Source(config.model, random=random_weights, local=config.local_files_only)
    clip = clip_model(source)
    text, vision = clip.config.text_config, clip.config.vision_config
    state = from_hugging_face(clip.state_dict())
    shape = text_shape(state, heads=text.num_attention_heads)
    context = state["positional_embedding"].shape[0]
    if config.trained_length > context:
        raise UsageError(
            f"trained_length {config.trained_length}; expected at most {context}, "
            f"the context of {config.model}"
        )
    teacher = ClipText(shape, context=context, activation=_activation(text.hidden_act))
    student = ClipText(
        shape,
        context=config.trained_length,
        positions="rotary",
        activation=_activation(config.activation),
    )
    load_text(teacher, state)
    load_text(student, state)
    if config.save_memory:
        save_memory(clip.vision_model)
    return Parts(
        teacher.requires_grad_(False).eval(),
        student,
        ClipImage(clip),
        None if random_weights else tokenizer_of(source),
        nn.ParameterList([clip.logit_scale]),
        Pixels(vision.image_size, *statistics(source, clip=True)),
        {
            "vision_activation": vision.hidden_act,
            "text_heads": shape.heads,
            "vision_heads": vision.num_attention_heads,
        },
    )


def _activation(name: str) -> Activation:
    return "quick_gelu" if name == "quick_gelu" else "gelu"


def tokens(tokenizer: Any, texts: Sequence[str], context: int) -> Tensor:
    """Ids of texts, padded with 0 to the longest, at most `context`; the end token stays last."""
    rows = token_rows(tokenizer, texts)
    return cut(rows, min(context, max(len(row) for row in rows)))


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts of stage 1; ids: int64 (n, tokens)."""

    ids: Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, rows: slice) -> Texts:
        """The samples of some rows."""
        return Texts(self.ids[rows])


@dataclass(slots=True)
class Distillation:
    """Stage 1 as the loop sees it: the student says of a text what the teacher says."""

    parts: Parts
    texts: Sequence[str]
    config: TulipConfig
    device: torch.device
    trained: Mapping[str, nn.Module] = field(init=False)

    def __post_init__(self) -> None:
        self.parts.student.token_embedding.requires_grad_(False)
        self.trained = {"student": self.parts.student}

    def draw(self, number: int, chooser: random.Random) -> Texts:
        """Captions of all photos, each once before any comes twice."""
        rows = rows_of(len(self.texts), self.config.distil_batch, number, self.config.seed)
        texts = [self.texts[row] for row in rows]
        ids = tokens(self.parts.tokenizer, texts, self.config.trained_length)
        return Texts(ids.to(self.device))

    def encode(self, batch: Texts) -> tuple[Tensor, ...]:
        """Features of student and teacher, (n, dim) each."""
        with torch.no_grad():
            wanted = self.parts.teacher(batch.ids).float()
        return self.parts.student(batch.ids).float(), wanted

    def losses(self, codes: Sequence[Tensor], batch: Texts) -> dict[str, Tensor]:
        """Mean of 1 - cosine."""
        return {"distance": distance_of_directions(codes[0], codes[1])}

    def weights(self, step: int) -> Mapping[str, float]:
        """There is one loss."""
        return {"distance": 1.0}

    def after(self) -> None:
        """Nothing has a range."""


@dataclass(frozen=True, slots=True)
class Captioned:
    """Pictures with a long and a short text each."""

    pixels: Tensor
    long: Tensor
    short: Tensor

    def __len__(self) -> int:
        return len(self.pixels)

    def part(self, rows: slice) -> Captioned:
        """The samples of some rows."""
        return Captioned(self.pixels[rows], self.long[rows], self.short[rows])


def short_and_long(captions: Sequence[str]) -> tuple[str, str]:
    """The longest caption, and before it its first sentence.

    A longest caption of one sentence has the shortest other caption as its short form.
    """
    long = longest(captions)
    short = first_sentence(long)
    if short.rstrip(" .") == long.rstrip(" .") and len(captions) > 1:
        short = min(captions, key=len)
    return short, long


@dataclass(slots=True)
class Expansion:
    """Stage 2 as the loop sees it: contrast with long and with short captions."""

    parts: Parts
    pairs: Pairs
    config: TulipConfig
    device: torch.device
    trained: Mapping[str, nn.Module] = field(init=False)

    def __post_init__(self) -> None:
        self.parts.student.requires_grad_(True)
        self.trained = {
            "student": self.parts.student,
            "image": self.parts.image,
            "logit_scale": self.parts.logit_scale,
        }

    def draw(self, number: int, chooser: random.Random) -> Captioned:
        """Photos with their two texts."""
        rows = rows_of(len(self.pairs.paths), self.config.batch, number, self.config.seed)
        short, long = zip(*(short_and_long(self.pairs.captions[row]) for row in rows), strict=True)
        context, tokenizer = self.parts.student.context, self.parts.tokenizer
        pixels = self.parts.pixels.read([self.pairs.paths[row] for row in rows])
        return Captioned(
            pixels.to(self.device),
            tokens(tokenizer, long, context).to(self.device),
            tokens(tokenizer, short, context).to(self.device),
        )

    def encode(self, batch: Captioned) -> tuple[Tensor, ...]:
        """Unit features of pictures, long and short texts, (n, dim) each."""
        features = (
            self.parts.image(batch.pixels),
            self.parts.student(batch.long),
            self.parts.student(batch.short),
        )
        return tuple(F.normalize(x.float(), dim=1) for x in features)

    def losses(self, codes: Sequence[Tensor], batch: Captioned) -> dict[str, Tensor]:
        """CLIP's loss with either kind of text."""
        image, long, short = codes
        scale = clamped_scale(self.parts.logit_scale[0])
        return {"long": infonce(scale * image @ long.T), "short": infonce(scale * image @ short.T)}

    def weights(self, step: int) -> Mapping[str, float]:
        """0.8 and 0.2 in the paper's code."""
        return {"long": self.config.long_weight, "short": self.config.short_weight}

    def after(self) -> None:
        """The temperature stays at 0.01 or above."""
        with torch.no_grad():
            self.parts.logit_scale[0].clamp_(max=MAX_SCALE)


def run_tulip(config: TulipConfig, data: Path, run: Run) -> Path:
    """Both stages on a folder of pairs; returns the folder of the finished model."""
    pairs = read_pairs(data)
    parts = build(config)
    for module in (parts.teacher, parts.student, parts.image, parts.logit_scale):
        module.to(run.device)
    texts = [caption for captions in pairs.captions for caption in captions]
    distillation = Distillation(parts, texts, config, run.device)
    train(distillation, config.stage1(), run, name="distil")
    model = run.out / "model"
    model.mkdir(parents=True, exist_ok=True)
    save_file(_plain(parts.student.state_dict()), str(model / STAGE_1))
    to_stage_2(parts, config)
    train(Expansion(parts, pairs, config, run.device), config, run, name="tulip")
    return save_tulip(parts, config, model)


def to_stage_2(parts: Parts, config: TulipConfig) -> None:
    """Expand theta, and take CLIP's own projection unless the config keeps the student's.

    The official code copies everything but `text_projection` from stage 1.
    """
    if not config.keep_projection:
        with torch.no_grad():
            parts.student.text_projection.copy_(parts.teacher.text_projection)
    parts.student.expand(config.new_length, config.alpha)


def save_tulip(parts: Parts, config: TulipConfig, folder: Path) -> Path:
    """Write the model under the names of open_clip, its tokenizer, and what no tensor says."""
    folder.mkdir(parents=True, exist_ok=True)
    state = dict(parts.student.state_dict())
    state |= vision_from_hugging_face(parts.image.state_dict())
    state["logit_scale"] = parts.logit_scale[0].detach()
    save_file(_plain(state), str(folder / WEIGHTS))
    parts.tokenizer.save_pretrained(str(folder))
    said = {
        "recipe": "tulip",
        **as_plain(config),
        **parts.form,
        "theta": parts.student.theta,
        "context": parts.student.context,
        "text_activation": parts.student.activation,
        "image_size": parts.pixels.side,
        "mean": list(parts.pixels.mean),
        "std": list(parts.pixels.std),
    }
    (folder / CONFIG_FILE).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    return folder


def load_tulip_text(folder: Path) -> ClipText:
    """The text tower of a saved model.

    Raises:
        ModelMissing: a file is missing, or tensors are missing or unexpected; names them.
    """
    try:
        said = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        state = load_file(str(folder / WEIGHTS))
        shape = text_shape(state, heads=int(said["text_heads"]))
        tower = ClipText(
            shape,
            context=int(said["context"]),
            positions="rotary",
            activation=said["text_activation"],
            theta=float(said["theta"]),
        )
        load_text(tower, state)
    except (OSError, KeyError) as error:
        raise ModelMissing(f"{folder} does not hold a TULIP model: {error}") from error
    return tower.eval()


def _plain(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in state.items()}
