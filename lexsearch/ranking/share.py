"""One summand of a fused score; light, because a client without vectors shows it too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """One summand of a fused score.

    Attributes:
        channel: it comes from; `all` for a constant.
        what: the rule looks at: `score`, `rank`, `scaled score`, `found`, `constant`.
        value: of that, for this image.
        share: what it adds.
        weight: share = weight * value; None where the share is another function of the value.
    """

    channel: str
    what: str
    value: float
    share: float
    weight: float | None = None
