"""Every code block of the documentation runs, and prints what the page says it prints.

A page is a story: its blocks run in order, in one shell and one Python, in a home of their own
where `photos/` holds the sample pictures. A block in `text` after another one is its output, with
`...` for what differs from run to run. A block with a title is a file. A block that cannot run
here says why, in a comment before it: `<!-- not run: REASON -->`; the test counts these aloud.
"""

from __future__ import annotations

import contextlib
import doctest
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "adr" not in page.relative_to(DOCS).parts)
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)?(?P<rest>[^\n]*)\n(?P<body>.*?)^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)
NOT_RUN = re.compile(r"<!-- not run: (?P<reason>[^>]+?) -->\s*\Z")
TITLE = re.compile(r'title="(?P<name>[^"]+)"')
RUN = ("bash", "python")
SHOWN = ("toml", "ini", "json", "yaml", "nginx")  # files of other programs, and answers
MARK = "=-=-= end of block"
PYTHON = """
import json, sys, traceback
names = {"__name__": "__main__"}
for line in sys.stdin:
    try:
        exec(compile(json.loads(line), "<page>", "exec"), names)
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        print("\\n" + MARK, 1, flush=True)
    else:
        print("\\n" + MARK, 0, flush=True)
"""


@dataclass(frozen=True)
class Block:
    line: int
    language: str
    body: str
    title: str | None
    reason: str | None
    output: str | None = None


def blocks(text: str) -> list[Block]:
    """The blocks of a page, each with the output that follows it."""
    found: list[Block] = []
    end = 0
    for match in FENCE.finditer(text):
        indent, between = match["indent"], text[end : match.start()]
        body = "".join(line.removeprefix(indent) for line in match["body"].splitlines(True))
        language = match["language"] or ""
        if language == "text" and found and not between.strip():
            last = found.pop()
            found.append(Block(last.line, last.language, last.body, last.title, last.reason, body))
        else:
            reason = NOT_RUN.search(between)
            title = TITLE.search(match["rest"])
            found.append(
                Block(
                    text.count("\n", 0, match.start()) + 1,
                    language,
                    body,
                    title["name"] if title else None,
                    reason["reason"] if reason else None,
                )
            )
        end = match.end()
    return found


class Session:
    """One process that runs block after block."""

    def __init__(self, language: str, place: Path, environment: dict[str, str]) -> None:
        self.language = language
        command = (
            ["bash", "--norc", "-s"]
            if language == "bash"
            else [sys.executable, "-c", PYTHON.replace("MARK", repr(MARK))]
        )
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=place, env=environment, text=True, encoding="utf-8", start_new_session=True,
        )  # fmt: skip

    def run(self, body: str) -> tuple[str, int]:
        """What a block printed, and its exit code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if self.language == "bash":
            sent = f"set -e -o pipefail; {{ {body}\n}} </dev/null 2> ~/stderr; "
            sent += f"printf '\\n%s 0\\n' '{MARK}'\n"
        else:
            sent = json.dumps(body) + "\n"
        self.process.stdin.write(sent)
        self.process.stdin.flush()
        lines: list[str] = []
        for line in self.process.stdout:
            if line.startswith(MARK):
                return "".join(lines).removesuffix("\n"), int(line.split()[-1])
            lines.append(line)
        return "".join(lines), self.process.wait()

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # with what it left in the background
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def environment(home: Path) -> dict[str, str]:
    """Of a user who has nothing but lexsearch."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LEXSEARCH_", "XDG_", "PYTEST_"))
    }
    (home / "bin").mkdir()
    command = home / "bin" / "lexsearch"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lexsearch.cli "$@"\n')
    command.chmod(0o755)
    path = os.pathsep.join([str(home / "bin"), str(Path(sys.executable).parent), kept["PATH"]])
    return {
        **kept, "HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "100",
        "NO_COLOR": "1", "PYTHONWARNINGS": "error",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    story = blocks(page.read_text(encoding="utf-8"))
    unknown = {b.language for b in story} - {*RUN, *SHOWN, "text", "mermaid"}
    assert not unknown, f"{page.name} has blocks that nobody runs: {unknown}"
    left_out = [b for b in story if b.language in RUN and b.reason]
    for block in left_out:
        warnings.warn(f"{page.name}:{block.line} not run: {block.reason}", NotRun, stacklevel=1)
    own = environment(tmp_path)
    place = tmp_path / "work"
    place.mkdir()
    shutil.copytree(ROOT / "sample_corpus" / "images", place / "photos")
    shutil.copy(ROOT / "sample_corpus" / "captions.tsv", place)
    sessions: dict[str, Session] = {}
    try:
        for block in story:
            if block.title and block.reason is None:
                (place / block.title).parent.mkdir(parents=True, exist_ok=True)
                (place / block.title).write_text(block.body, encoding="utf-8")
            elif block.language in RUN and block.reason is None:
                run(sessions, block, page, place, own)
    finally:
        for session in sessions.values():
            session.close()


class NotRun(UserWarning):
    """A block that cannot run here."""


pytestmark = pytest.mark.filterwarnings("default::UserWarning")


def run(
    sessions: dict[str, Session], block: Block, page: Path, place: Path, own: dict[str, str]
) -> None:
    if block.language not in sessions:
        sessions[block.language] = Session(block.language, place, own)
    printed, code = sessions[block.language].run(block.body)
    where = f"{page.relative_to(ROOT)}:{block.line}"
    errors = Path(own["HOME"]) / "stderr"
    said = errors.read_text(encoding="utf-8", errors="replace") if errors.exists() else ""
    assert code == 0, f"{where} failed ({code}):\n{block.body}\n{printed}\n{said}"
    if block.output is not None:
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        same = doctest.OutputChecker().check_output(block.output, printed, flags)
        assert same, f"{where} says it prints\n{block.output}\nbut it printed\n{printed}"


def test_blocks_are_found_with_their_outputs_titles_and_reasons() -> None:
    text = (
        "```bash\necho a\n```\n\n```text\na\n```\n\n<!-- not run: no network -->\n```bash\nwget\n"
        '```\n\n    ```python title="x/y.py"\n    1\n    ```\n'
    )
    found = [(b.language, b.body, b.title, b.reason, b.output) for b in blocks(text)]
    assert found == [
        ("bash", "echo a\n", None, None, "a\n"),
        ("bash", "wget\n", None, "no network", None),
        ("python", "1\n", "x/y.py", None, None),
    ]


@pytest.mark.parametrize(
    ("language", "body", "said"),
    [
        ("bash", "echo a; false; echo b", "failed"),
        ("bash", "false | true", "failed"),
        ("python", "1 / 0", "ZeroDivisionError"),
        ("bash", "echo b", "but it printed"),
    ],
)
def test_a_block_that_fails_or_prints_something_else_is_seen(
    tmp_path: Path, language: str, body: str, said: str
) -> None:
    sessions: dict[str, Session] = {}
    block = Block(1, language, body, None, None, "a\n")
    try:
        with pytest.raises(AssertionError, match=said):
            run(sessions, block, DOCS / "x.md", tmp_path, environment(tmp_path))
    finally:
        for session in sessions.values():
            session.close()


def test_there_are_pages() -> None:
    names = {page.relative_to(DOCS).as_posix() for page in PAGES}
    assert {"index.md", "tutorial.md", "how-to/own-server.md", "how-to/own-encoder.md"} <= names
