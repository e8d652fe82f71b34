"""The recipe of the bundled model, from the data folder to the files that ship."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer

from lexsearch.nn.mini import TEXT_VOCAB, Mini, MiniShape
from lexsearch.nn.rotary import expanded_theta
from lexsearch.training.batches import Source
from lexsearch.training.choose import (
    Measured,
    choose_word_fires,
    encode_photos,
    measure,
    summary,
)
from lexsearch.training.config import MiniConfig
from lexsearch.training.data import (
    CHOOSING,
    PhotoSet,
    captioned,
    class_names,
    text_lines,
    training_sets,
)
from lexsearch.training.export import Chosen, calibrated_scales, export_model
from lexsearch.training.features import WHOLE, Backbone, Features, View, features_of, load_backbone
from lexsearch.training.fusion import Fusion, choose_depth, choose_fusion, fuse, recalls
from lexsearch.training.pairs import train_pairs
from lexsearch.training.paraphrases import paraphrases
from lexsearch.training.targets import WordTargets
from lexsearch.training.text_stage import Teacher, distil, train_teacher
from lexsearch.training.tokenizer import train_tokenizer
from lexsearch.training.vocabulary import VocabularyTable, build_table, class_head_words
from lexsearch.training.wordnet import WordNetNouns

BACKBONE = "weights/deit_tiny_fp16.safetensors"
FROZEN = MiniShape(words=0).frozen
FLOORS = (0.8, 0.9, 0.95)  # of the stored form, tried after training


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of a run: data and scenes are read, out is written, wordnet has the noun files.

    device: where features of photos are computed.
    """

    data: Path
    scenes: Path | None
    out: Path
    wordnet: Path
    device: str = "cpu"


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What the stages and the export need.

    groups: sentences of one picture each, two or more, for the text stage; none of the choosing
    set's. lines: other texts, long ones among them.
    """

    table: VocabularyTable
    tokenizer: Tokenizer
    targets: WordTargets
    backbone: Backbone
    sources: dict[str, list[Source]]
    choosing: PhotoSet
    choosing_features: Features
    groups: list[list[str]]
    lines: list[str]


def prepare(places: Places, config: MiniConfig, say: Callable[[str], None]) -> Prepared:
    """Vocabulary, tokenizer, word targets and features; each is kept in the run's folder."""
    places.out.mkdir(parents=True, exist_ok=True)
    sets = training_sets(places.data, places.scenes, held_out=config.held_out)
    captions = text_lines(places.data, "captions.txt")
    long = text_lines(places.data, "long_captions.txt")
    lines = captions + long
    spoken = [
        text
        for group in sets.values()
        for photos in group
        for texts in photos.texts
        for text in texts
    ]
    backbone_names, label_names = class_names(places.data)
    table = build_table(lines + spoken, backbone_names + label_names, WordNetNouns(places.wordnet))
    tokenizer = train_tokenizer(lines + spoken, vocab_size=TEXT_VOCAB)
    tokenizer.save(str(places.out / "tokenizer.json"))
    heads = [next(iter(class_head_words([name])), None) for name in backbone_names]
    targets = WordTargets(table, hypernym=config.w_hypernym, class_heads=heads)
    backbone = load_backbone(places.data / BACKBONE)
    say(f"vocabulary of {len(table.entries)} entries, tokenizer of {tokenizer.get_vocab_size()}")
    cache = places.out / "features"
    sources = {
        kind: [_source(p, kind, backbone, targets, config, cache, say) for p in group]
        for kind, group in sets.items()
    }
    choosing = captioned(places.data / "photos" / CHOOSING, CHOOSING)
    features = features_of(choosing, backbone, cache=cache, frozen=FROZEN, say=say)
    unseen = [text for texts in choosing.texts for text in texts]
    groups = [g for g in paraphrases(captions, without=unseen) if len(g) > 1]
    say(f"{len(groups)} groups of sentences about one picture")
    groups += [list(texts) for p in sets["scenes"] for texts in p.texts if len(texts) > 1]
    return Prepared(table, tokenizer, targets, backbone, sources, choosing, features, groups, long)


def _source(
    photos: PhotoSet,
    kind: str,
    backbone: Backbone,
    targets: WordTargets,
    config: MiniConfig,
    cache: Path,
    say: Callable[[str], None],
) -> Source:
    views = [WHOLE]
    if kind == "captions":
        # Every second crop is mirrored, as one of the two whole views is.
        views += [
            View(flip=True),
            *(View(flip=n % 2 == 0, crop=n) for n in range(1, config.crops + 1)),
        ]
    seen = {
        view: features_of(photos, backbone, cache=cache, frozen=FROZEN, view=view, say=say)
        for view in views
    }
    plain = [features for view, features in seen.items() if not view.flip]
    mirrored = [features for view, features in seen.items() if view.flip]
    weight = 0.0 if kind == "scenes" else config.w_class
    words = [
        targets.of_photo(texts, plain[0].logits[i], weight) for i, texts in enumerate(photos.texts)
    ]
    return Source(photos, plain, mirrored, words)


