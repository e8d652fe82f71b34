"""Makes a decoder process do what the name of its file says; read at the start of Python."""

import ctypes
import fcntl
import os
import signal
import stat
import sys
import time


def segfault(path: bytes) -> None:
    ctypes.string_at(0)


def loop(path: bytes) -> None:
    while True:
        pass


def eat(path: bytes) -> None:
    held = []
    while True:
        held.append(bytearray(64 << 20))


def deep(path: bytes) -> None:
    sys.setrecursionlimit(10**9)

    def deeper(n: int) -> int:
        return sorted([n], key=deeper)[0] + 1

    deeper(0)


def chatter(path: bytes) -> None:
    os.write(1, b"\x1b[2J" * 100)
    os.write(2, b"\x1b[2J" * 100)


def scribble(path: bytes) -> None:
    with open(os.path.dirname(path) + b"/written", "wb") as stream:
        stream.write(b"x" * 100)


def lie(path: bytes) -> None:
    def is_pipe_to_write(number: int) -> bool:
        try:
            pipe = stat.S_ISFIFO(os.fstat(number).st_mode)
        except OSError:
            return False
        return pipe and bool(fcntl.fcntl(number, fcntl.F_GETFL) & os.O_WRONLY)

    sink = next(number for number in range(3, 64) if is_pipe_to_write(number))
    os.write(sink, b"P\xff\xff\xff\xff" + b"x" * 1000)
    time.sleep(600)


def accident(path: bytes) -> None:
    if len(os.listdir(os.environ["DEADLY_TRIES"])) == 1:  # the first try
        os.kill(os.getpid(), signal.SIGKILL)


DEEDS = {
    b"accident": accident,
    b"abort": lambda path: os.abort(),
    b"segfault": segfault,
    b"loop": loop,
    b"sleep": lambda path: time.sleep(600),
    b"kill": lambda path: os.kill(os.getpid(), signal.SIGKILL),
    b"exit": lambda path: os._exit(3),
    b"eat": eat,
    b"deep": deep,
    b"chatter": chatter,
    b"scribble": scribble,
    b"lie": lie,
}

if "indexer.worker" in sys.orig_argv:
    from indexer import decode

    def deadly(path, data, *args, real=decode._decode, **options):
        deed = DEEDS.get(os.path.basename(path).split(b".")[0])
        if deed is not None:
            os.mkdir(os.path.join(os.environ["DEADLY_TRIES"], str(time.time_ns())))
            deed(path)
        return real(path, data, *args, **options)

    decode._decode = deadly
