"""Command line of the picture renderer: training scenes from any seed, or the committed corpus."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scenes.corpus import write_corpus
from scenes.output import object_lines, save_masks, stream


def main(arguments: list[str] | None = None) -> int:
    """Parses the arguments and renders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", action="store_true", help="render the committed corpus")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--out", type=Path, help="folder; the corpus defaults to its own place")
    parser.add_argument("--size", default="640x480", help="WxH, for example 224x224")
    parser.add_argument("--no-masks", action="store_true", help="write no mask files")
    parser.add_argument("--plain-jpeg", action="store_true", help="no EXIF data (the default)")
    args = parser.parse_args(arguments)
    if args.corpus:
        total = write_corpus(args.out or Path(__file__).resolve().parent, args.seed)
        print(f"{total} pictures")
        return 0
    if args.out is None:
        parser.error("--out is needed")
    width, height = (int(part) for part in args.size.split("x"))
    write_scenes(args.out, args.seed, args.count, (width, height), not args.no_masks)
    print(f"{args.count} pictures in {args.out}")
    return 0


def write_scenes(out: Path, seed: int, count: int, size: tuple[int, int], masks: bool) -> None:
    """Writes pictures, sentences, boxes and masks of freely invented scenes."""
    (out / "images").mkdir(parents=True, exist_ok=True)
    if masks:
        (out / "masks").mkdir(exist_ok=True)
    with (
        (out / "captions.tsv").open("w", encoding="utf-8") as texts,
        (out / "objects.tsv").open("w", encoding="utf-8") as objects,
    ):
        for index, picture, sentences in stream(seed, count, size):
            stem = f"s{seed}_{index:06d}"
            file = f"{stem}.jpg"
            picture.image.save(out / "images" / file, quality=90)
            names = [""] * len(picture.shown)
            if masks:
                names = save_masks(out / "masks", stem, picture)
            texts.writelines(f"{file}\t{text}\n" for text in sentences)
            objects.writelines(line + "\n" for line in object_lines(file, picture, names))


if __name__ == "__main__":
    sys.exit(main())
