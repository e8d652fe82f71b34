"""One score from several channels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.ranking.fusion import filled, reciprocal_rank, weighted_sum
from lexsearch.types import FloatArray, Ranking

NAN = float("nan")


def scores(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float32)


def ranking(*ids: int) -> Ranking:
    return Ranking(
        np.array(ids, dtype=np.int64),
        np.linspace(1, 0, len(ids)).astype(np.float32),
        "test",
    )


def test_weights_and_scores_are_taken_raw() -> None:
    found = weighted_sum(
        {"lexical": scores(10.0, 20.0), "dense": scores(0.5, 0.25)},
        {"lexical": 0.5, "dense": 3.0, "late": 7.0},
    )
    assert found.tolist() == [0.5 * 10 + 3 * 0.5, 0.5 * 20 + 3 * 0.25]
    assert found.dtype == np.float32


def test_a_missing_score_counts_as_the_least_of_its_channel() -> None:
    found = weighted_sum({"a": scores(1.0, NAN, 3.0)}, {"a": 2.0})
    assert found.tolist() == [2.0, 2.0, 6.0]


def test_a_channel_that_knows_no_image_adds_nothing() -> None:
    found = weighted_sum({"a": scores(1.0, 2.0), "b": scores(NAN, NAN)}, {"a": 1.0, "b": 9.0})
    assert found.tolist() == [1.0, 2.0]
    assert filled(scores(NAN)).tolist() == [0.0]
    assert weighted_sum({"a": scores()}, {"a": 1.0}).tolist() == []


def test_the_order_of_the_channels_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    channels = {name: rng.normal(size=50).astype(np.float32) for name in "abcd"}
    weights = {"a": 0.1, "b": 0.7, "c": 1.3, "d": 0.3}
    backwards = dict(reversed(channels.items()))
    assert weighted_sum(channels, weights).tobytes() == weighted_sum(backwards, weights).tobytes()


def test_misuse_of_a_weighted_sum_is_refused() -> None:
    with pytest.raises(ValueError, match="no weight for b; known: a"):
        weighted_sum({"a": scores(1), "b": scores(1)}, {"a": 1.0})
    with pytest.raises(ValueError, match=r"lengths \[1, 2\]"):
        weighted_sum({"a": scores(1), "b": scores(1, 2)}, {"a": 1.0, "b": 1.0})
    with pytest.raises(ValueError, match="0 channels"):
        weighted_sum({}, {})


def test_an_image_found_by_both_indexes_wins() -> None:
    fused = reciprocal_rank([ranking(7, 8), ranking(8, 9)], k=3, damping=60)
    assert fused.ids.tolist() == [8, 7, 9]
    assert fused.scores.tolist() == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])
    assert fused.source == "fused"


def test_a_weight_multiplies_the_share_of_its_ranking() -> None:
    fused = reciprocal_rank([ranking(1, 2), ranking(3)], k=2, damping=0, weights=[1.0, 5.0])
    assert fused.ids.tolist() == [3, 1]
    assert fused.scores.tolist() == [5.0, 1.0]


def test_no_rankings_or_empty_ones_give_an_empty_ranking() -> None:
    assert len(reciprocal_rank([], k=5)) == 0
    assert len(reciprocal_rank([ranking(), ranking()], k=5)) == 0
    with pytest.raises(ValueError, match="1 weights for 2 rankings"):
        reciprocal_rank([ranking(1), ranking(2)], k=5, weights=[1.0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 12), unique=True), max_size=5), st.data())
def test_the_order_of_the_rankings_does_not_matter(
    lists: list[list[int]], data: st.DataObject
) -> None:
    one = reciprocal_rank([ranking(*ids) for ids in lists], k=20)
    shuffled = data.draw(st.permutations(lists))
    other = reciprocal_rank([ranking(*ids) for ids in shuffled], k=20)
    assert one.ids.tolist() == other.ids.tolist()
    assert one.scores.tobytes() == other.scores.tobytes()
    assert set(one.ids.tolist()) == {i for ids in lists for i in ids}
