"""Where a network runs, in which precision, and how many pictures at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch

from lexsearch.errors import ModelMissing, UsageError

T = TypeVar("T")
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
GPU_BATCH = 64  # pictures at a time to begin with; halved when memory runs out


@dataclass(frozen=True, slots=True)
class Device:
    """A place to compute.

    Attributes:
        place: cpu or a GPU. dtype: of weights and states; vectors come out in float32.
    """

    place: torch.device
    dtype: torch.dtype

    @classmethod
    def choose(cls, device: str = "auto", dtype: str = "auto") -> Device:
        """The device of that name.

        Args:
            device: `auto` = a CUDA GPU when there is one, else the processor; or a name of torch.
            dtype: `fp32`, `fp16`, `bf16`; `auto` = bf16 on a GPU that has it, else fp16 there,
                fp32 on the processor.

        Raises:
            UsageError: no such device here, or no such precision.
        """
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            place = torch.device(device)
        except RuntimeError as error:
            raise UsageError(f"device is {device!r}; expected auto, cpu, cuda or cuda:0") from error
        if place.type == "cuda" and not torch.cuda.is_available():
            raise UsageError(f"device is {device!r}, but torch sees no CUDA GPU; use cpu")
        if dtype != "auto" and dtype not in DTYPES:
            raise UsageError(f"dtype is {dtype!r}; expected auto, {', '.join(DTYPES)}")
        if dtype != "auto":
            return cls(place, DTYPES[dtype])
        if place.type != "cuda":
            return cls(place, torch.float32)
        half = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        return cls(place, half)


def every_gpu() -> list[str]:
    """Names of the CUDA GPUs of this machine.

    Raises:
        UsageError: there is none.
    """
    found = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if not found:
        raise UsageError("--device all: torch sees no CUDA GPU; leave it out, or give cpu")
    return found


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out; on the processor torch says so in a RuntimeError's words alone."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


@contextmanager
def memory_for(what: str) -> Iterator[None]:
    """Turns an end of memory into a sentence.

    Raises:
        ModelMissing: there is not enough of it.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise ModelMissing(
            f"there is not enough memory to load {what}; close other programs, or take a smaller "
            "model (lexsearch models list says what each needs)"
        ) from error


class Batches:
    """Runs a function over rows in batches that fit into memory.

    On the processor rows go one at a time, so that a row does not depend on its batch to the bit;
    on a GPU every batch has the same size, filled up with rows that are thrown away.

    Attributes:
        size: rows at a time; becomes smaller when memory runs out and `fixed` is false.
    """

    def __init__(self, place: torch.device, size: int = 0) -> None:
        self.place, self.fixed = place, size > 0
        self.size = size or (1 if place.type == "cpu" else GPU_BATCH)

    def run(self, count: int, work: Callable[[int, int, int], T]) -> list[T]:
        """work(start, stop, rows to fill up to) of every batch, in order.

        Raises:
            ModelMissing: not even one row fits, or the size was asked for and a smaller one
                would fit, which the message names.
        """
        found: list[T] = []
        start = 0
        while start < count:
            stop = min(start + self.size, count)
            try:
                found.append(work(start, stop, self.size))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._shrink(error, start, count, work)
                continue
            start = stop
        return found

    def _shrink(
        self, error: BaseException, start: int, count: int, work: Callable[[int, int, int], T]
    ) -> None:
        asked = self.size
        while self.size > 1:
            self.size //= 2
            if not self.fixed:
                return
            try:
                work(start, min(start + self.size, count), self.size)
            except (RuntimeError, MemoryError) as other:
                if not is_out_of_memory(other):
                    raise
                continue
            raise ModelMissing(
                f"{self.place} has not the memory for {asked} pictures at a time; "
                f"a batch size of {self.size} fits"
            ) from error
        raise ModelMissing(
            f"{self.place} has not the memory for this model and one picture; "
            "use a smaller model, or device=cpu"
        ) from error
