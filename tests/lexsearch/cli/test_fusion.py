"""`lexsearch fusion`, `--fusion` and `--prf` on the scenes of the sample corpus."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from lexsearch.cli import fusion as command
from lexsearch.cli.shares import share_lines
from lexsearch.ranking.fusion_rules import Scaled
from lexsearch.ranking.share import Share

CORPUS = Path(__file__).parents[3] / "sample_corpus"
SCENES = 26
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("world")
    (place / "images").mkdir()
    held = sorted(path.name for path in (CORPUS / "images").iterdir())[:SCENES]
    for name in held:
        shutil.copy(CORPUS / "images" / name, place / "images")
    lines = (CORPUS / "captions.tsv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.split("\t")[0] in held]
    (place / "captions.tsv").write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    (place / "topics.tsv").write_text(
        "".join(f"{n}\t{line.split(chr(9))[1]}\n" for n, line in enumerate(kept, 1)),
        encoding="utf-8",
    )
    return place


@pytest.fixture
def run(run: Run, world: Path) -> Run:
    """With the scenes indexed in ./db, and judged."""
    if not (world / "qrels").exists():
        run(
            "eval", "retrieval", "--images", "images", "--captions", "captions.tsv", "--db",
            "./db", "--qrels", "qrels", "--bootstrap", "0",
        )  # fmt: skip
    return run


LEARN = ("fusion", "learn", "--topics", "topics.tsv", "--qrels", "qrels", "--db", "./db")


def test_learning_says_what_it_found_and_keeps_only_a_gain(run: Run) -> None:
    code, out, _ = run(*LEARN, "--no-trees", "--dry-run", "--json")
    found = json.loads(out)
    assert found["kept"] is False
    assert set(found["held_out"]) == {"rrf", "convex", "dbsf", "logistic", "model", "learned"}
    assert code == (0 if found["reason"].startswith("kept") else 1)
    code, out, _ = run(*LEARN, "--no-trees")
    assert out.splitlines()[-1].split(":")[0] in (
        "not kept",
        *(f"kept {name}" for name in ("convex", "dbsf", "logistic")),
    )
    kept = out.splitlines()[-1].startswith("kept")
    status = json.loads(run("status", "--db", "./db", "--json")[1])["fusion"]
    assert (status is not None) == kept == (code == 0)
    if kept:
        run("fusion", "forget", "--db", "./db")


def test_what_is_kept_is_shown_used_checked_and_forgotten(run: Run, world: Path) -> None:
    """The rule is put there by hand: the scenes are too few to promise a gain."""
    from lexsearch.api import LexSearch
    from lexsearch.ranking.learned_fusion import LearnedFusion

    code, out, _ = run("fusion", "show", "--db", "./db")
    assert (code, out.startswith("nothing learned")) == (0, True)
    code, _, err = run("search", "dog", "--db", "./db", "--fusion", "learned")
    assert (code, "lexsearch fusion learn" in err) == (2, True)
    rule = Scaled("theoretical", {"lexical": 0.2, "dense": 0.7, "late": 0.1})
    facts = {
        "measure": "nDCG@10", "queries": 30, "held_out": {"learned": 0.5, "rrf": 0.4},
        "chosen_in_folds": ["convex"] * 5, "gain_over_rrf": 0.1,
    }  # fmt: skip
    with LexSearch.open(world / "db") as index:
        fingerprints = index.snapshot.identity.fingerprints
        command.save(index, LearnedFusion(rule, fingerprints, facts).to_text())
    assert "convex, learned on 30 topics, nDCG@10 +0.1000" in run("status", "--db", "./db")[1]
    assert run("fusion", "show", "--db", "./db")[1].startswith("convex, learned")
    assert json.loads(run("fusion", "show", "--db", "./db", "--json")[1])["learned"]
    assert run("check", "--db", "./db", "--read-data")[0] == 0

    search = ("search", "a red balloon", "--db", "./db", "--format", "json", "-t", "3")
    scores = {
        name: [hit["score"] for hit in json.loads(run(*search, *more)[1])["hits"]]
        for name, more in (
            ("kept", ()),
            ("learned", ("--fusion", "learned")),
            ("model", ("--fusion", "model")),
            ("rrf", ("--fusion", "rrf")),
        )
    }
    assert scores["kept"] == scores["learned"]
    assert scores["model"] != scores["learned"]
    assert max(scores["rrf"]) <= 3 / 61

    top = json.loads(run(*search)[1])["hits"][0]
    code, out, _ = run("explain", "a red balloon", top["path"], "--db", "./db")
    assert "fusion: convex" in out
    assert "lexical scaled score" in out
    assert f"= {top['score']:8.5f}" in out
    said = json.loads(run("explain", "a red balloon", top["path"], "--db", "./db", "--json")[1])
    assert sum(one["share"] for one in said["shares"]) == pytest.approx(top["score"], abs=1e-5)
    code, out, _ = run("search", "a red balloon", "--db", "./db", "-t", "1", "--explain")
    assert "fusion: convex" in out

    assert run("fusion", "forget", "--db", "./db")[0] == 0
    code, _, err = run("fusion", "forget", "--db", "./db")
    assert (code, "has learned no fusion" in err) == (1, True)
    assert [h["score"] for h in json.loads(run(*search)[1])["hits"]] == scores["model"]


def test_feedback_is_an_option_of_search_run_and_explain(run: Run, world: Path) -> None:
    search = ("search", "a red balloon", "--db", "./db", "--format", "json")
    plain = json.loads(run(*search)[1])
    for method in ("rocchio", "rm3"):
        fed = json.loads(run(*search, "--prf", method, "--prf-docs", "5")[1])
        assert any("5 best pictures" in note for note in fed["notes"])
        assert fed["hits"] != plain["hits"]
        path = fed["hits"][0]["path"]
        more = ("--prf", method, "--prf-docs", "5", "--db", "./db", "--json")
        said = json.loads(run("explain", "a red balloon", path, *more)[1])
        assert said["scores"]["fused"] == pytest.approx(fed["hits"][0]["score"], abs=1e-5)
    assert json.loads(run(*search, "--prf", "rm3", "--prf-weight", "0")[1])["hits"] == plain["hits"]
    topics = ("run", "--db", "./db", "--topics", "topics.tsv", "--output")
    run(*topics, "plain.trec", "--hits", "5")
    run(*topics, "fed.trec", "--hits", "5", "--prf", "rocchio")
    assert (world / "plain.trec").read_text() != (world / "fed.trec").read_text()
    assert run(*search, "--prf", "magic")[0] == 2
    assert run(*search, "--prf", "rm3", "--prf-weight", "2")[0] == 2


@pytest.mark.parametrize(
    ("topics", "qrels", "message"),
    [
        ("1\tdog\n", "1 0 x 1\n", "0 of 1 topics have a judged relevant photo"),
        ("1\tdog\n", "", "0 of 1 topics"),
        ("", "1 0 x 1\n", "holds no topics"),
    ],
)
def test_too_few_judgements_are_refused(
    topics: str, qrels: str, message: str, run: Run, world: Path
) -> None:
    (world / "t").write_text(topics)
    (world / "q").write_text(qrels)
    code, _, err = run("fusion", "learn", "--topics", "t", "--qrels", "q", "--db", "./db")
    assert code == 2
    assert message in err


def test_the_arithmetic_is_written_out() -> None:
    lines = share_lines(
        (
            Share("lexical", "rank", 3.0, 1 / 63),
            Share("late", "rank", float("inf"), 0.0),
            Share("dense", "score", 0.5, 1.0, 2.0),
            Share("all", "constant", -0.25, -0.25),
        ),
        0.76587,
        fusion="mixed",
    )
    assert [line.split() for line in lines[1:]] == [
        ["lexical", "rank", "3", "=", "0.01587"],
        ["late", "rank", "not", "found", "=", "0.00000"],
        ["dense", "score", "0.50000", "x", "2.0000", "=", "1.00000"],
        ["constant", "=", "-0.25000"],
        ["fused", "=", "0.76587"],
    ]
