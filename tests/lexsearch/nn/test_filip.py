"""Token heads and ensembles of FILIP."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from torch import nn  # noqa: E402
from torch.nn.functional import normalize  # noqa: E402

from lexsearch.nn.filip import Filip, FilipHeads, ensemble_scores  # noqa: E402
from lexsearch.nn.late import token_similarities  # noqa: E402


class Image(nn.Module):
    def forward(self, pixels: "torch.Tensor") -> "torch.Tensor":
        return pixels.flatten(2).transpose(1, 2)


class Text(nn.Module):
    def forward(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        return torch.stack([ids, mask, ids * 2], dim=-1).float()


def test_tokens_are_unit_vectors_and_cls_is_left_out() -> None:
    heads = FilipHeads(3, 3, 8)
    pixels = torch.randn(2, 3, 2, 3)
    model = Filip(Image(), Text(), heads)
    tokens = model.encode_image(pixels)
    assert tokens.shape == (2, 5, 8)
    assert torch.allclose(tokens.norm(dim=-1), torch.ones(2, 5), atol=1e-6)
    with_cls = Filip(Image(), Text(), heads, include_cls=True).encode_image(pixels)
    assert torch.allclose(with_cls[:, 1:], tokens)
    ids = torch.tensor([[1, 2, 3]])
    assert model.encode_text(ids, torch.ones_like(ids)).shape == (1, 3, 8)


def test_the_default_width_and_temperature_are_those_of_the_paper() -> None:
    heads = FilipHeads(768, 512)
    assert heads.image_mapping.weight.shape == (256, 768)
    assert heads.text_mapping.weight.shape == (256, 512)
    assert heads.logit_scale.exp().item() == pytest.approx(1 / 0.07)


def test_an_ensemble_averages_similarities_not_tokens() -> None:
    torch.manual_seed(0)
    image = normalize(torch.randn(3, 6, 8), dim=-1)
    prompts = normalize(torch.randn(2, 4, 5, 8), dim=-1)
    mask = torch.ones(2, 4, 5, dtype=torch.bool)
    mask[:, 1, 3:] = False
    found = ensemble_scores(image, prompts, mask)
    one_by_one = [token_similarities(image, prompts[:, c], mask[:, c])[0] for c in range(4)]
    assert torch.allclose(found, torch.stack(one_by_one).mean(dim=0), atol=1e-6)
    mean_tokens = normalize(prompts.mean(dim=1), dim=-1)
    other, _ = token_similarities(image, mean_tokens, mask[:, 0])
    assert not torch.allclose(found, other, atol=1e-2)


def test_an_ensemble_of_one_prompt_is_that_prompt() -> None:
    image = normalize(torch.randn(3, 6, 8), dim=-1)
    prompts = normalize(torch.randn(2, 1, 5, 8), dim=-1)
    mask = torch.ones(2, 1, 5, dtype=torch.bool)
    real = torch.ones(3, 6, dtype=torch.bool)
    plain, _ = token_similarities(image, prompts[:, 0], mask[:, 0])
    assert torch.allclose(ensemble_scores(image, prompts, mask, real), plain, atol=1e-6)
