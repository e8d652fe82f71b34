"""Whatever a file holds becomes upright RGB pixels or one clear reason."""

from __future__ import annotations

import copy
import hashlib
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer import decode as decode_module
from indexer.decode import DecodeError, decode, decode_bytes
from lexsearch.types import PixelSpec

SPEC = PixelSpec(8, 8, "squash", "bilinear")
RED = (255, 0, 0)


def saved(path: Path, image: Image.Image, **options: object) -> bytes:
    image.save(path, **options)  # type: ignore[arg-type]
    return os.fsencode(path)


def reason(path: Path) -> str:
    with pytest.raises(DecodeError) as caught:
        decode(os.fsencode(path), SPEC)
    return caught.value.reason


def colour(path: bytes) -> tuple[int, ...]:
    return tuple(decode(path, SPEC).pixels.mean(axis=(0, 1)).round().astype(int).tolist())


@pytest.mark.parametrize("suffix", ["png", "gif", "bmp", "tif", "webp", "jpg", "jfif", "jpe"])
def test_every_format_of_pillow_gives_its_colour(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"red.{suffix}"
    kind = {"tif": "TIFF", "jpg": "JPEG", "jfif": "JPEG", "jpe": "JPEG"}.get(suffix)
    found = colour(saved(path, Image.new("RGB", (20, 10), RED), format=kind))
    assert np.abs(np.array(found) - RED).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_every_mode_that_png_can_hold_shows_a_white_picture_as_white(
    tmp_path: Path, mode: str
) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.full((10, 20), 65535, np.uint16))
    else:
        image = Image.new("RGB", (20, 10), "white").convert(mode)
    assert colour(saved(tmp_path / "white.png", image)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB", "F", "I", "RGBX"])
def test_every_mode_that_tiff_can_hold_is_decoded(tmp_path: Path, mode: str) -> None:
    if mode == "LAB":
        image = Image.frombytes("LAB", (1, 1), bytes([255, 0, 0])).resize((20, 10))
    elif mode in ("F", "I"):
        image = Image.new(mode, (20, 10), 1 if mode == "F" else 255)
    else:
        image = Image.new("RGB", (20, 10), "white").convert(mode)
    found = colour(saved(tmp_path / "white.tif", image))
    assert min(found) >= 250


def test_a_cmyk_jpeg_keeps_its_colour(tmp_path: Path) -> None:
    path = saved(tmp_path / "red.jpg", Image.new("CMYK", (20, 10), (0, 255, 255, 0)))
    assert np.abs(np.array(colour(path)) - RED).max() <= 4


def test_transparent_is_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (20, 10), (255, 0, 0, 0))
    assert colour(saved(tmp_path / "a.png", clear)) == (255, 255, 255)
    half = Image.new("RGBA", (20, 10), (255, 0, 0, 128))
    assert colour(saved(tmp_path / "b.png", half)) == (255, 127, 127)


def test_the_transparent_colour_of_a_palette_is_white(tmp_path: Path) -> None:
    image = Image.new("P", (20, 10), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    for name in ("a.png", "a.gif"):
        path = saved(tmp_path / name, image, transparency=1)
        assert colour(path) == (255, 255, 255)


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 10), c) for c in ("red", "blue")]
    for name in ("a.gif", "a.webp", "a.tif"):
        options = {"lossless": True} if name.endswith("webp") else {}
        path = saved(tmp_path / name, frames[0], save_all=True, append_images=frames[1:], **options)
        assert colour(path) == RED


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    image = Image.fromarray(np.full((10, 20), 32768, np.uint16))
    assert colour(saved(tmp_path / "grey.png", image)) == (128, 128, 128)


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_orientation_is_turned_upright(tmp_path: Path, turn: int) -> None:
    upright = np.zeros((16, 8, 3), np.uint8)
    upright[:8, :4] = RED  # the top left corner is red
    stored = Image.fromarray(upright)
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    if turn in undo:
        stored = stored.transpose(undo[turn])
    exif = Image.Exif()
    exif[0x0112] = turn
    found = decode(saved(tmp_path / "a.png", stored, exif=exif), SPEC)
    assert (found.width, found.height) == (8, 16)
    assert found.pixels[1, 1].tolist() == list(RED)
    assert found.pixels[1, 6].tolist() == found.pixels[6, 1].tolist() == [0, 0, 0]


def test_the_camera_time_and_place_are_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "FUJIFILM", "X100V\0", "2020:01:01 00:00:00"
    exif.get_ifd(0x8769)[0x9003] = "2024:07:14 11:02:09"
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 6.0, 36.0), 3: "W", 4: (1.0, 30.0, 0.0)})
    found = decode(saved(tmp_path / "a.jpg", Image.new("RGB", (8, 8)), exif=exif), SPEC)
    assert found.taken == "2024-07-14T11:02:09"
    assert found.camera == "FUJIFILM X100V"
    assert found.gps == pytest.approx((41.11, -1.5))


@pytest.mark.filterwarnings("ignore::UserWarning")  # as a run does; see ThreadDecoder
@pytest.mark.parametrize(
    "block", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0", b"Exif\0\0" + b"\xff" * 60, b"junk"]
)
def test_a_broken_exif_block_never_loses_the_picture(tmp_path: Path, block: bytes) -> None:
    image = Image.new("RGB", (20, 10), RED)
    clean = io.BytesIO()
    image.save(clean, "JPEG")
    data = clean.getvalue()
    marker = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    path = tmp_path / "a.jpg"
    path.write_bytes(data[:2] + marker + data[2:])
    found = decode_bytes(os.fsencode(path), path.read_bytes(), b"", SPEC)
    assert found.taken is None
    assert found.camera is None
    assert found.gps is None


