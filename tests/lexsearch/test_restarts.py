"""When a server that a signal ended is started again."""

from __future__ import annotations

import signal

import pytest

from lexsearch.errors import StorageError
from lexsearch.restarts import Restarts


@pytest.mark.parametrize("code", [0, 1, 130, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP])
def test_what_ended_as_it_was_told_stays_ended(code: int) -> None:
    assert Restarts("it").note(code) is None


def test_what_a_signal_ended_is_started_again_but_not_without_end() -> None:
    now = 0.0
    restarts = Restarts("the server", clock=lambda: now)
    for _ in range(10):  # each time after it had worked for a while
        now += 60.0
        note = restarts.note(-signal.SIGBUS)
        assert note is not None
        assert note.startswith("the server was ended by SIGBUS")
    for _ in range(2):
        now += 1.0
        assert restarts.note(-signal.SIGKILL)
    with pytest.raises(StorageError, match=r"SIGSEGV 3 times in a row.*lexsearch check"):
        restarts.note(-signal.SIGSEGV)


def test_a_while_of_work_is_forgiven() -> None:
    now = 0.0
    restarts = Restarts("it", clock=lambda: now)
    for after in (1, 1, 60, 1, 1):
        now += after
        assert restarts.note(-signal.SIGBUS)
