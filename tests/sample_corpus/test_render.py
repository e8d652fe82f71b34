"""Checks the picture renderer and the committed corpus that it drew."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[2] / "sample_corpus"
sys.path.insert(0, str(ROOT))

from scenes.corpus import image_id  # noqa: E402
from scenes.output import Picture, stream  # noqa: E402


def rows(name: str) -> list[list[str]]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines]


@pytest.fixture(scope="module")
def drawn() -> list[tuple[int, Picture, list[str]]]:
    return list(stream(11, 12, (224, 224)))


def test_the_same_seed_gives_the_same_pixels_and_sentences(
    drawn: list[tuple[int, Picture, list[str]]],
) -> None:
    for (_, a, texts), (_, b, again) in zip(drawn, stream(11, 12, (224, 224)), strict=True):
        assert a.image.tobytes() == b.image.tobytes()
        assert texts == again


def test_another_seed_gives_other_pictures(drawn: list[tuple[int, Picture, list[str]]]) -> None:
    other = next(iter(stream(12, 1, (224, 224))))[1]
    assert other.image.tobytes() != drawn[0][1].image.tobytes()


def test_masks_fill_their_boxes_and_do_not_overlap(
    drawn: list[tuple[int, Picture, list[str]]],
) -> None:
    for _, picture, texts in drawn:
        assert len(texts) >= 4
        total = np.zeros((224, 224), int)
        for shown in picture.shown:
            assert shown.mask.size == picture.image.size
            assert shown.mask.getbbox() == shown.box
            total += np.asarray(shown.mask)
        assert total.max() == 1


def test_every_committed_mask_agrees_with_its_picture_and_box() -> None:
    sizes: dict[str, tuple[int, int]] = {}
    for file, mask, _, _, *box in rows("objects.tsv"):
        if file not in sizes:
            with Image.open(ROOT / "images" / file) as image:
                turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
                sizes[file] = image.size[::-1] if turned else image.size
        with Image.open(ROOT / "masks" / mask) as layer:
            assert layer.mode == "1"
            assert layer.size == sizes[file]
            assert layer.getbbox() == tuple(map(int, box))


def test_the_tables_name_only_files_that_exist() -> None:
    files = {path.name for path in (ROOT / "images").iterdir()}
    assert {row[0] for row in rows("captions.tsv")} == files
    assert {row[0] for row in rows("objects.tsv")} == files
    assert {row[1] for row in rows("files.tsv")} == files
    assert {row[1] for row in rows("objects.tsv")} == {p.name for p in (ROOT / "masks").iterdir()}


def test_the_judgements_name_known_queries_and_pictures() -> None:
    ids = {docid for docid, _ in rows("files.tsv")}
    queries = [row[0] for row in rows("queries.tsv")]
    judged = [line.split() for line in (ROOT / "qrels.tsv").read_text().splitlines()]
    assert len(queries) >= 80
    assert {line[0] for line in judged} == set(queries)
    assert {line[2] for line in judged} <= ids
    assert len(ids) == len(rows("files.tsv"))


def test_docids_are_those_of_the_bytes() -> None:
    for docid, file in rows("files.tsv"):
        assert image_id(ROOT / "images" / file) == docid


def test_the_corpus_is_large_and_varied_enough() -> None:
    captions = rows("captions.tsv")
    counts = Counter(file for file, _ in captions)
    assert len(counts) >= 120
    assert min(counts.values()) >= 4
    assert sum(len(text.split()) > 100 for _, text in captions) >= 20
    assert len({row[2] for row in rows("objects.tsv")}) >= 40
    size = sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file())
    assert size < 12 * 2**20


def test_most_sentences_single_out_their_picture() -> None:
    texts = Counter(text for _, text in rows("captions.tsv"))
    alone = sum(n for n in texts.values() if n == 1)
    assert alone >= 0.97 * texts.total()


def test_the_special_formats_are_there() -> None:
    seen: Counter[str] = Counter()
    for path in sorted((ROOT / "images").iterdir()):
        with Image.open(path) as image:
            exif = image.getexif()
            shown = ImageOps.exif_transpose(image)
            seen[f"{image.format}"] += 1
            seen[image.mode] += 1
            seen["turned"] += exif.get(0x0112, 1) != 1
            seen["portrait"] += shown.height > shown.width
            seen["camera"] += 0x0110 in exif
            seen["taken"] += 36867 in exif.get_ifd(0x8769)
            assert min(shown.size) >= 480
            assert max(shown.size) >= 640
    assert seen["JPEG"] > 80
    for name in ("PNG", "WEBP", "RGBA", "CMYK", "turned", "portrait"):
        assert seen[name] >= 1, name
    assert seen["camera"] > 60
    assert seen["taken"] > 60
