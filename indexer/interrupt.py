"""Ctrl-C and SIGTERM: the first ends a run after its batch, the second ends it at once."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EXIT_INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def graceful_stop() -> Iterator[Callable[[], bool]]:
    """A test `was a stop asked for?` that signals turn true while the context is open.

    A thread reads the signals from the interpreter's wake-up socket, because a handler in
    Python waits until a model's forward pass returns. Outside the main thread, where Python
    takes no signals, the test is always false.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked = threading.Event()
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    previous = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(reader, asked), daemon=True)
    watcher.start()
    try:
        yield asked.is_set
    finally:
        signal.set_wakeup_fd(previous)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        writer.close()
        watcher.join()
        reader.close()


def _watch(reader: socket.socket, asked: threading.Event) -> None:
    while numbers := reader.recv(64):
        for number in numbers:
            if number not in SIGNALS:
                continue
            if asked.is_set():
                os._exit(EXIT_INTERRUPTED)
            asked.set()
            sys.stderr.write("stopping when what was begun is committed; once more stops at once\n")
            sys.stderr.flush()
