"""The lock that makes sure of one writer; the system releases it when its holder dies."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import socket
import time
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from lexsearch.bundle.plain import require_plain
from lexsearch.errors import IndexLocked, StorageError

LOCK_FILE = "write.lock"
HOLDER_FILE = "write.holder"
POLL_S = 0.05


class WriteLock:
    """A native lock on `write.lock`, which is never deleted.

    The holder's process and host stand in `write.holder` beside it, for the message only.
    """

    def __init__(self, directory: Path) -> None:
        self._holder = directory / HOLDER_FILE
        self._lock = _native_lock(directory / LOCK_FILE)

    def acquire(self, *, wait_s: float = 0.0) -> None:
        """Take the lock, waiting at most that long.

        Raises:
            IndexLocked: another writer has it.
            IndexDamaged: there are links, pipes or devices among the files of the index.
            StorageError: the place knows no locks, or cannot be written.
        """
        require_plain(self._holder.parent)
        try:
            self._lock.acquire(timeout=max(wait_s, 0.0), poll_interval=POLL_S)
        except Timeout:
            raise IndexLocked(self._message()) from None
        except (NotImplementedError, OSError) as error:
            raise StorageError(
                f"{self._holder.parent} cannot be locked: {error}; an index needs a local "
                "folder that may be written, choose one with: --db DIR"
            ) from error
        if isinstance(self._lock, SoftFileLock):
            self._lock.release()
            raise StorageError(
                f"{self._holder.parent} lies on a file system without locks; choose a local "
                "folder with: --db DIR"
            )
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": int(time.time())}
        with contextlib.suppress(OSError):
            self._holder.write_text(json.dumps(holder), encoding="utf-8")

    def release(self) -> None:
        """Give the lock back."""
        if self._lock.is_locked:
            with contextlib.suppress(OSError):
                self._holder.unlink()
        self._lock.release()

    def _message(self) -> str:
        who = "another process"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, OverflowError):
            holder = json.loads(self._holder.read_text(encoding="utf-8"))
            started = time.strftime("%H:%M:%S", time.localtime(int(holder["since"])))
            who = f"process {int(holder['pid'])} on {str(holder['host'])!r} (since {started})"
        return (
            f"{who} is writing to the index in {self._holder.parent}; searching works meanwhile; "
            "wait for it with: lexsearch index --wait SECONDS"
        )


def _native_lock(path: Path) -> BaseFileLock:
    """A lock that never falls back to a mere marker file, which would outlive its holder."""
    options: dict[str, bool] = {"thread_local": False}
    for option in ("fallback_to_soft", "preserve_lock_file"):
        if option in inspect.signature(FileLock.__init__).parameters:
            options[option] = option == "preserve_lock_file"
    lock: BaseFileLock = FileLock(path, **options)  # type: ignore[arg-type]
    return lock
