"""Adds pictures that a program gives, batch after batch, and deletes them again."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from indexer.commit import content_records, finish
from indexer.decode import Decoded, DecodeError
from indexer.decoders import Outcome
from indexer.encode import encode
from indexer.given import Given, given
from indexer.lists import refresh_lists
from indexer.options import IndexOptions
from indexer.pooling import pooling
from indexer.progress import Listener, Progress
from indexer.report import IndexReport, Skipped
from indexer.space import safe_so_far
from indexer.supervise import open_decoder
from indexer.tally import Tally
from lexsearch.bundle.held import HeldContents
from lexsearch.bundle.records import AddedRecord, CommitBatch, FileRecord
from lexsearch.bundle.standing import Standing
from lexsearch.bundle.writer import BundleWriter
from lexsearch.errors import UsageError
from lexsearch.own_ids import PREFIX, key_of
from lexsearch.protocols import Model
from lexsearch.query import Picture
from lexsearch.stores.pooling import pooled_identity
from lexsearch.types import docid, image_id_of

__all__ = ["add_pictures", "delete_pictures"]


def add_pictures(
    pictures: Iterable[Picture],
    *,
    directory: Path,
    model: Model,
    ids: Iterable[str] | None = None,
    metadata: Iterable[Mapping[str, Any] | None] | None = None,
    options: IndexOptions | None = None,
    on_progress: Listener | None = None,
    standing: Standing | None = None,
) -> IndexReport:
    """Add pictures to an index; see `LexSearch.add`.

    standing: of the call before, for a program that adds again and again.
    """
    options = options or IndexOptions()
    standing = standing or Standing()
    tally = Tally()
    pool = pooling(directory, options.pool_tokens, force=False)
    identity = pooled_identity(model.identity, pool)
    with (
        safe_so_far(tally),
        BundleWriter.open(
            directory, identity=identity, wait_s=options.wait_s, standing=standing
        ) as writer,
        closing(HeldContents(writer.directory)) as held,
        TemporaryDirectory(prefix="lexsearch-") as folder,
    ):
        stream = _Stream(
            given(
                pictures, ids, metadata,
                spec=model.pixel_spec, folder=Path(folder), max_pixels=options.max_pixels,
            ),
            options.batch_size,
        )  # fmt: skip
        with open_decoder(model.pixel_spec, held, options) as decoder:
            for outcomes in tally.each("decode", decoder.decode(stream.files())):
                batch = _Batch(stream.taken.popleft(), outcomes, writer, tally)
                with tally.clock("encode"):
                    fresh = [one for one in batch.fresh() if one.sha256 not in held]
                    vectors = encode(model, fresh, pool=pool)
                with tally.clock("commit"):
                    writer.commit(
                        CommitBatch(
                            contents=content_records(fresh),
                            vectors=vectors,
                            files=batch.files(),
                            added=batch.said(),
                        )
                    )
                tally.encoded += len(fresh)
                tally.done = tally.total = tally.found
                if on_progress is not None:
                    on_progress(Progress(tally.done, tally.total, tally.encoded, ""))
        tally.interrupted = stream.error is not None
        with tally.clock("commit"):
            finish(writer, tally.run_record())
            due = standing.lists_are_due(tally.encoded, writer.count_live())
            if stream.error is None and due:
                tally.notes += refresh_lists(writer, model, options.lists_from)
    if stream.error is not None:
        raise stream.error
    return tally.report()


class _Stream:
    """Takes batches from an iterable as the decoder asks for them.

    An error of the iterable ends the stream, so that what came before it is committed first.
    """

    def __init__(self, items: Iterator[Given], size: int) -> None:
        self._items = items
        self._size = size
        self.taken: deque[list[Given]] = deque()
        self.error: BaseException | None = None

    def files(self) -> Iterator[Sequence[bytes]]:
        """The files of one batch after the other; the batch itself is in `taken`."""
        while self.error is None:
            batch: list[Given] = []
            try:
                for one in islice(self._items, self._size):
                    batch.append(one)
            except BaseException as error:
                self.error = error
            if not batch:
                return
            self.taken.append(batch)
            yield [one.file for one in batch if one.file is not None]


class _Batch:
    """The pictures of a batch with what they decoded to; of several with one id the last counts."""

    def __init__(
        self,
        items: Sequence[Given],
        outcomes: Sequence[Outcome],
        writer: BundleWriter,
        tally: Tally,
    ) -> None:
        self._chosen: dict[bytes, tuple[Given, Outcome]] = {}
        files = iter(outcomes)
        pairs = [(one, one.decoded or next(files)) for one in items]
        named = {one.key: None for one, _ in pairs if one.key is not None}
        digests = [out.sha256 for _, out in pairs if not isinstance(out, DecodeError)]
        keys = [*named, *(key_of(docid(image_id_of(digest))) for digest in digests)]
        present = writer.held_at(keys)
        for one, outcome in pairs:
            tally.found += 1
            if one.file is not None and one.source is None:
                Path(os.fsdecode(one.file)).unlink(missing_ok=True)
            if isinstance(outcome, DecodeError):
                tally.skipped.append(Skipped(_shown(one), outcome.reason))
                continue
            image_id = image_id_of(outcome.sha256)
            key = one.key or key_of(docid(image_id))
            before = present.get(key)
            if before is None:
                tally.new += 1
            elif before == image_id:
                tally.unchanged += 1
            else:
                tally.changed += 1
            present[key] = image_id
            self._chosen[key] = one, outcome

    def fresh(self) -> list[Decoded]:
        """Decoded pictures, each content once."""
        found = {out.sha256: out for _, out in self._chosen.values() if isinstance(out, Decoded)}
        return list(found.values())

    def files(self) -> list[FileRecord]:
        """The rows of the ids."""
        return [
            FileRecord(key, one.size, one.mtime_ns, 0, outcome.sha256, PREFIX)
            for key, (one, outcome) in self._chosen.items()
            if not isinstance(outcome, DecodeError)
        ]

    def said(self) -> list[AddedRecord]:
        """What the program said of them."""
        return [
            one.said._replace(path=key, file=one.source) for key, (one, _) in self._chosen.items()
        ]


def _shown(one: Given) -> bytes:
    """What names a picture in a report."""
    return one.key or one.source or b"picture %d" % one.number


def delete_pictures(
    ids: Iterable[str],
    *,
    directory: Path,
    model: Model,
    wait_s: float = 0.0,
    standing: Standing | None = None,
) -> int:
    """Delete pictures that were added; see `LexSearch.delete`."""
    if isinstance(ids, str):
        raise UsageError(f"one id was given, {ids!r}; expected a list of ids")
    keys = {key_of(name): name for name in ids}
    identity = pooled_identity(model.identity, pooling(directory, None, force=False))
    with BundleWriter.open(
        directory, identity=identity, create=False, wait_s=wait_s, standing=standing
    ) as writer:
        present = writer.held_at(list(keys))
        writer.commit(CommitBatch(removed=sorted(present)))
        writer.compact()
    return len(present)
