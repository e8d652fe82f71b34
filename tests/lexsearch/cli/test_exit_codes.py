"""Every way to fail has its exit code and one line on stderr."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from lexsearch import errors
from lexsearch.cli import run
from lexsearch.cli.run import main


def failing(error: BaseException) -> Callable[..., None]:
    @click.command("fail")
    def command() -> None:
        raise error

    return command


@pytest.fixture
def outcome(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    def invoke(error: BaseException, *args: str) -> tuple[int, str]:
        monkeypatch.setattr(run, "cli", failing(error))
        code = main(list(args))
        return code, capsys.readouterr().err

    return invoke


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NoResult("x"), 1),
        (errors.UsageError("x"), 2),
        (errors.IndexLocked("x"), 3),
        (errors.IndexMissing("x"), 4),
        (errors.IndexDamaged("x"), 4),
        (errors.WrongModel("x"), 4),
        (errors.IndexTooOld("x"), 4),
        (errors.StorageError("x"), 5),
        (errors.ModelMissing("x"), 6),
        (errors.IndexTooNew("x"), 7),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_of_ours_has_its_code_and_one_line(
    error: errors.LexsearchError, code: int, outcome: Callable[..., tuple[int, str]]
) -> None:
    assert outcome(error) == (code, "lexsearch: x\n")


def test_a_full_disk_is_an_error_of_storage(outcome: Callable[..., tuple[int, str]]) -> None:
    code, text = outcome(OSError(28, "No space left on device"))
    assert code == 5
    assert "No space left" in text


def test_an_interrupt_is_130_and_quiet(outcome: Callable[..., tuple[int, str]]) -> None:
    code, text = outcome(KeyboardInterrupt())
    assert (code, text.strip()) == (130, "")


def test_a_defect_asks_for_debug_and_shows_no_traceback(
    outcome: Callable[..., tuple[int, str]],
) -> None:
    code, text = outcome(ZeroDivisionError("oh"))
    assert code == 70
    assert "ZeroDivisionError: oh" in text
    assert "--debug" in text
    assert "Traceback" not in text


def test_debug_lets_the_error_through(outcome: Callable[..., tuple[int, str]]) -> None:
    with pytest.raises(ZeroDivisionError):
        outcome(ZeroDivisionError("oh"), "--debug")


def test_a_message_of_many_lines_with_escapes_becomes_one_safe_line(
    outcome: Callable[..., tuple[int, str]],
) -> None:
    _, text = outcome(errors.UsageError("no\x1b[2J\nsuch file"))
    assert text == "lexsearch: no\\x1b[2J such file\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "dog", "-t", "0"],
        ["search", "dog", "--mode", "psychic"],
        ["search", "dog", "--cutoff", "sometimes"],
        ["search", "dog", "--rerank", "x"],
        ["search", "dog", "--weight", "dog"],
        ["search", "dog", "--filter", "colour:red"],
        ["search", "dog", "--filter", "near:home"],
        ["search", "dog", "-i", "/no/such.jpg"],
        ["search", ""],
        ["search"],
        ["search", "dog", "--nonsense"],
        ["like", "/no/such.jpg"],
        ["words"],
        ["words", "x.jpg", "--query", "dog"],
        ["explain", "dog", "x.jpg", "--word", "dog"],
        ["eval", "retrieval", "--images", "/no/such", "--captions", "x"],
    ],
    ids=" ".join,
)
def test_a_wrong_use_is_2_with_a_sentence(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = [] if arguments[0] == "eval" else ["--db", f"{tmp_path}/none"]
    assert main([*arguments, *db]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("lexsearch: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["search", "dog"], ["status"], ["errors"], ["dups"], ["check"]], ids=" ".join
)
def test_an_index_that_is_not_there_is_4(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--db", f"{tmp_path}/none"]) == 4
    assert "lexsearch index" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error() -> None:
    script = "import sys; from lexsearch.cli import main; sys.exit(main(['--help']))"
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run(
        [sys.executable, "-c", script], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (run.returncode, run.stderr) == (0, b"")
