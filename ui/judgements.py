"""Judgements made by thumbs: which pictures are relevant to which search, kept beside the dbs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lexsearch.errors import StorageError
from lexsearch.evaluation.runs import Qrels
from lexsearch.settings import Settings
from ui import kept

SCHEMA = 1
LEFT_OUT = ("n", "cutoff", "mode", "stack")  # do not change what a search is about


@dataclass(frozen=True, slots=True)
class Topic:
    """One judged search.

    Attributes:
        qid: its number, from 1 on.
        params: its address without mode, stacking, number of pictures and cut-off.
        grades: picture id -> 1 relevant, 0 not.
    """

    qid: str
    params: Mapping[str, str]
    grades: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgements:
    """All judged searches of one db."""

    topics: tuple[Topic, ...] = ()

    def grades_of(self, params: Mapping[str, str]) -> dict[str, int]:
        """Picture id -> grade for one search; empty when it was not judged."""
        wanted = subject(params)
        return next((dict(t.grades) for t in self.topics if dict(t.params) == wanted), {})

    def qrels(self) -> Qrels:
        """The judgements of topics with at least one relevant picture."""
        return {t.qid: dict(t.grades) for t in self.topics if any(t.grades.values())}


def subject(params: Mapping[str, str]) -> dict[str, str]:
    """The part of an address that says what is looked for."""
    return {name: value for name, value in params.items() if name not in LEFT_OUT}


def file_of(settings: Settings, directory: Path) -> Path:
    """Where the judgements of a db are kept."""
    return kept.file_of(settings.data_dir / "judgements", directory)


def load(settings: Settings, directory: Path) -> Judgements:
    """The judgements of a db; none when there are none.

    Raises:
        StorageError: the file is not what was written.
    """
    path = file_of(settings, directory)
    if not path.is_file():
        return Judgements()
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Judgements(
            tuple(
                Topic(str(t["qid"]), dict(t["params"]), {k: int(v) for k, v in t["grades"].items()})
                for t in record["topics"]
            )
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise StorageError(f"{path} holds no judgements: {error}; move it away") from error


def judge(
    settings: Settings, directory: Path, params: Mapping[str, str], id: str, grade: int
) -> None:
    """Give a picture a grade for a search; the same grade again takes it back."""
    wanted = subject(params)
    topics = list(load(settings, directory).topics)
    topic = next((t for t in topics if dict(t.params) == wanted), None)
    if topic is None:
        topic = Topic(str(1 + max((int(t.qid) for t in topics), default=0)), wanted)
        topics.append(topic)
    if topic.grades.get(id) == grade:
        del topic.grades[id]
    else:
        topic.grades[id] = grade
    _write(file_of(settings, directory), [t for t in topics if t.grades])


def clear(settings: Settings, directory: Path) -> None:
    """Forget all judgements of a db."""
    file_of(settings, directory).unlink(missing_ok=True)


def _write(path: Path, topics: list[Topic]) -> None:
    record = {
        "schema": SCHEMA,
        "topics": [
            {"qid": t.qid, "params": dict(t.params), "grades": dict(t.grades)} for t in topics
        ],
    }
    kept.replace_file(path, json.dumps(record, ensure_ascii=False, indent=1))
