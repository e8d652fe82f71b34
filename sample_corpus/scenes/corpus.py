"""Writes the committed corpus: pictures in several formats, sentences, masks, queries."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .backgrounds import BACKGROUNDS
from .captions import captions, long_caption
from .layout import plan
from .output import Picture, object_lines, render, save_masks
from .queries import judge, make_queries
from .scene import Scene

COUNT = 132
_LONG = 20
_PNG = (17, 71)
_ALPHA = 44
_CMYK = 58
_ROTATED = (31, 97)
_WEBP = range(5, COUNT, 11)
_LARGE = range(8, COUNT, 25)
_CAMERAS = (
    ("Solano", "Solano S200"),
    ("Solano", "Solano P9"),
    ("Kestrel", "Kestrel K-10"),
    ("Lumora", "Lumora Mini 3"),
    ("Ferrand", "Ferrand 35D"),
)
_MODEL, _MAKE, _ORIENTATION, _EXIF_IFD, _TAKEN = 0x0110, 0x010F, 0x0112, 0x8769, 36867


@dataclass
class Entry:
    """A picture of the corpus with its file and sentences."""

    file: str
    picture: Picture
    sentences: list[str]
    docid: str = ""


def write_corpus(out: Path, seed: int) -> int:
    """Renders the corpus into a folder and returns how many pictures it has."""
    for folder in (out / "images", out / "masks"):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
    entries = invent(seed)
    objects: list[str] = []
    for number, entry in enumerate(entries):
        save(out / "images" / entry.file, entry.picture, number, Random(f"{seed}:exif:{number}"))
        entry.docid = image_id(out / "images" / entry.file)
        names = save_masks(out / "masks", entry.file.split(".")[0], entry.picture)
        objects += object_lines(entry.file, entry.picture, names)
    _table(out / "captions.tsv", [f"{e.file}\t{text}" for e in entries for text in e.sentences])
    _table(out / "objects.tsv", objects)
    _table(out / "files.tsv", [f"{e.docid}\t{e.file}" for e in entries])
    scenes = [entry.picture.scene for entry in entries]
    queries = make_queries(Random(f"{seed}:queries"), scenes)
    _table(out / "queries.tsv", [f"{query.number}\t{query.text}" for query in queries])
    hits = [(query.number, k) for query in queries for k in judge(query, scenes)]
    _table(out / "qrels.tsv", [f"{number} 0 {entries[k].docid} 1" for number, k in hits])
    return len(entries)


def invent(seed: int) -> list[Entry]:
    """Invents scenes that differ from each other in place and main objects."""
    places = list(BACKGROUNDS)
    used: Counter[str] = Counter()
    pairs: set[frozenset[str]] = set()
    entries: list[Entry] = []
    long_left = _LONG
    for number in range(COUNT):
        rng = Random(f"{seed}:corpus:{number}")
        portrait = number % 9 == 4 and number not in _ROTATED
        size = (800, 600) if number in _LARGE else ((480, 640) if portrait else (640, 480))
        place = places[number % len(places)]
        if place in ("underwater", "sea") and number > 60:
            place = places[rng.randrange(len(places))]
        picture: Picture | None = None
        for attempt in range(400):
            if attempt and attempt % 40 == 0:
                place = rng.choice(places)
            scene = plan(rng, place, portrait, used if attempt < 20 else None)
            if frozenset(scene.kinds()[:2]) not in pairs:
                picture = render(scene, size, quick=False)
            if picture is not None:
                break
        if picture is None:
            raise RuntimeError(f"no new scene found for picture {number}")
        pairs.add(frozenset(scene.kinds()[:2]))
        used.update(scene.kinds())
        sentences = captions(rng, scene, 5)
        if long_left and len(scene.groups) >= 3 and number % 4 != 1:
            sentences.append(long_caption(rng, scene))
            long_left -= 1
        entries.append(Entry(_name(number), picture, sentences))
    return entries


def _name(number: int) -> str:
    ending = "jpg"
    if number in _PNG or number == _ALPHA:
        ending = "png"
    elif number in _WEBP:
        ending = "webp"
    return f"scene_{number + 1:03d}.{ending}"


def save(path: Path, picture: Picture, number: int, rng: Random) -> None:
    """Saves a picture in the format that its number asks for."""
    image = picture.image
    exif = camera_data(rng, picture.scene) if rng.random() < 0.8 else Image.Exif()
    if path.suffix == ".png":
        if number == _ALPHA:
            image = with_alpha(picture)
        image.save(path, optimize=True)
    elif path.suffix == ".webp":
        image.save(path, quality=82, method=6, exif=exif.tobytes())
    else:
        if number in _ROTATED:
            image = image.transpose(Image.Transpose.ROTATE_90)
            exif[_ORIENTATION] = 6
        if number == _CMYK:
            image = image.convert("CMYK")
        image.save(path, quality=82, optimize=True, exif=exif.tobytes())


def camera_data(rng: Random, scene: Scene) -> Image.Exif:
    """Invents a camera and a time that suits the hour of the scene and the season."""
    exif = Image.Exif()
    exif[_MAKE], exif[_MODEL] = rng.choice(_CAMERAS)
    month = rng.choice([12, 1, 2]) if scene.background.name == "snow" else rng.randint(4, 10)
    hour = {"day": rng.randint(9, 16), "sunset": rng.randint(19, 20), "night": 22}[scene.hour]
    date = f"{rng.randint(2019, 2025)}:{month:02d}:{rng.randint(1, 28):02d}"
    exif.get_ifd(_EXIF_IFD)[_TAKEN] = f"{date} {hour:02d}:{rng.randint(0, 59):02d}:30"
    return exif


def with_alpha(picture: Picture) -> Image.Image:
    """Fades the picture out towards its corners, leaving every object opaque."""
    w, h = picture.image.size
    alpha = Image.new("L", (w, h), 0)
    ImageDraw.Draw(alpha).rounded_rectangle((24, 24, w - 24, h - 24), 90, fill=255)
    alpha = alpha.filter(ImageFilter.GaussianBlur(9))
    for shown in picture.shown:
        alpha = ImageChops.lighter(alpha, shown.mask.convert("L"))
    image = picture.image.copy()
    image.paste((0, 0, 0), mask=alpha.point([255 if v == 0 else 0 for v in range(256)]))
    image.putalpha(alpha)
    return image


def image_id(path: Path) -> str:
    """The identity of a file: the first 63 bits of its sha256 as 16 hex digits."""
    digest = hashlib.sha256(path.read_bytes()).digest()
    return f"{int.from_bytes(digest[:8], 'big') >> 1:016x}"


def _table(path: Path, lines: list[str]) -> None:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")
