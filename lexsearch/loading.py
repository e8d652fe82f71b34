"""Models and encoders by name, for programs that have no db."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from lexsearch.registry import SETS, build
from lexsearch.types import Role

if TYPE_CHECKING:
    from lexsearch.encoders._role import (
        DenseEncoder,
        LexicalEncoder,
        TokenEncoder,
    )
    from lexsearch.protocols import Model


def load_model(name: str = "mini", **options: Any) -> Model:
    """A model set by name: the bundled one, a published one, or `FAMILY:FOLDER`.

    Args:
        name: as in `lexsearch index --model`; see `lexsearch models list`.
        options: of the set, such as `device="cuda:0"` or `batch_size=64` (published sets) or
            `threads=2`.

    Raises:
        UsageError: no such set, or no such option of it.
        ModelMissing: its weights or its extra are not installed; the message has the command.

    >>> import lexsearch
    >>> lexsearch.load_model("mini").identity.dense_dim  # doctest: +SKIP
    256
    """
    model: Model = build(SETS, name, **options)
    return model


@overload
def load_encoder(role: Literal["lexical"], name: str = ..., **options: Any) -> LexicalEncoder: ...
@overload
def load_encoder(role: Literal["dense"], name: str = ..., **options: Any) -> DenseEncoder: ...
@overload
def load_encoder(role: Literal["tokens"], name: str = ..., **options: Any) -> TokenEncoder: ...
def load_encoder(
    role: Role, name: str = "mini", **options: Any
) -> LexicalEncoder | DenseEncoder | TokenEncoder:
    """One role of a model set, in the shape of sentence-transformers.

    Args:
        role: `lexical` (words), `dense` (one vector) or `tokens` (late interaction).
        name, options: as in `load_model`.

    Raises:
        UsageError, ModelMissing: as in `load_model`, or the set does not fill the role.
    """
    from lexsearch.encoders._role import DenseEncoder, LexicalEncoder, TokenEncoder

    model = load_model(name, **options)
    if role == "lexical":
        return LexicalEncoder(model)
    return DenseEncoder(model) if role == "dense" else TokenEncoder(model)
