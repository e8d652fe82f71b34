"""An index of every step of the catalog, as the code of its time wrote it, opens and is upgraded.

A new step brings a new archive in `releases/`: two segments, a copy, a name that is no UTF-8, a
picture that left, a skipped file, dates.
"""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lexsearch import Filter, LexSearch
from lexsearch.bundle.check import check
from lexsearch.bundle.repair import repair
from lexsearch.bundle.upgrade import upgrade
from lexsearch.catalog.step import CATALOG_FILE, OLDEST_READABLE_STEP, STEP
from lexsearch.errors import IndexTooOld

ARCHIVES = sorted((Path(__file__).parent / "releases").glob("step*.tar.gz"))
# What the code of step 1 found in its own index for "red green": name, score in ten thousandths.
FOUND = {
    "lexical": [("7", 9036), ("3", 8573), ("5", 8190), ("6", 8019), ("2", 7938), ("1", 7903),
                ("4", 7810)],
    "dense": [("5", 8362), ("7", 8307), ("1", 8245), ("2", 8007), ("3", 8003), ("6", 7876),
              ("4", 7820)],
}  # fmt: skip


def step_of(archive: Path) -> int:
    return int(archive.name.removeprefix("step").removesuffix(".tar.gz"))


@pytest.fixture(params=ARCHIVES, ids=lambda archive: f"step {step_of(archive)}")
def released(request: pytest.FixtureRequest, damaged_library: Any) -> Any:
    with tarfile.open(request.param) as archive:
        archive.extractall(damaged_library.directory, filter="data")
    damaged_library.step = step_of(request.param)
    return damaged_library


def facts(library: Any) -> list[Any]:
    """What a user gets out of it."""
    with LexSearch.open(library.directory, model=library.model) as db:
        hits = [
            (hit.path, hit.also, hit.id, round(hit.score, 4))
            for mode in ("lexical", "dense", "late", "hybrid")
            for hit in db.search("red green", top_k=30, mode=mode)
        ]
        early = [hit.path for hit in db.search("red", filters=Filter(before="2024-04"))]
        records = db.snapshot.images(db.snapshot.image_ids().tolist())
        return [hits, early, records, db.skipped(), db.snapshot.roots()]


def test_every_step_that_can_be_read_has_an_archive() -> None:
    assert [step_of(one) for one in ARCHIVES] == list(range(OLDEST_READABLE_STEP, STEP + 1))


def test_it_answers_as_it_did_and_reading_changes_no_byte(released: Any) -> None:
    def digests() -> dict[str, str]:
        return {
            str(path.relative_to(released.directory)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(released.directory.rglob("*"))
            if path.is_file()
        }

    before = digests()
    _, early, records, skipped, roots = facts(released)
    with LexSearch.open(released.directory, model=released.model) as db:
        for mode, wanted in FOUND.items():
            hits = db.search("red green", top_k=30, mode=mode)
            assert [(Path(hit.path).stem, round(hit.score * 1e4)) for hit in hits] == wanted
    assert check(released.directory, read_data=True).problems == ()
    assert {name: digests()[name] for name in before} == before
    paths = sorted(path for record in records for path in record.paths)
    assert paths == sorted([
        *(b"/photos/%d.jpg" % i for i in range(1, 8)), b"/photos/copy.jpg", b"/photos/\xe9.jpg",
    ])  # fmt: skip
    assert sorted(early) == ["/photos/1.jpg", "/photos/2.jpg", "/photos/3.jpg"]
    assert [one.reason for one in skipped] == ["is empty"]
    assert roots == [b"/photos"]


def test_it_is_upgraded_and_goes_on(released: Any) -> None:
    before = facts(released)
    if released.step < STEP:
        with pytest.raises(IndexTooOld, match="lexsearch upgrade"):
            released.open()
    report = upgrade(released.directory)
    assert (report.before, report.after) == (released.step, STEP)
    assert facts(released) == before
    released.make({b"/photos/9.jpg": "9"})
    assert len(released.paths()) == 10
    assert released.is_sound()


def test_its_catalog_can_be_made_anew(released: Any) -> None:
    before = facts(released)
    (released.directory / CATALOG_FILE).unlink()
    assert repair(released.directory).forgotten == 0
    after = facts(released)
    assert after[0][0][2:] == before[0][0][2:]
    assert {record.image_id for record in before[2]} <= {record.image_id for record in after[2]}
