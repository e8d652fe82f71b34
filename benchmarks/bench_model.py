"""The quality of the bundled model against its targets.

python -m benchmarks.bench_model [--shared DIR] [--corpus DIR] [--limit N] [--json] [--save]
The data folder is the one that LEXSEARCH_SHARED names; without one only the rendered scenes of the
sample corpus are measured. The targets are those that the model was built for: `must` is what a
release needs, `goal` what it aims at.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.record import save
from lexsearch.cli.terminal import table
from lexsearch.errors import ModelMissing, UsageError
from lexsearch.evaluation.labels import held_out_classes
from lexsearch.evaluation.model_report import ReportPlaces, model_report
from lexsearch.registry import build

MODEL = "mini"
CORPUS = Path(__file__).parents[1] / "sample_corpus"


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table of targets.

    Attributes:
        name: what is measured.
        path: keys of the figure in the report, slashes between.
        must, goal: bounds in the unit that is shown.
        unit: `percent` (of a fraction), `points` (hundredths of a difference) or `times`.
        most: the bounds are upper ones.
    """

    name: str
    path: str
    must: float
    goal: float
    unit: Literal["percent", "points", "times"] = "percent"
    most: bool = False

    def value(self, report: Mapping[str, Any]) -> float | None:
        """The figure in the unit that is shown; None where it was not measured."""
        found: Any = report
        for key in self.path.split("/"):
            if not isinstance(found, Mapping) or key not in found:
                return None
            found = found[key]
        return float(found) * (1.0 if self.unit == "times" else 100.0)

    def holds(self, value: float, bound: float) -> bool:
        """Whether the value keeps the bound."""
        return value <= bound if self.most else value >= bound

    def shown(self, value: float) -> str:
        """A value with its unit."""
        if self.unit == "times":
            return f"{value:.2f} x"
        return f"{value:+.1f}" if self.unit == "points" else f"{value:.1f} %"


TARGETS = (
    Target("hybrid R@1", "retrieval/modes/hybrid/R@1", 20, 30),
    Target("hybrid R@5", "retrieval/modes/hybrid/R@5", 47, 60),
    Target("hybrid R@10", "retrieval/modes/hybrid/R@10", 62, 73),
    Target("hybrid over best channel, R@10", "retrieval/gain/difference", 2, 4, "points"),
    Target("dense R@10", "retrieval/modes/dense/R@10", 48, 62),
    Target("late R@10", "retrieval/modes/late/R@10", 45, 62),
    Target("lexical R@10", "retrieval/modes/lexical/R@10", 40, 58),
    Target("lexical R@10 lost at 128 words", "pruning/stored/128/loss", 2, 0.5, "points", True),
    Target("a photo's 5 heaviest words true", "words/photo/share", 35, 55),
    Target("a caption's words in its top 20", "words/text/share", 60, 85),
    Target("pointing, patch touches the object", "pointing/touch/accuracy", 85, 95),
    Target("pointing, patch centre on the object", "pointing/centre/accuracy", 85, 95),
    # By the protocol the names of the classes are encoded as texts (LexVLA).
    Target("patchdis mIoU over random", "patchdis/text/set/ratio", 3, 6, "times"),
    Target("zero-shot top-1 over chance", "labels/modes/hybrid/ratio", 5, 10, "times"),
    Target("joined over best caption, R@10", "joined/gain_over_single", 5, 12, "points"),
)
NOT_HERE = "not measured here: the test split, and the ablations of the recipe"


