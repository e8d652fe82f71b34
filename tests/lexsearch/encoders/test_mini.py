"""The bundled model behind its protocol."""

import numpy as np
import pytest
from PIL import Image

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from lexsearch.encoders._mini_session import MiniModel, load  # noqa: E402
from lexsearch.registry import build  # noqa: E402


@pytest.fixture(scope="module")
def model() -> MiniModel:
    return load()


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    noise = np.random.default_rng(3).integers(0, 256, (3, 28, 28, 3), dtype=np.uint8)
    return noise.repeat(8, axis=1).repeat(8, axis=2)


def test_a_picture_alone_and_in_a_batch_gives_the_same_bytes(
    model: MiniModel, pixels: np.ndarray
) -> None:
    together = model.encode_pixels(pixels)
    for i in range(len(pixels)):
        alone = model.encode_pixels(pixels[i : i + 1])
        assert alone.dense.values[0].tobytes() == together.dense.values[i].tobytes()
        assert alone.tokens.item(0).tobytes() == together.tokens.item(i).tobytes()
        for ours, theirs in zip(alone.lexical.row(0), together.lexical.row(i), strict=True):
            assert ours.tobytes() == theirs.tobytes()


def test_a_text_alone_and_in_a_batch_gives_the_same_bytes(model: MiniModel) -> None:
    texts = ["a dog", "two children play in the snow near a red house"]
    together = model.encode_texts(texts)
    for i, text in enumerate(texts):
        alone = model.encode_texts([text])
        assert alone.dense.values[0].tobytes() == together.dense.values[i].tobytes()
        assert alone.tokens.item(0).tobytes() == together.tokens.item(i).tobytes()


def test_vectors_are_what_the_identity_says(model: MiniModel, pixels: np.ndarray) -> None:
    identity, found = model.identity, model.encode_pixels(pixels)
    assert found.dense.values.shape == (3, identity.dense_dim)
    assert np.linalg.norm(found.dense.values, axis=1) == pytest.approx(1.0, abs=1e-4)
    assert found.tokens.values.shape == (3 * identity.tokens_per_image, identity.token_dim)
    assert np.linalg.norm(found.tokens.values, axis=1) == pytest.approx(1.0, abs=1e-4)
    assert found.tokens.grid == (7, 7)
    assert identity.vocab_size == found.lexical.vocab_size == len(model.vocabulary.words) == 17_149
    for i in range(3):
        ids, weights = found.lexical.row(i)
        assert 0 < len(ids) <= identity.words_per_image
        assert (np.diff(ids) > 0).all()
        assert (weights > identity.vocab_size**-0.5).all()


@pytest.mark.parametrize("text", ["", " ", "dog", "naïve café 🐕 日本語", "\x00", "a dog " * 2000])
def test_any_text_has_a_vector(text: str, model: MiniModel) -> None:
    found = model.encode_texts([text])
    assert np.isfinite(found.dense.values).all()
    assert 2 <= len(found.tokens.item(0)) <= 248
    assert len(model.token_texts(text)) == len(found.tokens.item(0))


def test_nothing_gives_nothing(model: MiniModel, pixels: np.ndarray) -> None:
    for empty in (model.encode_texts([]), model.encode_pixels(pixels[:0])):
        assert len(empty.lexical) == len(empty.dense) == len(empty.tokens) == 0


def test_the_maximum_over_patches_is_the_weight_of_the_picture(
    model: MiniModel, pixels: np.ndarray
) -> None:
    ids, weights = model.encode_pixels(pixels[:1]).lexical.row(0)
    patches = model.encode_patches(pixels[0])
    best = patches.as_stored(patches.weights).max(axis=0)[ids]
    assert (best <= weights + 1e-5).all()  # a word that only CLS fires stays below
    assert (np.abs(best - weights) < 1e-5).mean() > 0.3  # and CLS speaks for the rest


@pytest.mark.parametrize("role", ["lexical", "dense", "tokens"])
def test_each_role_is_an_encoder_of_its_own(role: str, model: MiniModel) -> None:
    encoder = build(f"encoders.{role}", "mini")
    assert encoder.role == role
    assert encoder.fingerprint == model.identity.fingerprints[role]
    assert len(encoder.encode_query(["a dog"])) == 1
    assert len(encoder.encode_document([Image.new("RGB", (50, 20), "red")])) == 1
    assert len(encoder.encode_document([])) == 0


def test_a_text_search_does_not_load_the_image_side() -> None:
    model = load()
    model.encode_texts(["a dog"])
    assert "_image" not in vars(model)
    assert "_image_codebook" not in vars(model)


def test_the_fusion_has_a_weight_for_every_channel(model: MiniModel) -> None:
    assert sorted(model.fusion) == ["dense", "late", "lexical"]
    assert all(weight >= 0 for weight in model.fusion.values())


def test_a_word_stands_highest_in_its_own_word_level_vector(model: MiniModel) -> None:
    ids = [model.vocabulary.lookup(word) for word in ("dog", "snow", "bicycle")]
    found = model.encode_words([[i] for i in ids])
    assert found.shape == (3, 17_149)
    assert found.dtype == np.float32
    assert (found >= 0).all()
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert found.argmax(axis=1).tolist() == ids
    assert model.encode_words([]).shape == (0, 17_149)


def test_several_words_are_averaged_to_a_vector_as_peaked_as_that_of_a_text(
    model: MiniModel,
) -> None:
    dog, snow = (model.vocabulary.lookup(word) for word in ("dog", "snow"))
    both = model.encode_words([[dog, snow], [snow, dog]])
    assert both[0] == pytest.approx(both[1], abs=1e-6)
    assert set(np.argsort(-both[0])[:2].tolist()) == {dog, snow}
    # The vector is as peaked as that of a text: much above the flat 1 / sqrt(V).
    assert both[0].max() > 3 * 17_149**-0.5


def test_every_word_is_stored_on_request_under_another_fingerprint(
    model: MiniModel, pixels: np.ndarray
) -> None:
    uncut = load(words_per_image=0)
    all_ids, all_weights = uncut.encode_pixels(pixels[:1]).lexical.row(0)
    ids, weights = model.encode_pixels(pixels[:1]).lexical.row(0)
    assert len(all_ids) > len(ids) == model.identity.words_per_image
    assert set(ids.tolist()) <= set(all_ids.tolist())
    assert all_ids[all_weights.argmax()] == ids[weights.argmax()]
    assert np.linalg.norm(weights) == pytest.approx(1.0, abs=1e-5)
    ours, theirs = uncut.identity, model.identity
    assert ours.fingerprints["lexical"] != theirs.fingerprints["lexical"]
    assert ours.fingerprints["dense"] == theirs.fingerprints["dense"]
    assert load(words_per_image=theirs.words_per_image).identity == theirs


def test_every_word_of_a_text_is_kept_on_request(model: MiniModel) -> None:
    uncut = load(words_per_text=0)
    all_ids, _ = uncut.encode_texts(["a dog on the beach"]).lexical.row(0)
    ids, _ = model.encode_texts(["a dog on the beach"]).lexical.row(0)
    assert set(ids.tolist()) < set(all_ids.tolist())
    assert uncut.identity == model.identity  # what is stored is the same
