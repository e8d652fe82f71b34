"""Late interaction: the invariants of FILIP, and its golden fixture."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from torch.nn.functional import normalize  # noqa: E402

from lexsearch.nn.late import (  # noqa: E402
    best_similarities,
    informative_mask,
    informative_tokens,
    token_similarities,
    token_similarities_by_parts,
)


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


def test_padding_of_images_changes_nothing_whatever_it_holds() -> None:
    image, text = tokens(3, 5, 8), tokens(2, 4, 8)
    mask, image_mask = torch.ones(2, 4, dtype=torch.bool), torch.ones(3, 5, dtype=torch.bool)
    mask[1, 2:] = False
    padded = torch.cat([image, 100 * torch.ones(3, 2, 8)], dim=1)
    longer = torch.cat([image_mask, torch.zeros(3, 2, dtype=torch.bool)], dim=1)
    plain = token_similarities(image, text, mask)
    for other in (
        token_similarities(image, text, mask, image_mask),
        token_similarities(padded, text, mask, longer),
    ):
        for one, two in zip(plain, other, strict=True):
            assert torch.allclose(one, two, atol=1e-6)


def test_padding_may_hold_anything_at_all() -> None:
    image, text = tokens(1, 3, 8), tokens(1, 3, 8)
    image[0, 2], text[0, 2] = float("nan"), float("inf")
    mask = torch.tensor([[True, True, False]])
    s_image, s_text = token_similarities(image, text, mask, mask)
    t_image, t_text = token_similarities(image[:, :2], text[:, :2], mask[:, :2])
    assert torch.allclose(s_image, t_image)
    assert torch.allclose(s_text, t_text)


def test_changing_roles_swaps_the_directions_with_masks_too() -> None:
    image, text = tokens(3, 4, 8), tokens(2, 5, 8)
    image_mask, text_mask = torch.rand(3, 4) > 0.4, torch.rand(2, 5) > 0.4
    image_mask[:, 0] = text_mask[:, 0] = True
    s_image, s_text = token_similarities(image, text, text_mask, image_mask)
    t_image, t_text = token_similarities(text, image, image_mask, text_mask)
    assert torch.allclose(s_image, t_text.T, atol=1e-6)
    assert torch.allclose(s_text, t_image.T, atol=1e-6)


def test_an_image_without_tokens_is_an_error() -> None:
    none, some = torch.zeros(1, 3, dtype=torch.bool), torch.ones(1, 2, dtype=torch.bool)
    with pytest.raises(ValueError, match="an image has no real token"):
        token_similarities(tokens(1, 3, 8), tokens(1, 2, 8), some, none)


def test_one_token_each_is_the_cosine() -> None:
    image, text = tokens(4, 1, 8), tokens(3, 1, 8)
    s_image, s_text = token_similarities(image, text, torch.ones(3, 1, dtype=torch.bool))
    assert torch.allclose(s_image, image[:, 0] @ text[:, 0].T, atol=1e-6)
    assert torch.equal(s_image, s_text)


def test_the_order_of_tokens_does_not_matter() -> None:
    image, text, mask = tokens(2, 6, 8), tokens(2, 6, 8), torch.ones(2, 6, dtype=torch.bool)
    plain = token_similarities(image, text, mask)
    other = token_similarities(image[:, torch.randperm(6)], text[:, torch.randperm(6)], mask)
    for one, two in zip(plain, other, strict=True):
        assert torch.allclose(one, two, atol=1e-6)


def test_half_precision_is_close() -> None:
    image, text, mask = tokens(3, 9, 32), tokens(2, 7, 32), torch.ones(2, 7, dtype=torch.bool)
    plain = token_similarities(image, text, mask)
    half = token_similarities(image.half(), text.half(), mask)
    for one, two in zip(plain, half, strict=True):
        assert torch.allclose(one, two.float(), atol=2e-3)


def test_scores_by_parts_are_the_scores() -> None:
    image, text = tokens(3, 4, 8), tokens(5, 6, 8)
    mask, real = torch.ones(5, 6, dtype=torch.bool), torch.ones(3, 4, dtype=torch.bool)
    mask[2, 3:] = False
    whole = token_similarities(image, text, mask, real)
    parts = token_similarities_by_parts(image, text, mask, real, texts=2)
    for one, two in zip(whole, parts, strict=True):
        assert torch.allclose(one, two, atol=1e-6)


def test_a_quarter_of_the_real_tokens_is_kept_and_padding_never() -> None:
    own, others = tokens(3, 12, 8), tokens(2, 5, 8)
    own_mask = torch.zeros(3, 12, dtype=torch.bool)
    for row, count in enumerate((12, 8, 1)):
        own_mask[row, :count] = True
    others_mask = torch.ones(2, 5, dtype=torch.bool)
    kept = informative_mask(own, others, others_mask, 0.25, own_mask=own_mask)
    assert kept.sum(dim=1).tolist() == [3, 2, 1]
    assert not (kept & ~own_mask).any()
    indices = informative_tokens(own, others, others_mask, 0.25)
    everything = informative_mask(own, others, others_mask, 0.25)
    assert indices.tolist() == [row.nonzero()[:, 0].tolist() for row in everything]


def test_equal_tokens_are_kept_from_the_front() -> None:
    own = torch.ones(1, 8, 1)
    kept = informative_mask(own, torch.ones(1, 1, 1), torch.ones(1, 1, dtype=torch.bool), 0.25)
    assert kept.tolist() == [[True, True, *[False] * 6]]


@pytest.mark.shared
def test_golden_filip_math(shared: Path) -> None:
    from safetensors.torch import load_file

    from lexsearch.training.losses import filip

    io = load_file(str(shared / "golden" / "filip_math" / "io.safetensors"))
    raw_image = io["in.image_tokens"].requires_grad_()
    raw_text = io["in.text_tokens"].requires_grad_()
    image, text = normalize(raw_image, dim=-1), normalize(raw_text, dim=-1)
    image_mask, text_mask = io["in.image_mask"], io["in.text_mask"]

    def same(found: "torch.Tensor", name: str) -> None:
        assert torch.allclose(found.detach(), io[name], atol=1e-12, rtol=0), name

    same(image, "out.image_tokens_l2")
    same(text, "out.text_tokens_l2")
    for found in (
        token_similarities(image, text, text_mask),
        token_similarities(image, text, text_mask, io["in.image_mask_all"]),
    ):
        same(found[0], "out.all.s_i2t")
        same(found[1], "out.all.s_t2i")
    s_image, s_text = token_similarities(image, text, text_mask, image_mask)
    same(s_image, "out.masked.s_i2t")
    same(s_text, "out.masked.s_t2i")
    target, scale = torch.arange(4), torch.tensor(1 / 0.07, dtype=torch.float64)
    same(torch.nn.functional.cross_entropy(scale * s_image, target), "out.loss_i2t")
    same(torch.nn.functional.cross_entropy(scale * s_text.T, target), "out.loss_t2i")
    loss = filip(s_image, s_text, scale)
    same(loss, "out.loss")
    loss.backward()
    same(raw_image.grad, "out.loss_grad_image_tokens")
    same(raw_text.grad, "out.loss_grad_text_tokens")

    image, text = image.detach(), text.detach()
    image_scores = best_similarities(image, text, text_mask) * image_mask
    text_scores = best_similarities(text, image, image_mask) * text_mask
    same(image_scores, "out.select.image_scores")
    same(text_scores, "out.select.text_scores")
    keep_image = informative_mask(image, text, text_mask, 0.25, own_mask=image_mask)
    keep_text = informative_mask(text, image, image_mask, 0.25, own_mask=text_mask)
    assert torch.equal(keep_image, io["out.select.image_keep"])
    assert torch.equal(keep_text, io["out.select.text_keep"])
    few_image, few_text = token_similarities(image, text, keep_text, keep_image)
    same(few_image, "out.select.s_i2t")
    same(few_text, "out.select.s_t2i")

    for dtype, atol in ((torch.float32, 2e-6), (torch.float16, 2e-3)):
        lower = token_similarities(image.to(dtype), text.to(dtype), text_mask, image_mask)
        for found, name in zip(lower, ("s_i2t", "s_t2i"), strict=True):
            assert torch.allclose(found.double(), io[f"out.masked.{name}"], atol=atol, rtol=0)


@pytest.mark.shared
def test_the_training_losses_are_those_of_the_golden_fixture(shared: Path) -> None:
    from safetensors.torch import load_file

    pytest.importorskip("transformers", reason="transformers is not installed")
    from lexsearch.training.large.config import FilipConfig
    from lexsearch.training.large.filip import filip_losses

    io = load_file(str(shared / "golden" / "filip_math" / "io.safetensors"))
    image, text = io["out.image_tokens_l2"], io["out.text_tokens_l2"][:, None]
    mask, scale = io["in.text_mask"][:, None], torch.tensor(1 / 0.07)
    recipe = FilipConfig(share=0.25, half=False)
    found = filip_losses(image, text, mask, scale, recipe)
    assert all(torch.isfinite(value) for value in found.values())
    whole = filip_losses(image, text, mask, scale, FilipConfig(share=1.0, half=False))
    target = torch.arange(4)
    wanted = torch.nn.functional.cross_entropy(io["out.all.s_i2t"] / 0.07, target)
    assert whole["i2t"].item() == pytest.approx(wanted.item(), abs=1e-5)
