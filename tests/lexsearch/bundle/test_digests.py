"""A set of digests is a set, whatever the digests are, and however many came when."""

from __future__ import annotations

import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexsearch.bundle import digests
from lexsearch.bundle.digests import LENGTH, Digests

# Zeros at the end are what NumPy would cut off.
DIGESTS = st.binary(min_size=0, max_size=2).map(lambda start: start.ljust(LENGTH, b"\0")) | (
    st.binary(min_size=LENGTH, max_size=LENGTH)
)


@pytest.fixture(autouse=True)
def few_recent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "MOST_RECENT", 3)


@given(st.lists(DIGESTS), st.lists(st.lists(DIGESTS)), st.lists(DIGESTS))
def test_it_holds_what_was_given_and_nothing_else(
    first: list[bytes], later: list[list[bytes]], others: list[bytes]
) -> None:
    held, expected = Digests(first), set(first)
    for one in later:
        held.add(one)
        expected |= set(one)
        assert len(held) == len(expected)
    assert held == expected
    assert sorted(held) == sorted(expected)
    for one in (*expected, *others):
        assert (one in held) == (one in expected)


def test_a_digest_takes_little_memory() -> None:
    tracemalloc.start()
    held = Digests(os.urandom(LENGTH) for _ in range(20_000))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(held) == 20_000
    assert taken / len(held) < LENGTH + 8
