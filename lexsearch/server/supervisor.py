"""Keeps the server running: its work is done by a child, which is replaced when a signal ends it.

On Linux only. Elsewhere the work is done by the process itself: macOS forbids most of what a child
does that was forked and runs no other program, Windows has no fork.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from lexsearch.restarts import Restarts

FORWARDED = (signal.SIGINT, signal.SIGTERM)


def supervised(work: Callable[[], None], say: Callable[[str], None]) -> int:
    """Do some work in a child process, anew when a signal like SIGBUS ended it.

    It returns in the child too, when the work is done. SIGINT and SIGTERM are passed on to the
    child, which has a process group of its own, so that Ctrl-C reaches it once; when this process
    is killed, the child is sent SIGTERM.

    Args:
        work: done in the main thread of the child, with the handlers of signals of now.
        say: told when the child is replaced.

    Returns:
        The exit code of the child; 0 in the child.

    Raises:
        StorageError: the child ended soon after its start, again and again.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        work()
        return 0
    restarts = Restarts("the server")
    ours, theirs = os.pipe()  # the child reads until we are gone
    with _Forwarding() as forwarding:
        while True:
            if forwarding.start() == 0:
                os.close(theirs)
                threading.Thread(target=_stop_after, args=(ours,), daemon=True).start()
                break
            code = forwarding.wait()
            note = None if forwarding.told else restarts.note(code)
            if note is None:
                return code if code >= 0 else 128 - code
            say(note)
    work()
    return 0


class _Forwarding:
    """Passes signals on to the child, while there is one."""

    def __init__(self) -> None:
        self.told = False
        self._child = 0
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> _Forwarding:
        for number in FORWARDED:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:  # as a shell leaves SIGINT in the background
                self._before[number] = before
                signal.signal(number, self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]

    def start(self) -> int:
        """The process number of a new child; 0 in the child, where signals do what they did."""
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)  # no handler runs in between
        self._child = os.fork()
        if self._child == 0:
            os.setpgid(0, 0)
            self.__exit__()
        elif self.told:  # while there was none
            os.kill(self._child, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        return self._child

    def wait(self) -> int:
        """The exit code of the child, or the signal that ended it, negative."""
        _, status = os.waitpid(self._child, 0)
        self._child = 0
        return os.waitstatus_to_exitcode(status)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self.told = True
        if self._child:
            os.kill(self._child, number)


def _stop_after(pipe: int) -> None:
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)
