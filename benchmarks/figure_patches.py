"""Draws ten words on ten rendered pictures: where the model says that each word lies.

python -m benchmarks.figure_patches [--out docs/figures/patches.png]
Each picture is the first of the sample corpus with that object; the outlined patch is the
strongest one, the only one that gives the word its weight.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from lexsearch.explain.overlay import overlay
from lexsearch.pictures import load_pixels
from lexsearch.registry import build

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "sample_corpus"
WORDS = (
    "helicopter", "butterfly", "house", "bicycle", "flower",
    "balloon", "umbrella", "fish", "lighthouse", "train",
)  # fmt: skip
WIDTH, HEIGHT, COLUMNS = 300, 225, 5


def first_with(word: str) -> Path:
    """The first upright landscape picture that has an object of this name."""
    for line in (CORPUS / "objects.tsv").read_text(encoding="utf-8").splitlines():
        file, _, name, *_ = line.split("\t")
        path = CORPUS / "images" / file
        if name == word and path.is_file():
            with Image.open(path) as image:
                if image.width > image.height and not image.getexif().get(0x0112, 1) > 1:
                    return path
    raise LookupError(f"no landscape picture of the sample corpus has a {word}")


def draw(out: Path) -> None:
    """Write the sheet."""
    model = build("encoders.models", "mini")
    panels = []
    for word in WORDS:
        path = first_with(word)
        patches = model.encode_patches(load_pixels(path, model.pixel_spec))
        key = model.vocabulary.lookup(word)
        if key is None:
            raise LookupError(f"{word} is not in the vocabulary")
        heat = patches.weights[:, key].reshape(patches.grid)
        with Image.open(path) as image:
            picture = image.convert("RGB").resize((WIDTH, HEIGHT))
        low = 1 / model.identity.vocab_size**0.5
        high = max(float(heat.max()), 2 * low)
        panels.append(overlay(picture, heat, low=low, high=high, caption=word))
    rows = -(-len(panels) // COLUMNS)
    height = panels[0].height
    sheet = Image.new("RGB", (COLUMNS * WIDTH, rows * height), "white")
    for i, panel in enumerate(panels):
        sheet.paste(panel, ((i % COLUMNS) * WIDTH, (i // COLUMNS) * height))
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out, optimize=True)


def main(arguments: list[str] | None = None) -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures" / "patches.png")
    draw(parser.parse_args(arguments).out)


if __name__ == "__main__":
    main()
