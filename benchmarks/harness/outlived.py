"""What must hold of an index whose run was broken off, and the system that the harnesses call."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import tempfile
import time
import traceback
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, NoReturn

from hlib import TRACE, Sys, num

COMMAND_LINE = [sys.executable, "-m", "lexsearch.cli"]
MODULES = ("lexsearch.cli.run", "lexsearch.cli.search", "lexsearch.cli.check",
           "lexsearch.cli.repair", "lexsearch.opened", "lexsearch.bundle.repair", "indexer.cli",
           "indexer.pipeline", "numba", "scipy.sparse", "PIL.Image")  # fmt: skip


def faults_after(
    system: Sys,
    index: str,
    want: str,
    *,
    durable: bool,
    limit: int | None,
    mend: str = "",
    sound: bool = True,
) -> list[str]:
    """What is wrong with an index after a run was broken off, and after the next run.

    Args:
        system: calls the commands.
        index: the folder.
        want: the digest of the answers of a run that nothing broke off.
        durable: something had been committed: the index must be sound at once.
        limit: pictures that the next run may encode; None: not counted.
        mend: a command that makes it fit for the next run, as a user would call again.
        sound: it was before the run that was broken off.
    """
    why = []
    has_index = Path(index).is_dir() and any(Path(index).iterdir())
    if durable and not has_index:
        why.append("something was reported committed, the index is gone")
    if has_index and sound:
        checked, (kind, digest) = system.check(index), system.answer(index)
        if (durable and checked.rc) or checked.crash or checked.trace:
            why.append(f"check rc={checked.rc} {(checked.out + checked.err)[-200:]}")
        if kind == "BAD" or (kind == "err" and durable):
            why.append(f"search {kind}: {digest}")
    if mend:
        mended = system.run(system.argv(mend, index))
        if mended.rc:
            why.append(f"mending rc={mended.rc} {mended.err[-200:]}")
    again = system.index(index)
    encoded = num(system.a.encoded_re, again.out + again.err)
    if again.rc:
        why.append(f"resume rc={again.rc} {again.err[-200:]}")
    if encoded is not None and limit is not None and encoded > limit:
        why.append(f"encoded {encoded} again, {limit} were not reported committed")
    if system.answer(index) != ("ok", want):
        why.append("answers differ after the resume")
    if system.check(index).rc:
        why.append("check fails after the resume")
    return why


class ForkedSystem(Sys):
    """Calls the command line in a fork of this process, which has imported its modules once."""

    def __init__(self, args: Namespace) -> None:
        super().__init__(args)
        for name in MODULES:
            importlib.import_module(name)

    def run(self, argv: list[str], timeout: float | None = None, **kw: Any) -> Any:
        if argv[:3] != COMMAND_LINE:
            return super().run(argv, timeout, **kw)
        start = time.time()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if child == 0:
                _become(argv[3:], out, err)
            code = _waited(child, start + (timeout or self.a.timeout))
            said, errors = (_text(stream) for stream in (out, err))
        return SimpleNamespace(
            rc=code, out=said, err=errors, sec=time.time() - start,
            crash=isinstance(code, int) and code < 0, trace=bool(TRACE.search(said + errors)),
        )  # fmt: skip


def _become(words: list[str], out: BinaryIO, err: BinaryIO) -> NoReturn:
    """Run one command in this process and leave it, as `python -m lexsearch.cli` would."""
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, number in ((nothing, 0), (out.fileno(), 1), (err.fileno(), 2)):
            os.dup2(source, number)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
        sys.argv = ["lexsearch", *words]
        from lexsearch.cli import main

        code = main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _waited(child: int, until: float) -> int | str:
    """The exit code of a child, negative for a signal; `TIMEOUT` after it was killed for it."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.time() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "TIMEOUT"
        time.sleep(0.002)


def _text(stream: BinaryIO) -> str:
    stream.seek(0)
    return stream.read().decode("utf8", "replace")
