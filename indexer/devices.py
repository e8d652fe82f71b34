"""Encodes on several devices: the first in this process, each other one in a process of its own.

A row never depends on its batch, so the rows of a batch are shared out in runs of neighbours and
put together again: what is stored is the same as from one device of the kind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np

from indexer import wire
from indexer.supervise import environment
from indexer.vectors import joined, pack_pixels, unpack_encoded
from lexsearch.errors import LexsearchError, ModelMissing, UsageError
from lexsearch.models.published import BUNDLED
from lexsearch.protocols import Model
from lexsearch.registry import build
from lexsearch.types import Encoded, PixelArray

# Seconds that a process may take to load its model; a large one comes from a slow disk.
LOAD_S = 1_800.0
ROWS = 64  # pictures that travel at once
LONGEST = (1 << 32) - 1  # bytes of a frame
END_S = 5.0


def parse(given: str | None) -> list[str]:
    """The devices behind `--device`: [] = what the model takes by itself; `all` = every GPU.

    Raises:
        UsageError: an empty name, or `all` where there is no GPU.
    """
    if given is None:
        return []
    if given == "all":
        from lexsearch.encoders._device import every_gpu

        return every_gpu()
    names = [name.strip() for name in given.split(",")]
    if not all(names):
        raise UsageError(f"--device {given!r}: expected names such as cpu or cuda:0,cuda:1, or all")
    twice = [name for name in names if name != "cpu" and names.count(name) > 1]
    if twice:
        raise UsageError(f"--device {given!r}: {twice[0]} is named twice")
    return names


def built(name: str, device: str | None, *, threads: int) -> Model:
    """The model set of that name on a device; None = where it likes.

    Raises:
        UsageError: the bundled model, which runs on the processor, on another one.
    """
    options: dict[str, Any] = {"threads": threads}
    if device is not None and not (name in BUNDLED and device == "cpu"):
        if name in BUNDLED:
            raise UsageError(f"the model {name!r} runs on cpu, not on {device}")
        options["device"] = device
    model: Model = build("encoders.models", name, **options)
    return model


@contextmanager
def opened(name: str, devices: Sequence[str], *, threads: int = 0) -> Iterator[Model]:
    """The model set of that name, encoding pictures on all of the devices.

    Args:
        name: of the model set.
        devices: names of torch; none = where the model likes.
        threads: of the processor, for each process; 0 = as the library likes.

    Raises:
        ModelMissing, UsageError: the model does not load on one of them.
    """
    if not threads and devices.count("cpu") > 1:  # they share the processors
        threads = max(1, (os.cpu_count() or 1) // devices.count("cpu"))
    with ExitStack() as ends:
        others = [_Process(name, device, threads) for device in devices[1:]]
        for one in others:
            ends.callback(one.end)
        model = built(name, devices[0] if devices else None, threads=threads)
        if not others:
            yield model
            return
        for one in others:
            one.greet(model)
        pool = ends.enter_context(ThreadPoolExecutor(len(others), "encoder"))
        for one in others:  # before the threads, so that none of them waits for a process
            ends.callback(one.end)
        shared: Any = SharedOut(model, others, pool)  # a Model by what it passes on
        yield shared


class SharedOut:
    """A `Model` whose pictures are encoded in several processes."""

    def __init__(self, model: Model, others: Sequence[_Process], pool: ThreadPoolExecutor) -> None:
        self._model, self._others, self._pool = model, others, pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode_pixels(self, pixels: PixelArray) -> Encoded:
        """n pictures, uint8 (n, height, width, 3), in equal parts.

        Raises:
            LexsearchError: a process is gone.
            ModelMissing: one has not the memory.
        """
        parts = np.array_split(pixels, 1 + len(self._others))
        waiting = [
            self._pool.submit(one.encode, part)
            for one, part in zip(self._others, parts[1:], strict=True)
            if len(part)
        ]
        own = self._model.encode_pixels(parts[0])
        return joined([own, *(one for future in waiting for one in future.result())])


class _Process:
    """A process that encodes on one device."""

    def __init__(self, name: str, device: str, threads: int) -> None:
        self.device = device
        self._said: IO[bytes] = TemporaryFile()  # noqa: SIM115  (closed by `end`)
        told = json.dumps({"model": name, "device": device, "threads": threads})
        try:
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [sys.executable, "-P", "-m", "indexer.encoder", told],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
                env=environment(single=False), start_new_session=sys.platform != "win32",
            )  # fmt: skip
        except OSError as error:
            raise LexsearchError(f"the process for {device} does not start: {error}") from error

    def greet(self, model: Model) -> None:
        """Wait until the model is loaded, and make sure that it is the same."""
        late = threading.Timer(LOAD_S, self._process.kill)
        late.start()
        try:
            said = json.loads(self._receive())
        finally:
            late.cancel()
        if said != json.loads(json.dumps(asdict(model.identity))):
            raise LexsearchError(f"the process for {self.device} has loaded another model")

    def encode(self, pixels: PixelArray) -> list[Encoded]:
        """The vectors of pictures, in runs."""
        found = []
        assert self._process.stdin is not None
        for start in range(0, len(pixels), ROWS):
            try:
                parts = pack_pixels(pixels[start : start + ROWS])
                wire.send(self._process.stdin, wire.PICTURE, *parts)
            except (OSError, ValueError) as error:
                raise self._gone() from error
            found.append(unpack_encoded(self._receive()))
        return found

    def _receive(self) -> bytes:
        assert self._process.stdout is not None
        try:
            kind, payload = wire.receive(self._process.stdout, LONGEST)
        except wire.WireError as error:
            raise self._gone() from error
        if kind == wire.FAILED:
            raise ModelMissing(f"on {self.device}: {payload.decode('utf-8', 'replace')}")
        return payload

    def _gone(self) -> LexsearchError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        code = self._process.returncode
        lines: list[str] = []
        if not self._said.closed:
            self._said.seek(0)
            lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        last = f"; it said last: {lines[-1][:200]}" if lines else ""
        return LexsearchError(
            f"the process that encodes on {self.device} ended (exit code {code}){last}; run the "
            "same command again, or leave the device out of --device"
        )

    def end(self) -> None:
        """End the process at once; it holds nothing that could be lost."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError, ValueError):
                    stream.close()
        self._process.wait()
        self._said.close()
