"""A folder of hostile files, indexed by the real command: the good are found, the bad are named."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import socket
import stat
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes, devices and odd names")
ROOT = Path(__file__).parents[2]
# Seconds for the whole folder; a quiet machine takes a tenth.
LIMIT_S = 240
ODD_NAMES = [
    b"new\nline.png", b"tab\there.png", b"-rf.png", b"--help.png", b"caf\xe9.png", b"\xff\xfe.png",
    "😺 猫 собака.png".encode(), b"esc\x1b[2J\x1b]0;owned\x07.png", b"c1\xc2\x9b31m.png",
    "rtl\u202egnp.exe.png".encode(), b"$(touch owned).png", b"`id`;|&.png", b"%s%n%00.png",
    b"'; DROP TABLE x--.png", b"\\u0041 \\x41.png", b"<img src=x onerror=alert(1)>.png",
    b" lead and trail .png", b"a" * 251 + b".png", "zero\u200bwidth.png".encode(),
    "line\u2028sep.png".encode(), b"[markup](x) **b** :material: $x$.png", b"NUL.png",
    b"cr\rlf.png", b"\xed\xa0\x80.png",
]  # fmt: skip
# What a terminal obeys, or what turns the reading order around.
OBEYED = set("\x1b\x07\x00\r\x7f\u202e\u2028\x9b") | {chr(code) for code in range(0x80, 0xA0)}


def saved(kind: str, image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, pixels: bytes, *extra: bytes, depth: int = 8) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def picture(seed: int, mode: str = "RGB") -> Image.Image:
    cells = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize((40, 30)).convert(mode)


def good_files() -> dict[str, bytes]:
    """Odd, and pictures all the same."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("run.sh", "echo owned")
    grey = zlib.compress((b"\0" + b"\x80" * 8) * 8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    jpeg = saved("JPEG", picture(1))
    frames = [picture(100 + i) for i in range(50)]
    bad_exif = b"\xff\xe1" + struct.pack(">H", 62) + b"Exif\0\0" + b"\xff" * 54
    page = (
        b"GIF89a"
        + b"/*"
        + saved("GIF", picture(2))[8:]
        + b"*/=1;alert(1)//<script>alert(1)</script>"
    )
    return {
        "cmyk.jpg": saved("JPEG", picture(3, "CMYK")),
        "cmyk.tif": saved("TIFF", picture(4, "CMYK")),
        "deep.png": saved(
            "PNG", Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 999)
        ),
        "alpha.png": saved("PNG", picture(5, "LA")),
        "palette.png": saved("PNG", picture(6, "P"), transparency=3),
        "alphas.png": saved("PNG", picture(7, "P"), transparency=bytes(range(256))),
        "one.png": saved("PNG", picture(8, "1")),
        "moving.gif": saved("GIF", frames[0], save_all=True, append_images=frames[1:]),
        "moving.webp": saved("WEBP", frames[1], save_all=True, append_images=frames[2:9]),
        "moving.png": saved("PNG", frames[2], save_all=True, append_images=frames[3:9]),
        "pages.tif": saved("TIFF", frames[3], save_all=True, append_images=frames[4:9]),
        "exif.jpg": jpeg[:2] + bad_exif + jpeg[2:],
        "profile.jpg": saved("JPEG", picture(9), icc_profile=profile[:200]),
        "huge_profile.jpg": saved(
            "JPEG", picture(10), icc_profile=profile[:128] + bytes(3_000_000)
        ),
        "tail.jpg": saved("JPEG", picture(11)) + zipped.getvalue(),
        "many_markers.jpg": jpeg[:2]
        + b"\xff\xfe\x00\x04hi" * 5000
        + saved("JPEG", picture(12))[2:],
        "wrong_suffix.jpg": saved("PNG", picture(13)),
        "wrong_suffix.png": saved("GIF", picture(14)),
        "tiny.png": png(1, 1, zlib.compress(b"\0\x10")),
        "thin.png": png(1, 60_000, zlib.compress(b"\0\x20" * 60_000)),
        "wide.png": png(60_000, 1, zlib.compress(b"\0" + b"\x30" * 60_000)),
        "legal_bomb.png": png(9000, 9000, zlib.compress((b"\0" + bytes(9000)) * 9000, 1)),
        "page.gif": page,
        "text.png": png(8, 8, grey, chunk(b"tEXt", b"a\0<script>alert(1)</script>")),
    }


