"""PatchDis: zero-shot classification of patches against pixel masks, as mean IoU.

Every patch of every picture becomes a vector over words, every class name as well, and a patch is
labelled with the most similar class. The paper leaves open what is decided here:

- `words`: class names take the word-level path, as in the paper: rows of the text codebook,
  several words averaged (`class_words` has the rule for names). A model without that path has no
  such figures. `text`: beside it, the name goes through the text tower as a query would.
- A patch's vector has unit length, CLS has no part in it, and nothing is cut from either side.
  The similarity is their product; ties go to the class that the table lists first.
- Candidates are the classes with a labelled pixel somewhere in the set (`set`); beside it, those
  of the picture itself (`given`), which asks only where things are. A class whose name has no
  entry in the vocabulary has no vector in `words`, is never assigned, and counts with IoU 0.
- Pictures are squashed or cut by the model's own preprocessing; the grid covers the picture.
- Labels go from patch to pixel by the nearest patch. Pixels without a label, or with a class that
  is not measured, count neither as found nor as missed.
- IoU is taken per class over the pixels of the whole set, and the mean over classes.
- Chance is the mean over seeded repeats of mIoU with patches labelled uniformly at random from
  the same candidates.

Source: LexVLA (arXiv 2407.17827), PatchDis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lexsearch.errors import UsageError
from lexsearch.evaluation.class_words import name_entries, name_text
from lexsearch.evaluation.masks import BoolArray, patch_of_pixels, read_mask
from lexsearch.evaluation.tables import existing_folder, read_rows
from lexsearch.pictures import load_pixels
from lexsearch.protocols import Model, WordLevel
from lexsearch.types import FloatArray, IntArray

REPEATS = 20  # random assignments that the chance level is the mean of
SEED = 1
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


@dataclass(frozen=True, slots=True, eq=False)
class PatchTruth:
    """Pixels of each class under every patch of a set of pictures.

    Attributes:
        pixels: int64 (patches, classes); unlabelled pixels are in no column.
        picture: int64 (patches,), number of the picture that a patch belongs to.
    """

    pixels: IntArray
    picture: IntArray


def read_classes(path: Path, *, things: int | None = None) -> dict[int, str]:
    """Class id -> name from lines `id<TAB>name`, in order; 0 stands for unlabelled and is left out.

    things: keep ids up to this one only (COCO numbers things 1 to 90 and stuff above).

    Raises:
        UsageError: no such file, a line of another form, an id twice, or no class left.
    """
    classes: dict[int, str] = {}
    for number, fields in read_rows(path, what="classes", form="id<TAB>name"):
        if not fields[0].isdecimal():
            raise UsageError(f"{path}:{number}: {fields[0]!r} is no class id; expected a number")
        key = int(fields[0])
        if key in classes:
            raise UsageError(f"{path}:{number}: class {key} is there twice")
        classes[key] = fields[1]
    kept = {
        key: name for key, name in classes.items() if key != 0 and (things is None or key <= things)
    }
    if not kept:
        raise UsageError(f"{path} has no class with an id from 1 to {things or 'any'}")
    return kept


def masked_pictures(images: Path, masks: Path) -> list[tuple[Path, Path]]:
    """(picture, mask) for every PNG of the masks' folder, by name; other pictures are not used.

    A mask has the name of its picture but for the ending.

    Raises:
        UsageError: no such folder, no mask in it, or a mask without a picture.
    """
    pictures = {
        path.stem: path
        for path in sorted(existing_folder(images).iterdir())
        if path.suffix.lower() in PICTURES
    }
    pairs: list[tuple[Path, Path]] = []
    for mask in sorted(existing_folder(masks).glob("*.png")):
        if mask.stem not in pictures:
            raise UsageError(f"{mask} has no picture of that name in {images}")
        pairs.append((pictures[mask.stem], mask))
    if not pairs:
        raise UsageError(f"{masks} holds no mask (*.png)")
    return pairs


def name_vectors(names: Sequence[str], model: Model) -> dict[str, FloatArray]:
    """Way -> vectors over words of class names, float32 (n, vocab_size), unit rows; 0 for none.

    Ways are `words`, where the model offers the word-level path, and `text`.

    Raises:
        UsageError: the model has no lexical role.
    """
    found: dict[str, FloatArray] = {}
    shape = (len(names), model.identity.vocab_size)
    if isinstance(model, WordLevel):
        groups = [name_entries(name, model.vocabulary) for name in names]
        known = [i for i, group in enumerate(groups) if group]
        found["words"] = np.zeros(shape, dtype=np.float32)
        found["words"][known] = model.encode_words([groups[i] for i in known])
    texts = model.encode_texts([name_text(name) for name in names]).lexical
    if texts is None:
        raise UsageError(f"the model {model.identity.name!r} has no lexical role")
    vectors = np.zeros(shape, dtype=np.float32)
    for i in range(len(names)):
        ids, weights = texts.row(i)
        vectors[i, ids] = weights
    found["text"] = unit_rows(vectors)
    return found


def unit_rows(vectors: FloatArray) -> FloatArray:
    """Rows scaled to length 1; rows of zeros stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


