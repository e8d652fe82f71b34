"""Hits that are nearly the same picture."""

from __future__ import annotations

from lexsearch.results import SearchHit
from ui.stacks import stacks, unfolded


def hit(rank: int, id: str) -> SearchHit:
    return SearchHit(rank, id, b"/p", 1.0 / rank, {})


HITS = [hit(i, f"{i:016x}") for i in (1, 2, 3, 4)]
HASHES = {HITS[0].id: 0b1111, HITS[1].id: 0, HITS[2].id: 0b1110, HITS[3].id: None}


def test_near_hits_stand_behind_the_best_of_them() -> None:
    found = stacks(HITS, HASHES, 1)
    assert [[one.rank for one in group] for group in found] == [[1, 3], [2], [4]]


def test_pictures_without_a_hash_are_never_stacked() -> None:
    assert len(stacks(HITS, dict.fromkeys(HASHES, None), 64)) == 4
    assert stacks([], {}, 6) == []


def test_an_opened_stack_shows_all_of_it() -> None:
    found = stacks(HITS, HASHES, 1)
    assert [(one.rank, others) for one, others in unfolded(found, ())] == [(1, 1), (2, 0), (4, 0)]
    assert [one.rank for one, _ in unfolded(found, {HITS[0].id})] == [1, 3, 2, 4]
