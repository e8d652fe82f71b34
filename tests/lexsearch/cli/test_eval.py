"""`lexsearch eval` on a few rendered scenes, with the bundled model."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from lexsearch.cli.run import main

CORPUS = Path(__file__).parents[3] / "sample_corpus"
SCENES = ("scene_001.jpg", "scene_002.jpg", "scene_003.jpg")
Eval = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes with their captions, objects and masks, in the layout of the sample corpus."""
    place = tmp_path_factory.mktemp("corpus")
    (place / "images").mkdir()
    (place / "masks").mkdir()
    for name in SCENES:
        shutil.copy(CORPUS / "images" / name, place / "images")
    for table in ("captions.tsv", "objects.tsv"):
        lines = (CORPUS / table).read_text().splitlines(keepends=True)
        kept = [line for line in lines if line.split("\t")[0] in SCENES]
        (place / table).write_text("".join(kept))
    for line in (place / "objects.tsv").read_text().splitlines():
        shutil.copy(CORPUS / "masks" / line.split("\t")[1], place / "masks")
    (place / "labels.tsv").write_text("scene_001.jpg\tbeach\nscene_002.jpg\tstreet\n")
    (place / "seg").mkdir()
    first = (place / "objects.tsv").read_text().split("\t")[1]
    shutil.copy(place / "masks" / first, place / "seg" / "scene_001.png")
    (place / "classes.tsv").write_text("0\tunlabeled\n1\tballoon\n")
    return place


@pytest.fixture
def run(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Eval:
    """Runs `lexsearch eval`; a word with a leading @ is a path in the corpus."""
    monkeypatch.setenv("LEXSEARCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str) -> tuple[int, str, str]:
        words = [f"{corpus}/{word[1:]}" if word[0] == "@" else word for word in arguments]
        code = main(["eval", *words])
        out, err = capsys.readouterr()
        return code, out, err

    return invoke


RETRIEVAL = ("retrieval", "--images", "@images", "--captions", "@captions.tsv")


def test_retrieval_has_intervals_and_the_gain_of_the_fusion(run: Eval) -> None:
    code, out, _ = run(*RETRIEVAL, "--bootstrap", "50", "--json", "--details")
    found = json.loads(out)
    assert code == 0
    assert set(found) == {"modes", "queries", "long", "intervals", "gain"}
    low, high = found["intervals"]["hybrid"]["RR"]
    assert low <= found["modes"]["hybrid"]["RR"] <= high
    assert found["gain"]["over"] in ("lexical", "dense", "late")
    code, out, _ = run(*RETRIEVAL)
    assert "R@10: +0.0 [+0.0, +0.0]" in out  # three pictures are always among the first ten
    assert "100.0 [100.0, 100.0]" in out


def test_joined_captions_are_one_long_text_per_picture(run: Eval) -> None:
    code, out, _ = run(*RETRIEVAL, "--joined", "--bootstrap", "0")
    assert code == 0
    assert "3 texts, 3 of them longer than 32 words" in out
    assert "[" not in out


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (
            ("words", "--images", "@images", "--captions", "@captions.tsv"),
            {"images", "captions", "photo", "text", "active"},
        ),
        (
            ("pointing", "--corpus", "@", "--limit", "2"),
            {"images", "questions", "unknown", "centre", "touch", "words"},
        ),
        (
            ("patchdis", "--images", "@images", "--masks", "@seg", "--classes", "@classes.tsv"),
            {"images", "patches", "classes", "unnamed", "words", "text"},
        ),
        (
            ("labels", "--images", "@images", "--labels", "@labels.tsv"),
            {"images", "classes", "templates", "chance", "modes"},
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_measure_prints_a_table_and_json(
    arguments: tuple[str, ...], keys: set[str], run: Eval
) -> None:
    code, out, _ = run(*arguments, "--json")
    assert code == 0
    assert set(json.loads(out)) == keys
    code, out, _ = run(*arguments)
    assert code == 0
    assert len(out.splitlines()) >= 3


def test_classes_come_from_a_line_or_a_file(run: Eval, tmp_path: Path) -> None:
    (tmp_path / "names").write_text("beach\nstreet\n")
    labels = ("labels", "--images", "@images", "--labels", "@labels.tsv", "--json")
    answers = [
        json.loads(run(*labels, *more)[1])["classes"]
        for more in (("--classes", "street, beach"), ("--only", "names"))
    ]
    assert answers == [["street", "beach"], ["beach", "street"]]


LABELS = ("labels", "--images", "@images", "--labels", "@labels.tsv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*LABELS, "--held-out", "--classes", "a,b"), "at most one of"),
        ((*LABELS, "--held-out"), "'accordion'"),
        ((*LABELS, "--classes", "beach"), "at least two"),
        ((*LABELS, "--template", "a photo"), "'a photo' has no {}"),
        ((*LABELS, "--model", "nonesuch"), "'nonesuch'"),
        (("labels", "--images", "@none", "--labels", "@labels.tsv"), "no such folder"),
        (("labels", "--images", "@images", "--labels", "@none"), "no such file of labels"),
        (("words", "--images", "@none", "--captions", "@captions.tsv"), "no such folder"),
        (("pointing", "--corpus", "@images"), "no such file of objects"),
        (
            ("patchdis", "--images", "@images", "--masks", "@images", "--classes", "@classes.tsv"),
            "holds no mask",
        ),
        (
            ("patchdis", "--images", "@images", "--masks", "@seg", "--classes", "@labels.tsv"),
            "no class id",
        ),
        ((*RETRIEVAL[:3], "--captions", "@none"), "no such file of captions"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(
    arguments: tuple[str, ...], message: str, run: Eval
) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_every_measure_has_its_help(run: Eval, capsys: Any) -> None:
    for name in ("retrieval", "words", "pointing", "patchdis", "labels"):
        code, out, _ = run(name, "--help")
        assert code == 0
        assert "Example" in out
    assert "MRR" in run("retrieval", "--help")[1]
