"""Decodes in processes of their own, so that a file which kills its decoder kills nothing else."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Container, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from indexer import wire
from indexer.decode import KILLED_ONCE, NO_MEMORY, Decoded, DecodeError
from indexer.decoders import Held, Outcome, PooledDecoder, ThreadDecoder
from indexer.options import FILE_SECONDS, MAX_PIXELS, IndexOptions
from lexsearch.errors import LexsearchError
from lexsearch.types import PixelSpec

# Wall-clock seconds for each second of work: a file may wait for a slow disk or a busy machine.
PATIENCE = 3.0
# Seconds that a decoder may take to start; a machine that swaps is slow.
START_S = 120.0
# Seconds in which a process that has closed its pipe must be gone.
GONE_S = 5.0
# Processes that are tried for one file when they do not hear what to do.
UNHEARD = 4


class DecoderDied(DecodeError):
    """A file killed the process that decoded it; recorded before anything else happens."""


class DecoderGone(Exception):
    """A process could not be told what to do, which no file is to blame for."""


@dataclass(frozen=True, slots=True, eq=False)
class Worker:
    """One decoder process, idle or busy with one file."""

    process: subprocess.Popen[bytes]
    spec: PixelSpec
    wall_s: float
    cpu_s: float

    @classmethod
    def start(cls, spec: PixelSpec, *, max_pixels: int, file_s: float) -> Worker:
        """A process that has said hello.

        Raises:
            LexsearchError: it does not start; the message has what it said.
        """
        told = {
            "spec": asdict(spec), "max_pixels": max_pixels,
            "cpu_s": file_s, "wall_s": file_s * PATIENCE,
        }  # fmt: skip
        try:
            process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [sys.executable, "-P", "-m", "indexer.worker", json.dumps(told)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(),
                start_new_session=os.name == "posix",  # Ctrl-C is for the indexer
            )
        except OSError as error:
            raise LexsearchError(f"the decoder process does not start: {error}") from error
        worker = cls(process, spec, file_s * PATIENCE, file_s)
        assert process.stdout is not None
        assert process.stderr is not None
        late = threading.Timer(START_S, process.kill)
        late.start()
        try:
            wire.receive(process.stdout)
        except wire.WireError as error:
            said = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
            worker.end()
            raise LexsearchError(
                f"the decoder process does not start: {said[-1] if said else 'it said nothing'}"
            ) from error
        finally:
            late.cancel()
        process.stderr.close()
        return worker

    def decode(
        self, path: bytes, held: Container[bytes], big: threading.Lock, *, follow: bool
    ) -> Outcome:
        """What a file decodes to.

        Raises:
            DecoderGone, DecoderDied: the process is of no further use; it did not hear what to do,
                or died of the file.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            wire.send(self.process.stdin, wire.DECODE, bytes([follow]), path)
        except OSError as error:
            raise DecoderGone(str(error)) from error
        sha256: bytes | None = None
        limit = wire.frame_limit(self.spec)
        with ExitStack() as locked:
            clock = _Clock(self.process, self.wall_s)
            try:
                while True:
                    kind, payload = wire.receive(self.process.stdout, limit)
                    if kind == wire.SHA256:
                        sha256 = payload
                        held_already = sha256 in held
                        wire.send(self.process.stdin, wire.SKIP if held_already else wire.GO)
                        if held_already:
                            return Held(sha256)
                    elif kind == wire.BIG:
                        clock.stop()
                        locked.enter_context(big)
                        clock.start()
                        wire.send(self.process.stdin, wire.GO)
                    elif kind == wire.SMALL:
                        locked.close()
                    elif kind == wire.FAILED:
                        return wire.unpack_error(payload, path, sha256)
                    elif kind == wire.PICTURE and sha256 is not None:
                        return wire.unpack_picture(payload, sha256, self.spec)
                    else:
                        raise wire.WireError(f"an unexpected frame {kind}")
            except (wire.WireError, BrokenPipeError) as error:
                raise DecoderDied(path, self._why(clock), sha256) from error
            except OSError as error:
                raise DecoderGone(str(error)) from error
            finally:
                clock.stop()

    def end(self) -> None:
        """End the process at once; it holds nothing that could be lost."""
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with suppress(OSError):  # what was not sent is not needed
                    stream.close()
        self.process.wait()

    def _why(self, clock: _Clock) -> str:
        """Why it died, for a report."""
        try:
            code = self.process.wait(GONE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "made its decoder answer nonsense"
        name = signal.Signals(-code).name if code < 0 else ""
        if clock.expired or name == "SIGALRM":
            return f"took more than {self.wall_s:g} s to decode (see --file-timeout)"
        if name == "SIGXCPU":
            return f"took more than {self.cpu_s:g} s of work to decode (see --file-timeout)"
        if name == "SIGKILL":
            return KILLED_ONCE
        return f"crashed its decoder ({name or f'exit code {code}'})"


class _Clock:
    """Kills a process when its time is over."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.process = process
        self.seconds = seconds
        self.expired = False
        self.start()

    def start(self) -> None:
        self._timer = threading.Timer(self.seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        self._timer.cancel()

    def _expire(self) -> None:
        self.expired = True
        self.process.kill()


class ProcessDecoder(PooledDecoder):
    """Decodes in processes, one for each thread.

    A process starts when the first file needs it, and anew after a death. Leaving the context
    ends them at once.
    """

    def __init__(
        self,
        spec: PixelSpec,
        held: Container[bytes],
        *,
        threads: int = 0,
        max_pixels: int = MAX_PIXELS,
        follow: bool = False,
        file_s: float = FILE_SECONDS,
    ) -> None:
        """Prepare.

        Args:
            spec, held, threads, max_pixels, follow: see `PooledDecoder`.
            file_s: seconds of work after which a file is given up.
        """
        super().__init__(spec, held, threads=threads, max_pixels=max_pixels, follow=follow)
        self.file_s = file_s
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        self._alive: set[Worker] = set()
        self._guard = threading.Lock()
        self._closing = False

    def __exit__(self, *error: object) -> None:
        """End the processes, so that no thread waits for one, then the threads."""
        with self._guard:
            self._closing = True
            for worker in self._alive:
                worker.process.kill()
        self._open.close()

    @contextmanager
    def _resources(self) -> Iterator[None]:
        try:
            yield
        finally:
            for worker in self._alive:
                worker.end()

    def _one(self, path: bytes) -> Outcome:
        for turn in range(UNHEARD):
            worker = self._take() if turn == 0 else self._start()
            try:
                outcome = worker.decode(path, self.held, self._big, follow=self.follow)
            except DecoderGone:  # ended while it was idle, by whatever wants memory back
                self._drop(worker)
                if self._closing:
                    break
                continue
            except DecoderDied as error:
                self._drop(worker)
                return DecoderDied(error.path, error.reason, error.sha256)  # without its frames
            if isinstance(outcome, DecodeError) and outcome.reason == NO_MEMORY:
                self._drop(worker)  # its memory may be in pieces
            else:
                self._idle.put(worker)
            return outcome
        raise LexsearchError(
            f"{UNHEARD} decoder processes one after the other ended before they heard what "
            "to do; what ends them? (memory, limits of the system)"
        )

    def _take(self) -> Worker:
        with suppress(queue.Empty):
            return self._idle.get_nowait()
        return self._start()

    def _start(self) -> Worker:
        worker = Worker.start(self.spec, max_pixels=self.max_pixels, file_s=self.file_s)
        with self._guard:
            self._alive.add(worker)
            if self._closing:
                worker.process.kill()
        return worker

    def _drop(self, worker: Worker) -> None:
        worker.end()
        with self._guard:
            self._alive.discard(worker)


def open_decoder(spec: PixelSpec, held: Container[bytes], options: IndexOptions) -> PooledDecoder:
    """The decoder that the options of a run ask for; see `PooledDecoder`."""
    threads, pixels, follow = options.threads, options.max_pixels, options.follow_symlinks
    if not options.isolate:
        return ThreadDecoder(spec, held, threads=threads, max_pixels=pixels, follow=follow)
    return ProcessDecoder(
        spec, held, threads=threads, max_pixels=pixels, follow=follow, file_s=options.file_s
    )


def decode_upload(data: bytes, spec: PixelSpec) -> Decoded:
    """Decode bytes that a stranger sent, in a process for them alone.

    Raises:
        DecodeError: they are no picture, or killed the process.
    """
    with TemporaryDirectory(prefix="lexsearch-") as folder:
        path = Path(folder) / "upload"
        path.write_bytes(data)
        with ProcessDecoder(spec, frozenset(), threads=1) as decoder:
            ((outcome,),) = (list(batch) for batch in decoder.decode([[os.fsencode(path)]]))
    if isinstance(outcome, DecodeError):
        raise type(outcome)(b"the upload", outcome.reason, outcome.sha256)
    assert isinstance(outcome, Decoded)
    return outcome


def environment(*, single: bool = True) -> dict[str, str]:
    """Ours, with the place of this package first; `single`: a thread and a heap per library."""
    here = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    return {**os.environ, **(one if single else {}), "PYTHONPATH": path}
