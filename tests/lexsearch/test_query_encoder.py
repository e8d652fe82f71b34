"""Queries become vectors."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from lexsearch.errors import UsageError
from lexsearch.query import Query
from lexsearch.query_encoder import EncodedQuery, encode


def words_of(encoded: EncodedQuery, model: Any) -> dict[str, float]:
    assert encoded.lexical is not None
    ids, weights = encoded.lexical.row(0)
    names = [model.vocabulary.words[i] for i in ids]
    return dict(zip(names, weights.tolist(), strict=True))


def test_a_text_is_the_models_own_vector(toy_model: Any) -> None:
    encoded = encode(Query.text("red green"), toy_model)
    expected = toy_model.encode_texts(["red green"])
    assert np.array_equal(encoded.lexical.weights, expected.lexical.weights)
    assert np.array_equal(encoded.dense.values, expected.dense.values)
    assert encoded.tokens.weights is None


def test_a_sum_is_the_weighted_sum_of_its_parts(toy_model: Any) -> None:
    encoded = encode(Query.text("red") + 0.5 * Query.text("blue") - Query.text("green"), toy_model)
    assert words_of(encoded, toy_model) == {"blue": 0.5, "green": -1.0, "red": 1.0}
    direction = np.array([1.0, -1.0, 0.5])
    assert encoded.dense.values[0] == pytest.approx(direction / np.linalg.norm(direction))
    assert encoded.tokens.weights.tolist() == [1.0, 0.5, -1.0]


def test_each_part_of_a_sum_speaks_as_loud_however_many_tokens_it_has(toy_model: Any) -> None:
    encoded = encode(Query.text("red green") + Query.text("blue"), toy_model)
    assert encoded.tokens.weights.tolist() == [0.5, 0.5, 1.0]


def test_words_need_no_model_run(toy_model: Any) -> None:
    encoded = encode(Query.words({"red": 2.0, "blue": -1.0}), toy_model)
    assert words_of(encoded, toy_model) == {"blue": -1.0, "red": 2.0}
    assert encoded.dense is None
    assert encoded.tokens is None


def test_a_factor_multiplies_the_models_weight(toy_model: Any) -> None:
    plain = words_of(encode(Query.text("red green"), toy_model), toy_model)
    edited = encode(Query.text("red green").with_(weights={"red": 3.0, "blue": 2.0}), toy_model)
    heaviest = max(plain.values())
    assert words_of(edited, toy_model) == pytest.approx(
        {"red": 3 * plain["red"], "green": plain["green"], "blue": 2 * heaviest}
    )


def test_a_factor_of_zero_drops_the_word(toy_model: Any) -> None:
    edited = encode(Query.text("red green").with_(weights={"red": 0.0}), toy_model)
    assert list(words_of(edited, toy_model)) == ["green"]


def test_a_picture_is_encoded_like_an_indexed_one(toy_model: Any) -> None:
    picture = Image.new("RGB", (40, 20), (255, 0, 0))
    encoded = encode(Query.image(picture), toy_model)
    pixels = np.full((1, 8, 8, 3), (255, 0, 0), np.uint8)
    assert np.array_equal(encoded.dense.values, toy_model.encode_pixels(pixels).dense.values)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_query_is_an_error(text: str, toy_model: Any) -> None:
    with pytest.raises(UsageError, match="the query is empty"):
        encode(Query.text(text), toy_model)


def test_conditions_alone_are_an_error_that_says_so(toy_model: Any) -> None:
    with pytest.raises(UsageError, match="only conditions"):
        encode(Query.parse("-red after:2024"), toy_model)


def test_a_word_outside_the_vocabulary_is_said(toy_model: Any) -> None:
    notes = encode(Query.text("a reddish zebra from Behind the"), toy_model).notes
    assert any("'zebra'" in n and "dense and late" in n for n in notes)
    assert any("'reddish'" in n and "##ish" in n for n in notes)
    assert len(notes) == 2  # `from`, `behind` and `the` name nothing to see


def test_an_edited_word_outside_the_vocabulary_is_an_error_with_neighbours(toy_model: Any) -> None:
    with pytest.raises(UsageError, match=r"'grey' is not among the 9 words.*green"):
        encode(Query.words({"grey": 1.0}), toy_model)


def test_parts_that_cancel_are_an_error(toy_model: Any) -> None:
    with pytest.raises(UsageError, match="cancel"):
        encode(Query.text("red") - Query.text("red"), toy_model)


def test_a_missing_picture_is_an_error(toy_model: Any) -> None:
    with pytest.raises(UsageError, match=r"no such picture: .*nowhere\.jpg"):
        encode(Query.image("nowhere.jpg"), toy_model)