def count_pixels(
    mask: npt.NDArray[np.int32], grid: tuple[int, int], class_ids: Sequence[int]
) -> IntArray:
    """Pixels of each class under each patch, int64 (rows * columns, classes)."""
    columns = np.full(max(int(mask.max(initial=0)), *class_ids) + 1, -1, dtype=np.int64)
    columns[list(class_ids)] = np.arange(len(class_ids))
    found = columns[np.maximum(mask, 0)]
    labelled = found >= 0
    cells = patch_of_pixels(mask.shape, grid)[labelled] * len(class_ids) + found[labelled]
    patches = grid[0] * grid[1]
    counts: IntArray = np.bincount(cells, minlength=patches * len(class_ids))
    return counts.reshape(patches, -1)


def iou_by_class(labels: IntArray, pixels: IntArray) -> npt.NDArray[np.float64]:
    """Intersection over union of every class over all patches, float64 (classes,).

    Args:
        labels: shape (patches,), the class of each patch.
        pixels: shape (patches, classes); NaN for a class that neither side has.
    """
    classes = pixels.shape[1]
    right = pixels[np.arange(len(labels)), labels]
    shared = np.bincount(labels, weights=right, minlength=classes)
    assigned = np.bincount(labels, weights=pixels.sum(axis=1), minlength=classes)
    union = assigned + pixels.sum(axis=0) - shared
    return np.where(union > 0, shared / np.maximum(union, 1), np.nan)


def nearest_class(similarity: FloatArray, candidates: BoolArray) -> IntArray:
    """The most similar candidate of every patch; both (patches, classes), a candidate per row."""
    best: IntArray = np.where(candidates, similarity, -np.inf).argmax(axis=1)
    return best


def random_miou(
    pixels: IntArray, candidates: BoolArray, *, repeats: int = REPEATS, seed: int = SEED
) -> float:
    """Mean over repeats of mIoU with every patch labelled by one of its candidates at random."""
    rng = np.random.default_rng(seed)
    # Candidates first in every row, then a uniform place among them.
    listed = np.argsort(~candidates, axis=1, kind="stable")
    counts = candidates.sum(axis=1)
    found = []
    for _ in range(repeats):
        places = rng.integers(0, counts)
        labels = listed[np.arange(len(listed)), places]
        found.append(float(np.nanmean(iou_by_class(labels, pixels))))
    return float(np.mean(found))


