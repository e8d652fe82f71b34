"""What a run of the indexer is told: one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from lexsearch.errors import UsageError
from lexsearch.stores.pooling import MOST_FACTOR

# Pictures of more pixels are skipped: 100 megapixels are 400 MB in memory.
MAX_PIXELS = 100_000_000
# Seconds of work after which a file is given up; 100 megapixels of PNG take 3.
FILE_SECONDS = 20.0
# Images per durable commit: what a power cut can cost.
BATCH_SIZE = 256
# Below so many images a scan takes a few milliseconds; see docs/adr/0012.
LISTS_FROM = 100_000


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How to index.

    Attributes:
        batch_size: images per durable commit, >= 1.
        exclude: globs for names or paths to leave out, besides the default ones.
        default_excludes: leave out what `indexer.excludes.DEFAULT_EXCLUDES` lists.
        include_hidden: take files and folders whose name starts with a dot.
        follow_symlinks: follow links that stay below the roots.
        force: encode everything again.
        beside: where another model made the index, encode everything that it holds beside it and
            switch when that is complete, instead of refusing.
        rehash: trust no size or time; read every file.
        prune: let images leave even if their root is missing or holds no picture.
        max_pixels: skip pictures with more pixels.
        check_space: look at the free disk space first.
        wait_s: seconds to wait for another writer, >= 0.
        threads: decoders that work at once; 0 = as many as there are processors.
        pool_tokens: keep one token of an image in place of so many, 1 to 16; None = as the index
            has it, 1 for a new one.
        lists_from: images from which on dense search gets inverted lists; 0 = never.
        retry: try files again that could not be read, though they have not changed.
        file_s: seconds of work after which a file is given up, > 0.
        isolate: decode in processes of their own. False saves their start, and a file that kills
            its decoder then kills the run: for photos of your own making only.
    """

    batch_size: int = BATCH_SIZE
    exclude: tuple[str, ...] = ()
    default_excludes: bool = True
    include_hidden: bool = False
    follow_symlinks: bool = False
    force: bool = False
    beside: bool = False
    rehash: bool = False
    prune: bool = False
    max_pixels: int = MAX_PIXELS
    check_space: bool = True
    wait_s: float = 0.0
    threads: int = 0
    pool_tokens: int | None = None
    lists_from: int = LISTS_FROM
    retry: bool = False
    file_s: float = FILE_SECONDS
    isolate: bool = True
    hold: frozenset[bytes] = frozenset()

    def __post_init__(self) -> None:
        least_of = {"batch_size": 1, "max_pixels": 1, "wait_s": 0, "threads": 0, "lists_from": 0}
        for name, least in least_of.items():
            value = getattr(self, name)
            if value < least:
                raise UsageError(f"{name} is {value}; expected a number >= {least}")
        if self.pool_tokens is not None and not 1 <= self.pool_tokens <= MOST_FACTOR:
            raise UsageError(f"pool_tokens is {self.pool_tokens}; expected 1 to {MOST_FACTOR}")
        if not 0 < self.file_s < float("inf"):
            raise UsageError(f"file_s is {self.file_s}; expected a number of seconds > 0")
