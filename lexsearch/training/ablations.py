"""What each part of the recipe is worth: short runs that differ in one setting.

All runs start from the text stage and the features of a finished run, keep the image tower
frozen and have the same steps and seed; only the comparison between them says something.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lexsearch.nn.mini import Mini
from lexsearch.training.choose import measure
from lexsearch.training.config import MiniConfig
from lexsearch.training.fusion import choose_fusion, fuse, recalls
from lexsearch.training.mini import Places, Prepared, fresh_model, prepare
from lexsearch.training.pairs import train_pairs

ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "the recipe": {},
    "FLOPs loss instead of overuse": {"penalty": "flops"},
    "absolute instead of rotary positions": {"absolute": True},
    "global instead of token-wise (no late loss)": {"w_late": 0.0},
    "no class-word labels": {"w_class": 0.0},
    "words cut as in the paper (ADR 13)": {"word_floor": 0.0},
}
KEPT_WORDS = {"512 words kept instead of 128": 512}


def run_ablations(
    places: Places, config: MiniConfig, *, steps: int, say: Callable[[str], None]
) -> Path:
    """Train and measure every variant; results in OUT/ablations.json, which resumes.

    places.out: a folder in which the text stage of the recipe has run.
    """
    target = places.out / "ablations.json"
    found: dict[str, Any] = json.loads(target.read_text()) if target.is_file() else {}
    for name, changes in ABLATIONS.items():
        if name in found:
            continue
        variant = replace(
            config, steps=steps, tower_rate=0.0, ramp=max(1, steps // 3), average=0.98,
            cut_from=steps // 4, **changes,
        )  # fmt: skip
        prepared = prepare(places, variant, lambda _: None)
        checkpoint = places.out / f"ablation-{len(found)}.pt"
        model = train_pairs(
            fresh_model(prepared, places, variant, say=say), prepared.sources, prepared.tokenizer,
            prepared.targets, variant, checkpoint=checkpoint, say=say, evaluate=lambda _: "trained",
        )  # fmt: skip
        found[name] = _figures(model, prepared, variant)
        if not changes:
            for kept, count in KEPT_WORDS.items():
                found[kept] = _figures(model, prepared, replace(variant, words_per_image=count))
        target.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        checkpoint.unlink(missing_ok=True)
        say(f"{name}: {found[name]}")
    return target


def _figures(model: Mini, prepared: Prepared, config: MiniConfig) -> dict[str, Any]:
    measured = measure(
        model, prepared.choosing, prepared.choosing_features, prepared.tokenizer,
        prepared.targets, config,
    )  # fmt: skip
    fusion = choose_fusion(measured.scores, measured.own)
    scores = {**measured.scores, "hybrid": fuse(measured.scores, fusion.weights)}
    return {
        **{name: recalls(values, measured.own) for name, values in scores.items()},
        "words_photo": measured.words_photo,
        "words_text": measured.words_text,
        "active_photo": measured.active_photo,
        "active_text": measured.active_text,
    }
