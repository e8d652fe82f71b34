"""Text tower of CLIP (arXiv 2103.00020) and, with rotary positions, of TULIP (arXiv 2410.10034).

Parameters carry the names of open_clip, so that real files load as they are. A TULIP file has the
names and shapes of a plain CLIP file, so the caller says which it is: `positions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lexsearch.nn.rotary import BASE_THETA, angles, expanded_theta, rotate

Positions = Literal["absolute", "rotary"]
Activation = Literal["gelu", "quick_gelu"]
Turn = tuple[Tensor, Tensor]
HEAD_DIM = 64  # of every released CLIP


class TextShape(NamedTuple):
    """Sizes of a tower: vocabulary, states, features, blocks, heads, inside of an MLP."""

    vocab_size: int
    width: int
    embed_dim: int
    depth: int
    heads: int
    inner: int


class StackShape(Protocol):
    """What a stack of blocks needs to know of a tower."""

    @property
    def width(self) -> int:
        """Of a state."""
        ...

    @property
    def depth(self) -> int:
        """Blocks."""
        ...

    @property
    def heads(self) -> int:
        """Of the attention."""
        ...

    @property
    def inner(self) -> int:
        """Inside of an MLP."""
        ...


def quick_gelu(x: Tensor) -> Tensor:
    """x * sigmoid(1.702 x), the activation that OpenAI's CLIP was trained with."""
    return x * torch.sigmoid(1.702 * x)


class ClipAttention(nn.Module):
    """Self-attention with one fused input projection; causal for texts."""

    def __init__(self, width: int, heads: int, *, causal: bool = True) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.in_proj_weight = nn.Parameter(torch.randn(3 * width, width) * width**-0.5)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, turn: Turn | None, attend: Tensor | None = None) -> Tensor:
        """x: (batch, n, width); turn: cos and sin, (n, head_dim / 2), float32; None = unturned.

        attend: bool (batch, 1, n, n) in place of the causal mask; True = may be seen.
        """
        b, n, width = x.shape
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = qkv.reshape(b, n, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        if turn is not None:
            q = rotate(q.float(), *turn).to(v.dtype)
            k = rotate(k.float(), *turn).to(v.dtype)
        causal = self.causal and attend is None
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=attend, is_causal=causal)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(b, n, width))
        return out


class ClipMlp(nn.Module):
    """Two linear maps with an activation between them."""

    def __init__(self, width: int, inner: int, activation: Activation) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, inner)
        self.c_proj = nn.Linear(inner, width)
        self.activation = quick_gelu if activation == "quick_gelu" else F.gelu

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, n, width); the same shape out."""
        out: Tensor = self.c_proj(self.activation(self.c_fc(x)))
        return out


class ClipBlock(nn.Module):
    """Pre-norm block: x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, shape: StackShape, activation: Activation, *, causal: bool) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(shape.width)
        self.attn = ClipAttention(shape.width, shape.heads, causal=causal)
        self.ln_2 = nn.LayerNorm(shape.width)
        self.mlp = ClipMlp(shape.width, shape.inner, activation)

    def forward(self, x: Tensor, turn: Turn | None, attend: Tensor | None = None) -> Tensor:
        """x: (batch, n, width); the same shape out."""
        x = x + self.attn(self.ln_1(x), turn, attend)
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class Blocks(nn.Module):
    """The stack of blocks, called `transformer` in files."""

    def __init__(self, shape: StackShape, activation: Activation, *, causal: bool = True) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(
            ClipBlock(shape, activation, causal=causal) for _ in range(shape.depth)
        )

    def forward(self, x: Tensor, turn: Turn | None = None, attend: Tensor | None = None) -> Tensor:
        """x: (batch, n, width); the same shape out."""
        for block in self.resblocks:
            x = block(x, turn, attend)
        return x


