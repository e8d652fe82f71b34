"""Zero-shot labels: every picture of an index gets the class whose prompts it resembles most.

A class is said by several prompts, whose similarities are averaged (`lexsearch.prompts`). Equal
scores go to the class that comes first.

Source: CLIP (Radford et al. 2021), zero-shot transfer; FILIP (arXiv 2111.07783), prompt ensemble.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lexsearch.bundle.labels_file import KeptLabels
from lexsearch.engine import MODES, Engine, Mode
from lexsearch.errors import UsageError
from lexsearch.part_encoder import rows
from lexsearch.prompts import TEMPLATES, prompts
from lexsearch.ranking.fusion import weighted_sum
from lexsearch.types import Encoded, FloatArray, IntArray

CHUNK = 8_192  # pictures scored at a time
MOST_CLASSES = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The labels of the pictures of an index.

    Attributes:
        classes, templates, mode, centred: what was asked for.
        ids: int64 (n,), ascending image ids.
        best: int64 (n,), the class of each as a place in `classes`.
        score: float32 (n,), mean similarity of its prompts, in the unit of the mode.
        lead: float32 (n,), score minus that of the runner-up, >= 0.
    """

    classes: tuple[str, ...]
    templates: tuple[str, ...]
    mode: Mode
    centred: bool
    ids: IntArray
    best: IntArray
    score: FloatArray
    lead: FloatArray

    def __len__(self) -> int:
        return len(self.ids)

    def leading(self, least: float) -> Labels:
        """Those whose class leads the next by at least that much."""
        sure = self.lead >= least
        return replace(
            self, ids=self.ids[sure], best=self.best[sure], score=self.score[sure],
            lead=self.lead[sure],
        )  # fmt: skip

    def kept(self) -> KeptLabels:
        """As the file in the index holds them."""
        how = {"templates": list(self.templates), "mode": self.mode, "centred": self.centred}
        of = dict(zip(self.ids.tolist(), self.best.tolist(), strict=True))
        return KeptLabels(self.classes, how, of)

    def __iter__(self) -> Iterator[tuple[int, str, float, float]]:
        """Image id, label, score, lead."""
        for i in range(len(self.ids)):
            name = self.classes[int(self.best[i])]
            yield int(self.ids[i]), name, float(self.score[i]), float(self.lead[i])


def checked_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """The classes without white space around them, each once, in order.

    Raises:
        UsageError: fewer than two, too many, or an empty one.
    """
    names = tuple(dict.fromkeys(" ".join(name.split()) for name in classes))
    if "" in names:
        raise UsageError("a class has no name; expected one a line")
    if len(names) < 2:
        raise UsageError(f"{len(names)} class is nothing to tell apart; expected at least two")
    if len(names) > MOST_CLASSES:
        raise UsageError(f"{len(names):,} classes were given; at most {MOST_CLASSES:,} are allowed")
    return names


def label_pictures(
    engine: Engine,
    classes: Sequence[str],
    *,
    templates: Sequence[str] = TEMPLATES,
    mode: Mode | None = None,
    centre: bool = False,
    ids: IntArray | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Labels:
    """The class of every picture; runs the text model once and reads no photo.

    Args:
        engine: over the index.
        classes: two or more names.
        templates: each with `{}`.
        mode: channel, or `hybrid` (the model's weights); None = `dense` where the model has it.
        centre: take the mean over the pictures off every class first, so that a class that
            resembles everything does not win everywhere. Meant for libraries in which no class
            prevails.
        ids: ascending ids of the pictures; None = all.
        on_progress: called after every chunk with how many pictures are scored.

    Raises:
        UsageError: bad classes or templates, or a mode that the model has no side for.
    """
    names = checked_classes(classes)
    sentences = prompts(names, templates)
    texts = rows(engine.model.encode_texts([line for lines in sentences for line in lines]))
    chosen = _mode(mode, texts[0])
    wanted = engine.snapshot.image_ids() if ids is None else ids
    scores = np.empty((len(wanted), len(names)), dtype=np.float32)
    for start in range(0, len(wanted), CHUNK):
        some = wanted[start : start + CHUNK]
        of_prompt = [_scores(engine, text, some, chosen) for text in texts]
        scores[start : start + CHUNK] = (
            np.stack(of_prompt).reshape(len(sentences), len(names), -1).mean(axis=0).T
        )
        if on_progress is not None:
            on_progress(start + len(some))
    if centre and len(wanted):
        scores -= scores.mean(axis=0, dtype=np.float64).astype(np.float32)
    best = scores.argmax(axis=1)
    two = np.partition(scores, len(names) - 2, axis=1)[:, -2:]
    return Labels(
        names, tuple(templates), chosen, centre, wanted, best, two[:, 1], two[:, 1] - two[:, 0]
    )  # fmt: skip


def _mode(mode: Mode | None, texts: Encoded) -> Mode:
    present: dict[Mode, object] = {
        "dense": texts.dense, "late": texts.tokens, "lexical": texts.lexical,
    }  # fmt: skip
    have = [name for name, side in present.items() if side is not None]
    if mode is None:
        return have[0]
    if mode not in MODES:
        raise UsageError(f"no mode is called {mode!r}; known: {', '.join(MODES)}")
    if mode != "hybrid" and mode not in have:
        raise UsageError(f"the model has no {mode} side; use --mode {have[0]}")
    return mode


def _scores(engine: Engine, text: Encoded, ids: IntArray, mode: Mode) -> FloatArray:
    """Scores of one prompt, float32 (ids,); a picture that a channel lacks has its least."""
    found: dict[str, FloatArray] = {}
    if text.lexical is not None and mode in ("lexical", "hybrid"):
        found["lexical"] = engine.lexical.score(text.lexical, ids)
    if text.dense is not None and mode in ("dense", "hybrid"):
        found["dense"] = engine.dense.score(text.dense, ids)
    if text.tokens is not None and mode in ("late", "hybrid"):
        found["late"] = engine.tokens.score(text.tokens, ids)
    return weighted_sum(found, engine.model.fusion if mode == "hybrid" else {mode: 1.0})
