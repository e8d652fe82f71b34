"""The examples run as a reader would run them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for path in sorted((ROOT / "sample_corpus" / "images").iterdir())[:12]:
        shutil.copy(path, folder)
    return folder


def run(example: str, *arguments: object) -> str:
    command = [sys.executable, str(ROOT / "examples" / example), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_search_a_folder(pictures: Path) -> None:
    lines = run("01_search_a_folder.py", pictures).splitlines()
    assert lines[0] == "12 pictures indexed, 0 skipped"
    assert [line.split(".")[0] for line in lines[1:]] == ["1", "2", "3"]
    assert all("because of:" in line for line in lines[1:])


def test_combine_and_edit_queries(pictures: Path) -> None:
    lines = run("02_combine_and_edit_queries.py", pictures).splitlines()
    assert lines[-1].endswith("carry 'tree' and were left out")
    assert sum(line.startswith(("a text,", "words alone", "only pictures")) for line in lines) == 3


def test_explain_a_hit(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "why.png"
    text = run("03_explain_a_hit.py", pictures, out)
    total, score = (
        text.split("all words together ")[1].split("\n")[0].split(" = the lexical score ")
    )
    assert float(total) == pytest.approx(float(score), abs=1e-3)
    assert out.read_bytes().startswith(b"\x89PNG")


def test_build_a_pipeline(pictures: Path) -> None:
    lines = run("04_build_a_pipeline.py", pictures).splitlines()
    assert lines[0] == "12 pictures added"
    assert lines[1].startswith("lexical % 5 >> late: picture-")
    assert [line.split(":")[0] for line in lines[2:4]] == [
        "0.3 * lexical + 0.7 * dense",
        "(lexical | dense) >> late % 3",
    ]
    assert all(int(line.split()[2].removeprefix("picture-")) % 2 == 0 for line in lines[4:])
    assert len(lines) == 7
