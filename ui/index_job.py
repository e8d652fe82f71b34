"""Indexing in a process of its own: started from a page, goes on when the page is closed.

The process writes how far it is into a small JSON file in the cache folder; pages read it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filelock import FileLock

from lexsearch.errors import LexsearchError, UsageError
from lexsearch.settings import Settings
from ui import kept

if TYPE_CHECKING:
    from indexer.progress import Progress

State = Literal["starting", "running", "done", "stopped", "failed"]
BATCH = 64  # pictures per commit: a search sees them soon, and the bar moves
SILENT_S = 30.0  # a process that has not said anything after its start is lost


class UnderWay(UsageError):
    """A run is going on already."""


@dataclass(frozen=True, slots=True)
class Job:
    """How far an indexing run is.

    Attributes:
        state: what it does.
        pid: of its process; 0 before it said so.
        started, updated: seconds since 1970.
        done, total: files of `total` dealt with.
        committed: pictures safe on disk.
        text: what to tell the user: plan, summary or error.
    """

    state: State
    pid: int
    started: float
    updated: float
    done: int = 0
    total: int = 0
    committed: int = 0
    text: str = ""

    @property
    def is_active(self) -> bool:
        """Whether the process still works, as far as one can see."""
        if self.state == "starting":
            return time.time() - self.updated < SILENT_S
        return self.state == "running" and _lives(self.pid)

    @property
    def was_lost(self) -> bool:
        """Whether the process ended without a word."""
        return self.state in ("starting", "running") and not self.is_active

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the speed so far; None before the first commit."""
        if not self.done or not self.total:
            return None
        return (self.updated - self.started) / self.done * (self.total - self.done)


def file_of(settings: Settings, directory: Path) -> Path:
    """Where the progress of a db is written."""
    return kept.file_of(settings.cache_dir / "jobs", directory)


def read(settings: Settings, directory: Path) -> Job | None:
    """The last run that a page started on a db, or None."""
    try:
        return Job(**json.loads(file_of(settings, directory).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def start(settings: Settings, directory: Path, paths: list[str], *, retry: bool = False) -> Job:
    """Start indexing folders; returns at once.

    retry: try files again that were skipped, though they have not changed.

    Raises:
        UnderWay: a run is going on, whoever started it.
        UsageError: there is nothing to index, or a path does not exist.
    """
    if not paths:
        raise UsageError("no folder was given; name one that holds photos")
    for path in paths:
        if not Path(path).expanduser().exists():
            raise UsageError(f"there is no folder or file {path}")
    job = _claimed(settings, directory)
    order = {
        "directory": str(directory),
        "data_dir": str(settings.data_dir),
        "cache_dir": str(settings.cache_dir),
        "model": settings.model,
        "paths": [os.path.abspath(os.path.expanduser(path)) for path in paths],  # noqa: PTH100, PTH111
        "retry": retry,
    }
    process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
        [sys.executable, "-m", "ui.index_job", json.dumps(order)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=Path(__file__).parents[1],
    )
    threading.Thread(target=process.wait, daemon=True).start()  # no zombie is left behind
    return job


def _claimed(settings: Settings, directory: Path) -> Job:
    """A run that starts now; of two that are asked for at once, only one does."""
    path = file_of(settings, directory)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        before = read(settings, directory)
        if before is not None and before.is_active:
            raise UnderWay("indexing is going on already; wait for it or stop it")
        now = time.time()
        job = Job("starting", 0, now, now)
        _write(path, job)
    return job


def stop(settings: Settings, directory: Path) -> None:
    """Ask the run to end after the present commit; what is committed stays."""
    job = read(settings, directory)
    if job is not None and job.state == "running" and _lives(job.pid):
        with contextlib.suppress(OSError):
            os.kill(job.pid, signal.SIGINT)


def work(order: dict[str, object]) -> Job:
    """The run itself, in the process that `start` made."""
    from lexsearch.api import LexSearch

    settings = Settings.load(
        data_dir=str(order["data_dir"]),
        cache_dir=str(order["cache_dir"]),
        model=str(order["model"]),
    )
    directory = Path(str(order["directory"]))
    path = file_of(settings, directory)
    now = time.time()
    job = Job("running", os.getpid(), now, now, text="looking for pictures")
    _write(path, job)
    last = job

    def told(progress: Progress) -> None:
        nonlocal last
        last = replace(
            job,
            updated=time.time(),
            done=progress.done,
            total=progress.total,
            committed=progress.committed,
            text=progress.summary,
        )
        _write(path, last)

    try:
        with LexSearch.create(directory, model=_model(directory), settings=settings) as db:
            paths = order["paths"]
            assert isinstance(paths, list)
            report = db.index(
                *paths, on_progress=told, batch_size=BATCH, retry=bool(order["retry"])
            )
        state: State = "stopped" if report.interrupted else "done"
        text = "\n".join([report.summary(), *report.notes])
    except KeyboardInterrupt:
        state, text = "stopped", "stopped; what is committed is safe, the next run goes on"
    except (LexsearchError, OSError) as error:
        state, text = "failed", str(error)
    except Exception as error:  # the outermost loop: nobody else would say that it ended
        state, text = "failed", f"internal error: {type(error).__name__}: {error}"
    final = replace(last, state=state, updated=time.time(), text=text)
    _write(path, final)
    return final


def _model(directory: Path) -> str | None:
    """The name of the model that made the index, if there is an index."""
    from lexsearch.bundle.snapshot import Snapshot
    from lexsearch.errors import IndexMissing

    try:
        with Snapshot.open(directory) as snapshot:
            return snapshot.identity.name
    except IndexMissing:
        return None


def _write(path: Path, job: Job) -> None:
    kept.replace_file(path, json.dumps(asdict(job)))


def _lives(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


if __name__ == "__main__":
    work(json.loads(sys.argv[1]))
