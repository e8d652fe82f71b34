"""How many tokens of an image one stored token stands for: as asked, or as the index has it."""

from __future__ import annotations

from pathlib import Path

from lexsearch.bundle.catalog_file import any_segment, recorded_identity
from lexsearch.errors import WrongModel
from lexsearch.stores.pooling import factor_of


def pooling(directory: Path, asked: int | None, *, force: bool) -> int:
    """The factor of this run.

    Args:
        directory: the index; it need not exist.
        asked: the factor that was asked for; None = as recorded, 1 for a new index.
        force: everything is encoded again, so the factor may change; so it may while the index
            is empty.

    Raises:
        WrongModel: the index has another factor, and its images would be mixed with others.
    """
    recorded = recorded_identity(directory)
    if recorded is None:
        return asked or 1
    held = factor_of(recorded)
    if asked is None or asked == held:
        return held
    if not force and any_segment(directory):
        raise WrongModel(
            f"the index in {directory} keeps 1 of every {held} tokens of a photo, "
            f"--pool-tokens {asked} was asked for; encode everything again with: "
            f"lexsearch index --force --pool-tokens {asked} PATH --db {directory}, "
            "or leave the option out"
        )
    return asked
