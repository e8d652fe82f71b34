"""The stores of one snapshot, opened when first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

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
        self._locks = {role: Lock() for role in ROLES}
        self._open: dict[Role, Any] = {}
        self.notes: tuple[str, ...] = ()  # sentences for the user, once a store is open
        self._token_options = {} if late_kernel == "auto" else {"kernel": late_kernel}

    @property
    def lexical(self) -> LexicalIndex:
        """The word index."""
        index: LexicalIndex = self._once("lexical", vocab_size=self._identity.vocab_size)
        return index

    @property
    def dense(self) -> SearchIndex[DenseVectors]:
        """The dense index."""
        index: SearchIndex[DenseVectors] = self._once("dense", dim=self._identity.dense_dim)
        return index

    @property
    def tokens(self) -> TokenStore:
        """The token store."""
        store: TokenStore = self._once(
            "tokens",
            dim=self._identity.token_dim,
            scale=self._identity.token_scale,
            **self._token_options,
        )
        return store

    def _once(self, role: Role, **options: Any) -> Any:
        """The store of a role; of several threads that ask first, one opens it."""
        found = self._open.get(role)
        if found is not None:
            return found
        with self._locks[role]:
            if role not in self._open:
                store = build(f"stores.{role}", self._names[role], **options)
                for segment in self._snapshot.segments:
                    store.attach(segment.image_ids, segment.sections(role), live=segment.live)
                if role == "dense" and (note := offer(store, self._snapshot.lists)):
                    self.notes += (note,)
                self._open[role] = store
            return self._open[role]

    def opener(self, mode: str) -> Callable[[], None] | None:
        """Opens what a search in this mode reads; None where it is open already."""
        wanted = {"hybrid": ROLES, "late": ("tokens",)}.get(mode, (mode,))
        held = self._snapshot.identity.fingerprints
        closed = [role for role in ROLES if role in wanted and role in held]
        closed = [role for role in closed if role not in self._open]

        def open_all() -> None:
            for role in closed:
                getattr(self, role)

        return open_all if closed else None
