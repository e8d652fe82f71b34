"""Encoders in the shape of sentence-transformers, over every kind of model."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lexsearch
from lexsearch.encoders._role import DenseEncoder, LexicalEncoder, TokenEncoder
from lexsearch.errors import UsageError
from lexsearch.types import SparseVectors
from lexsearch.vectors import similarity

ENCODERS = (LexicalEncoder, DenseEncoder, TokenEncoder)


@pytest.fixture
def picture() -> Image.Image:
    halves = Image.new("RGB", (40, 30), (255, 0, 0))
    halves.paste((0, 255, 0), (20, 0, 40, 30))
    return halves


def saved(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def raw(vectors: Any) -> list[bytes]:
    names = [f.name for f in dataclasses.fields(vectors)]
    return [v.tobytes() for n in names if isinstance(v := getattr(vectors, n), np.ndarray)]


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_picture_is_the_same_however_it_comes(
    kind: Any, toy_model: Any, picture: Image.Image, tmp_path: Path
) -> None:
    encoder = kind(toy_model)
    path = tmp_path / "ä picture.png"
    picture.save(path)
    expected = raw(encoder.encode_document([picture]))
    array = np.asarray(picture)
    with Image.open(path) as opened:
        for given in (path, str(path), picture, opened, array, path.read_bytes()):
            assert raw(encoder.encode_document(given)) == expected  # one is as good as a list
            assert raw(encoder.encode_document([given])) == expected
    assert len(encoder.encode_document(np.stack([array, array]))) == 2
    assert len(encoder.encode_document(iter([path, array]))) == 2


@pytest.mark.parametrize("kind", ENCODERS)
def test_the_size_of_a_batch_changes_nothing_but_the_memory(
    kind: Any, toy_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    pictures = list(rng.integers(0, 256, (7, 8, 8, 3), dtype=np.uint8))
    texts = ["red", "green blue", "", "white", "dark"]
    encoder = kind(toy_model)
    expected = raw(encoder.encode_document(pictures)), raw(encoder.encode_query(texts))
    sizes: list[int] = []
    for name in ("encode_pixels", "encode_texts"):
        whole = getattr(type(toy_model), name)
        monkeypatch.setattr(
            type(toy_model), name, lambda self, b, w=whole: (sizes.append(len(b)), w(self, b))[1]
        )
    small = (
        encoder.encode_document(pictures, batch_size=3),
        encoder.encode_query(texts, batch_size=2),
    )
    assert (raw(small[0]), raw(small[1])) == expected
    assert sizes == [3, 3, 1, 2, 2, 1]
    with pytest.raises(UsageError, match="batch_size is 0"):
        encoder.encode_query(texts, batch_size=0)


def test_pictures_are_taken_from_an_iterator_batch_by_batch(toy_model: Any) -> None:
    taken: list[int] = []

    def stream() -> Any:
        for i in range(10):
            taken.append(i)
            yield np.full((8, 8, 3), i, np.uint8)

    def seen(self: Any, pixels: Any) -> Any:
        most.append(len(taken))
        return whole(self, pixels)

    most: list[int] = []
    whole = type(toy_model).encode_pixels
    model = type("Watching", (type(toy_model),), {"encode_pixels": seen})()
    assert len(DenseEncoder(model).encode_document(stream(), batch_size=4)) == 10
    assert most == [4, 8, 10]


def test_progress_goes_to_stderr_and_only_when_asked(
    toy_model: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = DenseEncoder(toy_model)
    encoder.encode_query(["red", "green"], show_progress_bar=True)
    shown = capsys.readouterr()
    assert "Encoding" in shown.err
    assert shown.out == ""
    encoder.encode_query(["red", "green"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (np.zeros((8, 8, 3), np.float32), "array of float32"),
        (np.zeros((8, 8), np.uint8), r"\(8, 8\); expected"),
        (np.zeros((0, 8, 3), np.uint8), "expected uint8"),
        (3, "given as int"),
        ("no/such.png", "no such picture"),
        (b"not a picture", "not a picture"),
    ],
)
def test_what_is_no_picture_is_an_error_that_says_so(toy_model: Any, bad: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        DenseEncoder(toy_model).encode_document([bad])


def test_a_picture_in_memory_is_turned_upright_and_composed_on_white(toy_model: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by 90 degrees
    lying = Image.new("RGB", (40, 20), (255, 0, 0))
    lying.paste((0, 0, 255), (20, 0, 40, 20))
    file = io.BytesIO()
    lying.save(file, "PNG", exif=exif)
    encoder = TokenEncoder(toy_model)
    expected = raw(encoder.encode_document(np.asarray(lying.transpose(Image.Transpose.ROTATE_270))))
    assert raw(encoder.encode_document(Image.open(file))) == expected
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    white = np.full((8, 8, 3), 255, np.uint8)
    assert raw(encoder.encode_document(clear)) == raw(encoder.encode_document(white))


def test_words_are_decoded_heaviest_first(toy_model: Any, picture: Image.Image) -> None:
    encoder = LexicalEncoder(toy_model)
    (words,) = encoder.decode(encoder.encode_query("green red"))
    assert words == [("green", pytest.approx(2**-0.5)), ("red", pytest.approx(2**-0.5))]
    seen = encoder.encode_document(picture)
    (all_words,) = encoder.decode(seen)
    assert encoder.decode(seen, 1) == [all_words[:1]]
    shared = encoder.intersection(encoder.encode_query("green"), seen)
    assert [word for word, _ in encoder.decode(shared)[0]] == ["green"]
    assert encoder.sparsity(seen)["active_dims"] == len(all_words)


def test_a_role_that_a_model_lacks_is_an_error(toy_model: Any) -> None:
    other = type(toy_model)()
    marks = {"dense": "toy/d/1"}
    other.identity = dataclasses.replace(toy_model.identity, fingerprints=marks)
    with pytest.raises(UsageError, match="no lexical role; it has dense"):
        LexicalEncoder(other)


@pytest.mark.parametrize("role", ["lexical", "dense", "tokens"])
def test_an_encoder_by_name_scores_as_a_search_does(role: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    encoder = lexsearch.load_encoder(role, "mini", threads=1)
    picture = tmp_path / "red.png"
    Image.new("RGB", (64, 48), (220, 30, 30)).save(picture)
    scores = encoder.similarity(
        encoder.encode_query(["a red square", "snow"]), encoder.encode_document([picture])
    )
    assert scores.shape == (2, 1)
    channel = {"tokens": "late"}.get(role, role)
    with lexsearch.LexSearch.create(tmp_path / "db") as db:
        db.index(picture, isolate=False)
        hit = db.search(lexsearch.Query.text("a red square"), mode=channel)[0]  # type: ignore[arg-type]
    assert hit.scores[channel] == pytest.approx(float(scores[0, 0]), abs=2e-2)  # stored rounded


def test_a_model_by_name_is_what_an_index_uses() -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    model = lexsearch.load_model()
    assert model.identity.name == "mini"
    assert isinstance(LexicalEncoder(model).encode_query(["dog"]), SparseVectors)
    with pytest.raises(UsageError, match="is called 'minni'"):
        lexsearch.load_model("minni")
    with pytest.raises(UsageError, match="device"):
        lexsearch.load_model("mini", device="cpu")


def test_encoders_of_checkpoints_have_the_same_shape(tiny: Any, picture: Image.Image) -> None:
    words = lexsearch.load_encoder("lexical", f"clip:{tiny.clip}", words=50)
    dense = lexsearch.load_encoder("dense", f"siglip:{tiny.siglip2}")
    tokens = lexsearch.load_encoder("tokens", f"filip:{tiny.filip}")
    for encoder in (words, dense, tokens):
        documents = encoder.encode_document([picture, np.asarray(picture)], batch_size=1)
        queries = encoder.encode_query(["a dog", "red", "two"], batch_size=2)
        assert encoder.similarity(queries, documents).shape == (3, 2)  # type: ignore[arg-type]
        assert similarity(queries, documents)[:, 0] == pytest.approx(
            similarity(queries, documents)[:, 1]
        )  # type: ignore[type-var]
    found = words.sparsity(words.encode_document([picture]))
    assert found["sparsity_ratio"] == pytest.approx(1 - found["active_dims"] / 50)
