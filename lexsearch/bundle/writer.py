"""Writes an index: one process, one connection, one durable commit at a time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from lexsearch.bundle import compact, editions, garbage
from lexsearch.bundle.changes import WrittenSegment, apply_batch, check_batch
from lexsearch.bundle.creation import Opened, open_for_writing, storage
from lexsearch.bundle.derive import Bank, refresh_lists
from lexsearch.bundle.description import describe
from lexsearch.bundle.digests import Digests
from lexsearch.bundle.disk import Disk
from lexsearch.bundle.format import number_in_force
from lexsearch.bundle.live_bits import count_live
from lexsearch.bundle.records import CommitBatch, FileRecord, KnownFile, RunRecord, SkippedFile
from lexsearch.bundle.reserve import free_reserve
from lexsearch.bundle.segments import write_segment
from lexsearch.bundle.standing import Standing
from lexsearch.bundle.ulid import new_ulid
from lexsearch.catalog import merging, repository
from lexsearch.catalog.step import FUSION
from lexsearch.errors import IndexDamaged, StorageError
from lexsearch.stores.segment_data import SectionArrays, rows, sections
from lexsearch.types import ROLES, Encoded, ModelIdentity, Role

# More segments than this and a commit merges by itself: a reader holds their files open.
MOST_SMALL_SEGMENTS = 64
# Paths that are read from the catalog at once.
PAGE = 4096


class BundleWriter:
    """The one writer of an index; holds the lock until it is closed.

    A commit writes the files of a segment, waits until they are on the disk, and then changes
    the catalog in one transaction, which is the only commit point: whatever happens before it
    ends leaves the generation before in force.
    """

    def __init__(
        self,
        parts: Opened,
        *,
        identity: ModelIdentity,
        disk: Disk,
        clock: Callable[[], float],
        standing: Standing,
    ) -> None:
        self.directory = parts.directory
        self.identity = identity
        self._parts = parts
        self._database = parts.database
        self._lock = parts.lock
        self._uuid = parts.index_uuid
        self._disk = disk
        self._clock = clock
        self._standing = standing
        self._closed = False

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        identity: ModelIdentity,
        create: bool = True,
        replace: bool = False,
        wait_s: float = 0.0,
        edition: int | None = None,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.time,
        standing: Standing | None = None,
    ) -> BundleWriter:
        """Open an index for writing, or make one.

        Args:
            directory: the index; when it is not one yet, it must be empty or not exist.
            identity: of the model whose vectors will be written.
            create: make the index when there is none.
            replace: when another model made the index, forget its pictures instead of refusing.
            wait_s: how long to wait for another writer.
            edition: write that one (see `lexsearch.bundle.editions`), made when it is not
                there; None = the one in force.
            disk: where to write.
            clock: seconds since 1970.
            standing: of the writer before, for a program that opens one call after call.

        Raises:
            UsageError: the folder holds something else.
            IndexLocked: another process is writing to it.
            IndexMissing: there is none and `create` is False.
            IndexTooNew, IndexDamaged: it cannot be written to.
            WrongModel: another model made it.
            StorageError: the file system refused.
        """
        disk = disk or Disk()
        standing = standing or Standing()
        parts = open_for_writing(
            directory, identity, create=create, replace=replace, wait_s=wait_s, edition=edition,
            disk=disk, now=clock, standing=standing,
        )  # fmt: skip
        writer = cls(parts, identity=identity, disk=disk, clock=clock, standing=standing)
        try:
            writer.collect_garbage()
        except BaseException:
            standing.distrust()
            writer.close()
            raise
        return writer

    def __enter__(self) -> BundleWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._standing.distrust()
        self.close(leaving=error is None)

    def generation(self) -> int:
        """The generation in force."""
        with self._database.transaction() as connection:
            return int(repository.settings(connection)["generation"])

    def known_files(self) -> Iterator[KnownFile]:
        """Every indexed path, ascending, some thousand in memory at a time."""
        after = b""
        while True:
            with self._database.transaction() as connection:
                page = repository.known_files(connection, after=after, most=PAGE)
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].path

    def known_sizes(self) -> npt.NDArray[np.int64]:
        """Size in bytes of the file at every indexed path, ascending."""
        with self._database.transaction() as connection:
            sizes = np.fromiter(repository.known_sizes(connection), np.int64)
        sizes.sort()
        return sizes

    def count_live(self) -> int:
        """Pictures that have a path."""
        with self._database.transaction() as connection:
            return count_live(repository.segments(connection))

    def known_contents(self) -> Digests:
        """Digest of every stored picture, those without a path included."""
        with self._database.transaction() as connection:
            return Digests(repository.known_contents(connection))

    def count_contents(self) -> int:
        """How many pictures are stored, those without a path included."""
        with self._database.transaction() as connection:
            return repository.count_contents(connection)

    def held_at(self, paths: Sequence[bytes]) -> dict[bytes, int]:
        """Image id of those of the paths that are indexed."""
        with self._database.transaction() as connection:
            found = repository.contents_at(connection, paths)
        return {path: content for path, (content, _, _) in found.items()}

    def known_skipped(self) -> dict[bytes, SkippedFile]:
        """Every skipped path, ascending."""
        with self._database.transaction() as connection:
            return repository.known_skipped(connection)

    def roots(self) -> list[bytes]:
        """Folders and files that were given to index, sorted."""
        with self._database.transaction() as connection:
            return repository.roots(connection)

    def add_roots(self, paths: Sequence[bytes]) -> None:
        """Remember folders and files that were given to index."""
        with self._changing(), self._database.transaction() as connection:
            repository.add_roots(connection, paths)

    def finish(self, run: RunRecord) -> None:
        """Store the summary of a run."""
        with self._changing(), self._database.transaction() as connection:
            repository.add_run(connection, run)

    def set_fusion(self, text: str | None) -> int:
        """Keep a learned fusion with the index, durably, or forget the one it has.

        Args:
            text: of `LearnedFusion.to_text`; None forgets.

        Returns:
            The generation in force; readers that are open see it after they reload.

        Raises:
            StorageError: disk full or failing; the index is as before.
        """
        with self._changing(), self._database.transaction() as connection:
            if text is None:
                repository.forget_setting(connection, FUSION)
            else:
                repository.set_settings(connection, {FUSION: text})
            return repository.next_generation(connection)

    def commit(self, batch: CommitBatch) -> int:
        """Write one batch durably; when this returns it survives a power cut.

        Returns:
            The generation in force; an empty batch changes nothing.

        Raises:
            ValueError: the batch contradicts itself or names contents that nobody stored.
            StorageError: disk full or failing; the index is as before.
        """
        with self._database.transaction() as connection:
            generation = int(repository.settings(connection)["generation"])
            check_batch(connection, batch)
        if not batch:
            return generation
        arrays = _arrays(batch, self.identity)
        with self._changing():
            segment = self._write_segment(batch, arrays, generation + 1) if arrays else None
            with self._database.transaction() as connection:
                generation = apply_batch(connection, batch, segment, now=int(self._clock()))
                small = compact.small_segments(repository.segments(connection))
        if len(small) > MOST_SMALL_SEGMENTS:
            # Whoever goes on committing may name what was stored when he began.
            self.compact(drop=False)
            generation = self.generation()
        return generation

    def _write_segment(
        self, batch: CommitBatch, arrays: dict[Role, SectionArrays], generation: int
    ) -> WrittenSegment:
        files: dict[bytes, list[FileRecord]] = {}
        for one in batch.files:
            files.setdefault(one.sha256, []).append(one)
        contents = [(content, files.get(content.sha256, [])) for content in batch.contents]
        description = describe(self._uuid, generation, self.identity, contents)
        ulid = new_ulid()
        written = write_segment(self.directory, ulid, arrays, description, disk=self._disk)
        return WrittenSegment(ulid, len(contents), written)

    def compact(self, *, drop: bool = True) -> int:
        """Merge small segments, and rewrite those full of pictures removed a while ago.

        Stored values are copied as they are, so answers do not change.

        Args:
            drop: forget pictures removed a while ago; otherwise all that is stored stays.

        Returns:
            How many segments were merged or rewritten.
        """
        now = int(self._clock())
        place = compact.Place(self.directory, self._uuid, self.identity, self._disk)
        merged = 0
        with self._changing():
            if drop:
                with self._database.transaction() as connection:
                    merging.forget_removed(connection, before=now - compact.KEEP_REMOVED_S)
            while True:
                with self._database.transaction() as connection:
                    group = compact.next_group(connection, drop=drop)
                    if not group:
                        break
                    compact.merge_group(connection, group, place, now=now, drop=drop)
                merged += len(group)
        self.collect_garbage()
        return merged

    def refresh_lists(self, *, images: int, bank: Bank | None = None) -> str | None:
        """Make, extend or drop the lists for dense search, as the pictures now ask for.

        They are derived from what is committed, so nothing is lost where that fails.

        Args:
            images: pictures from which on there are lists; 0 = never.
            bank: gives texts as queries, float32 (n, dim), on which the number of lists that a
                search visits is chosen, besides queries made from the pictures.

        Returns:
            A sentence for the user when lists are due and could not be made.
        """
        return refresh_lists(
            self.directory, self._database,
            images=images, bank=bank, disk=self._disk, now=int(self._clock()),
        )  # fmt: skip

    def collect_garbage(self) -> None:
        """Remove what broken runs left and what merges replaced, after a time of grace."""
        with self._changing():
            with self._database.transaction() as connection:
                named, dropped = merging.named_folders(connection), merging.dropped(connection)
            gone = garbage.collect(
                self.directory, named, dropped, disk=self._disk, now=self._clock()
            )
            if gone:
                with self._database.transaction() as connection:
                    merging.forget_dropped(connection, gone)

    def put_in_force(self) -> bool:
        """Let searches be answered from the edition that this writes; returns whether it is new.

        Raises:
            StorageError: the file system refused; the edition before is in force.
        """
        if number_in_force(self._parts.index) == self._parts.number:
            return False
        with self._changing():
            editions.switch(self._parts.index, self._parts.number, disk=self._disk)
        return True

    def close(self, *, leaving: bool = False) -> None:
        """Move the write-ahead log into the catalog and release the lock.

        leaving: what was written may be trusted by a writer with the same `standing`.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._database.close()
            if leaving:
                self._standing.leave(self.directory)
        finally:
            self._lock.release()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Gives the reserve back and says what is safe when the disk is full or failing."""
        try:
            with storage(self.directory):
                yield
        except StorageError as error:
            free_reserve(self.directory)
            raise StorageError(
                f"{error}; {self._safe()} are safe; free space and run the same command"
            ) from error

    def _safe(self) -> str:
        try:
            with self._database.transaction() as connection:
                return f"{count_live(repository.segments(connection)):,} images"
        except (StorageError, IndexDamaged):
            return "the images committed before"


def _arrays(batch: CommitBatch, identity: ModelIdentity) -> dict[Role, SectionArrays]:
    """The sections of every role that the batch fills; empty without contents."""
    if not batch.contents:
        return {}
    vectors = batch.vectors or Encoded(None, None, None)
    arrays: dict[Role, SectionArrays] = {}
    for role in ROLES:
        filled = getattr(vectors, role)
        if filled is not None:
            arrays[role] = sections(role, filled, identity)
            if rows(role, arrays[role]) != len(batch.contents):
                raise ValueError(f"{len(batch.contents)} contents, but other rows of {role}")
    if not arrays:
        raise ValueError("contents come with the vectors of at least one role")
    return arrays
