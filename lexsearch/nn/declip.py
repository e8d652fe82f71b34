"""FILIP as the DeCLIP repository re-implements it: its names, and where it leaves the paper.

Image tokens skip `ln_post`, padding takes part in everything, training keeps 16 tokens of the
other side, and the tokens of several prompts are averaged position by position.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lexsearch.nn.clip_text import ClipText, text_shape
from lexsearch.nn.clip_vision import ClipVision, vision_shape

KEPT = 16  # tokens of the other side that take part in the training logits
TEXT = "encode_text."
UNUSED = ("text_label_predictor.weight", "text_label_predictor.bias")


class DeclipFilip(nn.Module):
    """Both towers, both token heads, both temperatures.

    Attributes:
        logit_scale, logit_scale_dense: logarithms; of global vectors, (1,), and of tokens, ().
    """

    def __init__(self, visual: ClipVision, text: ClipText, dim: int) -> None:
        super().__init__()
        self.visual, self.encode_text = visual, text
        self.projection_bias = nn.Parameter(torch.zeros(text.shape.embed_dim))
        self.image_mapping = nn.Linear(visual.shape.width, dim)
        self.text_mapping = nn.Linear(text.shape.width, dim)
        self.logit_scale = nn.Parameter(torch.zeros(1))
        self.logit_scale_dense = nn.Parameter(torch.zeros(()))

    def image(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Global vectors (batch, embed_dim) and tokens (batch, patches, dim), not normalised."""
        states = self.visual.states(pixels)
        return self.visual.project(states[:, 0]), self.image_mapping(states[:, 1:])

    def text(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """The same of texts; ids: int64 (batch, n), the end token has the highest id."""
        states = self.encode_text.states(ids)
        ends = states[torch.arange(len(ids), device=ids.device), ids.argmax(dim=1)]
        vectors = ends @ self.encode_text.text_projection + self.projection_bias
        return vectors, self.text_mapping(states)


def similarities(own: Tensor, other: Tensor) -> Tensor:
    """Mean over own tokens of the best of ALL tokens of the other side; (own, other)."""
    return torch.einsum("ipd,jqd->ijpq", own, other).amax(dim=3).mean(dim=2)


def training_logits(image: Tensor, text: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Image-to-text and text-to-image logits of pairs; rows are the side that asks.

    Args:
        image: (n, p, dim), unit rows. text: (n, q, dim), unit rows; pairs have the same row.
        scale: logarithm of 1 / temperature.
    """
    s = torch.einsum("ipd,iqd->ipq", image, text)
    few_text, few_image = _top(text, s.sum(dim=1)), _top(image, s.sum(dim=2))
    return scale.exp() * similarities(image, few_text), scale.exp() * similarities(text, few_image)


def _top(tokens: Tensor, sums: Tensor) -> Tensor:
    places = sums.topk(min(KEPT, tokens.shape[1]), dim=1).indices
    return tokens.gather(1, places[:, :, None].expand(-1, -1, tokens.shape[2]))


def class_tokens(prompts: Tensor) -> Tensor:
    """Tokens of classes from several prompts each, as its zero-shot evaluation makes them.

    prompts: (classes, prompts, n, dim), not normalised. Tokens get unit length, are averaged
    position by position, and are divided by the norm of the whole (n, dim) matrix.
    """
    mean = F.normalize(prompts, dim=-1).mean(dim=1)
    return mean / mean.flatten(1).norm(dim=1)[:, None, None]


def declip_of(
    state: Mapping[str, Tensor], *, vision_heads: int | None = None, text_heads: int | None = None
) -> tuple[DeclipFilip, dict[str, Tensor]]:
    """A model of the sizes of a DeCLIP file (without `module.`), and the file under its names.

    Raises:
        KeyError: a tensor that tells a size is missing, by its name.
    """
    text = {k.removeprefix(TEXT): v for k, v in state.items() if k.startswith(TEXT)}
    linear = text.pop("text_projection.weight", None)
    if linear is None:
        raise KeyError(f"{TEXT}text_projection.weight")
    text["text_projection"] = linear.T.contiguous()
    named = {k: v for k, v in state.items() if not k.startswith(TEXT) and k not in UNUSED}
    named["projection_bias"] = text.pop("text_projection.bias")
    named |= {f"{TEXT}{k}": v for k, v in text.items()}
    model = DeclipFilip(
        ClipVision(vision_shape(state, heads=vision_heads)),
        ClipText(text_shape(text, heads=text_heads), context=text["positional_embedding"].shape[0]),
        state["image_mapping.weight"].shape[0],
    )
    return model, named