def test_wrong_values_in_exif_never_lose_the_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x0132] = 99, "yesterday"
    exif.get_ifd(0x8825).update({1: "N", 2: (float("inf"), 0.0, 0.0), 3: "E", 4: (500.0, 0.0, 0.0)})
    found = decode(saved(tmp_path / "a.png", Image.new("RGB", (8, 8), RED), exif=exif), SPEC)
    assert (found.taken, found.gps) == (None, None)


def test_a_broken_colour_profile_never_loses_the_picture(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (8, 8), RED), icc_profile=b"no profile")
    assert decode(path, SPEC).width == 8


def test_the_digest_is_of_the_bytes(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (8, 8), RED))
    assert (
        decode(path, SPEC).sha256 == hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).digest()
    )


def test_near_duplicates_have_near_hashes(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(255, 0, -3, dtype=np.uint8), (60, 1))
    image = Image.fromarray(ramp)
    first = decode(saved(tmp_path / "a.png", image), SPEC)
    second = decode(saved(tmp_path / "a.jpg", image.resize((40, 30)), quality=60), SPEC)
    other = decode(saved(tmp_path / "b.png", image.transpose(0)), SPEC)
    assert first.dhash == 2**64 - 1
    assert (first.dhash ^ second.dhash).bit_count() <= 4
    assert other.dhash == 0


def test_a_large_jpeg_is_decoded_at_a_part_of_its_size(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (1600, 800), RED))
    found = decode(path, SPEC)
    assert (found.width, found.height) == (1600, 800)


def test_a_large_picture_is_flattened_in_strips_that_leave_no_seam(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 3000).astype(np.uint8)[:, None].repeat(2000, axis=1)
    image = Image.merge("LA", [Image.fromarray(ramp), Image.new("L", (2000, 3000), 255)])
    found = decode(saved(tmp_path / "a.png", image, compress_level=1), SPEC)
    expected = (np.arange(8) + 0.5) / 8 * 255
    assert np.abs(found.pixels[:, 4, 0].astype(float)[1:-1] - expected[1:-1]).max() < 3


def test_a_truncated_jpeg_says_so(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    path = tmp_path / "a.jpg"
    noise.save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "truncated" in reason(path)


def test_a_truncated_png_says_why(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    path = tmp_path / "a.png"
    noise.save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "truncated" in reason(path)


def test_text_under_the_name_of_a_picture_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("dear diary")
    with pytest.raises(DecodeError, match=r"a\.jpg is not a picture") as caught:
        decode(os.fsencode(path), SPEC)
    assert caught.value.sha256 == hashlib.sha256(b"dear diary").digest()


def test_a_format_that_is_not_on_the_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (8, 8)).save(path, format="PPM")
    assert "not a picture" in reason(path)


def test_what_is_no_readable_file_says_so_and_may_be_tried_again(
    tmp_path: Path, pipe: Path
) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    folder = tmp_path / "folder.jpg"
    folder.mkdir()
    link = tmp_path / "link.jpg"
    link.symlink_to(empty)
    assert reason(empty) == "is empty"
    assert reason(folder) == "is not a regular file"
    assert reason(pipe) == "is not a regular file"
    assert "symbolic link" in reason(link)
    assert "No such file" in reason(tmp_path / "none.jpg")
    with pytest.raises(DecodeError) as caught:
        decode(os.fsencode(link), SPEC)
    assert caught.value.sha256 is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path)
    path.chmod(0)
    assert "denied" in reason(path)


def png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = b""
    for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")):
        check = struct.pack(">I", zlib.crc32(name + data))
        chunks += struct.pack(">I", len(data)) + name + data + check
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_001, 20_000])
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side, side))
    assert reason(path).startswith("is too large")


def test_an_error_message_never_grows_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0" + b"\x08\0\0\0" + b"\xff" * 5000)
    assert len(reason(path)) <= decode_module.MAX_REASON


@pytest.mark.parametrize("name", ["a.heic", "phone.jpg"])
def test_heic_is_read_by_content_or_name(tmp_path: Path, name: str) -> None:
    heif = pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x0110] = "Phone 7"
    path = tmp_path / name
    image = Image.new("RGB", (64, 32), RED)
    heif.from_pillow(image).save(path, quality=90, exif=exif.tobytes())
    found = decode(os.fsencode(path), SPEC)
    assert (found.width, found.height, found.camera) == (64, 32, "Phone 7")
    assert np.abs(found.pixels.mean(axis=(0, 1)) - RED).max() < 12


def test_a_turned_heic_is_upright_once(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    stored = np.zeros((64, 128, 3), np.uint8)
    stored[:32, 64:] = RED  # turned by 90 degrees clockwise, red is at the lower right
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.heic"
    heif.from_pillow(Image.fromarray(stored)).save(path, quality=90, exif=exif.tobytes())
    found = decode(os.fsencode(path), SPEC)
    assert (found.width, found.height) == (64, 128)
    assert found.pixels[6, 6, 0] > 200
    assert found.pixels[1, 1, 0] < 50


def test_garbage_under_the_names_of_heic_and_raw_is_no_picture(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif")
    pytest.importorskip("rawpy")
    for name in ("a.heic", "a.nef"):
        path = tmp_path / name
        path.write_bytes(b"garbage" * 100)
        assert "cannot be decoded" in reason(path)


def test_an_error_travels_between_processes() -> None:
    error = copy.copy(DecodeError(b"/a.jpg", "is empty", b"digest"))
    assert (error.path, error.reason, error.sha256) == (b"/a.jpg", "is empty", b"digest")
    assert str(error) == "/a.jpg is empty"
