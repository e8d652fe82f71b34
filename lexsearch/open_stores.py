"""The stores of one snapshot, opened when first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from lexsearch.bundle.lists import offer
from lexsearch.registry import build
from lexsearch.types import ROLES, DenseVectors, Role

if TYPE_CHECKING:
    from lexsearch.bundle.snapshot import Snapshot
    from lexsearch.protocols import LexicalIndex, SearchIndex, TokenStore
    from lexsearch.types import ModelIdentity

DEFAULTS: Mapping[Role, str] = {"lexical": "auto", "dense": "auto", "tokens": "memmap"}


class OpenStores:
    """One store for each role, filled from the segments of a snapshot.

    Args:
        snapshot: what they hold.
        identity: of the model that made it.
        names: plugin by role, where it is not the default.
        late_kernel: what computes late interaction; see `Settings`.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        identity: ModelIdentity,
        *,
        names: Mapping[Role, str] | None = None,
        late_kernel: str = "auto",
    ) -> None:
        self._snapshot = snapshot
        self._identity = identity
        self._names = {**DEFAULTS, **(names or {})}
        self.notes: tuple[str, ...] = ()  # sentences for the user, once a store is open
        self._token_options = {} if late_kernel == "auto" else {"kernel": late_kernel}

    @cached_property
    def lexical(self) -> LexicalIndex:
        """The word index."""
        index: LexicalIndex = build(
            "stores.lexical", self._names["lexical"], vocab_size=self._identity.vocab_size
        )
        self._attach("lexical", index)
        return index

    @cached_property
    def dense(self) -> SearchIndex[DenseVectors]:
        """The dense index."""
        index: SearchIndex[DenseVectors] = build(
            "stores.dense", self._names["dense"], dim=self._identity.dense_dim
        )
        self._attach("dense", index)
        if note := offer(index, self._snapshot.lists):
            self.notes += (note,)
        return index

    @cached_property
    def tokens(self) -> TokenStore:
        """The token store."""
        store: TokenStore = build(
            "stores.tokens",
            self._names["tokens"],
            dim=self._identity.token_dim,
            scale=self._identity.token_scale,
            **self._token_options,
        )
        self._attach("tokens", store)
        return store

    def _attach(
        self, role: Role, store: LexicalIndex | SearchIndex[DenseVectors] | TokenStore
    ) -> None:
        for segment in self._snapshot.segments:
            store.attach(segment.image_ids, segment.sections(role), live=segment.live)

    def opener(self, mode: str) -> Callable[[], None] | None:
        """Opens what a search in this mode reads; None where it is open already."""
        wanted = {"hybrid": ROLES, "late": ("tokens",)}.get(mode, (mode,))
        held = self._snapshot.identity.fingerprints
        closed = [role for role in ROLES if role in wanted and role in held]
        closed = [role for role in closed if role not in self.__dict__]

        def open_all() -> None:
            for role in closed:
                getattr(self, role)

        return open_all if closed else None
