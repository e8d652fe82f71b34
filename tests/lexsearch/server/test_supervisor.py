"""A server that a signal ends is there again; nothing of it stays when it is told to stop."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lexsearch.server.asking import ask

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is a child on Linux only")


def child_of(server: Any, other_than: int = 0) -> int:
    """The process that answers, once there is one."""
    pid = server.process.pid
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if found and int(found[0]) != other_than:
            return int(found[0])
        time.sleep(0.02)
    raise AssertionError("no child")


def is_gone(pid: int) -> bool:
    """Whether a process ends; nobody may be there to take note of its end."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("number", [signal.SIGBUS, signal.SIGKILL])
def test_what_a_signal_ends_answers_again_at_the_same_address(
    served: Callable[..., Any], number: int
) -> None:
    server = served()
    assert ask(server, "/healthz")[0] == 200
    first = child_of(server)
    os.kill(first, number)
    assert ask(server, "/healthz")[0] == 200  # the request waits for the next one
    second = child_of(server, other_than=first)
    said = server.log.read_text()
    assert f"the server was ended by {signal.Signals(number).name}" in said
    assert "started again" in said
    assert "Traceback" not in said
    assert server.stop() == 0
    assert is_gone(second)


def test_a_file_that_is_cut_under_the_server_is_damage_in_its_next_answers(
    served: Callable[..., Any], made_db: Path, tmp_path: Path
) -> None:
    db = Path(shutil.copytree(made_db, tmp_path / "db"))
    code = (
        "import sys; from lexsearch.bundle import file_bytes; file_bytes.READ_WHOLE = 0\n"
        "from lexsearch.cli import main; sys.exit(main(sys.argv[1:]))"
    )  # files this small are not mapped otherwise
    server = served(db=db, program=["-c", code])
    assert ask(server, "/v1/search?q=car")[0] == 200
    (tokens,) = db.glob("segments/*/tokens.lxt")
    os.truncate(tokens, 64)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask(server, "/v1/search?q=a+red+car")
    assert ask(server, "/v1/search?q=a+red+car")[0] == 503
    assert server.stop() == 0
    said = server.log.read_text()
    assert "was ended by SIGBUS" in said
    assert f"{tokens}: it has 64 bytes" in said


def test_one_that_ends_again_and_again_gives_up(served: Callable[..., Any]) -> None:
    server = served()
    child = 0
    for _ in range(3):
        child = child_of(server, other_than=child)
        os.kill(child, signal.SIGBUS)
    server.process.wait(timeout=60)
    assert server.stop() == 5
    assert "3 times in a row" in server.log.read_text()


def test_the_server_goes_with_its_parent(served: Callable[..., Any]) -> None:
    server = served()
    assert ask(server, "/healthz")[0] == 200
    child = child_of(server)
    server.process.kill()
    assert is_gone(child)


def test_a_sigterm_in_the_moment_before_it_is_heard_is_obeyed(served: Callable[..., Any]) -> None:
    code = (
        "import os, signal, sys, uvicorn\n"
        "run = uvicorn.Server.run\n"
        "def told(*args, **how): os.kill(os.getpid(), signal.SIGTERM); run(*args, **how)\n"
        "uvicorn.Server.run = told\n"
        "from lexsearch.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    server = served(program=["-c", code])
    server.process.wait(timeout=60)
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_told_to_stop_before_it_answers_it_stops(
    served: Callable[..., Any], number: int, code: int
) -> None:
    server = served()  # has said its address only
    child = child_of(server)
    assert server.stop(number) in (0, code)
    assert is_gone(child)
    assert "started again" not in server.log.read_text()