def verdicts(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every target with what was reached and whether its two bounds are kept."""
    rows: list[dict[str, Any]] = []
    for target in TARGETS:
        value = target.value(report)
        known = value is not None
        rows.append(
            {
                "target": target.name,
                "must": target.must,
                "goal": target.goal,
                "reached": value,
                "must_met": known and target.holds(value or 0.0, target.must),
                "goal_met": known and target.holds(value or 0.0, target.goal),
            }
        )
    return rows


def lines(report: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table for people."""
    body = []
    for target, row in zip(TARGETS, found, strict=True):
        sign = "<=" if target.most else ">="
        reached = row["reached"]
        body.append(
            [
                target.name,
                "no data" if reached is None else target.shown(reached),
                *(
                    f"{sign} {row[kind]:g} {_mark(reached, row[f'{kind}_met'])}"
                    for kind in ("must", "goal")
                ),
            ]
        )
    met = sum(bool(row["must_met"]) for row in found)
    goals = sum(bool(row["goal_met"]) for row in found)
    shown = table(body, header=["target", "reached", "must", "goal"])
    shown.append(f"{met} of {len(found)} musts and {goals} of {len(found)} goals met; {NOT_HERE}")
    return shown + _beside(report)


def _mark(reached: float | None, met: bool) -> str:
    if reached is None:
        return "-"
    return "MET" if met else "NOT MET"


def _beside(report: Mapping[str, Any]) -> list[str]:
    """Figures that the targets do not name but that explain them."""
    notes: list[str] = []
    if "pointing" in report:
        one = report["pointing"]
        notes.append(
            f"pointing: centre chance {one['centre']['chance']:.3f}, reachable "
            f"{one['centre']['reachable']:.3f}; any pixel {one['touch']['accuracy']:.3f} "
            f"(chance {one['touch']['chance']:.3f})"
        )
    if "patchdis" in report:
        one = report["patchdis"]
        notes += [
            f"patchdis, names as {way}: mIoU {one[way]['set']['miou']:.4f} = "
            f"{one[way]['set']['ratio']:.2f} x random; classes of the photo given "
            f"{one[way]['given']['miou']:.4f} = {one[way]['given']['ratio']:.2f} x"
            for way in ("words", "text")
            if way in one
        ]
    if "pruning" in report:
        one = report["pruning"]
        found = ", ".join(f"{n}: {100 * s['R@10']:.1f}" for n, s in one["stored"].items())
        notes.append(
            f"pruning: lexical R@10 {100 * one['all']:.1f} with all words of both sides "
            f"({one['words']['image']:.0f} a photo, {one['words']['text']:.0f} a text), "
            f"{100 * one['all_of_pictures']:.1f} with texts cut as released; "
            f"then by stored words {found}"
        )
    if "words" in report:
        active = report["words"]["active"]
        notes.append(f"active words: photo {active['image']:.1f}, text {active['text']:.1f}")
    if "labels" in report:
        top = {mode: round(100 * one["top1"], 1) for mode, one in report["labels"]["modes"].items()}
        notes.append(f"zero-shot top-1 by mode, %: {top}")
    if "joined" in report:
        one = report["joined"]
        notes.append(
            f"joined: {one['long']} of {one['queries']} texts longer than 32 words; R@10 "
            f"{100 * one['modes']['hybrid']['R@10']:.1f}, best single caption "
            f"{100 * one['best_single_caption']:.1f}"
        )
    return notes


def places_of(shared: Path | None, corpus: Path) -> ReportPlaces:
    """The data of the measures that can run."""
    scenes = corpus if corpus.is_dir() else None
    if shared is None:
        return ReportPlaces(corpus=scenes)
    photos = shared / "photos"
    return ReportPlaces(
        photos=photos / "flickr8k_dev" / "images",
        captions=photos / "flickr8k_dev" / "captions.tsv",
        corpus=scenes,
        segments=shared / "seg" / "coco_dev",
        labelled=photos / "caltech101" / "images",
        labels=photos / "caltech101" / "labels.tsv",
        classes=held_out_classes(MODEL),
    )


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    named = os.environ.get("LEXSEARCH_SHARED")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path(named) if named else None)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--limit", type=int, help="use the first so many captions only")
    parser.add_argument("--bootstrap", type=int, default=1_000, help="resamples; 0 = no intervals")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    if options.shared is None:
        print("LEXSEARCH_SHARED names no folder: only the scenes are measured", file=sys.stderr)
    model = build("encoders.models", MODEL)
    report = model_report(
        model,
        places_of(options.shared, options.corpus),
        uncut=build("encoders.models", MODEL, words_per_image=0, words_per_text=0),
        floor=model.word_floor,
        limit=options.limit,
        resamples=options.bootstrap,
        say=lambda text: print(f"measuring {text} ...", file=sys.stderr, flush=True),
    )
    found = verdicts(report)
    figures = {"limit": options.limit, "targets": found, "report": report}
    if options.save:
        save("bench_model", figures)
    print(json.dumps(figures) if options.json else "\n".join(lines(report, found)))
    return figures


if __name__ == "__main__":
    try:
        main()
    except (UsageError, ModelMissing) as error:
        sys.exit(f"bench_model: {error}")
