"""Which rule joins the channels: the model's weights, one by name, or what the db has learned."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from lexsearch.errors import IndexDamaged, UsageError
from lexsearch.query import Query
from lexsearch.ranking.fusion_rules import NAMED, Rule, Weighted

if TYPE_CHECKING:
    from lexsearch.bundle.snapshot import Snapshot
    from lexsearch.protocols import Model
    from lexsearch.ranking.learned_fusion import LearnedFusion

# auto: what the db has learned, else the model's weights.
FUSIONS = ("auto", "model", "learned", *NAMED)


class FusionChoice:
    """The rule in force, for every kind of query.

    What was learned was learned on texts: queries with a picture or a list of words keep the
    model's weights.

    Args:
        name: of FUSIONS.
        snapshot: may hold a learned fusion.
        model: has weights.

    Raises:
        UsageError: no fusion of that name.
    """

    def __init__(self, name: str, snapshot: Snapshot, model: Model) -> None:
        if name not in FUSIONS:
            raise UsageError(f"no fusion is called {name!r}; known: {', '.join(FUSIONS)}")
        self.name = name
        self._snapshot = snapshot
        self._model = model

    @cached_property
    def learned(self) -> LearnedFusion | None:
        """What the db has learned, where it was learned on these encoders.

        Raises:
            IndexDamaged: it is not readable.
        """
        text = getattr(self._snapshot, "fusion", None)
        if text is None:
            return None
        from lexsearch.ranking.learned_fusion import LearnedFusion

        try:
            found = LearnedFusion.from_text(text)
        except ValueError as error:
            raise IndexDamaged(
                f"the learned fusion of {self._snapshot.directory} is not readable: {error}; "
                f"forget it with: lexsearch fusion forget --db {self._snapshot.directory}"
            ) from error
        same = dict(found.fingerprints) == dict(self._snapshot.identity.fingerprints)
        return found if same else None

    @cached_property
    def for_texts(self) -> Rule:
        """For a query of texts alone.

        Raises:
            UsageError: `learned` was asked for, and the db has learned nothing.
            IndexDamaged: see `learned`.
        """
        if self.name in NAMED:
            return NAMED[self.name]
        if self.name == "model":
            return Weighted(self._model.fusion)
        learned = self.learned
        if learned is None and self.name == "learned":
            raise UsageError(
                f"{self._snapshot.directory} has learned no fusion; teach it with: "
                "lexsearch fusion learn --topics FILE --qrels FILE"
            )
        return Weighted(self._model.fusion) if learned is None else learned.rule

    def for_query(self, query: Query) -> Rule:
        """For this query; errors as in `for_texts`."""
        rule = self.for_texts
        if self.name in NAMED or all(part.kind == "text" for part in query.parts):
            return rule
        return Weighted(self._model.fusion)
