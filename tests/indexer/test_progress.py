"""Progress is a line per commit for programs and a bar for people."""

from __future__ import annotations

import io

from indexer.progress import Progress, shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_program_reads_one_line_per_commit() -> None:
    stream = io.StringIO()
    with shown(stream) as listen:
        listen(Progress(0, 4, 0, "Scanning"))
        listen(Progress(2, 4, 2, ""))
        listen(Progress(4, 4, 3, ""))
    assert stream.getvalue() == "committed 2\ncommitted 3\n"


def test_a_terminal_gets_a_bar_and_no_such_lines() -> None:
    stream = Terminal()
    with shown(stream) as listen:
        listen(Progress(0, 4, 0, "Scanning  4 pictures"))
        listen(Progress(4, 4, 4, ""))
    assert "Scanning  4 pictures" in stream.getvalue()
    assert "committed" not in stream.getvalue()


def test_a_run_with_nothing_to_encode_shows_no_endless_bar() -> None:
    with shown(Terminal()) as listen:
        listen(Progress(0, 0, 0, "Scanning  4 pictures"))
