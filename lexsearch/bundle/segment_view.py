"""One segment as a reader sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lexsearch.bundle.container import (
    FILE_NAMES,
    Arrays,
    GuardedArrays,
    SegmentKind,
    open_file,
)
from lexsearch.bundle.file_bytes import damaged
from lexsearch.bundle.live_bits import BoolArray
from lexsearch.errors import UsageError
from lexsearch.types import IntArray, Role

# Words and dense vectors are read whole by any search, so their checksums are verified when they
# are attached. Tokens are read in part; while an index has at most this many bytes of them they
# are verified too, which takes 0.1 s; beyond it each block is when it is first touched.
VERIFIED_TOKEN_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, eq=False)
class SegmentView:
    """One segment: the picture of every row, which rows are alive, and the arrays of each role.

    Attributes:
        ulid: its name.
        image_ids: int64 (n,), by row.
        live: bool (n,), None when all rows are alive.
        folder: where its files lie.
        sizes: bytes of each file, by name.
        verifies_tokens: whether to verify every byte of the tokens at once too.
    """

    ulid: str
    image_ids: IntArray
    live: BoolArray | None
    folder: Path
    sizes: Mapping[str, int]
    verifies_tokens: bool = True
    _arrays: dict[Role, Arrays] = field(default_factory=dict)

    def sections(self, role: Role) -> Mapping[str, npt.NDArray[np.generic]]:
        """The arrays of one role, read-only; opened and verified at the first call.

        Raises:
            UsageError: the model does not fill this role.
            IndexDamaged: a file is not what was written.
        """
        if role not in self._arrays:
            name = FILE_NAMES[role]
            if name not in self.sizes:
                raise UsageError(f"the model of this index stores no {role} vectors")
            self._arrays[role] = open_listed(
                self.folder, role, self.ulid, self.sizes[name],
                at_once=role != "tokens" or self.verifies_tokens,
            )  # fmt: skip
        return self._arrays[role]

    def live_ids(self) -> IntArray:
        """Ids of the rows that are alive, in the order of the rows."""
        return self.image_ids if self.live is None else self.image_ids[self.live]


def open_listed(folder: Path, kind: SegmentKind, ulid: str, size: int, *, at_once: bool) -> Arrays:
    """The arrays of a file whose size the catalog tells.

    Args:
        folder: of the segment.
        kind: what the file holds.
        ulid: of the segment.
        size: bytes.
        at_once: verify every block now; else `offsets` now and the rest when it is touched.

    Raises:
        IndexDamaged: the file is missing or is not what was written.
    """
    path = folder / FILE_NAMES[kind]
    if path.exists() and (found := path.stat().st_size) != size:
        raise damaged(path, f"it has {found} bytes, {size} were written")
    if at_once:
        return open_file(path, kind, ulid, verify=True)
    arrays = GuardedArrays(path, kind, ulid)
    everything = np.array([0]), np.array([len(arrays["offsets"])])
    arrays.touch("offsets", *everything)
    return arrays
