"""Runs and relevance judgements in memory and in the files of TREC.

A run is query id -> document id -> score; judgements are query id -> document id -> grade.
Both are what ir_measures and ranx take as they are.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeAlias

import numpy as np

from lexsearch.errors import StorageError, UsageError

Run: TypeAlias = dict[str, dict[str, float]]
Qrels: TypeAlias = dict[str, dict[str, int]]
TAG = "lexsearch"
STDOUT = "-"  # in place of the path of a file to write


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Document ids by descending score, ties by ascending id.

    >>> ranked({"b": 1.0, "a": 1.0, "c": 2.0})
    ['c', 'a', 'b']
    """
    return sorted(scores, key=lambda name: (-scores[name], name))


def strictly_falling(scores: Sequence[float]) -> list[float]:
    """Scores in six decimals, each less than the one before it, also as float32.

    trec_eval reads scores as float32, ignores the rank, and puts equal scores in descending
    order of document id. Where two scores would be equal to it, the later one is lowered, as
    little as six decimals and float32 allow, so that every tool sees our order.

    Args:
        scores: descending and finite.

    >>> strictly_falling([1.0, 1.0, 0.5])
    [1.0, 0.999999, 0.5]
    """
    falling: list[float] = []
    for score in scores:
        value = round(float(score), 6)
        if falling and np.float32(value) >= np.float32(falling[-1]):
            below = float(np.nextafter(np.float32(falling[-1]), np.float32(-np.inf)))
            value = min(math.floor(below * 1e6), round(falling[-1] * 1e6) - 1) / 1e6
        falling.append(value)
    return falling


def strict(scores: Mapping[str, float]) -> dict[str, float]:
    """One query's documents, best first (see `ranked`), with strictly falling scores."""
    order = ranked(scores)
    return dict(zip(order, strictly_falling([scores[name] for name in order]), strict=True))


def write_run(path: Path, run: Mapping[str, Mapping[str, float]], *, tag: str = TAG) -> None:
    """Write lines `qid Q0 docid rank score tag`, best first; see `strictly_falling`.

    Raises:
        UsageError: a query id, document id or tag that is empty or holds white space.
        StorageError: the file cannot be written.
    """
    _check_field(tag, "tag")
    with _writing(path) as file:
        for qid, scores in run.items():
            _check_field(qid, "query id")
            for rank, (name, score) in enumerate(strict(scores).items(), start=1):
                _check_field(name, "document id")
                file.write(f"{qid} Q0 {name} {rank} {score:.6f} {tag}\n")


def write_qrels(path: Path, qrels: Mapping[str, Mapping[str, int]]) -> None:
    """Write lines `qid 0 docid grade`; errors as in `write_run`."""
    with _writing(path) as file:
        for qid, grades in qrels.items():
            _check_field(qid, "query id")
            for name, grade in grades.items():
                _check_field(name, "document id")
                file.write(f"{qid} 0 {name} {grade}\n")


def read_run(path: Path) -> Run:
    """Read a run file.

    Raises:
        UsageError: no such file, or a line is not of the form; the message has its number.
    """
    run: Run = {}
    for number, fields in _lines(path, 6, "qid Q0 docid rank score tag"):
        scores = run.setdefault(fields[0], {})
        if fields[2] in scores:
            raise UsageError(f"{path}:{number}: query {fields[0]} names {fields[2]} twice")
        try:
            scores[fields[2]] = float(fields[4])
        except ValueError as error:
            raise UsageError(f"{path}:{number}: {fields[4]!r} is no score") from error
        if not math.isfinite(scores[fields[2]]):
            raise UsageError(f"{path}:{number}: {fields[4]!r} is no finite score")
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


def _check_field(text: str, what: str) -> None:
    if text.split() != [text]:
        raise UsageError(f"the {what} {text!r} cannot stand in a TREC file: it has white space")


@contextmanager
def _writing(path: Path) -> Iterator[TextIO]:
    if str(path) == STDOUT:
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error


def _lines(path: Path, count: int, form: str) -> Iterator[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"no such file: {path}") from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder; expected a file of lines {form}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != count:
            raise UsageError(f"{path}:{number} has {len(fields)} fields; expected {count}: {form}")
        yield number, fields
