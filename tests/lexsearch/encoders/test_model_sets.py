"""Every family as a model set: a whole index and search on tiny checkpoints, and what must hold."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from PIL import Image  # noqa: E402

from lexsearch.api import LexSearch  # noqa: E402
from lexsearch.registry import build  # noqa: E402

FAMILIES = {
    "clip": "clip:{0.clip}?words=300",
    "open_clip": "clip:{0.open_clip}?words=300",
    "tulip": "tulip:{0.tulip}?words=300",
    "siglip": "siglip:{0.siglip}?words=60",
    "siglip2": "siglip:{0.siglip2}?words=60",
    "filip": "filip:{0.filip}?words=300",
    "declip": "filip:{0.declip}?words=60&variant=declip",
    "lexvla": "lexvla:{0.lexvla}",
    "lexvla+clip": "lexvla:{0.lexvla}?partner=clip:{0.clip}",
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEXSEARCH_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(5)
    for i in range(4):
        cells = noise.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        Image.fromarray(cells).resize((60, 48), 0).save(folder / f"{i}.png")
    return folder


@pytest.fixture(params=list(FAMILIES))
def name(request: pytest.FixtureRequest, tiny: Any) -> str:
    return FAMILIES[request.param].format(tiny)


def test_a_folder_is_indexed_searched_and_explained(
    name: str, photos: Path, tmp_path: Path
) -> None:
    with LexSearch.create(tmp_path / "db", model=name) as db:
        report = db.index(photos)
        assert report.encoded == 4
    with LexSearch.open(tmp_path / "db") as again:  # the db remembers its set
        assert again.status()["model"] == name
        found = again.search("two dogs on the beach", top_k=4)
        assert len(found) == 4
        own = again.like(photos / "2.png", top_k=4)
        assert len(own) == 3
        fresh = again.search("two dogs on the beach", top_k=4)
        assert [hit.id for hit in fresh] == [hit.id for hit in found]
        why = again.explain("two dogs", photos / "1.png")
        rows, columns = why.grid
        assert why.patches.weights.shape == (rows * columns, len(again.model.vocabulary.words))


def test_a_row_does_not_depend_on_its_batch(name: str) -> None:
    model = build("encoders.models", name)
    spec = model.pixel_spec
    shape = (3, spec.height, spec.width, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    texts = ["a red bike in the park", "two dogs", "naïve 🐕"]
    for whole, one in (
        (model.encode_pixels(pixels), lambda i: model.encode_pixels(pixels[i : i + 1])),
        (model.encode_texts(texts), lambda i: model.encode_texts(texts[i : i + 1])),
    ):
        for i in range(3):
            alone = one(i)
            if whole.dense is not None:
                assert alone.dense.values[0].tobytes() == whole.dense.values[i].tobytes()
            if whole.tokens is not None:
                assert alone.tokens.item(0).tobytes() == whole.tokens.item(i).tobytes()
            if whole.lexical is not None:
                for ours, theirs in zip(alone.lexical.row(0), whole.lexical.row(i), strict=True):
                    assert ours.tobytes() == theirs.tobytes()


def test_vectors_are_what_the_identity_says(name: str) -> None:
    model = build("encoders.models", name)
    identity, spec = model.identity, model.pixel_spec
    pixels = np.random.default_rng(1).integers(0, 256, (2, spec.height, spec.width, 3), np.uint8)
    for found, count in ((model.encode_pixels(pixels), 2), (model.encode_texts(["", "dog"]), 2)):
        if "dense" in identity.fingerprints:
            assert found.dense.values.shape == (count, identity.dense_dim)
            assert np.linalg.norm(found.dense.values, axis=1) == pytest.approx(1, abs=1e-5)
            assert found.tokens.dim == identity.token_dim
            assert np.linalg.norm(found.tokens.values, axis=1) == pytest.approx(1, abs=1e-5)
        if "lexical" in identity.fingerprints:
            assert found.lexical.vocab_size == identity.vocab_size
            for i in range(count):
                assert (found.lexical.row(i)[1] > 0).all()
                assert len(found.lexical.row(i)[0]) <= identity.words_per_image
    empty = model.encode_pixels(pixels[:0])
    assert empty.dense is None or len(empty.dense) == 0


def test_a_word_of_the_map_has_the_weight_of_the_picture(tiny: Any) -> None:
    model = build("encoders.models", FAMILIES["clip"].format(tiny))
    pixels = np.random.default_rng(1).integers(0, 256, (1, 32, 32, 3), np.uint8)
    ids, weights = model.encode_pixels(pixels).lexical.row(0)
    patches = model.encode_patches(pixels[0])
    assert len(ids)
    assert patches.weights[:, ids].max(axis=0) == pytest.approx(weights, abs=1e-5)


def test_the_weights_the_options_and_the_pixels_make_the_fingerprint(tiny: Any) -> None:
    base = f"tulip:{tiny.tulip}?words=0"
    prints = [
        build("encoders.models", name).identity.fingerprints["dense"]
        for name in (base, f"{base}&theta=206278.42", f"{base}&context=77", f"{base}&fit=squash",
                     f"clip:{tiny.open_clip}?words=0")
    ]  # fmt: skip
    assert len(set(prints)) == 5
    assert build("encoders.models", base).identity.fingerprints["dense"] == prints[0]


def test_a_tulip_reads_further_than_a_clip(tiny: Any) -> None:
    long = "two dogs on the beach " * 40
    other = f"{long} a red bike"
    tulip = build("encoders.models", f"tulip:{tiny.tulip}?words=0&context=600")
    clip = build("encoders.models", f"clip:{tiny.open_clip}?words=0")
    heads = {}
    for model in (tulip, clip):
        first, second = model.encode_texts([long, other]).dense.values
        heads[model] = float(first @ second)
    assert heads[clip] == pytest.approx(1, abs=1e-6)  # both were cut at 77 tokens
    assert heads[tulip] < 1 - 1e-5


def test_a_learned_projection_goes_on_the_tokens(tiny: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    state = {}
    for side in ("image_mapping", "text_mapping"):
        state[f"{side}.weight"], state[f"{side}.bias"] = torch.randn(16, 48), torch.randn(16)
    save_file(state, str(tmp_path / "late.safetensors"))
    model = build("encoders.tokens", "patches", source=str(tiny.clip), late=str(tmp_path))
    pixels = np.zeros((1, 32, 32, 3), np.uint8)
    assert model.encode_pixels(pixels).dim == 16
    assert model.encode_texts(["two dogs"]).dim == 16
    plain = build("encoders.tokens", "patches", source=str(tiny.clip))
    assert plain.fingerprint != model.fingerprint
    assert plain.encode_pixels(pixels).dim == 48


@pytest.mark.parametrize(
    ("group", "name", "folder", "kind"),
    [
        ("encoders.dense", "clip", "clip", "DenseVectors"),
        ("encoders.dense", "tulip", "tulip", "DenseVectors"),
        ("encoders.dense", "siglip", "siglip2", "DenseVectors"),
        ("encoders.tokens", "filip", "filip", "TokenVectors"),
        ("encoders.lexical", "lexvla", "lexvla", "SparseVectors"),
        ("encoders.lexical", "clip_words", "clip", "SparseVectors"),
    ],
)
def test_an_encoder_of_one_role_gives_its_kind(
    tiny: Any, group: str, name: str, folder: str, kind: str
) -> None:
    options = {"words": 50} if name == "clip_words" else {}
    encoder = build(group, name, source=str(getattr(tiny, folder)), **options)
    picture = Image.new("RGB", (50, 40), (200, 30, 30))
    for found in (encoder.encode_query(["a dog"]), encoder.encode_document([picture])):
        assert type(found).__name__ == kind
        assert len(found) == 1