def bad_files() -> dict[str, tuple[bytes, str]]:
    """No pictures, with a part of the reason."""
    noise = saved("JPEG", Image.effect_noise((200, 200), 90))
    noisy = saved("PNG", Image.effect_noise((200, 200), 90))
    row = zlib.compress((b"\0" + b"\x40" * 8) * 8)
    bomb_text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80_000_000)))
    grows = png(9000, 9000, zlib.compress(bytes(2_000_000_000 // 100)))
    tiff = b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 256, 4, 0xFFFFFFFF, 1) * 20
    return {
        "empty.jpg": (b"", "is empty"),
        "zeros.jpg": (bytes(5000), "not a picture"),
        "letter.jpg": (b"dear diary", "not a picture"),
        "script.png": (b"#!/bin/sh\ntouch owned\n", "not a picture"),
        "drawing.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        "vector.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        "pixmap.bmp": (b"P6\n8 8\n255\n" + bytes(192), "not a picture"),
        "icon.png": (saved("ICO", picture(20)), "not a picture"),
        "truncated.jpg": (noise[: len(noise) // 2], "truncated"),
        "truncated.png": (noisy[: len(noisy) // 2], "truncated"),
        "truncated.webp": (saved("WEBP", picture(21))[:60], ""),
        "truncated.gif": (saved("GIF", picture(22))[:400], ""),
        "truncated.tif": (saved("TIFF", picture(23))[:500], ""),
        "head.jpg": (noise[:3], "not a picture"),
        "bomb.png": (png(60_000, 60_000, row), "is too large: 3,600 megapixels, at most 100"),
        "bomb.jpg": (_jpeg_of(65_500, 65_500), "is too large"),
        "bomb.gif": (_gif_of(65_535, 65_535), "is too large"),
        "bomb.bmp": (_bmp_of(50_000, 50_000), "is too large"),
        "short_bomb.png": (grows, ""),
        "text_bomb.png": (png(8, 8, row, bomb_text), ""),
        "lies.tif": (tiff, ""),
        "broken.jpg": (noise[:300] + bytes(200) + noise[500:900], ""),
        "crc.png": (noisy[:50] + b"\xff" + noisy[51:], ""),
    }


def _jpeg_of(width: int, height: int) -> bytes:
    data = saved("JPEG", picture(30))
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def _gif_of(width: int, height: int) -> bytes:
    data = saved("GIF", picture(32))
    return data[:6] + struct.pack("<HH", width, height) + data[10:]


def _bmp_of(width: int, height: int) -> bytes:
    data = saved("BMP", picture(31))
    return data[:18] + struct.pack("<ii", width, height) + data[26:]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    for name, data in good_files().items():
        (root / "good" / name).parent.mkdir(exist_ok=True)
        (root / "good" / name).write_bytes(data)
    for name, (data, _) in bad_files().items():
        (root / "bad" / name).parent.mkdir(exist_ok=True)
        (root / "bad" / name).write_bytes(data)
    (root / "odd").mkdir()
    for i, name in enumerate(ODD_NAMES):
        with open(os.fsencode(root / "odd") + b"/" + name, "wb") as stream:
            stream.write(saved("PNG", picture(200 + i)))
    special = root / "special"
    special.mkdir()
    os.mkfifo(special / "pipe.jpg")
    server = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(special)  # a socket's path may have 108 bytes
    server.bind("socket.png")
    os.chdir(here)
    server.close()
    (special / "loop.jpg").symlink_to("loop.jpg")
    (special / "round").symlink_to(".")
    (special / "dangling.png").symlink_to("/nowhere/at/all.png")
    (special / "outside.png").symlink_to("/etc/passwd")
    (special / "folder.jpg").mkdir()
    if os.geteuid() == 0:
        os.mknod(special / "zero.png", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    return root


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    place = tmp_path_factory.mktemp("data")
    dirs = {"LEXSEARCH_DATA_DIR": str(place / "data"), "LEXSEARCH_CACHE_DIR": str(place / "cache")}
    return {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(place), **dirs}


def call(environment: dict[str, str], *words: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "lexsearch.cli", *map(str, words)],
        capture_output=True,
        env=environment,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.slow
def test_in_any_order(
    hostile: Path, environment: dict[str, str], report: dict[str, object], tmp_path: Path
) -> None:
    """Whatever files share a batch, each is judged as before; TEST_EXAMPLES orders are tried."""
    sources = sorted(p for p in hostile.rglob("*") if p.is_file() and not p.is_symlink())
    dice = random.Random(int(os.environ.get("TEST_SEED", "1")))
    reasons_of = {Path(row["path"]).name: row["reason"] for row in _rows(report)}
    expected = {name: why for name, why in reasons_of.items() if "not a file" not in why}
    assert expected.keys() == bad_files().keys()
    for trial in range(int(os.environ.get("TEST_EXAMPLES", "1"))):
        root = tmp_path / str(trial)
        for source in sources:  # a folder's name decides when its files come
            place = root / f"{dice.randrange(1000):03d}"
            place.mkdir(parents=True, exist_ok=True)
            os.link(source, place / source.name)
        where = root / "db.lxdb"
        batch = str(dice.choice([1, 3, 16, 64]))
        run = call(environment, "index", root, "--db", where, "--batch-size", batch, "--json")
        assert run.returncode == 0, run.stderr.decode()
        assert b"Traceback" not in run.stderr
        found = json.loads(run.stdout)
        assert {Path(row["path"]).name: row["reason"] for row in _rows(found)} == expected
        assert found["new"] == report["new"]
        shutil.rmtree(root)


def _rows(report: dict[str, object]) -> list[dict[str, str]]:
    rows = report["skipped"]
    assert isinstance(rows, list)
    return rows


@pytest.fixture(scope="module")
def report(hostile: Path, environment: dict[str, str]) -> dict[str, object]:
    start = time.monotonic()
    run = call(environment, "index", hostile, "--db", "hostile", "--json")
    assert run.returncode == 0, run.stderr.decode()
    assert time.monotonic() - start < LIMIT_S
    assert b"Traceback" not in run.stderr
    found: dict[str, object] = json.loads(run.stdout)
    return found


def reasons(report: dict[str, object], folder: str) -> dict[str, str]:
    rows = _rows(report)
    return {Path(row["path"]).name: row["reason"] for row in rows if f"/{folder}/" in row["path"]}


def test_every_odd_picture_is_indexed(report: dict[str, object]) -> None:
    assert reasons(report, "good") == {}
    assert reasons(report, "odd") == {}
    assert report["new"] == len(good_files()) + len(ODD_NAMES)


def test_every_bad_file_is_named_with_its_reason(report: dict[str, object]) -> None:
    found = reasons(report, "bad")
    expected = bad_files()
    assert found.keys() == expected.keys()
    assert [(name, found[name]) for name in expected if expected[name][1] not in found[name]] == []
    assert all(len(text) <= 200 for text in found.values())
    assert not [text for text in found.values() if "crashed" in text or "killed" in text]


def test_what_is_no_file_is_named_and_links_are_left_alone(report: dict[str, object]) -> None:
    expected = {"pipe.jpg": "is a pipe, not a file", "socket.png": "is a socket, not a file"}
    if os.geteuid() == 0:
        expected["zero.png"] = "is a device, not a file"
    assert reasons(report, "special") == expected


@pytest.mark.parametrize(
    "words",
    [
        ("search", "a picture", "-t", "60"),
        ("search", "a picture", "-t", "60", "--format", "json"),
        ("search", "a picture", "-t", "60", "--format", "jsonl"),
        ("search", "a picture", "-t", "60", "--format", "trec"),
        ("search", "a picture", "-t", "60", "--format", "tsv"),
        ("search", "a picture", "-t", "60", "--explain", "--group-duplicates"),
        ("errors",),
        ("errors", "--json"),
        ("dups", "--threshold", "32"),
        ("status",),
        ("search", "a \x1b[2J picture \u202e", "--must", "x\x1b[2J"),
        ("words", "no\x1b[2Jsuch.jpg"),
        ("index", "no\x1b[2J\u202esuch"),
    ],
    ids=lambda words: "_".join(words)[:40].encode("unicode_escape").decode(),
)
@pytest.mark.usefixtures("report")
def test_nothing_that_a_terminal_obeys_is_printed(
    environment: dict[str, str], words: tuple[str, ...]
) -> None:
    run = call(environment, *words, "--db", "hostile")
    assert run.returncode in (0, 1, 2)
    for stream in (run.stdout, run.stderr):
        text = stream.decode("utf-8")
        assert not set(text) & OBEYED, repr(text)
        assert "Traceback" not in text
    if words[0] == "search" and "--must" not in words:
        kind = words[-1] if "--format" in words else "table"
        lines = run.stdout.decode().splitlines()
        if kind in ("jsonl", "trec"):
            assert len(lines) == report_count()
        if kind == "trec":
            assert all(len(line.split()) == 6 for line in lines)


def report_count() -> int:
    return len(good_files()) + len(ODD_NAMES)


@pytest.mark.usefixtures("report")
def test_raw_paths_come_back_byte_for_byte(hostile: Path, environment: dict[str, str]) -> None:
    run = call(environment, "search", "a picture", "-t", "100", "-0", "--db", "hostile")
    found = set(run.stdout.split(b"\0")[:-1])
    assert {os.fsencode(hostile / "odd") + b"/" + name for name in ODD_NAMES} <= found


@pytest.mark.usefixtures("report")
def test_nothing_hostile_has_run(hostile: Path) -> None:
    assert not [path for path in Path.cwd().iterdir() if path.name == "owned"]
    assert not list(hostile.rglob("owned"))


def test_a_second_run_tries_nothing_that_failed(
    report: dict[str, object], hostile: Path, environment: dict[str, str]
) -> None:
    again = json.loads(call(environment, "index", hostile, "--db", "hostile", "--json").stdout)
    assert again["encoded"] == 0
    assert again["unchanged"] == report["new"]
    assert again["skipped"] == report["skipped"]
