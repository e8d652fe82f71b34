"""What a run would do: scan and plan against a snapshot; writes nothing and runs no model."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from indexer.known import Known
from indexer.options import IndexOptions
from indexer.pipeline import scan_options
from indexer.plan import plan
from indexer.reading import sha256_of
from indexer.report import IndexReport
from indexer.scan import require_roots, scan
from indexer.tally import Tally
from lexsearch.bundle.records import KnownFile
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.errors import IndexMissing


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do.

    Attributes:
        report: with nothing encoded; files that the run would decode count as what they are by
            their path, so that a file that is no picture counts as new.
        to_encode: files that the run would decode.
        excludes: globs of what is left out.
    """

    report: IndexReport
    to_encode: int
    excludes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The preview as JSON values."""
        return {
            **self.report.to_json(),
            "dry_run": True,
            "to_encode": self.to_encode,
            "excludes": list(self.excludes),
        }

    def lines(self) -> list[str]:
        """For people."""
        one = self.report
        return [
            f"Left out: {', '.join(self.excludes) or 'nothing'}",
            f"Found {one.found:,} pictures: {one.new:,} new, {one.changed:,} changed, "
            f"{one.moved:,} moved, {one.unchanged:,} unchanged; {one.removed:,} gone",
            f"Would encode {self.to_encode:,}; nothing was written",
        ]


def preview_folders(
    paths: Sequence[str | bytes | os.PathLike[str]], *, directory: Path, options: IndexOptions
) -> Preview:
    """What `index_folders` would do with the same arguments.

    Raises:
        UsageError: a path does not exist and the index knows nothing below it.
    """
    require_roots(paths, known=directory.exists())
    tally = Tally()
    walk = scan_options(options, directory)
    with tally.clock("scan"):
        found = scan(paths, walk)
    with tally.clock("plan"):
        snapshot = _snapshot(directory)
        planned = plan(
            found,
            Known.of(()) if snapshot is None else _known(snapshot),
            sha256_of=partial(sha256_of, follow=options.follow_symlinks),
            force=options.force,
            rehash=options.rehash,
            prune=options.prune,
            retry=options.retry,
        )
        if snapshot is not None:
            snapshot.close()
    tally.add_plan(found, planned)
    kinds = Counter(one.kind for one in planned.pending)
    tally.new += kinds["new"]
    tally.changed += kinds["changed"]
    tally.unchanged += kinds["unchanged"]
    return Preview(tally.report(), len(planned.pending), walk.patterns)


def _snapshot(directory: Path) -> Snapshot | None:
    try:
        return Snapshot.open(directory)
    except IndexMissing:
        return None


def _known(snapshot: Snapshot) -> Known:
    """What a reader learns; 0 stands for the inode, which it does not."""
    ids = [int(image_id) for image_id in snapshot.image_ids()]
    files = (
        KnownFile(path, record.size, record.mtime_ns, 0, record.sha256, b"")
        for record in snapshot.images(ids)
        for path in record.paths
    )
    return Known.of(files, snapshot.skipped())
