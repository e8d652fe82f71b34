"""One heap for all threads of an index run."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Has four threads allocate at the same time, then counts the heaps that the C library lists.
COUNT = """
import ctypes, sys, tempfile, threading
from indexer.heap import one_arena
if sys.argv[1] == "one":
    assert one_arena()
together = threading.Barrier(4)
def take():
    together.wait()
    kept = [bytes(2000) for _ in range(1000)]
    together.wait()
threads = [threading.Thread(target=take) for _ in range(4)]
for one in threads: one.start()
for one in threads: one.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as file:
    stream = ctypes.c_void_p(libc.fopen(file.name.encode(), b"w"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(file.read().decode().count("<heap nr="))
"""


def heaps(how: str) -> int:
    words = [sys.executable, "-c", COUNT, how]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has several heaps")
def test_threads_share_one_heap() -> None:
    assert heaps("several") > 1
    assert heaps("one") == 1


def test_another_system_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from indexer import heap

    monkeypatch.setattr(sys, "platform", "darwin")
    assert not heap.one_arena()
