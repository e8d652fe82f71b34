"""Which part of a picture a model sees; light, because every search imports it."""

from __future__ import annotations

from lexsearch.types import WHOLE, PixelSpec, Region


def seen(whole: tuple[int, int], spec: PixelSpec) -> Region:
    """The part of a picture that a model sees: all of it, or the centre that `crop` leaves.

    Args:
        whole: width and height of the upright picture.
        spec: what the model wants.

    >>> seen((200, 100), PixelSpec(50, 50, "crop"))
    (0.25, 0.0, 0.75, 1.0)
    """
    if spec.fit != "crop" or min(whole) < 1:
        return WHOLE
    left, top, right, bottom = centre(whole, (spec.width, spec.height))
    return left / whole[0], top / whole[1], right / whole[0], bottom / whole[1]


def centre(whole: tuple[int, int], wanted: tuple[int, int]) -> tuple[float, float, float, float]:
    """The box of a picture that a resize and a cut of its centre would leave, in its own pixels.

    As CLIP was trained: the side that is shorter for its purpose gets its length, the other one
    that length in proportion, rounded down, and the cut starts at whole pixels. Resizing the box
    alone gives the same pixels and needs no memory for a long picture's ends.

    Args:
        whole, wanted: width and height.
    """
    short = min((0, 1), key=lambda axis: whole[axis] / wanted[axis])
    resized = [
        max(w, int(wanted[short] * side / whole[short]))
        for side, w in zip(whole, wanted, strict=True)
    ]
    starts = [round((r - w) / 2.0) for r, w in zip(resized, wanted, strict=True)]
    scales = [side / r for side, r in zip(whole, resized, strict=True)]
    left, top = (start * scale for start, scale in zip(starts, scales, strict=True))
    right, bottom = (
        min(side, (start + w) * scale)
        for side, start, w, scale in zip(whole, starts, wanted, scales, strict=True)
    )
    return left, top, right, bottom
