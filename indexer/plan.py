"""Compares what a walk found with what the index knows; reads only what may have changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from indexer.decode import KILLED_ONCE
from indexer.found import FoundFile
from indexer.known import Known
from indexer.pending import Kind, PendingFiles
from indexer.reading import Unreadable
from indexer.scan import ScanResult, is_below, no_such
from lexsearch.bundle.records import FileRecord, KnownFile, SkippedFile

Hash = Callable[[bytes], bytes]


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

    pending: PendingFiles
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
    known: Known,
    *,
    sha256_of: Hash,
    force: bool = False,
    rehash: bool = False,
    prune: bool = False,
    retry: bool = False,
) -> Plan:
    """Sort every file into one of: pending, settled, unchanged, skipped; and find what left.

    Both sides are gone through once, path by path, and what the index knows is not kept: the
    memory that a plan takes is that of what it says.

    Args:
        found: what the walk saw.
        known: what the index knows.
        sha256_of: digest of a file's bytes; raises Unreadable.
        force: everything is pending.
        rehash: read every known file, whatever its size and time say.
        prune, retry: see `IndexOptions`.

    Raises:
        UsageError: a root does not exist and the index knows nothing below it.
    """
    if found.missing:
        _require_known(found.missing, known.files())
    made = Plan(PendingFiles(found.files))
    sorter = _Sorter(made, known, sha256_of, force=force, rehash=rehash, retry=retry)
    absent = _Absent(found, prune=prune)
    for place, file, before in _side_by_side(found.files, known.files()):
        if file is not None:
            sorter.sort(place, file, before)
        elif before is not None:
            absent.see(before)
    made.leaving = absent.leaving
    made.notes += absent.notes()
    _count_moves(made, absent, sorter)
    made.unskipped += [
        path
        for path in known.skipped
        if not found.files.has(path)
        and any(is_below(path, root) for root in found.roots)
        and not any(is_below(path, folder) for folder in (*found.unread, *found.missing))
    ]
    return made


def _require_known(missing: Iterable[bytes], files: Iterable[KnownFile]) -> None:
    """Refuse roots that do not exist and below which nothing is indexed."""
    strange = list(missing)
    for file in files:
        strange = [root for root in strange if not is_below(file.path, root)]
    if strange:
        raise no_such(strange[0])


def _side_by_side(
    found: Iterable[FoundFile], known: Iterable[KnownFile]
) -> Iterator[tuple[int, FoundFile | None, KnownFile | None]]:
    """Every path of either side once, ascending, as both have it; and its place among the found."""
    rest = iter(known)
    before = next(rest, None)
    place = 0
    for place, file in enumerate(found):
        while before is not None and before.path < file.path:
            yield place, None, before
            before = next(rest, None)
        if before is not None and before.path == file.path:
            yield place, file, before
            before = next(rest, None)
        else:
            yield place, file, None
    while before is not None:
        yield place, None, before
        before = next(rest, None)


class _Absent:
    """Known files below the roots that the walk did not see and could have seen."""

    def __init__(self, found: ScanResult, *, prune: bool) -> None:
        self.found = found
        self.given_up = set(found.roots if prune else found.files.roots)
        self.leaving: list[bytes] = []
        self.digests: list[bytes] = []  # contents of `leaving`
        self.kept: Counter[bytes] = Counter()

    def see(self, file: KnownFile) -> None:
        """Take a known file that was not found."""
        root = next((root for root in self.found.roots if is_below(file.path, root)), None)
        if root is None:
            return
        if root not in self.given_up:
            self.kept[root] += 1
        elif not any(is_below(file.path, folder) for folder in self.found.unread):
            self.leaving.append(file.path)
            self.digests.append(file.sha256)

    def notes(self) -> Iterator[str]:
        """What to say of roots whose files were kept."""
        for root in self.found.roots:
            if self.kept[root]:
                shown = root.decode("utf-8", "backslashreplace")
                state = "does not exist" if root in self.found.missing else "holds no picture"
                yield (
                    f"{shown} {state}: the {self.kept[root]:,} images indexed below it were kept; "
                    f"if they are gone for good: lexsearch index --prune {shown}"
                )


class _Sorter:
    """Sorts one found file after the other into a plan."""

    def __init__(
        self,
        made: Plan,
        known: Known,
        sha256_of: Hash,
        *,
        force: bool,
        rehash: bool,
        retry: bool,
    ) -> None:
        self.made = made
        self.known = known
        self.sha256_of = sha256_of
        self.force = force
        self.rehash = rehash
        self.retry = retry
        self.arrivals: list[bytes] = []  # contents at paths that the index does not know
        self.replaced: list[bytes] = []  # contents that a known path no longer has

    def sort(self, place: int, file: FoundFile, before: KnownFile | None) -> None:
        """Decide about one file, which the index may know."""
        failed = self.known.skipped.get(file.path)
        if self.force:
            kind: Kind = "new" if before is None else "unchanged"
            self._pend(place, kind, before, failed)
        elif before is not None:
            self._known(place, file, before, failed)
        elif failed is not None and not self.retry and self._fails_again(file, failed):
            return
        elif self.known.has_size(file.size):  # a move or a copy has the size of something known
            self._unknown(place, file, failed)
        else:
            self._pend(place, "new", None, failed)

    def _known(
        self, place: int, file: FoundFile, before: KnownFile, failed: SkippedFile | None
    ) -> None:
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
        if digest is not None and digest in self.known.contents:
            self.made.changed += 1
            self._settle(file, digest, failed)
        else:
            self._pend(place, "changed", before, failed)

    def _unknown(self, place: int, file: FoundFile, failed: SkippedFile | None) -> None:
        digest = self._digest(file)
        if digest is not None and digest in self.known.contents:
            self.arrivals.append(digest)
            self._settle(file, digest, failed)
        else:
            self._pend(place, "new", None, failed)

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
        self, place: int, kind: Kind, before: KnownFile | None, failed: SkippedFile | None
    ) -> None:
        self.made.pending.append(
            place,
            kind,
            was_known=before is not None,
            was_skipped=failed is not None,
            was_killed=failed is not None and failed.reason == KILLED_ONCE,
        )


def record_of(file: FoundFile, sha256: bytes) -> FileRecord:
    """The row of the index for a file with these bytes."""
    return FileRecord(file.path, file.size, file.mtime_ns, file.inode, sha256, file.root)


def _same_stat(file: FoundFile, before: KnownFile) -> bool:
    """Size and time as remembered, and the inode where the system has one."""
    same = (file.size, file.mtime_ns) == (before.size, before.mtime_ns)
    return same and (file.inode == before.inode or 0 in (file.inode, before.inode))


def _count_moves(made: Plan, absent: _Absent, sorter: _Sorter) -> None:
    """A content that left one path and came to another has moved; the rest is new, or gone."""
    left = Counter(absent.digests)
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
