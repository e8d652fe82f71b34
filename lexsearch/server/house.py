"""What the routes of one server share: the open index, workers, uploads, metrics."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi import Request
from PIL import Image

from lexsearch.api import LexSearch
from lexsearch.errors import UsageError
from lexsearch.patch_sequence import picture_in
from lexsearch.pictures import load_upload
from lexsearch.results import SearchResults
from lexsearch.server.journal import Metrics
from lexsearch.server.keeper import Keeper
from lexsearch.server.options import ServerOptions
from lexsearch.server.problems import BUSY_S, Problem, problem_of
from lexsearch.settings import Settings
from lexsearch.thumbnails import Thumbnails

T = TypeVar("T")
logger = logging.getLogger("lexsearch.server")
SWEEP_S = 2.0  # most seconds between two looks at whether the model is idle


class House:
    """One server's parts; routes find it in `request.app.state.house`."""

    def __init__(self, settings: Settings, options: ServerOptions) -> None:
        self.settings = settings
        self.options = options
        self.keeper = Keeper(settings, ttl_s=options.model_ttl_s)
        self.thumbnails = Thumbnails(settings.cache_dir)
        self.metrics = Metrics()
        # Why the server is not ready; None when it is.
        self.failure: Problem | None = Problem(
            503, "starting", "the model is being loaded", retry_s=BUSY_S
        )
        self._workers = ThreadPoolExecutor(options.workers, thread_name_prefix="search")
        self._decoders = ThreadPoolExecutor(options.decoding, thread_name_prefix="decode")
        self._decoding = threading.BoundedSemaphore(options.decoding)
        keeper = self.keeper
        self.metrics.gauge(
            "lexsearch_model_warm", "1 while the model is in memory.", lambda: float(keeper.is_warm)
        )
        self.metrics.gauge(
            "lexsearch_model_loads", "How often a model was loaded.", lambda: float(keeper.loads)
        )

    async def warm_up(self) -> None:
        """Open the index and load the model before anybody asks."""
        try:
            await self.run(lambda db: db.warm_up(wait=False))
        except Exception as error:  # the next request meets it again, and is told
            logger.error("the index cannot be opened: %s", error)
            self.failure = problem_of(error, self.keeper.directory)
        else:
            self.failure = None

    async def run(self, job: Callable[[LexSearch], T]) -> T:
        """The result of a job on the newest commit, made by a worker."""
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._workers, self.keeper.use, job)
        self.failure = None
        return result

    async def picture(self, data: bytes) -> Image.Image:
        """An uploaded picture as the model wants it, decoded in a process for it alone.

        Raises:
            UsageError: it is no picture, or too large.
            Problem: too many are being decoded.
        """
        if not data:
            raise UsageError("the body is empty; expected the bytes of a picture file")
        if not self._decoding.acquire(blocking=False):
            most = self.options.decoding
            said = f"{most} uploaded pictures are being decoded already"
            raise Problem(429, "decoding", said, retry_s=BUSY_S)
        try:
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(self._decoders, self._decode, data)
        except BaseException:
            self._decoding.release()
            raise
        return await future

    def _decode(self, data: bytes) -> Image.Image:
        try:
            with self.keeper.borrowed() as db:
                spec = db.model.pixel_spec
            pixels = load_upload(data, spec)
            if spec.fit == "patches":
                pixels = picture_in(pixels, spec)
            return Image.fromarray(pixels, "RGB")
        finally:
            self._decoding.release()

    def count(self, found: SearchResults) -> None:
        """Note the seconds of a search."""
        for stage, seconds in found.seconds.items():
            self.metrics.stages.labels(stage).observe(seconds)

    def shows_paths(self, request: Request) -> bool:
        """Whether the client may know where photos lie.

        Programs on this computer may, and whoever has the token; but nobody who came through a
        proxy to a server that asks for none.
        """
        if self.options.token:
            return True
        forwarded = {"forwarded", "x-forwarded-for", "x-forwarded-host", "via"}
        return self.options.is_local and not forwarded & set(request.headers.keys())

    async def sweep(self) -> None:
        """Release the model whenever it has been idle for long; never ends."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(SWEEP_S, max(0.05, self.options.model_ttl_s / 4)))
            await loop.run_in_executor(None, self.keeper.release_if_idle)

    def close(self) -> None:
        """Stop the workers and let the index go."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._decoders.shutdown(wait=False, cancel_futures=True)
        self.keeper.close()


def house_of(request: Request) -> House:
    """The server that a request came to."""
    house = request.app.state.house
    assert isinstance(house, House)
    return house
