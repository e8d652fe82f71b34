"""The collector walks what lasts only once."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from ui.garbage import Sparing, spare_the_lasting


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = list(gc.callbacks)
    yield
    gc.callbacks[:] = before
    gc.unfreeze()


def test_what_outlives_a_slow_collection_is_left_alone() -> None:
    gc.callbacks.append(Sparing(slow_s=-1.0))
    lasting = [[i] for i in range(10_000)]
    gc.collect()
    assert gc.get_freeze_count() >= len(lasting)
    assert not any(one is lasting for one in gc.get_objects())


def test_a_quick_or_partial_collection_spares_nothing() -> None:
    gc.callbacks.append(Sparing(slow_s=60.0))
    gc.collect()
    gc.callbacks[-1] = Sparing(slow_s=-1.0)
    gc.collect(0)
    gc.collect(1)
    assert gc.get_freeze_count() == 0


def test_garbage_made_later_is_still_collected() -> None:
    import weakref

    class Node:
        other: Node | None = None

    gc.callbacks.append(Sparing(slow_s=-1.0))
    gc.collect()
    one, two = Node(), Node()
    one.other, two.other = two, one
    gone = weakref.ref(one)
    del one, two
    gc.collect()
    assert gone() is None


def test_it_is_installed_once() -> None:
    spare_the_lasting()
    spare_the_lasting()
    assert sum(isinstance(one, Sparing) for one in gc.callbacks) == 1
