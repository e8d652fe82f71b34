"""`lexsearch index` as a user meets it: output, exit codes, interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lexsearch.cli import main

ROOT = Path(__file__).parents[2]
Outcome = tuple[int, str, str]
Index = Callable[..., Outcome]


@pytest.fixture
def index(
    plugin: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Index:
    """Runs the command in this process; gives exit code, stdout, stderr."""
    monkeypatch.syspath_prepend(str(plugin))

    def call(*words: str | Path, model: str | None = "toy") -> Outcome:
        chosen = ["--model", model] if model else []
        code = main(["index", *map(str, words), "--db", str(tmp_path / "db"), *chosen])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


def test_json_has_the_promised_keys(index: Index, photos: Path) -> None:
    (photos / "bad.jpg").write_text("text")
    code, out, err = index(photos, "--json", "--batch-size", "2")
    assert code == 0
    report = json.loads(out)
    assert {k: report[k] for k in ("found", "new", "encoded", "unchanged", "removed")} == {
        "found": 6, "new": 5, "encoded": 5, "unchanged": 0, "removed": 0,
    }  # fmt: skip
    assert report["changed"] == report["moved"] == 0
    assert set(report["seconds"]) == {"scan", "plan", "decode", "encode", "commit"}
    assert report["images_per_s"] > 0
    (skipped,) = report["skipped"]
    assert skipped["path"] == str(photos / "bad.jpg")
    assert skipped["reason"].startswith("is not a picture")
    assert err.splitlines() == ["committed 2", "committed 3", "committed 5"]


def test_the_threads_of_a_run_share_one_heap(
    index: Index, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr("indexer.heap.one_arena", lambda: asked.append(True))
    assert index(photos)[0] == 0
    assert asked == [True]


def test_people_get_one_line(index: Index, photos: Path) -> None:
    code, out, _ = index(photos)
    assert code == 0
    (line,) = out.splitlines()
    assert line.startswith("Done in ")
    assert "5 pictures: 5 new · 5 encoded" in line
    _, out, _ = index(photos)
    assert "5 pictures: 5 unchanged" in out


def test_the_model_of_an_index_is_remembered(index: Index, photos: Path) -> None:
    index(photos)
    assert index(photos, model=None)[0] == 0


def test_no_such_folder_is_a_usage_error(index: Index, tmp_path: Path) -> None:
    code, _, err = index(tmp_path / "nowhere")
    assert code == 2
    assert "no such folder" in err


def test_a_folder_without_pictures_is_no_result(index: Index, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = index(tmp_path / "empty", "--json")
    assert code == 1
    assert "no picture below" in err
    assert json.loads(out)["found"] == 0


def test_a_known_folder_that_is_gone_keeps_its_images_and_says_so(
    index: Index, photos: Path
) -> None:
    index(photos)
    photos.rename(photos.with_name("away"))
    code, out, err = index(photos, "--json")
    assert code == 2
    assert json.loads(out)["removed"] == 0
    assert "5 images indexed below it were kept" in err
    code, out, _ = index(photos, "--json", "--prune")
    assert (code, json.loads(out)["removed"]) == (0, 5)


def test_strict_fails_when_a_file_was_skipped(index: Index, photos: Path) -> None:
    (photos / "bad.jpg").write_text("text")
    assert index(photos, "--strict")[0] == 1
    assert index(photos, "--strict")[0] == 1
    assert index(photos)[0] == 0


def test_a_dry_run_says_what_it_would_do(index: Index, photos: Path, tmp_path: Path) -> None:
    code, out, _ = index(photos, "--dry-run", "--exclude", "trip")
    assert code == 0
    assert "@eaDir" in out
    assert "trip" in out
    assert "Would encode 3" in out
    assert not (tmp_path / "db").exists()
    _, out, _ = index(photos, "--dry-run", "--json")
    preview = json.loads(out)
    assert (preview["dry_run"], preview["to_encode"], preview["encoded"]) == (True, 5, 0)
    assert "@eaDir" in preview["excludes"]


def test_the_megapixel_limit_is_an_option(index: Index, photos: Path) -> None:
    _, out, _ = index(photos, "--json", "--max-megapixels", "0.0001")
    assert len(json.loads(out)["skipped"]) == 5
    _, out, _ = index(photos, "--json")
    assert json.loads(out)["encoded"] == 5


@pytest.mark.parametrize(
    "words", [("--batch-size", "0"), ("--wait", "-1"), ("--max-megapixels", "0"), ("--exclude", "")]
)
def test_bad_values_are_usage_errors(index: Index, photos: Path, words: tuple[str, str]) -> None:
    assert index(photos, *words)[0] == 2


def start(plugin: Path, *words: str | Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": f"{plugin}{os.pathsep}{ROOT}"}
    return subprocess.Popen(
        [sys.executable, "-m", "indexer.cli", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_commits_the_batch_and_the_next_run_goes_on(
    plugin: Path, photos: Path, tmp_path: Path, index: Index, number: signal.Signals
) -> None:
    db = tmp_path / "db"
    words = (photos, "--db", db, "--model", "slow", "--batch-size", "1", "--json")
    with start(plugin, *words) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "committed 1\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    report = json.loads(out)
    assert report["interrupted"] is True
    assert 1 <= report["encoded"] < 5
    assert "Traceback" not in err
    _, out, _ = index(photos, "--json")
    assert json.loads(out)["encoded"] == 5 - report["encoded"]


def test_the_second_signal_ends_at_once(plugin: Path, photos: Path, tmp_path: Path) -> None:
    db = tmp_path / "db"
    words = (photos, "--db", db, "--model", "slow", "--batch-size", "1")
    with start(plugin, *words) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "committed 1\n"
        process.send_signal(signal.SIGINT)
        assert "stopping" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=0.9)
    assert process.returncode == 130


def test_pooled_tokens_are_an_option_that_an_index_keeps(index: Index, photos: Path) -> None:
    assert index(photos, "--pool-tokens", "2")[0] == 0
    assert index(photos)[0] == 0
    code, _, err = index(photos, "--pool-tokens", "4")
    assert code == 4
    assert "1 of every 2 tokens" in err
    assert "lexsearch index --force --pool-tokens 4 PATH" in err
    assert index(photos, "--pool-tokens", "17")[0] == 2


def test_a_setting_says_from_how_many_photos_on_dense_search_has_lists(
    index: Index, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("faiss")
    assert index(photos)[0] == 0
    assert not (tmp_path / "db" / "ivf").exists()
    monkeypatch.setenv("LEXSEARCH_LISTS_FROM", "5")
    assert index(photos)[0] == 0
    assert len(list((tmp_path / "db" / "ivf").glob("*/dense.lxv"))) == 1
    monkeypatch.setenv("LEXSEARCH_LISTS_FROM", "-1")
    code, _, err = index(photos)
    assert code == 2
    assert "lists_from" in err


def test_skipped_files_are_tried_again_only_when_asked(
    index: Index, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, db = photos / "bad.jpg", str(tmp_path / "db")
    bad.write_text("text")
    index(photos)
    _, out, err = index(photos, "--json")
    assert (json.loads(out)["skipped"][0]["path"], err) == (str(bad), "")  # listed, not tried
    _, _, err = index(photos, "--retry")
    assert err == "committed 0\n"
    assert main(["errors", "--db", db, "--retry"]) == 0
    shown = capsys.readouterr()
    assert "is not a picture" in shown.out
    assert "the next index tries them again" in shown.err
    _, _, err = index(photos)
    assert err == "committed 0\n"
    _, _, err = index(photos)
    assert err == ""
    assert main(["errors", "--db", db]) == 0
    assert "is not a picture" in capsys.readouterr().out


def test_a_first_word_after_watch_is_a_folder(index: Index, tmp_path: Path) -> None:
    code, _, err = index("--watch", tmp_path / "no")
    assert code == 2
    assert "no such folder" in err
    code, _, err = index(tmp_path, "--watch=often")
    assert code == 2
    assert "expected --watch, or --watch=poll:SECONDS" in err
