"""A query, a picture and an upload have a largest size, and say so."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from lexsearch.errors import UsageError
from lexsearch.grammar import MAX_PARTS, MAX_QUERY_CHARS, parse
from lexsearch.pictures import MAX_PIXELS, MAX_UPLOAD, load_pixels, load_upload
from lexsearch.query import MAX_WORDS, Query
from lexsearch.types import PixelSpec

SPEC = PixelSpec(8, 8)


def saved(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("make", [Query.text, Query.parse])
def test_a_text_is_cut_and_says_so(make: object) -> None:
    query = make("a" * (MAX_QUERY_CHARS + 1))  # type: ignore[operator]
    assert len(str(query.parts[0].value)) == MAX_QUERY_CHARS
    assert query.notes == ("the query has 4,097 characters; only the first 4,096 count",)
    assert make("a" * MAX_QUERY_CHARS).notes == ()  # type: ignore[operator]


def test_composed_letters_count_once() -> None:
    assert Query.text("e\u0301" * MAX_QUERY_CHARS).notes == ()


@pytest.mark.parametrize("piece", ["a", "./a.jpg"])
def test_a_sum_has_a_largest_number_of_parts(piece: str) -> None:
    query = parse(" + ".join([piece] * 500))
    assert len(query.parts) <= MAX_PARTS
    assert any("at most 32 parts" in note for note in query.notes)
    assert parse(" + ".join([piece] * 30)).notes == ()
    assert len(parse(" + ".join([piece] * 30)).parts) == 30


def test_a_query_by_words_has_a_largest_number() -> None:
    words = {f"w{i}": 1.0 for i in range(MAX_WORDS)}
    assert Query.words(words).parts
    with pytest.raises(UsageError, match="513 words; at most 512"):
        Query.words({**words, "one": 1.0})


def test_half_a_letter_is_replaced() -> None:
    assert Query.text("a\ud800b").parts[0].value == "a?b"


def test_a_picture_in_memory_has_a_largest_size() -> None:
    class Huge(Image.Image):
        size = (100_000, 100_000)
        width = height = 100_000

    assert Huge.width * Huge.height > MAX_PIXELS
    with pytest.raises(UsageError, match="too large: 100000 x 100000"):
        load_pixels(Huge(), SPEC)


def test_an_upload_is_decoded_and_its_limits_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load_upload(saved(Image.new("RGB", (9, 9), "red")), SPEC)[0, 0].tolist() == [255, 0, 0]
    with pytest.raises(UsageError, match="20,000,001 bytes; at most 20,000,000"):
        load_upload(bytes(MAX_UPLOAD + 1), SPEC)
    with pytest.raises(UsageError, match="the upload is not a picture"):
        load_upload(b"text", SPEC)
    with pytest.raises(UsageError, match="the upload is empty"):
        load_upload(b"", SPEC)


def test_an_upload_that_kills_its_decoder_kills_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = "import sys\nif 'indexer.worker' in sys.orig_argv:\n    import indexer.decode as d, os\n"
    (tmp_path / "sitecustomize.py").write_text(code + "    d._decode = lambda *a: os.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(UsageError, match="the upload crashed its decoder"):
        load_upload(saved(Image.new("RGB", (9, 9))), SPEC)
