"""The stages that a pipeline begins with: the modes of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add

from lexsearch.errors import UsageError
from lexsearch.finding import Mode
from lexsearch.pools import Pool
from lexsearch.stages import Asked, Host, Stage

# The least score of a channel; see `lexsearch.ranking.normalise`.
FLOORS = {"lexical": 0.0, "dense": -1.0, "late": -1.0}


@dataclass(frozen=True, repr=False)
class Channel(Stage):
    """A mode of the engine: `lexical`, `dense`, `late` or `hybrid`."""

    mode: Mode

    def pool(self, asked: Asked, given: Pool | None) -> Pool:
        """See `Stage`."""
        found = asked.engine.search_encoded(
            asked.encoded,
            k=asked.depth if given is None else len(given.ids),
            mode=self.mode,
            allowed=asked.allowed,
            candidates=None if given is None else given.ids,
            watch=asked.watch,
        )
        return Pool.of_found(found)

    def floor(self, asked: Asked) -> float:
        """See `Stage`; of a hybrid the weighted sum of the least scores."""
        if self.mode != "hybrid":
            return FLOORS[self.mode]
        encoded, weights = asked.encoded, asked.engine.model.fusion
        sides = {"lexical": encoded.lexical, "dense": encoded.dense, "late": encoded.tokens}
        return sum(weights[name] * FLOORS[name] for name, side in sides.items() if side is not None)

    @property
    def _written(self) -> tuple[int, str]:
        return 7, self.mode


class Stages:
    """The stages of one db, to be combined; see `lexsearch.stages`."""

    def __init__(self, host: Host) -> None:
        self.lexical: Stage = Channel(host, "lexical")
        self.dense: Stage = Channel(host, "dense")
        self.late: Stage = Channel(host, "late")
        self.hybrid: Stage = Channel(host, "hybrid")

    def weighted(self, weights: Mapping[str, float]) -> Stage:
        """`{"lexical": 0.3, "dense": 0.7}` as the sum `0.3 * lexical + 0.7 * dense`.

        Raises:
            UsageError: no weight, or a stage of that name is none.
        """
        if not weights or (unknown := set(weights) - set(vars(self))):
            named = sorted(unknown) if weights else "none"
            raise UsageError(f"weights of stages name {named}; known: {', '.join(vars(self))}")
        terms = (weight * getattr(self, name) for name, weight in weights.items())
        summed: Stage = reduce(add, terms)
        return summed

    def __repr__(self) -> str:
        return "stages: lexical, dense, late, hybrid"
