"""What a run derives as it is told: inverted lists for dense search, fewer tokens a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer.pipeline import IndexOptions
from indexer.report import IndexReport
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.errors import UsageError, WrongModel
from lexsearch.stores.pooling import factor_of

Paint = Callable[..., Path]
Run = Callable[..., IndexReport]


def test_a_run_makes_lists_for_dense_search_from_the_size_it_is_told(
    run: Run, db: Path, photos: Path
) -> None:
    pytest.importorskip("faiss")
    assert run(lists_from=0).notes == ()
    with Snapshot.open(db) as snapshot:
        assert snapshot.lists is None
    assert run(lists_from=5).notes == ()
    with Snapshot.open(db) as snapshot:
        assert snapshot.lists is not None
        assert snapshot.lists.record.facts.images == 5


def test_pooled_tokens_are_kept_by_later_runs_and_never_mixed(
    run: Run, db: Path, photos: Path, paint: Paint
) -> None:
    run(pool_tokens=2)

    def counts() -> list[int]:
        with Snapshot.open(db) as snapshot:
            assert factor_of(snapshot.identity) in (1, 2, 4)
            bounds = [np.asarray(one.sections("tokens")["offsets"]) for one in snapshot.segments]
            return [int(n) for offsets in bounds for n in np.diff(offsets.astype(int))]

    assert len(counts()) == 5
    assert max(counts()) == 2
    paint(photos / "new.png", 77)
    assert run().encoded == 1
    assert run(pool_tokens=2).encoded == 0
    assert max(counts()) == 2
    for other in (1, 4):
        with pytest.raises(WrongModel, match=rf"1 of every 2 tokens.*--pool-tokens {other} was"):
            run(pool_tokens=other)
    assert run(force=True).encoded == 6
    assert max(counts()) == 2
    assert run(force=True, pool_tokens=1).encoded == 6
    with Snapshot.open(db) as snapshot:
        assert factor_of(snapshot.identity) == 1
    with pytest.raises(WrongModel, match=r"1 of every 1 tokens"):
        run(pool_tokens=2)


@pytest.mark.parametrize("factor", [0, 17])
def test_a_factor_out_of_range_is_refused(factor: int) -> None:
    with pytest.raises(UsageError, match="pool_tokens is"):
        IndexOptions(pool_tokens=factor)
