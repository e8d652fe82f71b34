"""Reads topics: query ids with their texts, from a table, JSON lines or standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lexsearch.errors import UsageError
from lexsearch.evaluation.tables import read_lines

STDIN = "-"
IDS = ("qid", "query_id", "id", "_id")
TEXTS = ("text", "query", "title")
FORM = "qid<TAB>text, or one JSON object a line with qid and text"


def read_topics(path: str | Path) -> dict[str, str]:
    """Query id -> text, in order; a text is taken literally.

    A line that starts with `{` is a JSON object with one of IDS and one of TEXTS, as MS MARCO,
    BEIR and ir_datasets write them; any other is an id, a tab and the text (further fields are
    left aside).

    Args:
        path: of the file; `-` is standard input.

    Raises:
        UsageError: no such file, no topic in it, a line that is none, or an id that occurs twice
            or holds white space, which a TREC file could not carry.
    """
    if str(path) == STDIN:
        text = sys.stdin.buffer.read()
        try:
            lines = list(enumerate(text.decode("utf-8").split("\n"), start=1))
        except UnicodeDecodeError as error:
            raise UsageError(f"standard input is not UTF-8 text: {error}") from error
        name = "standard input"
    else:
        lines, name = read_lines(Path(path), what="topics"), str(path)
    topics: dict[str, str] = {}
    for number, line in lines:
        if not line.strip():
            continue
        qid, query = _topic(line.strip("\r\n"), f"{name}:{number}")
        if qid in topics:
            raise UsageError(f"{name}:{number}: the query id {qid!r} occurs twice")
        topics[qid] = query
    if not topics:
        raise UsageError(f"{name} holds no topics; expected lines: {FORM}")
    return topics


def _topic(line: str, place: str) -> tuple[str, str]:
    if line.lstrip().startswith("{"):
        record = _record(line, place)
        qid, text = _first(record, IDS), _first(record, TEXTS)
    else:
        fields = line.split("\t")
        qid, text = (fields[0].strip(), fields[1].strip()) if len(fields) > 1 else (None, None)
    if qid is None or text is None:
        raise UsageError(f"{place} is no topic; expected: {FORM}")
    if qid.split() != [qid]:
        raise UsageError(f"{place}: the query id {qid!r} is empty or has white space in it")
    if not text:
        raise UsageError(f"{place}: the topic {qid} has no text")
    return qid, text


def _record(line: str, place: str) -> Mapping[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{place} is not valid JSON: {error}") from error
    assert isinstance(record, dict)  # it starts with a brace
    return record


def _first(record: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    value = next((record[name] for name in names if name in record), None)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip()