def run(places: Places, config: MiniConfig, *, say: Callable[[str], None]) -> tuple[Prepared, Mini]:
    """Train, resuming what the run's folder already has; returns the averaged model."""
    start = time.monotonic()

    def tell(text: str) -> None:
        say(f"[{time.monotonic() - start:6.0f} s] {text}")

    torch.manual_seed(config.seed)
    prepared = prepare(places, config, tell)
    model = fresh_model(prepared, places, config, say=tell)

    def evaluate(candidate: Mini) -> str:
        return summary(measured_on_choosing(candidate, prepared, config))

    averaged = train_pairs(
        model,
        prepared.sources,
        prepared.tokenizer,
        prepared.targets,
        config,
        checkpoint=places.out / "pairs.pt",
        say=tell,
        evaluate=evaluate,
    )
    (places.out / "done.json").write_text(json.dumps({"steps": config.steps, "seed": config.seed}))
    return prepared, averaged


def fresh_model(
    prepared: Prepared, places: Places, config: MiniConfig, *, say: Callable[[str], None]
) -> Mini:
    """The model as the contrastive stage finds it: backbone, trained text side, frozen Z_txt."""
    model = Mini(shape_of(prepared, config))
    model.image.start_from(prepared.backbone.tower)
    train_text(model, prepared, places, config, say=say)
    model.freeze_text_codebook()
    return model


def shape_of(prepared: Prepared, config: MiniConfig) -> MiniShape:
    """The model's shape, its rotary base expanded from the teacher's context to the full one."""
    plain = MiniShape(words=len(prepared.table.entries))
    head_dim = plain.width // plain.heads
    theta = expanded_theta(config.teacher_tokens, plain.context, head_dim, alpha=config.alpha)
    return replace(plain, theta=theta, absolute=config.absolute)


def train_text(
    model: Mini,
    prepared: Prepared,
    places: Places,
    config: MiniConfig,
    *,
    say: Callable[[str], None],
) -> None:
    """The text stage into `model`: teacher, then a student with the base theta, then expansion."""
    shape = MiniShape(words=model.shape.words)
    tokenizer, targets = prepared.tokenizer, prepared.targets
    teacher: Teacher = train_teacher(
        shape, prepared.groups, tokenizer, targets, config,
        checkpoint=places.out / "teacher.pt", say=say,
    )  # fmt: skip
    if config.absolute:
        model.text.load_state_dict(teacher.text.state_dict())
        with torch.no_grad():
            model.z_txt.copy_(teacher.z_txt)
        return
    student = Mini(shape)
    lines = [text for group in prepared.groups for text in group] + prepared.lines
    distil(
        teacher, student, lines, tokenizer, config,
        checkpoint=places.out / "student.pt", say=say,
    )  # fmt: skip
    model.text.load_state_dict(student.text.state_dict())
    with torch.no_grad():
        model.z_txt.copy_(student.z_txt)


def measured_on_choosing(model: Mini, prepared: Prepared, config: MiniConfig) -> Measured:
    """The choosing set, measured."""
    return measure(
        model,
        prepared.choosing,
        prepared.choosing_features,
        prepared.tokenizer,
        prepared.targets,
        config,
    )


def _fused(
    model: Mini, prepared: Prepared, config: MiniConfig
) -> tuple[MiniConfig, Measured, Fusion]:
    measured = measured_on_choosing(model, prepared, config)
    return config, measured, choose_fusion(measured.scores, measured.own)


def finish(
    places: Places,
    config: MiniConfig,
    prepared: Prepared,
    model: Mini,
    *,
    say: Callable[[str], None],
) -> Path:
    """Choose floor and fusion, calibrate the scales, export; returns the manifest's path."""
    tried = [_fused(model, prepared, replace(config, word_floor=floor)) for floor in FLOORS]
    stored, measured, fusion = max(tried, key=lambda one: one[2].held_out)
    say(f"words lowered by {stored.word_floor} of the heaviest left out")
    depth = choose_depth(measured.scores, measured.own, fusion.weights)
    fires = choose_word_fires(measured, prepared.choosing, prepared.targets)
    say(summary(measured))
    say(f"held-out R@10 of the fusion {fusion.held_out:.1f}, depth {depth}, word fires at {fires}")
    features = prepared.sources["captions"][0].plain[0]
    some = Features(features.tokens[:1000], features.logits[:1000])
    _, tokens, lexical = encode_photos(model, some, stored)
    channels = {**measured.scores, "hybrid": fuse(measured.scores, fusion.weights)}
    figures = {
        "set": CHOOSING,
        **{name: recalls(scores, measured.own) for name, scores in channels.items()},
        "hybrid_held_out": {"R@10": fusion.held_out},
        "words_photo": measured.words_photo,
        "words_text": measured.words_text,
    }
    path = export_model(
        model,
        prepared.backbone.tower,
        prepared.table,
        places.out / "tokenizer.json",
        places.out / "model",
        config=config,
        chosen=Chosen(
            fusion=fusion.weights,
            first_stage=depth,
            word_fires=fires,
            word_floor=stored.word_floor,
            **calibrated_scales(lexical, tokens),
        ),
        measured=figures,
    )
    say(f"model written to {path.parent}")
    return path
