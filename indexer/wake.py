"""Waits until something may have changed below folders: by the system's word or by the clock."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

from lexsearch.errors import UsageError

# Seconds between two looks at whether a stop was asked for, or a root was replaced.
TICK_S = 0.25
# Seconds between two walks where the system reports nothing.
POLL_S = 30.0
_CHOICE = re.compile(r"poll(?::(\d+(?:\.\d+)?))?")

Stop: TypeAlias = Callable[[], bool]


class Waker(Protocol):
    """Waits for changes."""

    def wait(self, seconds: float, stop: Stop) -> None:
        """Return when something may have changed, `seconds` are over, or `stop` says so."""
        ...


class PollWaker:
    """Returns after a fixed time; for network drives, which report nothing."""

    def __init__(self, seconds: float = POLL_S) -> None:
        self.seconds = seconds

    def wait(self, seconds: float, stop: Stop) -> None:
        """See `Waker`."""
        end = time.monotonic() + min(seconds, self.seconds)
        while not stop() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, TICK_S))


class NativeWaker:
    """Listens to what the system reports, by watchfiles.

    A root that goes away, or is replaced, counts as a change; it is listened to again as soon as
    it is there. A system that cannot listen to so many folders is polled from then on.
    """

    def __init__(self, watch: Any, roots: Sequence[bytes], on_note: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            watch: `watchfiles.watch`.
            roots: folders and files.
            on_note: is told when the system cannot listen.
        """
        self.watch = watch
        self.roots = roots
        self.on_note = on_note
        self._poll: PollWaker | None = None
        self._changes: Iterator[object] | None = None
        self._known: list[tuple[int, int] | None] = []

    def wait(self, seconds: float, stop: Stop) -> None:
        """See `Waker`."""
        if self._poll is not None:
            self._poll.wait(seconds, stop)
            return
        try:
            self._wait(seconds, stop)
        except (OSError, RuntimeError) as error:
            self.on_note(
                f"the system does not report changes ({error}); looking every {POLL_S:g} s"
            )
            self._poll = PollWaker()

    def _wait(self, seconds: float, stop: Stop) -> None:
        if self._changes is None:
            self._listen()
            return  # what changed meanwhile nobody has reported
        end = time.monotonic() + seconds
        while not stop() and time.monotonic() < end:
            if self._known != self._identities():
                self._changes = None
                return
            if not any(self._known):
                time.sleep(TICK_S)
            elif next(self._changes):
                return

    def _listen(self) -> None:
        self._known = self._identities()
        here = [os.fsdecode(r) for r, known in zip(self.roots, self._known, strict=True) if known]
        self._changes = iter(())
        if here:
            self._changes = self.watch(
                *here,
                watch_filter=None,
                debounce=100,
                step=50,
                rust_timeout=round(TICK_S * 1000),
                yield_on_timeout=True,
                raise_interrupt=False,
                ignore_permission_denied=True,
            )

    def _identities(self) -> list[tuple[int, int] | None]:
        return [_identity(root) for root in self.roots]


def _identity(path: bytes) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_dev, found.st_ino


def waker(choice: str, roots: Sequence[bytes], on_note: Callable[[str], None]) -> Waker:
    """The waker that `--watch` asks for.

    Args:
        choice: `auto`, `poll` or `poll:SECONDS`.
        roots: what will be watched.
        on_note: is given what the user should hear.

    Raises:
        UsageError: it is none of them.
    """
    if choice == "auto":
        try:
            from watchfiles import watch
        except ImportError:
            on_note(
                f"looking for changes every {POLL_S:g} s; the system reports them at once with: "
                "pip install 'lexsearch[watch]'"
            )
            return PollWaker()
        return NativeWaker(watch, roots, on_note)
    match = _CHOICE.fullmatch(choice)
    seconds = float(match[1] or POLL_S) if match else 0.0
    if not match or seconds <= 0:
        raise UsageError(f"--watch got {choice!r}; expected --watch, or --watch=poll:SECONDS")
    return PollWaker(seconds)
