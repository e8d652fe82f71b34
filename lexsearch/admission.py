"""Which pictures the conditions of a query admit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lexsearch.bundle.labels_file import read_labels
from lexsearch.errors import UsageError
from lexsearch.query import Filter, Query
from lexsearch.query_encoder import word_id
from lexsearch.types import IntArray, SparseVectors

if TYPE_CHECKING:
    from lexsearch.bundle.snapshot import Snapshot
    from lexsearch.protocols import LexicalIndex, Model

Lazy: TypeAlias = "Callable[[], LexicalIndex]"
KEPT_WORDS = 8  # words whose carriers are remembered, 8 bytes an image each


class Admission:
    """Conditions on one snapshot; the last filter and the last words are remembered."""

    def __init__(self, snapshot: Snapshot, model: Model) -> None:
        self._snapshot = snapshot
        self._model = model
        self._filtered: tuple[Filter, IntArray] | None = None
        self._carried: dict[int, IntArray] = {}

    def admitted(
        self, query: Query, lexical: Lazy, leave_out: frozenset[int]
    ) -> tuple[IntArray | None, int]:
        """Ascending ids that the conditions admit (None = all), and how many `-word` took away.

        Args:
            query: its filters, `must` and `exclude` count.
            lexical: gives the word index; asked for `must` and `exclude` only.
            leave_out: ids never admitted.

        Raises:
            UsageError: a condition names an unknown word.
        """
        allowed: IntArray | None = self._matching(query.filters) if query.filters else None
        for word in query.must:
            carriers = self.carriers(word, lexical)
            allowed = carriers if allowed is None else np.intersect1d(allowed, carriers)
        excluded = 0
        if query.exclude or leave_out:
            allowed = self._snapshot.image_ids() if allowed is None else allowed
            before = len(allowed)
            for word in query.exclude:
                allowed = np.setdiff1d(allowed, self.carriers(word, lexical))
            excluded = before - len(allowed)
            allowed = np.setdiff1d(allowed, np.array(sorted(leave_out), dtype=np.int64))
        return allowed, excluded

    def _matching(self, wanted: Filter) -> IntArray:
        kept = self._filtered
        if kept is not None and kept[0] == wanted:
            return kept[1]
        ids = self._snapshot.allowed(
            after=wanted.after,
            before=wanted.before,
            path_glob=wanted.path,
            type_=wanted.type,
            camera=wanted.camera,
            near=wanted.near,
            box=wanted.box,
            **({"meta": dict(wanted.meta)} if wanted.meta else {}),
        )
        if wanted.label is not None:
            ids = np.intersect1d(ids, self._labelled(wanted.label))
        self._filtered = (wanted, ids)
        return ids

    def _labelled(self, label: str) -> IntArray:
        folder = self._snapshot.directory
        kept = read_labels(folder)
        if kept is None:
            raise UsageError(
                f"the pictures of {folder} have no labels; make some with: "
                f"lexsearch label --classes FILE --keep --db {folder}"
            )
        try:
            return kept.ids(label)
        except KeyError:
            known = ", ".join(kept.classes[:8]) + (", ..." if len(kept.classes) > 8 else "")
            raise UsageError(f"no class is called {label!r}; the labels are {known}") from None

    def carriers(self, word: str, lexical: Lazy) -> IntArray:
        """Ascending ids of the images that carry a word (its `word_fires` or more).

        Raises:
            UsageError: the word is not in the vocabulary.
        """
        key = word_id(word, self._model.vocabulary)
        found = self._carried.get(key)
        if found is None:
            index = lexical()
            size = self._model.identity.vocab_size
            row = (np.array([key], np.int32), np.ones(1, np.float32))
            one = SparseVectors.from_rows([row], size)
            ranking = index.search(one, max(1, len(index)))
            found = np.sort(ranking.ids[ranking.scores >= self._model.word_fires])
            others = self._carried if len(self._carried) < KEPT_WORDS else {}
            self._carried = {**others, key: found}
        return found
