"""Decodes batch after batch, several files at once, ahead of the model, in bounded memory."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Container, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from indexer.decode import Decoded, DecodeError, decode_bytes, pillow_under, read
from indexer.options import MAX_PIXELS
from lexsearch.types import PixelSpec

# Batches whose pixels may exist at one time: the one in use and the one being decoded.
BATCHES_AHEAD = 2
# More threads only add memory: the model takes longer than the decoder.
MAX_THREADS = 8


@dataclass(frozen=True, slots=True)
class Held:
    """A file that was not decoded because its content is held already."""

    sha256: bytes


Outcome: TypeAlias = Decoded | Held | DecodeError


class Decoder(Protocol):
    """Turns batches of paths into batches of outcomes, in order, one outcome per path."""

    def decode(self, batches: Iterable[Sequence[bytes]]) -> Iterator[list[Outcome]]:
        """Outcomes of each batch; a batch is valid only until the next one is asked for."""
        ...


class PooledDecoder:
    """Hands files to threads and keeps their outcomes in order; what a thread does is `_one`.

    A context manager.
    """

    def __init__(
        self,
        spec: PixelSpec,
        held: Container[bytes],
        *,
        threads: int = 0,
        max_pixels: int = MAX_PIXELS,
        follow: bool = False,
    ) -> None:
        """Prepare.

        Args:
            spec: what the model wants.
            held: digests of contents that need no decoding; may grow meanwhile.
            threads: files that are worked on at once; 0 = one for each processor.
            max_pixels: larger pictures are refused.
            follow: open files that are symbolic links.
        """
        self.spec = spec
        self.held = held
        self.threads = min(threads or max(2, _processors()), MAX_THREADS)
        self.max_pixels = max_pixels
        self.follow = follow
        self._big = threading.Lock()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.enter_context(self._resources())
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="decode")
        self._open.callback(self._pool.shutdown, wait=True, cancel_futures=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()

    def _resources(self) -> AbstractContextManager[None]:
        """What exists as long as the threads."""
        return nullcontext()

    def _one(self, path: bytes) -> Outcome:
        raise NotImplementedError

    def decode(self, batches: Iterable[Sequence[bytes]]) -> Iterator[list[Outcome]]:
        """See `Decoder`."""
        window: deque[list[Future[Outcome]]] = deque()
        for batch in batches:
            window.append([self._pool.submit(self._one, path) for path in batch])
            if len(window) == BATCHES_AHEAD:
                yield from _results(window.popleft())
        while window:
            yield from _results(window.popleft())


class ThreadDecoder(PooledDecoder):
    """Decodes on the threads themselves, since Pillow frees the interpreter while it works.

    While it is open, Pillow's own pixel limit is ours and its warnings about odd files are silent.
    """

    def _resources(self) -> AbstractContextManager[None]:
        return pillow_under(self.max_pixels)

    def _one(self, path: bytes) -> Outcome:
        try:
            data, sha256 = read(path, follow=self.follow)
            if sha256 in self.held:
                return Held(sha256)
            return decode_bytes(
                path, data, sha256, self.spec, max_pixels=self.max_pixels, big=self._big
            )
        except DecodeError as error:
            return error.without_frames()


def _results(futures: list[Future[Outcome]]) -> Iterator[list[Outcome]]:
    outcomes = [future.result() for future in futures]
    futures.clear()
    yield outcomes
    outcomes.clear()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
