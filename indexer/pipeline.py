"""The index path: scan, plan, decode, encode, commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from indexer.commit import commit, finish, record_deaths, settle
from indexer.encode import encode, gather
from indexer.known import Known
from indexer.lists import refresh_lists
from indexer.options import IndexOptions
from indexer.pending import Pending
from indexer.plan import Plan, plan
from indexer.progress import Listener, Progress
from indexer.reading import sha256_of
from indexer.report import IndexReport
from indexer.scan import ScanOptions, ScanResult, require_roots, scan
from indexer.space import Work, check_space, safe_so_far
from indexer.supervise import open_decoder
from indexer.tally import Tally
from indexer.target import put_in_force, target
from indexer.warm import compile_ahead
from lexsearch.bundle.digests import Digests
from lexsearch.bundle.writer import BundleWriter
from lexsearch.pictures import absolute
from lexsearch.protocols import Model

__all__ = ["IndexOptions", "index_folders"]


def index_folders(
    paths: Sequence[str | bytes | os.PathLike[str]],
    *,
    directory: Path,
    model: Model,
    options: IndexOptions | None = None,
    on_progress: Listener | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> IndexReport:
    """Bring an index up to date with folders of pictures.

    Args:
        paths: folders are walked, files are taken. Only images below them may leave.
        directory: the index; made when it is not there.
        model: encodes the pictures; the index remembers its identity.
        options: see `IndexOptions`.
        on_progress: called after the plan and after each durable commit.
        stop: asked before the first picture and after each commit; true ends the run there.

    Raises:
        UsageError: a path does not exist and the index knows nothing below it.
        IndexLocked, WrongModel, IndexDamaged, IndexTooNew: the index cannot be written.
        StorageError: the disk is full or failed; what was committed is safe.
    """
    options = options or IndexOptions()
    require_roots(paths, known=directory.exists())
    tally = Tally()
    aim = target(directory, model, options)
    with (
        safe_so_far(tally),
        BundleWriter.open(
            directory,
            identity=aim.identity,
            replace=aim.replaces,
            wait_s=options.wait_s,
            edition=aim.edition,
        ) as writer,
    ):
        with tally.clock("scan"):
            found = scan(aim.paths(paths), scan_options(options, directory))
        with tally.clock("plan"):
            known = Known.to(writer)
            planned = _planned(known, found, options)
        tally.add_plan(found, planned)
        if options.check_space and planned.pending:
            tally.notes += check_space(directory, aim.identity, _work(writer, planned, options))
        with tally.clock("commit"):
            settle(writer, planned, found.roots)
        held = known.contents if planned.pending and not options.force else Digests()
        _encode_all(
            writer, planned, model, options, tally, on_progress or _silence, stop,
            held=held, pool=aim.pool,
        )  # fmt: skip
        with tally.clock("commit"):
            finish(writer, tally.run_record())
            if not tally.interrupted:
                tally.notes += refresh_lists(writer, model, options.lists_from)
                if tally.encoded:
                    compile_ahead(aim.identity, writer.count_contents())
                tally.notes += put_in_force(writer, directory, aim, found, prune=options.prune)
    return tally.report()


def _planned(known: Known, found: ScanResult, options: IndexOptions) -> Plan:
    return plan(
        found,
        known,
        sha256_of=partial(sha256_of, follow=options.follow_symlinks),
        force=options.force,
        rehash=options.rehash,
        prune=options.prune,
        retry=options.retry,
    )


def _work(writer: BundleWriter, planned: Plan, options: IndexOptions) -> Work:
    return Work(
        len(planned.pending),
        path_bytes=planned.pending.path_bytes,
        batch_size=options.batch_size,
        held=writer.count_contents(),
        lists_from=options.lists_from,
    )


def _encode_all(
    writer: BundleWriter,
    planned: Plan,
    model: Model,
    options: IndexOptions,
    tally: Tally,
    listen: Listener,
    stop: Callable[[], bool],
    *,
    held: Digests,
    pool: int,
) -> None:
    """Decode, encode and commit, batch after batch; decoding runs one batch ahead."""

    def stopped() -> bool:
        tally.interrupted = tally.done < tally.total and stop()
        return tally.interrupted

    listen(Progress(0, tally.total, 0, tally.outlook()))
    if stopped():
        return
    with open_decoder(model.pixel_spec, held, options) as decoder:
        groups = batches(planned.pending, options.batch_size)
        ahead = batches(planned.pending, options.batch_size)
        decoded = decoder.decode([one.file.path for one in group] for group in ahead)
        for group, outcomes in zip(groups, tally.each("decode", decoded), strict=False):
            batch = gather(group, outcomes, held)
            with tally.clock("commit"):
                record_deaths(writer, batch)
            with tally.clock("encode"):
                vectors = encode(model, batch.fresh, pool=pool)
            with tally.clock("commit"):
                commit(writer, batch, vectors)
            held.add(picture.sha256 for picture in batch.fresh)
            tally.add_batch(batch)
            listen(Progress(tally.done, tally.total, tally.encoded, ""))
            if stopped():
                return


def scan_options(options: IndexOptions, directory: Path) -> ScanOptions:
    """What the walk is told: the options of the run, and to leave out the index itself."""
    return ScanOptions(
        exclude=options.exclude,
        default_excludes=options.default_excludes,
        include_hidden=options.include_hidden,
        follow_symlinks=options.follow_symlinks,
        index_folder=absolute(directory),
        hold=options.hold,
    )


def batches(pending: Sequence[Pending], size: int) -> Iterator[Sequence[Pending]]:
    """The pending files, which are sorted, cut every `size`: a run that resumes cuts alike."""
    return (pending[start : start + size] for start in range(0, len(pending), size))


def _silence(progress: Progress) -> None:
    """Listen to nothing."""
