"""FILIP (arXiv 2111.07783): two linear token heads over any image and text towers."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lexsearch.nn.late import token_similarities

DIM = 256  # of a token; smaller than the towers, which costs no quality (table 6)
TEMPERATURE = 0.07  # start of the learned temperature


class FilipHeads(nn.Module):
    """Token states of both towers to unit vectors of one space.

    Names are those of the re-implementation with weights (DeCLIP): `image_mapping`,
    `text_mapping`. logit_scale is the natural logarithm of 1 / temperature.
    """

    def __init__(self, image_width: int, text_width: int, dim: int = DIM) -> None:
        super().__init__()
        self.image_mapping = nn.Linear(image_width, dim)
        self.text_mapping = nn.Linear(text_width, dim)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1.0 / TEMPERATURE)))

    def image_tokens(self, states: Tensor) -> Tensor:
        """states: (batch, n, image_width); out (batch, n, dim), unit rows, float32."""
        return F.normalize(self.image_mapping(states).float(), dim=-1)

    def text_tokens(self, states: Tensor) -> Tensor:
        """states: (batch, m, text_width); out (batch, m, dim), unit rows, float32."""
        return F.normalize(self.text_mapping(states).float(), dim=-1)


class Filip(nn.Module):
    """Towers and heads.

    Args:
        image: pixels (batch, 3, height, width) to states (batch, 1 + n, image_width), CLS first.
        text: ids and mask, both int64 (batch, m), to states (batch, m, text_width).
        heads: of the widths of both.
        include_cls: the CLS token is one of the image's tokens. The paper does not say; patches
            alone are what its pictures show.
    """

    def __init__(
        self, image: nn.Module, text: nn.Module, heads: FilipHeads, *, include_cls: bool = False
    ) -> None:
        super().__init__()
        self.image, self.text, self.heads = image, text, heads
        self.first = 0 if include_cls else 1

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Unit tokens (batch, n, dim) of pictures; all are real."""
        return self.heads.image_tokens(self.image(pixels)[:, self.first :])

    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Unit tokens (batch, m, dim) of texts; those outside the mask mean nothing."""
        return self.heads.text_tokens(self.text(ids, mask))


def ensemble_scores(
    image: Tensor, prompts: Tensor, prompt_mask: Tensor, image_mask: Tensor | None = None
) -> Tensor:
    """Score of every image and class when a class has several prompts.

    The similarities of the prompts are averaged, never their tokens: tokens of two prompts at the
    same place stand for different words.

    Args:
        image: (images, n, dim), unit rows.
        prompts: (classes, prompts, m, dim), unit rows.
        prompt_mask: bool (classes, prompts, m), True = real.
        image_mask: bool (images, n); None = all real.

    Returns:
        (images, classes): mean over prompts of s_image, in [-1, 1].

    Source: section 3.4.
    """
    classes, count = prompts.shape[:2]
    s_image, _ = token_similarities(
        image, prompts.flatten(0, 1), prompt_mask.flatten(0, 1), image_mask
    )
    return s_image.reshape(len(image), classes, count).mean(dim=2)
