"""The arithmetic of a fused score as lines of text: one per summand, and their sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexsearch.ranking.share import Share


def share_lines(shares: Sequence[Share], fused: float, *, fusion: str) -> list[str]:
    """What each channel gave by this rule; the shares add up to the fused score, to rounding."""
    width = max(len(fusion) + 10, *(len(_name(one)) for one in shares))
    out = [f"  {f'fusion: {fusion}':{width}}     value             =  share"]
    out += [f"  {_name(one):{width}}  {_value(one):20}  = {one.share:8.5f}" for one in shares]
    return [*out, f"  {'fused':{width}}  {'':20}  = {fused:8.5f}"]


def _name(share: Share) -> str:
    return share.what if share.channel == "all" else f"{share.channel} {share.what}"


def _value(share: Share) -> str:
    if share.what == "constant":
        return ""
    if share.value == float("inf"):
        return "not found"
    shown = (
        f"{share.value:.0f}" if share.what == "rank" and share.value >= 1 else f"{share.value:8.5f}"
    )
    return shown if share.weight is None else f"{shown} x {share.weight:8.4f}"
