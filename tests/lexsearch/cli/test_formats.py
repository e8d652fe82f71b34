"""Every format of search results, byte by byte."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from lexsearch.cli.formats import FIELDS, FORMATS, explained, write
from lexsearch.cli.output import first_of_each
from lexsearch.explain.terms import Contribution
from lexsearch.results import SearchHit, SearchResults

DOG = Contribution(3, "dog", 2.0, 0.95, 1.9)
SAND = Contribution(4, "sand", 1.0, 1.2, 1.2)
SCORES = {"lexical": 3.1, "dense": 0.3, "late": None, "fused": 0.8}
HIT = SearchHit(1, "00000000000000ab", b"/p/dog.jpg", 0.8, SCORES, (DOG, SAND))
LATIN = replace(HIT, rank=2, raw_path=b"/p/caf\xe9.jpg", score=0.5)
EVIL = replace(HIT, rank=3, raw_path="/p/a\x1b[2J\u202e.jpg".encode(), score=0.1)


def results(*hits: SearchHit, cutoff: float = float("-inf")) -> SearchResults:
    return SearchResults(hits, "dog on sand", "hybrid", {"encode": 0.01}, cutoff=cutoff)


@pytest.fixture
def printed(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., bytes]:
    def call(found: SearchResults, format_: str, **options: bool) -> bytes:
        import sys

        write(found, format_, **options)
        sys.stdout.flush()
        return capfdbinary.readouterr().out

    return call


def test_json_has_the_shape_that_was_promised(printed: Callable[..., bytes]) -> None:
    record = json.loads(printed(results(HIT), "json"))
    assert record["schema"] == 1
    assert record["query"] == "dog on sand"
    assert set(record) >= {"schema", "query", "hits", "seconds"}
    (hit,) = record["hits"]
    assert hit["rank"] == 1
    assert hit["path"] == "/p/dog.jpg"
    assert hit["id"] == "00000000000000ab"
    assert hit["scores"] == SCORES
    assert hit["terms"][0] == {"word": "dog", "query": 2.0, "image": 0.95, "contribution": 1.9}
    assert "path_bytes" not in hit


def test_json_is_utf8_without_a_mark_and_one_line(printed: Callable[..., bytes]) -> None:
    text = printed(results(replace(HIT, raw_path="/p/é.jpg".encode())), "json")
    assert text.startswith(b'{"schema"')
    assert "é".encode() in text
    assert text.count(b"\n") == 1


def test_a_path_that_is_not_utf8_carries_its_bytes(printed: Callable[..., bytes]) -> None:
    (hit,) = json.loads(printed(results(LATIN), "json"))["hits"]
    assert hit["path"] == "/p/caf\\xe9.jpg"
    assert hit["path_bytes"] == "L3AvY2Fm6S5qcGc="


def test_json_lines_are_hits_with_their_schema(printed: Callable[..., bytes]) -> None:
    lines = printed(results(HIT, LATIN), "jsonl").decode().splitlines()
    assert [json.loads(line)["rank"] for line in lines] == [1, 2]
    assert all(json.loads(line)["schema"] == 1 for line in lines)


@pytest.mark.parametrize(("nul", "end"), [(False, b"\n"), (True, b"\0")])
def test_paths_are_raw_bytes(printed: Callable[..., bytes], nul: bool, end: bytes) -> None:
    text = printed(results(HIT, LATIN), "paths", nul=nul)
    assert text == b"/p/dog.jpg" + end + b"/p/caf\xe9.jpg" + end


def test_csv_reads_back(printed: Callable[..., bytes]) -> None:
    odd = replace(HIT, raw_path=b'/p/a,"b\n.jpg')
    header, row = csv.reader(io.StringIO(printed(results(odd), "csv").decode()))
    assert tuple(header) == FIELDS
    assert dict(zip(header, row, strict=True))["path"] == '/p/a,"b\n.jpg'


def test_tsv_keeps_one_line_per_hit(printed: Callable[..., bytes]) -> None:
    odd = replace(HIT, raw_path=b"/p/a\tb\n.jpg")
    lines = printed(results(odd), "tsv").decode().splitlines()
    assert len(lines) == 2
    assert lines[1].split("\t")[2] == "/p/a\\x09b\\x0a.jpg"


def test_trec_has_six_fields(printed: Callable[..., bytes]) -> None:
    assert printed(results(HIT), "trec") == b"1 Q0 00000000000000ab 1 0.800000 lexsearch\n"


def test_the_table_shows_reasons_and_escapes_names(printed: Callable[..., bytes]) -> None:
    text = printed(results(HIT, EVIL), "table").decode()
    assert "dog 1.9 · sand 1.2" in text
    assert "a\\x1b[2J\\u202e.jpg" in text
    assert "\x1b" not in text


def test_the_table_counts_the_tail_under_the_cutoff(printed: Callable[..., bytes]) -> None:
    low = replace(EVIL, below_cutoff=True)
    text = printed(results(HIT, low, cutoff=0.4), "table").decode()
    assert "the last one lies under the cut-off (0.400)" in text


@pytest.mark.parametrize("format_", FORMATS)
def test_no_hit_is_an_empty_list_in_every_format(
    printed: Callable[..., bytes], format_: str
) -> None:
    text = printed(results(), format_).decode()
    if format_ == "json":
        assert json.loads(text)["hits"] == []
    else:
        assert text.count("\n") == (1 if format_ in ("csv", "tsv") else 0)


def test_an_explained_hit_shows_every_score_and_word() -> None:
    text = explained(HIT)
    assert "lexical 3.1000  dense 0.3000  fused 0.8000" in text
    assert "dog" in text
    assert "1.900" in text


def test_one_of_several_nearly_equal_photos_is_kept() -> None:
    groups = [["/p/dog.jpg", "/p/caf\\xe9.jpg"]]
    assert first_of_each([HIT, LATIN, EVIL], groups) == [HIT, EVIL]
