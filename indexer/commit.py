"""Makes the durable commits of a run: what the plan settled, batch after batch, the summary."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.decode import Decoded, DecodeError
from indexer.encode import Batch
from indexer.pending import Pending
from indexer.plan import Plan, record_of
from indexer.supervise import DecoderDied
from lexsearch.bundle.records import CommitBatch, ContentRecord, RunRecord, SkippedFile
from lexsearch.bundle.writer import BundleWriter
from lexsearch.types import Encoded


def settle(writer: BundleWriter, plan: Plan, roots: Sequence[bytes]) -> None:
    """Commit all that needs no encoding: moves, touches, what left."""
    writer.add_roots(roots)
    batch = CommitBatch(
        files=plan.settled,
        removed=plan.leaving,
        skipped=plan.restated,
        unskipped=plan.unskipped,
    )
    if batch:
        writer.commit(batch)


def record_deaths(writer: BundleWriter, batch: Batch) -> None:
    """Commit at once the files that killed their decoder: no run must try them twice unasked."""
    dead = [skipped_record(one, e) for one, e in batch.failed if isinstance(e, DecoderDied)]
    if dead:
        writer.commit(CommitBatch(skipped=dead))


def skipped_record(one: Pending, error: DecodeError) -> SkippedFile:
    """The row of the index for a file that is no picture."""
    file = one.file
    return SkippedFile(file.path, error.reason, file.size, file.mtime_ns, error.sha256)


def commit(writer: BundleWriter, batch: Batch, vectors: Encoded | None) -> None:
    """Commit one batch durably; vectors: one row for each of `batch.fresh`."""
    writer.commit(
        CommitBatch(
            contents=content_records(batch.fresh),
            vectors=vectors,
            files=[record_of(one.file, sha256) for one, sha256 in batch.files],
            removed=[one.file.path for one, _ in batch.failed if one.was_known],
            skipped=[skipped_record(one, error) for one, error in batch.failed],
            unskipped=[one.file.path for one, _ in batch.files if one.was_skipped],
        )
    )


def finish(writer: BundleWriter, record: RunRecord) -> None:
    """Tidy up after a whole run and remember what it did; a stopped run only remembers."""
    if record.complete:
        writer.compact()
    writer.finish(record)


def content_records(pictures: Sequence[Decoded]) -> list[ContentRecord]:
    """The rows of the index for decoded pictures."""
    return [
        ContentRecord(
            sha256=picture.sha256,
            width=picture.width,
            height=picture.height,
            taken=picture.taken,
            camera=picture.camera,
            gps=picture.gps,
            thumb_hash=picture.dhash,
        )
        for picture in pictures
    ]