class ClipText(nn.Module):
    """Ids of a text to one vector: its state at the end token, projected.

    Args:
        shape: sizes.
        context: most tokens of a text.
        positions: `absolute`, a learned table of `context` rows; or `rotary`, none.
        activation: `quick_gelu` for OpenAI's weights; `gelu` for TULIP's, which was distilled
            with it.
        theta: base of the rotary positions; no file holds it.
    """

    cosine: Tensor
    sine: Tensor

    def __init__(
        self,
        shape: TextShape,
        *,
        context: int = 77,
        positions: Positions = "absolute",
        activation: Activation = "quick_gelu",
        theta: float = BASE_THETA,
    ) -> None:
        super().__init__()
        self.shape, self.context, self.theta = shape, context, theta
        self.positions, self.activation = positions, activation
        self.token_embedding = nn.Embedding(shape.vocab_size, shape.width)
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        if positions == "absolute":
            self.positional_embedding = nn.Parameter(torch.randn(context, shape.width) * 0.01)
        self.transformer = Blocks(shape, activation)
        self.ln_final = nn.LayerNorm(shape.width)
        self.text_projection = nn.Parameter(
            torch.randn(shape.width, shape.embed_dim) * shape.width**-0.5
        )
        self._set_angles()

    def _set_angles(self) -> None:
        cosine, sine = angles(self.context, self.shape.width // self.shape.heads, theta=self.theta)
        device = self.text_projection.device
        self.register_buffer("cosine", cosine.to(device), persistent=False)
        self.register_buffer("sine", sine.to(device), persistent=False)

    def expand(self, new_length: int, alpha: float = 8.0) -> float:
        """Make room for `new_length` tokens by a larger base (NTK); returns the new theta.

        Raises:
            ValueError: the positions are a table, which does not stretch.
        """
        if self.positions != "rotary":
            raise ValueError("absolute positions do not expand; expected rotary ones")
        head_dim = self.shape.width // self.shape.heads
        self.theta = expanded_theta(
            self.context, new_length, head_dim, alpha=alpha, theta=self.theta
        )
        self.context = new_length
        self._set_angles()
        return self.theta

    def states(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """States of all tokens after the last norm.

        Args:
            ids: int64 (batch, n), n <= context. What follows the end token has no effect on what
                stands before it.
            mask: bool or int (batch, n), 1 = real; changes nothing but the states of padding,
                which then see real tokens alone. Every row begins with a real token.

        Returns:
            (batch, n, width).

        Raises:
            ValueError: more tokens than the context.
        """
        n = ids.shape[1]
        if n > self.context:
            raise ValueError(f"a text of {n} tokens; expected at most {self.context}")
        x = self.token_embedding(ids)
        turn = None
        if self.positions == "rotary":
            turn = (self.cosine[:n], self.sine[:n])
        else:
            x = x + self.positional_embedding[:n]
        attend = None
        if mask is not None:
            causal = torch.ones(n, n, dtype=torch.bool, device=ids.device).tril()
            attend = causal[None, None] & mask.bool()[:, None, None, :]
        out: Tensor = self.ln_final(self.transformer(x, turn, attend))
        return out

    def forward(self, ids: Tensor) -> Tensor:
        """ids: int64 (batch, n <= context); out (batch, embed_dim), not of unit length.

        The end token is the one with the highest id, the first of several.
        """
        x = self.states(ids)
        ends = x[torch.arange(len(x), device=x.device), ids.argmax(dim=1)]
        return ends @ self.text_projection


def real_tokens(ids: Tensor) -> Tensor:
    """True up to and with the first end token, whatever pads the rest; bool (batch, n)."""
    place = torch.arange(ids.shape[1], device=ids.device)
    return place[None] <= ids.argmax(dim=1)[:, None]


def cut(rows: list[list[int]], context: int) -> Tensor:
    """Ids of texts as one tensor, padded with 0; a longer text ends with its end token too.

    Args:
        rows: ids of each text, begin and end token included.

    Returns:
        int64 (texts, context).
    """
    ids = torch.zeros(len(rows), context, dtype=torch.int64)
    for i, row in enumerate(rows):
        kept = row if len(row) <= context else [*row[: context - 1], row[-1]]
        ids[i, : len(kept)] = torch.tensor(kept)
    return ids


def text_shape(state: Mapping[str, Tensor], *, heads: int | None = None) -> TextShape:
    """Sizes of the text tower in a file with open_clip's names.

    heads: no tensor says how many; None = width / 64, as in all released models.

    Raises:
        KeyError: a tensor of the text tower is missing, by its name.
    """
    width, embed_dim = state["text_projection"].shape
    blocks = {k.split(".")[2] for k in state if k.startswith("transformer.resblocks.")}
    return TextShape(
        vocab_size=state["token_embedding.weight"].shape[0],
        width=width,
        embed_dim=embed_dim,
        depth=len(blocks),
        heads=heads or max(1, width // HEAD_DIM),
        inner=state["transformer.resblocks.0.mlp.c_fc.bias"].shape[0],
    )


def without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors with every `module.` of distributed training taken from their names."""
    return {name.replace("module.", ""): value for name, value in state.items()}


def load_text(tower: ClipText, state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Load the text side of a file with open_clip's names; any precision.

    Returns:
        The names that were left aside: `visual.*`, `logit_scale`, and, for rotary positions, the
        table of absolute ones that such files still carry. Sorted.

    Raises:
        KeyError: names that are missing or unexpected, or whose shapes differ; all of them.
    """
    plain = without_prefix(state)
    aside = {k for k in plain if k.startswith("visual.") or k == "logit_scale"}
    if tower.positions == "rotary":
        aside |= plain.keys() & {"positional_embedding"}
    own = tower.state_dict()
    given = {k: v.float() for k, v in plain.items() if k not in aside}
    differ = [
        f"{k} is {list(given[k].shape)}, expected {list(own[k].shape)}"
        for k in sorted(own.keys() & given.keys())
        if own[k].shape != given[k].shape
    ]
    missing, unexpected = sorted(own.keys() - given.keys()), sorted(given.keys() - own.keys())
    if missing or unexpected or differ:
        raise KeyError(
            f"text tower: missing {missing}, unexpected {unexpected}, of another shape {differ}"
        )
    tower.load_state_dict(given)
    return tuple(sorted(aside))


def from_hugging_face(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Text tensors of a `CLIPModel` of transformers under the names of open_clip.

    Raises:
        KeyError: a tensor is missing, by its name; tensors of the vision side are left aside.
    """
    part = {k.removeprefix("text_model."): v for k, v in weights.items()}
    state = {
        "token_embedding.weight": part["embeddings.token_embedding.weight"],
        "positional_embedding": part["embeddings.position_embedding.weight"],
        "text_projection": part["text_projection.weight"].T.contiguous(),
    }
    for kind in ("weight", "bias"):
        state[f"ln_final.{kind}"] = part[f"final_layer_norm.{kind}"]
    return state | blocks_from_hugging_face(part, "transformer.")


_NAMES = {
    "attn.out_proj": "self_attn.out_proj",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}


def blocks_from_hugging_face(part: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """`encoder.layers.N.*` of transformers as `PREFIXresblocks.N.*` of open_clip."""
    state = {}
    layers = {int(k.split(".")[2]) for k in part if k.startswith("encoder.layers.")}
    for i in sorted(layers):
        ours, theirs = f"{prefix}resblocks.{i}", f"encoder.layers.{i}"
        for kind in ("weight", "bias"):
            state[f"{ours}.attn.in_proj_{kind}"] = torch.cat(
                [part[f"{theirs}.self_attn.{name}_proj.{kind}"] for name in ("q", "k", "v")]
            )
            for name, other in _NAMES.items():
                state[f"{ours}.{name}.{kind}"] = part[f"{theirs}.{other}.{kind}"]
    return state


def vision_from_hugging_face(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Vision tensors of a `CLIPModel` of transformers under the names of open_clip."""
    part = {
        k.removeprefix("vision_model."): v
        for k, v in weights.items()
        if k.startswith("vision_model.")
    }
    state = {
        "class_embedding": part["embeddings.class_embedding"],
        "conv1.weight": part["embeddings.patch_embedding.weight"],
        "positional_embedding": part["embeddings.position_embedding.weight"],
        "proj": weights["visual_projection.weight"].T.contiguous(),
    }
    for kind in ("weight", "bias"):
        state[f"ln_pre.{kind}"] = part[f"pre_layrnorm.{kind}"]  # spelt so in the files
        state[f"ln_post.{kind}"] = part[f"post_layernorm.{kind}"]
    state |= blocks_from_hugging_face(part, "transformer.")
    return {f"visual.{name}": value for name, value in state.items()}
