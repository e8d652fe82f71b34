"""Whether a server that a signal ended is started again.

A disk that fails under a mapped file, or a machine without memory, ends a process from outside;
what answers others starts anew. One that ends again and again is left alone, and says so.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from lexsearch.errors import StorageError

QUICK_S = 10.0
MOST_QUICK = 3
# What ends a process that did not ask for it; others are how it is told to stop.
_FATAL = ("SIGBUS", "SIGSEGV", "SIGABRT", "SIGILL", "SIGFPE", "SIGSYS", "SIGKILL")
FATAL = frozenset(
    int(getattr(signal.Signals, name)) for name in _FATAL if hasattr(signal.Signals, name)
)


class Restarts:
    """Counts how often a server ended soon after its start.

    Args:
        what: the server, as a user calls it.
        clock: seconds that only grow.
    """

    def __init__(self, what: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._clock = clock
        self._started = clock()
        self._quick = 0

    def note(self, code: int) -> str | None:
        """What to tell the user when it is started again now; None where it ended as it should.

        Args:
            code: exit code, or the number of a signal, negative.

        Raises:
            StorageError: it ended within 10 s of its start for the third time in a row.
        """
        if -code not in FATAL:
            return None
        name = signal.Signals(-code).name
        now = self._clock()
        self._quick = self._quick + 1 if now - self._started < QUICK_S else 0
        self._started = now
        if self._quick >= MOST_QUICK:
            raise StorageError(
                f"{self._what} was ended by {name} {MOST_QUICK} times in a row soon after its "
                "start; see whether a file of the index is damaged with: "
                "lexsearch check --read-data"
            )
        return f"{self._what} was ended by {name} (a failing disk, no memory left); started again"
