"""How far a run is: a value for callers, and what the command line shows of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO, TypeAlias

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a run after a durable commit.

    Attributes:
        done: files of `total` that are dealt with, skipped ones included.
        total: files to decode in this run.
        committed: images encoded in this run that are safe on disk.
        summary: one line about the plan.
    """

    done: int
    total: int
    committed: int
    summary: str


# Is told after every commit; the first call comes before the first picture.
Listener: TypeAlias = Callable[[Progress], None]


@contextmanager
def shown(stream: TextIO | None = None) -> Iterator[Listener]:
    """A listener that writes to stderr: a bar on a terminal, else one line per commit."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield _Lines(stream)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("Encoding"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Bar(*columns, console=Console(file=stream), transient=True) as bar:
        yield _Bar(bar)


class _Lines:
    """Writes `committed N` for programs that watch a run."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __call__(self, progress: Progress) -> None:
        if progress.done:
            self.stream.write(f"committed {progress.committed}\n")
            self.stream.flush()


class _Bar:
    """Moves a rich progress bar."""

    def __init__(self, bar: Bar) -> None:
        self.bar = bar
        self.task: TaskID | None = None

    def __call__(self, progress: Progress) -> None:
        if self.task is None:
            self.bar.console.print(progress.summary, highlight=False, markup=False)
            self.task = self.bar.add_task("", total=progress.total or None, rate="")
        speed = self.bar.tasks[0].speed
        rate = f"{speed:.1f} img/s" if speed else ""
        self.bar.update(self.task, completed=progress.done, rate=rate)
