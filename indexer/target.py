"""Which edition a run writes: the one that answers searches, or one beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.options import IndexOptions
from indexer.pooling import pooling
from indexer.scan import ScanResult, is_below
from lexsearch.bundle.catalog_file import any_segment, recorded_identity
from lexsearch.bundle.creation import holds_added
from lexsearch.bundle.editions import in_force, next_number
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.bundle.writer import BundleWriter
from lexsearch.errors import WrongModel
from lexsearch.protocols import Model
from lexsearch.results import display_path
from lexsearch.stores.pooling import factor_of, pooled_identity
from lexsearch.types import ModelIdentity


@dataclass(frozen=True, slots=True)
class Target:
    """Where a run writes.

    Attributes:
        identity: of the model, pooling included.
        pool: tokens of a photo that one stored token stands for.
        edition: number of the one beside the index; None = the one in force.
        name_in_force: the model that answers searches meanwhile.
        roots: folders and files of the index; an edition beside it must hold them too.
        replaces: the index may be of another model, and forgets what it holds.
    """

    identity: ModelIdentity
    pool: int
    edition: int | None
    name_in_force: str
    roots: tuple[bytes, ...]
    replaces: bool

    def paths(
        self, given: Sequence[str | bytes | os.PathLike[str]]
    ) -> Sequence[str | bytes | os.PathLike[str]]:
        """What the run walks: what was given, and what is there of the roots of the index."""
        if self.edition is None:
            return given
        return [*given, *(root for root in self.roots if os.path.lexists(root))]


def target(directory: Path, model: Model, options: IndexOptions) -> Target:
    """The target of a run.

    Raises:
        WrongModel: see `indexer.pooling.pooling`; or programs added pictures to the index.
        IndexDamaged, IndexTooNew: the index cannot be read.
    """
    home = in_force(directory)
    recorded = recorded_identity(home)
    if options.beside and not options.force and recorded is not None and any_segment(home):
        held = factor_of(recorded)
        if pooled_identity(model.identity, held) != recorded:
            pool = options.pool_tokens or held
            identity = pooled_identity(model.identity, pool)
            with Snapshot.open(directory) as snapshot:
                roots = tuple(snapshot.roots())
                added = snapshot.counts()["added"]
            if added:
                raise WrongModel(holds_added(directory, added))
            number = next_number(directory, identity)
            return Target(identity, pool, number, recorded.name, roots, False)
    pool = pooling(home, options.pool_tokens, force=options.force)
    replaces = options.force or not any_segment(home)
    name = "" if recorded is None else recorded.name
    return Target(pooled_identity(model.identity, pool), pool, None, name, (), replaces)


def put_in_force(
    writer: BundleWriter, directory: Path, aim: Target, found: ScanResult, *, prune: bool
) -> list[str]:
    """Switch to the edition of a finished run, unless photos would be lost; returns what to say.

    They would be where a root of the index shows no picture any more, because its disk is away.
    """
    if aim.edition is None:
        return []
    seen = found.files.paths
    bare = [root for root in aim.roots if not any(is_below(path, root) for path in seen)]
    away = [] if prune or not bare else _held_below(directory, bare)
    if away:
        shown = ", ".join(display_path(root) for root in away)
        return [
            f"{shown} is not there or empty, so searches go on with {aim.name_in_force!r}; "
            "run this again when it is back, or leave its photos out with: --prune"
        ]
    writer.put_in_force()
    return [
        f"searches are answered with {aim.identity.name!r} now; what {aim.name_in_force!r} made "
        "is kept until: lexsearch clean"
    ]


def _held_below(directory: Path, roots: Sequence[bytes]) -> list[bytes]:
    """Those of the roots below which the index in force has photos."""
    with Snapshot.open(directory) as snapshot:
        records = snapshot.images(snapshot.image_ids().tolist())
    held = [path for record in records for path in record.paths]
    return [root for root in roots if any(is_below(path, root) for path in held)]
