"""Which row is an image's row."""

import numpy as np
import pytest

from lexsearch.stores.row_table import RowTable


def test_rows_are_numbered_in_order_of_arrival() -> None:
    table = RowTable()
    assert table.append(np.array([30, 10]), 2) == 0
    assert table.append(np.array([20]), 1) == 2
    assert table.rows_of(np.array([10, 20, 30, 40, 10])).tolist() == [1, 2, 0, -1, 1]
    assert table.candidates(None).tolist() == [0, 1, 2]
    assert table.candidates(np.array([20, 30, 30, 99])).tolist() == [0, 2]


def test_a_dead_row_gives_way_to_a_live_one_of_the_same_id() -> None:
    table = RowTable()
    table.append(np.array([1, 2]), 2, np.array([True, False]))
    table.append(np.array([2, 1]), 2, np.array([True, False]))
    assert table.rows_of(np.array([1, 2])).tolist() == [0, 2]
    assert len(table) == 2
    assert table.size == 4


def test_the_later_of_two_live_rows_wins_and_removal_does_not_revive_the_earlier() -> None:
    table = RowTable()
    table.append(np.array([1]), 1)
    table.append(np.array([1]), 1)
    assert table.rows_of(np.array([1])).tolist() == [1]
    assert table.remove(np.array([1])) == 1
    assert table.rows_of(np.array([1])).tolist() == [-1]
    table.append(np.array([7]), 1)
    assert len(table) == 1
    assert table.live.tolist() == [False, False, True]


def test_the_callers_arrays_are_not_shared() -> None:
    table = RowTable()
    ids, live = np.array([1, 2]), np.array([True, True])
    table.append(ids, 2, live)
    ids[:] = 0
    live[:] = False
    assert table.rows_of(np.array([1, 2])).tolist() == [0, 1]
    marks = np.array([True, False])
    table.append(np.array([2, 3]), 2, marks)
    assert len(table) == 2
    assert marks.tolist() == [True, False]


def test_counts_that_differ_are_refused_and_change_nothing() -> None:
    table = RowTable()
    with pytest.raises(ValueError, match="1 ids and 1 live marks for 2 vectors"):
        table.append(np.array([1]), 2)
    assert table.size == 0
    assert len(table) == 0
    assert table.rows_of(np.array([1])).tolist() == [-1]
    assert table.remove(np.array([1])) == 0
