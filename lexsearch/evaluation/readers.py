"""Reads judged collections: caption tables, Karpathy splits, and objects like ir_datasets."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lexsearch.errors import UsageError
from lexsearch.evaluation.retrieval import Caption, read_captions
from lexsearch.evaluation.runs import Qrels
from lexsearch.types import docid

KARPATHY = ".json"
_IMAGE_FIELDS = ("path", "image_path", "file", "file_name", "filename", "image")


def read_collection(
    path: Path, folder: Path, *, split: str | None = None, limit: int | None = None
) -> list[Caption]:
    """Captions of a table (`file<TAB>sentence`) or, for a name that ends in .json, of a split.

    Args:
        path: of the table or the split.
        folder: where the pictures lie; see `read_karpathy`.
        split: of the JSON file; None = test.
        limit: at most so many captions.

    Raises:
        UsageError: it cannot be read, or a split was named for a table, which has none.
    """
    if path.suffix.lower() == KARPATHY:
        return read_karpathy(path, folder, split=split or "test", limit=limit)
    if split is not None:
        raise UsageError(f"--split is for a Karpathy split (.json); {path} is a table of captions")
    return read_captions(path, limit=limit)


def read_karpathy(
    path: Path, folder: Path, *, split: str = "test", limit: int | None = None
) -> list[Caption]:
    """Captions of one split, in the order of the file; `qid` is the sentence's `sentid`.

    Reads the layout of Karpathy's files for COCO (pictures under `filepath`, as val2014/),
    Flickr30k and Flickr8k. A picture is looked for as filepath/filename, then filename, then
    by its name anywhere below the folder. Pictures of other splits need not exist.

    Args:
        path: of the JSON file.
        folder: where the pictures lie.
        split: train, restval, val or test, as the file has it.
        limit: at most so many captions.

    Raises:
        UsageError: no such file, not of that layout, no such split, or a picture that is missing
            or that two files below the folder could be.
    """
    images = _images(path)
    chosen = [one for one in images if one.get("split") == split]
    if not chosen:
        known = sorted({str(one.get("split")) for one in images})
        raise UsageError(f"{path} has no split {split!r}; it has: {', '.join(known)}")
    finder = _Finder(folder)
    captions: list[Caption] = []
    for one in chosen:
        if limit is not None and len(captions) >= limit:
            break
        try:
            file = finder.find(one.get("filepath"), one["filename"])
            sentences = [(str(s["sentid"]), str(s["raw"])) for s in one["sentences"]]
        except (KeyError, TypeError) as error:
            raise UsageError(f"{path}: an image of split {split!r} lacks {error}") from error
        captions += [Caption(qid, file, " ".join(text.split())) for qid, text in sentences]
    captions = captions[:limit]
    if len({one.qid for one in captions}) < len(captions):
        raise UsageError(f"{path}: two sentences of split {split!r} have the same sentid")
    return captions


def _images(path: Path) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"no such file of captions: {path}") from error
    except ValueError as error:  # UnicodeDecodeError is one
        raise UsageError(f"{path} is not valid JSON: {error}") from error
    images = found.get("images") if isinstance(found, dict) else None
    if not isinstance(images, list) or not all(isinstance(one, dict) for one in images):
        raise UsageError(f'{path} is no Karpathy split; expected {{"images": [...]}}')
    return images


class _Finder:
    """Finds pictures below a folder by the names that a split gives them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._by_name: dict[str, list[str]] | None = None

    def find(self, filepath: object, filename: str) -> str:
        """Path of the picture, relative to the folder."""
        places = [filename] if not filepath else [f"{filepath}/{filename}", filename]
        for place in places:
            if (self.folder / place).is_file():
                return place
        if self._by_name is None:
            self._by_name = {}
            for path in sorted(self.folder.rglob("*")):
                relative = os.fspath(path.relative_to(self.folder))
                self._by_name.setdefault(path.name, []).append(relative)
        found = self._by_name.get(Path(filename).name, [])
        if len(found) == 1:
            return found[0]
        if not found:
            raise UsageError(f"the captions name {filename!r}, which is not below {self.folder}")
        raise UsageError(
            f"the captions name {filename!r}, which is {len(found)} files below {self.folder}: "
            f"{', '.join(found[:3])}"
        )


class Dataset(Protocol):
    """What an object of ir_datasets offers; records are tuples with named fields."""

    def docs_iter(self) -> Iterable[Any]:
        """The pictures."""
        ...

    def queries_iter(self) -> Iterable[Any]:
        """The topics."""
        ...

    def qrels_iter(self) -> Iterable[Any]:
        """The judgements."""
        ...


@dataclass(frozen=True, slots=True)
class Collection:
    """Topics and judgements over pictures.

    Attributes:
        topics: query id -> text.
        files: document id of the data set -> path of the picture as it gives it.
        judged: query id -> document id of the data set -> grade.
    """

    topics: dict[str, str]
    files: dict[str, str]
    judged: Qrels

    def qrels(self, image_ids: Mapping[str, int]) -> Qrels:
        """The judgements in the document ids of an index.

        image_ids: path as in `files` -> id of the indexed picture. A picture that is there twice
            under two names keeps its higher grade.
        """
        found: Qrels = {}
        for qid, grades in self.judged.items():
            mine = found.setdefault(qid, {})
            for name, grade in grades.items():
                key = docid(image_ids[self.files[name]])
                mine[key] = max(grade, mine.get(key, grade))
        return found


def read_dataset(dataset: Dataset) -> Collection:
    """Topics, pictures and judgements of an object like those of ir_datasets.

    Documents have `doc_id` and the path of a picture as `path`, `image_path`, `file`,
    `file_name`, `filename` or `image`; queries `query_id` and `text` (or `default_text()`);
    judgements `query_id`, `doc_id` and `relevance`.

    Raises:
        UsageError: a field is missing, an id occurs twice, or a judgement names a query or
            document that there is not.
    """
    files = dict(_pairs(dataset.docs_iter(), "doc_id", _image, "document"))
    topics = dict(_pairs(dataset.queries_iter(), "query_id", _text, "query"))
    judged: Qrels = {}
    for one in dataset.qrels_iter():
        qid, name = str(_field(one, "query_id")), str(_field(one, "doc_id"))
        if qid not in topics:
            raise UsageError(f"a judgement names the query {qid!r}, which the data set lacks")
        if name not in files:
            raise UsageError(f"a judgement names the document {name!r}, which the data set lacks")
        judged.setdefault(qid, {})[name] = int(_field(one, "relevance"))
    return Collection(topics, files, judged)


def _pairs(records: Iterable[Any], key: str, value: Any, what: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for one in records:
        name = str(_field(one, key))
        if name in seen:
            raise UsageError(f"the {what} id {name!r} occurs twice")
        seen.add(name)
        yield name, value(one)


def _field(record: Any, name: str) -> Any:
    value = getattr(record, name, None)
    if value is None:
        raise UsageError(f"{record!r:.120} has no {name}")
    return value


def _image(record: Any) -> str:
    for name in _IMAGE_FIELDS:
        value = getattr(record, name, None)
        if isinstance(value, str | os.PathLike):
            return os.fspath(value)
    raise UsageError(
        f"{record!r:.120} names no picture; expected one of {', '.join(_IMAGE_FIELDS)}"
    )


def _text(record: Any) -> str:
    text = getattr(record, "text", None)
    if text is None and hasattr(record, "default_text"):
        text = record.default_text()
    if not isinstance(text, str):
        raise UsageError(f"{record!r:.120} has no text")
    return text
