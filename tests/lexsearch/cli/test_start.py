"""Start-up, help, completion and the fall back to search."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from lexsearch.cli.group import load
from lexsearch.cli.run import main
from lexsearch.cli.table import COMMANDS, SECTIONS, Entry
from lexsearch.errors import UsageError

HEAVY = {"numpy", "sqlalchemy", "rich", "PIL", "torch", "onnxruntime", "scipy", "tokenizers"}


def lexsearch(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lexsearch.cli", *args],
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        check=False,
    )


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import json, sys\nfrom lexsearch.cli.run import main\n"
        f"code = main({arguments!r})\nprint()\nprint(json.dumps([code, sorted(sys.modules)]))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    code, modules = json.loads(run.stdout.splitlines()[-1])
    assert code == 0
    assert not {name.partition(".")[0] for name in modules} & HEAVY


def test_nothing_is_loaded_before_an_interrupt_can_be_answered() -> None:
    script = (
        "import sys\nbefore = set(sys.modules)\nimport lexsearch.cli\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    words = [sys.executable, "-S", "-c", script]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    run = subprocess.run(words, capture_output=True, text=True, check=True, env=env)
    assert run.stdout.split() == ["__future__", "lexsearch", "lexsearch.cli"]


def test_help_shows_every_command_with_its_line() -> None:
    help_text = lexsearch("--help").stdout
    for name, entry in COMMANDS.items():
        assert f"{name} " in help_text
        assert entry.help in help_text
    assert all(f"{section}:" in help_text for section in SECTIONS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_entry_of_the_table_can_be_loaded_and_has_help_with_an_example(name: str) -> None:
    command = load(COMMANDS[name])
    assert isinstance(command, click.Command)
    assert command.help
    assert "lexsearch" in command.help or isinstance(command, click.Group)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_prints_its_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: lexsearch {name}")


def test_a_package_of_a_stranger_is_refused() -> None:
    with pytest.raises(UsageError, match="does not belong to lexsearch"):
        load(Entry("json:tool", "x", "x", owner="lexsearch"))


@pytest.mark.parametrize(
    "arguments", [["dog on sand", "-t", "0"], ["-t", "0", "dog"], ["--debug", "dog", "-t0"]]
)
def test_what_is_no_command_is_a_search(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "(see: lexsearch search --help)" in capsys.readouterr().err


def test_a_mistyped_command_searches_and_says_so(tmp_path: object) -> None:
    run = lexsearch("serach", "--db", f"{tmp_path}/none")
    assert run.returncode == 4
    assert "the command is called 'search'" in run.stderr


def complete(words: str, count: int) -> list[str]:
    run = lexsearch(
        env={
            "_LEXSEARCH_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(count),
        }
    )
    return [line.partition(",")[2] for line in run.stdout.splitlines()]


def test_the_shell_completes_commands_and_options() -> None:
    assert complete("lexsearch se", 1) == ["search", "serve"]
    assert complete("lexsearch search --mo", 2) == ["--mode"]
    assert complete("lexsearch search --mode le", 3) == ["lexical"]


def test_the_shell_gets_a_completion_script() -> None:
    run = lexsearch(env={"_LEXSEARCH_COMPLETE": "zsh_source"})
    assert "compdef" in run.stdout
