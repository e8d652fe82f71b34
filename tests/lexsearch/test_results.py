"""Results as other tools want them."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from lexsearch.errors import ModelMissing, UsageError
from lexsearch.results import SearchHit, SearchResults


def hit(rank: int, **changes: Any) -> SearchHit:
    made: dict[str, Any] = {
        "rank": rank,
        "id": f"{rank:016x}",
        "raw_path": b"/p/%d.jpg" % rank,
        "score": 1.0 / rank,
        "scores": {"lexical": None, "dense": 0.5, "late": None, "fused": 1.0 / rank},
        "meta": {"camera": "Lumo", "gps": (1.0, 2.0)},
    }
    return SearchHit(**{**made, **changes})


def results(*hits: SearchHit) -> SearchResults:
    return SearchResults(hits, "a dog", "hybrid", {"total": 0.5})


def test_a_table_has_a_row_for_each_hit() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    table = results(hit(1), hit(2, meta={"album": "x"})).to_pandas()
    assert list(table.columns) == [
        "rank", "id", "docid", "path", "score", "lexical", "dense", "late", "fused",
        "camera", "gps", "album",
    ]  # fmt: skip
    assert table["rank"].tolist() == [1, 2]
    assert table["score"].tolist() == [1.0, 0.5]
    assert table["lexical"].isna().all()
    assert table["gps"].tolist()[0] == (1.0, 2.0)
    assert pandas.isna(table["camera"][1])
    assert len(results().to_pandas()) == 0
    assert "score" in results().to_pandas().columns


def test_a_table_without_pandas_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModelMissing, match=r"pip install 'lexsearch\[pandas\]'"):
        results(hit(1)).to_pandas()


def test_a_trec_line_has_six_fields() -> None:
    assert results(hit(1), hit(2)).to_trec("q7", "mine") == (
        "q7 Q0 0000000000000001 1 1.000000 mine\nq7 Q0 0000000000000002 2 0.500000 mine\n"
    )
    for bad in ({"qid": "two words"}, {"qid": ""}, {"tag": "a\tb"}):
        with pytest.raises(UsageError, match="no blanks"):
            results(hit(1)).to_trec(**bad)


def test_results_are_a_list_with_paths_and_json_values() -> None:
    found = results(hit(1), hit(2, raw_path=b"/p/\xe9.jpg"))
    assert found.paths == ["/p/1.jpg", r"/p/\xe9.jpg"]
    assert [one["rank"] for one in found.to_dict()["hits"]] == [1, 2]
    assert "path_bytes" in found.to_dict()["hits"][1]
    assert found[0] is found.hits[0]
