"""LexVLA (arXiv 2407.17827): pictures and texts as weights over a language model's vocabulary.

The backbones stay outside: the image side starts from the tokens of a vision transformer, the
text side from the states of a causal language model.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lexsearch.nn.lexical import elu1p, image_logits, lexical_vector, text_logits
from lexsearch.nn.vit import VitBlock

TEMPERATURE = 0.07  # start of the learned temperature
_ASKED = 'The focus of "{}" lies on important words:'
_SHOWN = _ASKED.format("The man is riding a white horse.") + '"man", "riding", "white", "horse".'
# One example and the caption's turn. The paper does not show what follows the last colon; nothing
# does here, since tokenizers see a space there.
PROMPT = f"{_SHOWN} {_ASKED}"


def prompt(caption: str) -> str:
    """The one-shot prompt whose next word names what matters in the caption (section 3.1)."""
    return PROMPT.replace("{}", caption)


def last_real(states: Tensor, mask: Tensor) -> Tensor:
    """The state of the last real token of every row, whichever side the padding is on.

    Args:
        states: (batch, n, dim).
        mask: bool or int (batch, n), 1 = real; every row has a real token.

    Returns:
        (batch, dim).
    """
    n = mask.shape[1]
    last = n - 1 - mask.long().flip(1).argmax(dim=1)
    return states[torch.arange(len(states), device=states.device), last]


def positions_of(mask: Tensor) -> Tensor:
    """Position of every token counted from the first real one; int64 (batch, n)."""
    return (mask.long().cumsum(dim=1) - 1).clamp(min=0)


def text_states(language_model: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    """What the language model's head would read at the last prompt token; (batch, dim).

    Args:
        language_model: a causal decoder without its head, called as those of transformers are;
            its `last_hidden_state` has passed the last norm.
        ids: int64 (batch, n), padded on either side.
        mask: int64 (batch, n), 1 = real.
    """
    out = language_model(
        input_ids=ids, attention_mask=mask, position_ids=positions_of(mask), use_cache=False
    )
    return last_real(out.last_hidden_state, mask).float()


class Adapter(nn.Module):
    """One pre-norm self-attention, one residual MLP, one output MLP; no positions.

    The paper names the parts and a budget of 17 million parameters at 768 -> 4096, not the sizes;
    these give 17.06 million.
    """

    def __init__(self, width: int, dim: int, *, heads: int = 12, inner: int | None = None) -> None:
        super().__init__()
        inner = inner or 8 * width // 3
        self.block = VitBlock(width, heads, 1e-6)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.fc1 = nn.Linear(width, inner)
        self.fc2 = nn.Linear(inner, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (batch, n, width), any n and order; out (batch, n, dim)."""
        x = self.norm(self.block(tokens))
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class LexVla(nn.Module):
    """Adapter, both codebooks and the temperature.

    Attributes:
        keep_ids: int64 (V,), ascending ids of the language model's tokens that are words here.
        z_txt: (V, dim), their rows of the model's output head; frozen.
        z_img: (V, dim), starts as a copy of z_txt and trains.
        logit_scale: natural logarithm of 1 / temperature.
    """

    keep_ids: Tensor
    z_txt: Tensor

    def __init__(
        self,
        head: Tensor,
        keep_ids: Tensor,
        *,
        image_width: int,
        heads: int = 12,
        inner: int | None = None,
    ) -> None:
        """head: (tokens, dim), the weight of `lm_head`, not of the input embedding."""
        super().__init__()
        codebook = head.detach()[keep_ids.to(head.device)].float().clone()
        self.register_buffer("keep_ids", keep_ids.clone())
        self.register_buffer("z_txt", codebook)
        self.adapter = Adapter(image_width, codebook.shape[1], heads=heads, inner=inner)
        self.z_img = nn.Parameter(codebook.clone())
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1.0 / TEMPERATURE)))

    def image_vectors(self, tokens: Tensor, *, chunk: int | None = None) -> Tensor:
        """Words of whole pictures.

        Args:
            tokens: (batch, 1 + n, width) of the backbone, CLS first; CLS takes part.
            chunk: words at a time; None = all.

        Returns:
            (batch, V), positive, unit rows.
        """
        return lexical_vector(_full(image_logits(self.adapter(tokens), self.z_img, chunk=chunk)))

    def patch_vectors(self, tokens: Tensor) -> Tensor:
        """Words of every patch alone; tokens as above, out (batch, n, V), unit rows, no CLS."""
        return patch_vectors(self.adapter(tokens), self.z_img)

    def text_vectors(self, states: Tensor) -> Tensor:
        """Words of texts; states: (batch, dim) as `text_states` gives them; out (batch, V)."""
        return lexical_vector(_full(text_logits(states, self.z_txt)))

    def word_vector(self, token_ids: Tensor) -> Tensor:
        """Words of one word, without the language model; out (V,), unit length.

        Args:
            token_ids: int64 (pieces,), ids of the language model; those outside keep_ids are
                left out, the rows of the others are averaged.

        Raises:
            ValueError: none of the pieces is in keep_ids.
        """
        columns = torch.searchsorted(self.keep_ids, token_ids).clamp(max=len(self.keep_ids) - 1)
        columns = columns[self.keep_ids[columns] == token_ids]
        if not len(columns):
            raise ValueError(f"none of the tokens {token_ids.tolist()} is in keep_ids")
        return self.text_vectors(word_state(self.z_txt[columns])[None])[0]


def word_state(rows: Tensor) -> Tensor:
    """Mean of the codebook rows of a word's pieces; rows: (pieces, dim), out (dim,)."""
    return rows.mean(dim=0)


def patch_vectors(tokens: Tensor, codebook: Tensor) -> Tensor:
    """Vectors of single patches; tokens: (batch, 1 + n, dim) after the adapter, CLS first.

    Returns:
        (batch, n, V), unit rows.
    """
    return F.normalize(elu1p(_full(tokens[:, 1:] @ codebook.T)), dim=-1)


def _full(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