def patchdis(
    model: Model,
    pairs: Sequence[tuple[Path, Path]],
    classes: Mapping[int, str],
    *,
    repeats: int = REPEATS,
    seed: int = SEED,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """The figures of PatchDis as JSON values; see the head of this file.

    Args:
        model: with a lexical role.
        pairs: pictures and their masks.
        classes: class id -> name.
        repeats, seed: of the random assignment.
        on_progress: called after every picture with how many are done.

    Returns:
        images, patches, classes (measured), unnamed (names without a word), and under each way to
        encode names, `words` and `text`: under `set` and `given` miou, random, ratio; and
        `iou`: class name -> IoU of `set`.

    Raises:
        UsageError: a file cannot be read, the model has no words, or no pixel has a class.
    """
    names = list(classes.values())
    vectors = name_vectors(names, model)
    similarity, truth = _patches(model, pairs, vectors, list(classes), on_progress)
    present = np.flatnonzero(truth.pixels.sum(axis=0))
    if not len(present):
        raise UsageError(f"none of the {len(names)} classes occurs in the {len(pairs)} masks")
    in_picture = _of_pictures(truth)[:, present]
    used = in_picture.any(axis=1)  # patches of other pictures lie on no labelled pixel
    pixels, in_picture = truth.pixels[used][:, present], in_picture[used]
    candidates = {"set": np.ones_like(in_picture), "given": in_picture}
    chance = {
        kind: random_miou(pixels, some, repeats=repeats, seed=seed)
        for kind, some in candidates.items()
    }
    shown = [names[i] for i in present]
    found: dict[str, Any] = {}
    for way, rows in vectors.items():
        named: BoolArray = np.any(rows[present] > 0, axis=1)
        found[way] = {}
        for kind, some in candidates.items():
            labels = nearest_class(similarity[way][used][:, present], _with_vector(some, named))
            iou = iou_by_class(labels, pixels)
            found[way][kind] = _against(iou, chance[kind])
            if kind == "set":
                found[way]["iou"] = dict(zip(shown, iou.tolist(), strict=True))
    return {
        "images": len(pairs),
        "patches": len(truth.picture),
        "classes": len(present),
        "unnamed": [name for name in shown if not name_entries(name, model.vocabulary)],
        **found,
    }


def _patches(
    model: Model,
    pairs: Iterable[tuple[Path, Path]],
    vectors: Mapping[str, FloatArray],
    class_ids: Sequence[int],
    on_progress: Callable[[int], None] | None,
) -> tuple[dict[str, FloatArray], PatchTruth]:
    """Way -> similarity of every patch with every class, and what lies under the patches."""
    similarity: dict[str, list[FloatArray]] = {way: [] for way in vectors}
    pixels, picture = [], []
    for number, (image, mask) in enumerate(pairs):
        words = model.encode_patches(load_pixels(str(image), model.pixel_spec))
        patches = unit_rows(words.weights)
        for way, rows in vectors.items():
            similarity[way].append(patches @ rows.T)
        pixels.append(count_pixels(read_mask(mask), words.grid, class_ids))
        picture.append(np.full(len(patches), number, dtype=np.int64))
        if on_progress is not None:
            on_progress(number + 1)
    truth = PatchTruth(np.concatenate(pixels), np.concatenate(picture))
    return {way: np.concatenate(parts) for way, parts in similarity.items()}, truth


def _against(iou: npt.NDArray[np.float64], chance: float) -> dict[str, float]:
    miou = float(np.nanmean(iou))
    return {"miou": miou, "random": chance, "ratio": miou / chance}


def _of_pictures(truth: PatchTruth) -> BoolArray:
    """Classes with a pixel in the picture that each patch belongs to, bool (patches, classes)."""
    starts = np.flatnonzero(np.diff(truth.picture, prepend=-1))
    present = np.add.reduceat(truth.pixels, starts, axis=0) > 0
    found: BoolArray = present[np.searchsorted(starts, np.arange(len(truth.picture)), "right") - 1]
    return found


def _with_vector(candidates: BoolArray, named: BoolArray) -> BoolArray:
    """Candidates with a vector; a row that would be left with none keeps all of its own."""
    kept: BoolArray = candidates & named
    return np.where(kept.any(axis=1, keepdims=True), kept, candidates)
