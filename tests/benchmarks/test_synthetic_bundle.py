"""The made-up index is a real one, and its words are as frequent as the model's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import synthetic_bundle
from benchmarks.bench_rescan import bare_walk, make_files
from benchmarks.synthetic_bundle import index_of, write
from lexsearch import LexSearch
from lexsearch.bundle.check import check
from lexsearch.registry import program


@pytest.fixture(scope="module")
def model() -> Any:
    return synthetic_bundle.bundled()


def test_a_made_up_index_answers_and_is_kept(tmp_path: Path, model: Any) -> None:
    with index_of(40, model=model, keep=tmp_path) as place:
        made = (place / "FORMAT.json").stat().st_mtime_ns
        with LexSearch.open(place, model=model) as db:
            assert len(db) == 40
            hits = db.search("a dog on the beach", top_k=5)
            assert len(hits) == 5
            assert all(hit.scores[name] is not None for hit in hits for name in ("dense", "late"))
            counts = db.engine.lexical.document_frequency()
            seen = np.argsort(-np.bincount(synthetic_bundle.sample(model).lexical.indices))[:20]
            assert np.median(counts[seen]) > 20 * counts.mean()
    with index_of(40, model=model, keep=tmp_path) as again:
        assert (again / "FORMAT.json").stat().st_mtime_ns == made


def test_a_thin_index_of_real_files_has_nothing_to_do(tmp_path: Path, model: Any) -> None:
    photos, place = tmp_path / "photos", tmp_path / "db"
    paths = make_files(photos, 30)
    assert bare_walk(os.fsencode(photos)) == 30

    def name_file(i: int) -> tuple[bytes, int, int, int]:
        found = os.stat(paths[i])
        return paths[i], found.st_size, found.st_mtime_ns, found.st_ino

    write(place, 30, model=model, name_file=name_file, root=os.fsencode(photos), thin=True)
    report = program("indexer")([photos], directory=place, model=model)
    assert (report.unchanged, report.encoded) == (30, 0)
    options = program("index_options")(rehash=True)
    report = program("indexer")([photos], directory=place, model=model, options=options)
    assert (report.unchanged, report.encoded) == (30, 0)
    assert check(place).problems == ()
