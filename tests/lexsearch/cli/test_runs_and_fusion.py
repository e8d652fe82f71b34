"""`lexsearch run`, `fuse`, `eval run` and `eval retrieval` on a few scenes, bundled model."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("ir_measures", reason="ir-measures is not installed")

import ir_measures

from lexsearch.evaluation.runs import read_run, write_run

CORPUS = Path(__file__).parents[3] / "sample_corpus"
SCENES = tuple(f"scene_{n:03}.jpg" for n in (1, 2, 3, 4, 5, 6))
MODES = ("lexical", "dense", "late", "hybrid")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scenes with their captions as a table and as a Karpathy split, indexed in ./db."""
    place = tmp_path_factory.mktemp("world")
    (place / "images").mkdir()
    held = [name for name in SCENES if (CORPUS / "images" / name).exists()]
    for name in held:
        shutil.copy(CORPUS / "images" / name, place / "images")
    lines = (CORPUS / "captions.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t")[:2] for line in lines if line.split("\t")[0] in held]
    (place / "captions.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in rows), encoding="utf-8")
    (place / "topics.tsv").write_text(
        "".join(f"t{i}\t{b}\n" for i, (_, b) in enumerate(rows)), encoding="utf-8"
    )
    images = [
        {
            "filename": name,
            "split": "test" if name != held[0] else "train",
            "sentences": [
                {"sentid": i, "raw": b, "tokens": []} for i, (a, b) in enumerate(rows) if a == name
            ],
        }
        for name in held
    ]
    (place / "dataset.json").write_text(json.dumps({"images": images}), encoding="utf-8")
    return place


RETRIEVAL = ("eval", "retrieval", "--images", "images", "--db", "./db")


def test_retrieval_prints_one_object_and_writes_what_ir_measures_reads(
    run: Run, world: Path
) -> None:
    """The figures of the object are those of the files, in every mode, by ir-measures alone."""
    code, out, _ = run(
        *RETRIEVAL, "--captions", "captions.tsv", "--run", "r.trec", "--qrels", "q", "--json"
    )
    assert code == 0
    found = json.loads(out)
    assert set(found) == {"modes"}
    assert set(found["modes"]) == set(MODES)
    qrels = list(ir_measures.read_trec_qrels("q"))
    names = ("R@1", "R@5", "R@10", "nDCG@10", "RR")
    for mode, figures in found["modes"].items():
        assert set(figures) == {*names, "ms_p50"}
        written = "r.trec" if mode == "hybrid" else f"r.trec.{mode}"
        theirs = ir_measures.calc_aggregate(
            [ir_measures.parse_measure(name) for name in names],
            qrels,
            list(ir_measures.read_trec_run(written)),
        )
        for name in names:
            measured = theirs[ir_measures.parse_measure(name)]
            assert figures[name] == pytest.approx(measured, abs=1e-9), (mode, name)
        assert figures["ms_p50"] > 0
    assert max(len(one) for one in read_run(world / "r.trec").values()) <= 100


def test_a_karpathy_split_is_measured_and_only_the_asked_one(run: Run) -> None:
    code, out, _ = run(*RETRIEVAL, "--captions", "dataset.json", "--json", "--details")
    assert code == 0
    queries = json.loads(out)["queries"]
    whole = json.loads(run(*RETRIEVAL, "--captions", "captions.tsv", "--json", "--details")[1])
    assert queries < whole["queries"]
    code, _, err = run(*RETRIEVAL, "--captions", "dataset.json", "--split", "dev")
    assert code == 2
    assert "no split 'dev'; it has: test, train" in err


def test_pictures_rank_captions(run: Run, world: Path) -> None:
    code, out, _ = run(
        *RETRIEVAL, "--captions", "captions.tsv", "--direction", "image-to-text", "--json",
        "--run", "i2t", "--qrels", "i2t.qrels",
    )  # fmt: skip
    assert code == 0
    figures = json.loads(out)["modes"]
    assert set(figures) == set(MODES)
    theirs = ir_measures.calc_aggregate(
        [ir_measures.parse_measure(name) for name in ("Success@1", "nDCG@10")],
        list(ir_measures.read_trec_qrels("i2t.qrels")),
        list(ir_measures.read_trec_run("i2t")),
    )
    values = {str(measure): value for measure, value in theirs.items()}
    assert figures["hybrid"]["R@1"] == pytest.approx(values["Success@1"])
    assert figures["hybrid"]["nDCG@10"] == pytest.approx(values["nDCG@10"])


def test_topics_become_a_run_in_the_form_of_trec(run: Run, world: Path) -> None:
    run("index", "images", "--db", "./db")
    arguments = ("run", "--db", "./db", "--topics", "topics.tsv", "--tag", "mine")
    code, out, err = run(*arguments, "--output", "t.trec", "--hits", "3", "--times")
    assert (code, out) == (0, "")
    assert "median" in err
    lines = [line.split() for line in (world / "t.trec").read_text().splitlines()]
    assert all(line[1] == "Q0" and line[5] == "mine" and len(line) == 6 for line in lines)
    assert [line[3] for line in lines[:3]] == ["1", "2", "3"]
    assert all("." in line[4] and len(line[4].partition(".")[2]) == 6 for line in lines)
    assert json.loads((world / "t.trec.json").read_text())["k"] == 3
    code, out, _ = run(*arguments, "--output", "-", "--hits", "3")
    assert out == (world / "t.trec").read_text()
    code, _, err = run(*arguments, "--output", "-", "--times")
    assert code == 2
    code, _, err = run("run", "--db", "./db", "--topics", "none", "--output", "x")
    assert (code, "no such file of topics" in err) == (2, True)


def test_runs_are_fused_in_pyserinis_habit(run: Run, world: Path) -> None:
    write_run(world / "a", {"1": {"x": 2.0, "y": 1.0}})
    write_run(world / "b", {"1": {"y": 2.0}})
    code, _, _ = run(
        "fuse", "--runs", "a", "b", "--method", "rrf", "--rrf-k", "60", "--output", "f"
    )
    assert code == 0
    assert read_run(world / "f")["1"] == pytest.approx(
        {"y": 1 / 62 + 1 / 61, "x": 1 / 61}, abs=1e-6
    )
    code, _, _ = run(
        "fuse", "--runs", "a", "b", "--method", "interpolation", "--weights", "1", "-.5",
        "--output", "f", "--tag", "g",
    )  # fmt: skip
    assert code == 0
    assert (world / "f").read_text() == "1 Q0 x 1 2.000000 g\n1 Q0 y 2 0.000000 g\n"
    code, _, err = run("fuse", "--runs", "a", "--output", "f")
    assert (code, "give two or more" in err) == (2, True)
    code, _, err = run("fuse", "--runs", "a", "b", "--weights", "1", "--output", "f")
    assert (code, "1 weights for 2 runs" in err) == (2, True)


@pytest.fixture
def judged(world: Path) -> None:
    write_run(world / "one_a", {str(q): {"x": 2.0, "y": 1.0} for q in range(20)})
    write_run(world / "b", {str(q): {"y": 2.0, "x": 1.0} for q in range(20)})
    (world / "qrels").write_text("".join(f"{q} 0 {'x' if q < 15 else 'y'} 1\n" for q in range(20)))
    (world / "b.json").write_text(json.dumps({"ms_p50": 12.5}))


EVAL = ("eval", "run", "--qrels", "qrels", "--run", "one_a", "b", "-m", "RR", "R@1")


@pytest.mark.usefixtures("judged")
def test_runs_are_compared_with_tests_and_latency(run: Run) -> None:
    code, out, _ = run(*EVAL, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["runs"]["one_a"] == pytest.approx({"RR": 0.875, "R@1": 0.75})
    assert found["runs"]["b"] == pytest.approx({"RR": 0.625, "R@1": 0.25, "ms_p50": 12.5})
    (first, _) = found["comparisons"]
    assert (first["run"], first["against"], first["difference"]) == ("b", "one_a", -0.25)
    assert first["p"] == first["p_corrected"] < 0.05
    code, out, _ = run(*EVAL)
    assert "0.8750" in out
    assert "12.5" in out
    assert "-0.2500" in out
    for test in ("t-test", "bootstrap"):
        assert json.loads(run(*EVAL, "--test", test, "--json")[1])["test"] == test
    assert "comparisons" not in json.loads(run(*EVAL, "--test", "none", "--json")[1])


@pytest.mark.usefixtures("judged")
def test_tables_come_in_several_forms(run: Run) -> None:
    _, out, _ = run(*EVAL, "--per-query", "--format", "tsv")
    assert out.splitlines()[0].split("\t") == ["qid", "RR one_a", "RR b", "R@1 one_a", "R@1 b"]
    assert out.splitlines()[16].split("\t") == ["15", "0.5000", "1.0000", "0.0000", "1.0000"]
    assert len(json.loads(run(*EVAL, "--per-query", "--json")[1])["per_query"]["b"]["RR"]) == 20
    assert "| one_a | 0.8750 |" in run(*EVAL, "--format", "markdown")[1]
    latex = run(*EVAL, "--format", "latex")[1]
    assert r"one\_a & 0.8750" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 2


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--qrels", "none", "--run", "b"), "no such file: none"),
        (("--qrels", "qrels", "--run", "b", "b"), "one file twice"),
        (("--qrels", "qrels", "--run", "b", "-m", "XYZ"), "'XYZ'"),
        (("--qrels", "images", "--run", "b"), "is a folder"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(
    arguments: tuple[str, ...], message: str, run: Run
) -> None:
    code, _, err = run("eval", "run", *arguments)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
