"""Late interaction: the invariants of FILIP."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from torch.nn.functional import normalize  # noqa: E402

from lexsearch.nn.late import informative_tokens, token_similarities  # noqa: E402


def tokens(*shape: int) -> "torch.Tensor":
    return normalize(torch.randn(*shape), dim=-1)


def test_both_directions_are_mean_max_similarity() -> None:
    image = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    text = torch.tensor([[[0.6, 0.8], [1.0, 0.0], [0.0, -1.0]]])
    s_image, s_text = token_similarities(image, text, torch.ones(1, 3, dtype=torch.bool))
    assert s_image.item() == pytest.approx((1.0 + 0.8) / 2)
    assert s_text.item() == pytest.approx((0.8 + 1.0 + 0.0) / 3)


def test_padding_changes_nothing_whatever_it_holds() -> None:
    image, text = tokens(3, 5, 8), tokens(2, 4, 8)
    mask = torch.ones(2, 4, dtype=torch.bool)
    padded = torch.cat([text, 100 * torch.randn(2, 3, 8)], dim=1)
    longer = torch.cat([mask, torch.zeros(2, 3, dtype=torch.bool)], dim=1)
    for plain, other in zip(
        token_similarities(image, text, mask),
        token_similarities(image, padded, longer),
        strict=True,
    ):
        assert torch.allclose(plain, other, atol=1e-6)


def test_equal_sets_score_one_and_nothing_scores_more() -> None:
    image, mask = tokens(4, 6, 8), torch.ones(4, 6, dtype=torch.bool)
    s_image, s_text = token_similarities(image, image, mask)
    assert torch.allclose(s_image.diagonal(), torch.ones(4), atol=1e-5)
    assert s_text.abs().max() <= 1 + 1e-5


def test_a_repeated_image_token_moves_one_direction_alone() -> None:
    image, text = tokens(1, 5, 8), tokens(1, 4, 8)
    mask = torch.ones(1, 4, dtype=torch.bool)
    s_image, s_text = token_similarities(image, text, mask)
    more = torch.cat([image, image[:, :1]], dim=1)
    t_image, t_text = token_similarities(more, text, mask)
    assert torch.allclose(s_text, t_text)
    assert not torch.allclose(s_image, t_image)


def test_changing_roles_swaps_the_directions() -> None:
    image, text = tokens(3, 4, 8), tokens(2, 4, 8)
    s_image, _ = token_similarities(image, text, torch.ones(2, 4, dtype=torch.bool))
    _, swapped = token_similarities(text, image, torch.ones(3, 4, dtype=torch.bool))
    assert torch.allclose(s_image, swapped.T, atol=1e-6)


def test_a_text_without_tokens_is_an_error() -> None:
    with pytest.raises(ValueError, match="no real token"):
        token_similarities(tokens(1, 3, 8), tokens(1, 2, 8), torch.zeros(1, 2, dtype=torch.bool))


def test_the_tokens_that_match_best_are_kept() -> None:
    own = torch.eye(4)[None]
    others = torch.eye(4)[None, [2]]
    kept = informative_tokens(own, others, torch.ones(1, 1, dtype=torch.bool), 0.25)
    assert kept.tolist() == [[2]]
