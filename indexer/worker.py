"""A decoder process: reads paths, answers pixels, and dies alone when a file kills it."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import IO, Any

from indexer import wire
from indexer.decode import DecodeError, decode_bytes, pillow_under, read
from indexer.reading import MAX_BYTES
from lexsearch.types import PixelSpec

# Windows has no such limits: the indexer's clock is the only one there.
resource: Any = importlib.import_module("resource") if os.name == "posix" else None

# Memory for one picture, in bytes for each pixel that is allowed: WebP holds four copies.
BYTES_PER_PIXEL = 16
# What libraries and their threads reserve beside it, in bytes.
SPARE_BYTES = 512 * 1024 * 1024
# Open files: the two pipes, the photo, and what an import needs.
MAX_FILES = 64
# Seconds that a decoder whose indexer is gone outlives its own limit.
GRACE_S = 5.0


def main(argv: list[str]) -> int:
    """Decode until the indexer closes the pipe. argv: the JSON of `supervise.Worker`."""
    told = json.loads(argv[0])
    spec = PixelSpec(**told["spec"])
    source, sink = _take_pipes()
    limits = Limits(told["cpu_s"], told["wall_s"])
    limits.for_life(told["max_pixels"])
    wire.send(sink, wire.HELLO)
    with pillow_under(told["max_pixels"]):
        while True:
            try:
                _, payload = wire.receive(source)
            except wire.WireError:  # the run is over
                return 0
            follow, path = bool(payload[0]), payload[1:]
            limits.for_file()
            try:
                _one(path, follow, spec, told["max_pixels"], source, sink, limits)
            except DecodeError as error:
                wire.send(sink, wire.FAILED, wire.pack_error(error))
            limits.rest()


def _one(
    path: bytes,
    follow: bool,
    spec: PixelSpec,
    max_pixels: int,
    source: IO[bytes],
    sink: IO[bytes],
    limits: Limits,
) -> None:
    data, sha256 = read(path, follow=follow)
    wire.send(sink, wire.SHA256, sha256)
    answer, _ = wire.receive(source)
    if answer == wire.SKIP:
        return

    @contextlib.contextmanager
    def big() -> Iterator[None]:
        limits.rest()
        wire.send(sink, wire.BIG)
        wire.receive(source)
        limits.for_file()
        try:
            yield
        finally:
            wire.send(sink, wire.SMALL)

    picture = decode_bytes(path, data, sha256, spec, max_pixels=max_pixels, big=big())
    wire.send(sink, wire.PICTURE, *wire.pack_picture(picture))


class Limits:
    """What the system holds this process to; a system that lacks one goes without it."""

    def __init__(self, cpu_s: float, wall_s: float) -> None:
        self.cpu_s = cpu_s
        self.wall_s = wall_s

    def for_life(self, max_pixels: int) -> None:
        """No core files, nothing written, few files, little memory, and the first to be killed."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the indexer decides
        if resource is None:
            return
        memory = _in_use() + BYTES_PER_PIXEL * max_pixels + MAX_BYTES + SPARE_BYTES
        for name, amount in (
            ("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", 0), ("RLIMIT_NOFILE", MAX_FILES),
            ("RLIMIT_AS", memory),
        ):  # fmt: skip
            self._set(name, amount, hard=True)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as own:  # noqa: PTH123
            own.write("1000")

    def for_file(self) -> None:
        """Start the clocks for one file."""
        if resource is None:
            return
        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        self._set("RLIMIT_CPU", int(used + self.cpu_s) + 1, hard=False)
        signal.setitimer(signal.ITIMER_REAL, self.wall_s + GRACE_S)

    def rest(self) -> None:
        """Stop the clocks while there is nothing to do."""
        if resource is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)

    @staticmethod
    def _set(name: str, amount: int, *, hard: bool) -> None:
        number = getattr(resource, name, None)
        if number is None:
            return
        ceiling = resource.getrlimit(number)[1]
        if ceiling != resource.RLIM_INFINITY:
            amount = min(amount, ceiling)
        with contextlib.suppress(ValueError, OSError):  # not on this system
            resource.setrlimit(number, (amount, amount if hard else ceiling))


def _in_use() -> int:
    """Address space of this process in bytes; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as own:  # noqa: PTH123
            return int(own.read().split()[0]) * int(resource.getpagesize())
    except OSError:
        return 0


def _take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes to the indexer, moved away from where a library would print."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return os.fdopen(source, "rb"), os.fdopen(sink, "wb")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main(sys.argv[1:]))
