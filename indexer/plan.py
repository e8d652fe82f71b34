"""Compares what a walk found with what the index knows; reads only what may have changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from indexer.decode import KILLED_ONCE
from indexer.reading import Unreadable
from indexer.scan import FoundFile, ScanResult, is_below, no_such
from lexsearch.bundle.records import FileRecord, KnownFile, SkippedFile

Kind = Literal["new", "changed", "unchanged"]
Hash = Callable[[bytes], bytes]


class Pending(NamedTuple):
    """A file to decode.

    Attributes:
        file: as the walk saw it.
        kind: new: at a path the index does not know; changed: the bytes are not those it knows;
            unchanged: encoded again because the run was told to.
        was_known: the index holds an image at this path.
        was_skipped: the index remembers the path as a file it could not read.
        was_killed: because its decoder was killed, once.
    """

    file: FoundFile
    kind: Kind
    was_known: bool
    was_skipped: bool
    was_killed: bool = False


@dataclass(slots=True)
class Plan:
    """What a run has to do.

    Attributes:
        pending: files to decode, sorted by path.
        settled: files whose content the index holds already, with their present path and stat.
        leaving: paths that leave the index, those of moved files included.
        removed: how many of them did not move.
        skipped: remembered files that would fail again.
        restated: those of `skipped` whose size or time is not the one remembered.
        unskipped: remembered failures to forget.
        notes: what the user should hear.
        new, changed, moved, unchanged, touched, duplicates: files of each sort among those
            that need no decoding.
    """

    pending: list[Pending] = field(default_factory=list)
    settled: list[FileRecord] = field(default_factory=list)
    leaving: list[bytes] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    restated: list[SkippedFile] = field(default_factory=list)
    unskipped: list[bytes] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    touched: int = 0
    duplicates: int = 0


def plan(
    found: ScanResult,
    known: Mapping[bytes, KnownFile],
    skipped: Mapping[bytes, SkippedFile],
    *,
    contents: Collection[bytes],
    sha256_of: Hash,
    force: bool = False,
    rehash: bool = False,
    prune: bool = False,
    retry: bool = False,
) -> Plan:
    """Sort every file into one of: pending, settled, unchanged, skipped; and find what left.

    Args:
        found: what the walk saw.
        known: files of the index by path.
        skipped: files that earlier runs could not read, by path.
        contents: digests of all stored contents, those without a file included.
        sha256_of: digest of a file's bytes; raises Unreadable.
        force: everything is pending.
        rehash: read every known file, whatever its size and time say.
        prune, retry: see `IndexOptions`.

    Raises:
        UsageError: a root does not exist and the index knows nothing below it.
    """
    made = Plan()
    vanished = _vanished(found, known, made, prune=prune)
    sorter = _Sorter(
        made, known, skipped, contents, sha256_of, force=force, rehash=rehash, retry=retry
    )
    sorter.sizes = {file.size for file in known.values()}
    for file in found.files:
        sorter.sort(file)
    made.leaving = vanished
    _count_moves(made, known, sorter)
    here = {file.path for file in found.files}
    made.unskipped += [
        path
        for path in skipped
        if path not in here
        and any(is_below(path, root) for root in found.roots)
        and not any(is_below(path, folder) for folder in (*found.unread, *found.missing))
    ]
    return made


def _vanished(
    found: ScanResult, known: Mapping[bytes, KnownFile], made: Plan, *, prune: bool
) -> list[bytes]:
    """Known paths below the roots that the walk did not see and could have seen."""
    here = {file.path for file in found.files}
    with_pictures = {file.root for file in found.files}
    vanished: list[bytes] = []
    for root in found.roots:
        below = [path for path in known if path not in here and is_below(path, root)]
        shown = root.decode("utf-8", "backslashreplace")
        if root in found.missing and not below:
            raise no_such(root)
        if root in with_pictures or prune:
            vanished += [p for p in below if not any(is_below(p, f) for f in found.unread)]
        elif below:
            state = "does not exist" if root in found.missing else "holds no picture"
            made.notes.append(
                f"{shown} {state}: the {len(below):,} images indexed below it were kept; "
                f"if they are gone for good: lexsearch index --prune {shown}"
            )
    return sorted(vanished)


class _Sorter:
    """Sorts one found file after the other into a plan."""

    def __init__(
        self,
        made: Plan,
        known: Mapping[bytes, KnownFile],
        skipped: Mapping[bytes, SkippedFile],
        contents: Collection[bytes],
        sha256_of: Hash,
        *,
        force: bool,
        rehash: bool,
        retry: bool,
    ) -> None:
        self.made = made
        self.known = known
        self.skipped = skipped
        self.contents = contents
        self.sha256_of = sha256_of
        self.force = force
        self.rehash = rehash
        self.retry = retry
        self.sizes: set[int] = set()
        self.arrivals: list[bytes] = []  # contents at paths that the index does not know
        self.replaced: list[bytes] = []  # contents that a known path no longer has

    def sort(self, file: FoundFile) -> None:
        """Decide about one file."""
        before = self.known.get(file.path)
        failed = self.skipped.get(file.path)
        if self.force:
            kind: Kind = "new" if before is None else "unchanged"
            self._pend(file, kind, before, failed)
        elif before is not None:
            self._known(file, before, failed)
        elif failed is not None and not self.retry and self._fails_again(file, failed):
            return
        elif file.size in self.sizes:  # a move or a copy has the size of something known
            self._unknown(file, failed)
        else:
            self._pend(file, "new", None, failed)

    def _known(self, file: FoundFile, before: KnownFile, failed: SkippedFile | None) -> None:
        same_stat = _same_stat(file, before)
        if same_stat and not self.rehash:
            self.made.unchanged += 1
            return
        digest = self._digest(file)
        if digest == before.sha256:
            self.made.unchanged += 1
            if not same_stat:
                self.made.touched += 1
                self._settle(file, digest, failed)
            return
        self.replaced.append(before.sha256)
        if digest is not None and digest in self.contents:
            self.made.changed += 1
            self._settle(file, digest, failed)
        else:
            self._pend(file, "changed", before, failed)

    def _unknown(self, file: FoundFile, failed: SkippedFile | None) -> None:
        digest = self._digest(file)
        if digest is not None and digest in self.contents:
            self.arrivals.append(digest)
            self._settle(file, digest, failed)
        else:
            self._pend(file, "new", None, failed)

    def _fails_again(self, file: FoundFile, failed: SkippedFile) -> bool:
        """True if the bytes are those that failed.

        Without a digest they are worth a try, and after a decoder that was killed from outside.
        """
        if failed.sha256 is None or failed.reason == KILLED_ONCE:
            return False
        same_stat = (file.size, file.mtime_ns) == (failed.size, failed.mtime_ns)
        if not same_stat or self.rehash:
            if self._digest(file) != failed.sha256:
                return False
            now = SkippedFile(file.path, failed.reason, file.size, file.mtime_ns, failed.sha256)
            self.made.restated.append(now)
        self.made.skipped.append(failed)
        return True

    def _digest(self, file: FoundFile) -> bytes | None:
        try:
            return self.sha256_of(file.path)
        except Unreadable:
            return None  # the decoder will say why

    def _settle(self, file: FoundFile, digest: bytes, failed: SkippedFile | None) -> None:
        self.made.settled.append(record_of(file, digest))
        if failed is not None:
            self.made.unskipped.append(file.path)

    def _pend(
        self, file: FoundFile, kind: Kind, before: KnownFile | None, failed: SkippedFile | None
    ) -> None:
        was_killed = failed is not None and failed.reason == KILLED_ONCE
        self.made.pending.append(
            Pending(file, kind, before is not None, failed is not None, was_killed)
        )


def record_of(file: FoundFile, sha256: bytes) -> FileRecord:
    """The row of the index for a file with these bytes."""
    return FileRecord(file.path, file.size, file.mtime_ns, file.inode, sha256, file.root)


def _same_stat(file: FoundFile, before: KnownFile) -> bool:
    """Size and time as remembered, and the inode where the system has one."""
    same = (file.size, file.mtime_ns) == (before.size, before.mtime_ns)
    return same and (file.inode == before.inode or 0 in (file.inode, before.inode))


def _count_moves(made: Plan, known: Mapping[bytes, KnownFile], sorter: _Sorter) -> None:
    """A content that left one path and came to another has moved; the rest is new, or gone."""
    left = Counter([known[path].sha256 for path in made.leaving])
    replaced = Counter(sorter.replaced)
    for digest in sorter.arrivals:
        if left[digest] > 0:
            left[digest] -= 1
            made.moved += 1
        elif replaced[digest] > 0:
            replaced[digest] -= 1
            made.moved += 1
        else:
            made.new += 1
            made.duplicates += 1
    made.removed = sum(left.values())
