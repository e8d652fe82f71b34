"""The bundled model finds what it must find, through a real index."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from lexsearch import LexSearch, Query
from lexsearch.evaluation.retrieval import figures, judgements, read_captions, run_captions
from lexsearch.pictures import absolute

CORPUS = Path(__file__).parents[2] / "sample_corpus"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> LexSearch:
    db = LexSearch.create(tmp_path_factory.mktemp("quality") / "db", model="mini")
    assert db.index(CORPUS / "images").skipped == ()
    return db


def hybrid_figures(db: LexSearch, images: Path, captions: Path) -> dict[str, float]:
    found = read_captions(captions)
    ids = {one.file: db.snapshot.find(absolute(images / one.file)) for one in found}
    outcomes = run_captions(db.engine, found, modes=["hybrid"])
    return figures(outcomes, judgements(found, ids))["hybrid"]  # type: ignore[arg-type]


def test_a_sentence_finds_its_rendered_picture(corpus: LexSearch) -> None:
    reached = hybrid_figures(corpus, CORPUS / "images", CORPUS / "captions.tsv")
    assert reached["R@1"] >= 0.70


def test_a_short_query_finds_a_picture_that_answers_it(corpus: LexSearch) -> None:
    with (CORPUS / "qrels.tsv").open() as lines:
        right = {(line.split()[0], line.split()[2]) for line in lines if line.split()[3] != "0"}
    with (CORPUS / "queries.tsv").open() as lines:
        queries = list(csv.reader(lines, delimiter="\t"))
    hits = [(qid, corpus.search(Query.text(text), top_k=1)[0].id) in right for qid, text in queries]
    assert sum(hits) / len(hits) >= 0.35


def test_the_heaviest_words_of_a_rendered_picture_name_what_is_in_it(corpus: LexSearch) -> None:
    kinds: dict[str, set[str]] = {}
    with (CORPUS / "objects.tsv").open() as lines:
        for row in csv.reader(lines, delimiter="\t"):
            kinds.setdefault(row[0], set()).update(row[2].split())
    named = 0
    for file, present in kinds.items():
        path = CORPUS / "images" / file
        if path.is_file():
            words = {word.word for word in corpus.words(path, top_k=10)}
            named += bool(words & present)
    assert named / len(kinds) >= 0.50


@pytest.mark.shared
def test_a_caption_finds_its_photo_among_others(shared: Path, tmp_path: Path) -> None:
    """A fifth of the development set, for time; `make bench-model` takes all of it."""
    folder, photos = shared / "photos" / "flickr8k_dev", tmp_path / "photos"
    photos.mkdir()
    for photo in sorted((folder / "images").iterdir())[:200]:
        shutil.copy(photo, photos)
    lines = (folder / "captions.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    known = {photo.name for photo in photos.iterdir()}
    kept = [line for line in lines if line.partition("\t")[0] in known]
    (tmp_path / "captions.tsv").write_text("".join(kept), encoding="utf-8")
    with LexSearch.create(tmp_path / "db", model="mini") as db:
        db.index(photos)
        reached = hybrid_figures(db, photos, tmp_path / "captions.tsv")
    assert reached["R@1"] >= 0.33
    assert reached["R@10"] >= 0.75
