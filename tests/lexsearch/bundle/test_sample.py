"""How much of an index a check reads."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from lexsearch.bundle.check import check
from lexsearch.bundle.sample import Sample
from lexsearch.cli import main
from lexsearch.errors import UsageError

FILES = [(Path(f"/{i:02d}"), 10 * (i + 1)) for i in range(10)]  # 550 bytes


def chosen(text: str, seed: int = 0) -> set[str]:
    rng = random.Random(seed)
    return {path.name for path in Sample.parse(text).chosen(FILES, rng=rng)}


def test_all_parts_together_are_everything_and_disjoint() -> None:
    parts = [chosen(f"{n}/3") for n in (1, 2, 3)]
    assert sum(map(len, parts)) == 10
    assert set.union(*parts) == chosen("all") == {path.name for path, _ in FILES}


@pytest.mark.parametrize("text", ["20%", "110"])
def test_a_share_or_an_amount_is_not_exceeded_and_drawn_anew(text: str) -> None:
    draws = [chosen(text, seed) for seed in range(20)]
    sizes = {path.name: size for path, size in FILES}
    assert all(0 < sum(sizes[name] for name in draw) <= 110 for draw in draws)
    assert len(set(map(frozenset, draws))) > 5


def test_at_least_one_file_is_read() -> None:
    assert len(chosen("1")) == 1
    assert Sample.parse("1%").chosen([], rng=random.Random(0)) == set()


@pytest.mark.parametrize("text", ["", "0%", "101%", "0/3", "4/3", "5X", "-1", "some", "0", "1/0"])
def test_anything_else_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(UsageError, match="expected 10%, 2/5"):
        Sample.parse(text)


def test_units() -> None:
    assert Sample.parse("3G").size == 3 << 30
    assert Sample.parse("12.5%").share == 0.125


def test_damage_is_found_in_the_part_that_holds_it(damaged_library: Any) -> None:
    library = damaged_library
    library.make({b"/a.jpg": "a"}, {b"/b.jpg": "b"})
    path = next(library.directory.rglob("tokens.lxt"))
    data = bytearray(path.read_bytes())
    data[64 * 3] ^= 1  # the first byte behind the header and its table of two sections
    path.write_bytes(data)
    reports = [
        check(library.directory, read_data=True, sample=Sample(part=(n, 4))) for n in range(1, 5)
    ]
    assert sorted(len(report.problems) for report in reports) == [0, 0, 0, 1]
    where = str(library.directory)
    codes = [main(["check", "--db", where, f"--read-data={n}/4"]) for n in range(1, 5)]
    assert sorted(codes) == [0, 0, 0, 4]
    assert main(["check", "--db", where, "--read-data"]) == 4
    assert main(["check", "--read-data", "--db", where]) == 4
    assert main(["check", "--db", where]) == 0
