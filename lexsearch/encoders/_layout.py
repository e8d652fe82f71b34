"""Which family a checkpoint belongs to, told by the names of its tensors."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from lexsearch.errors import ModelMissing

# A name that only files of the layout have, the layout, and the family that reads it.
MARKS = (
    ("z_img", "LexVLA as `lexsearch train lexvla` saves it", "lexvla"),
    ("heads.image_mapping.weight", "FILIP as `lexsearch train filip` saves it", "filip"),
    ("encode_text.token_embedding.weight", "FILIP of the DeCLIP repository", "filip"),
    ("vision_model.head.probe", "SigLIP of transformers", "siglip"),
    ("vision_model.embeddings.class_embedding", "CLIP of transformers", "clip"),
    ("visual.class_embedding", "CLIP of open_clip or OpenAI", "clip"),
    ("visual.layer1.0.conv1.weight", "CLIP with a ResNet, of OpenAI", "clip"),
    ("embeddings.cls_token", "DINOv2 or ViT of transformers, a backbone", "lexvla"),
    ("model.embed_tokens.weight", "language model of transformers, a backbone", "lexvla"),
    ("transformer.wte.weight", "language model of transformers, a backbone", "limber"),
    ("token_embedding.weight", "text tower alone, as stage 1 of TULIP writes it", "tulip"),
)


def layout_of(names: Collection[str]) -> tuple[str, str] | None:
    """What the names say: the layout in words, and the family; None when nothing is known."""
    for mark, layout, family in MARKS:
        if mark in names:
            return layout, family
    return None


def wrong_family(source: Path, names: Collection[str], expected: str) -> ModelMissing:
    """The error for a checkpoint that is of another family than `expected`."""
    found = layout_of(names)
    if found is None:
        some = ", ".join(sorted(names)[:3]) or "no tensor at all"
        return ModelMissing(f"{source} is of no known layout ({some}, ...); expected {expected}")
    layout, family = found
    hint = f"; try: --model {family}:{source}" if family != expected.partition(" ")[0] else ""
    return ModelMissing(f"{source} holds a {layout}; expected {expected}{hint}")
