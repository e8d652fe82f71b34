"""Runs and relevance judgements in memory and in the files of TREC.

A run is query id -> document id -> score; judgements are query id -> document id -> grade.
Both are what ir_measures and ranx take as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from lexsearch.errors import UsageError

Run: TypeAlias = dict[str, dict[str, float]]
Qrels: TypeAlias = dict[str, dict[str, int]]
TAG = "lexsearch"


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Document ids by descending score, ties by ascending id.

    >>> ranked({"b": 1.0, "a": 1.0, "c": 2.0})
    ['c', 'a', 'b']
    """
    return sorted(scores, key=lambda name: (-scores[name], name))


def write_run(path: Path, run: Mapping[str, Mapping[str, float]], *, tag: str = TAG) -> None:
    """Write lines `qid Q0 docid rank score tag`, best first within each query."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for qid, scores in run.items():
            for rank, name in enumerate(ranked(scores), start=1):
                file.write(f"{qid} Q0 {name} {rank} {scores[name]:.6f} {tag}\n")


def write_qrels(path: Path, qrels: Mapping[str, Mapping[str, int]]) -> None:
    """Write lines `qid 0 docid grade`."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for qid, grades in qrels.items():
            for name, grade in grades.items():
                file.write(f"{qid} 0 {name} {grade}\n")


def read_run(path: Path) -> Run:
    """Read a run file.

    Raises:
        UsageError: no such file, or a line is not of the form; the message has its number.
    """
    run: Run = {}
    for number, fields in _lines(path, 6, "qid Q0 docid rank score tag"):
        try:
            run.setdefault(fields[0], {})[fields[2]] = float(fields[4])
        except ValueError as error:
            raise UsageError(f"{path}:{number}: {fields[4]!r} is no score") from error
    return run


def read_qrels(path: Path) -> Qrels:
    """Read a file of judgements; errors as in `read_run`."""
    qrels: Qrels = {}
    for number, fields in _lines(path, 4, "qid 0 docid grade"):
        try:
            qrels.setdefault(fields[0], {})[fields[2]] = int(fields[3])
        except ValueError as error:
            raise UsageError(f"{path}:{number}: {fields[3]!r} is no grade") from error
    return qrels


def _lines(path: Path, count: int, form: str) -> Iterator[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(f"no such file: {path}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != count:
            raise UsageError(f"{path}:{number} has {len(fields)} fields; expected {count}: {form}")
        yield number, fields
