"""The words of an index as a collection of Anserini, and queries as its topics.

    FOLDER/collection/docs.jsonl   {"id": docid, "contents": "", "vector": {term: impact}}
    FOLDER/topics.jsonl            {"qid": ..., "contents": text, "vector": {term: weight}}
    FOLDER/export.json             what was written, with the scales

The first is a JsonVectorCollection; the second is what Pyserini's LuceneImpactSearcher takes as
its encoder. Numbers are whole, see `lexsearch.stores.impacts`. A term is the word itself.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lexsearch.errors import StorageError, UsageError
from lexsearch.query import Query
from lexsearch.query_encoder import encode_many
from lexsearch.reuse import EncodedParts
from lexsearch.stores.impacts import EXACT_BELOW, SCALE, impacts
from lexsearch.types import IntArray, SparseVectors, docid

if TYPE_CHECKING:
    from lexsearch.engine import Engine

COLLECTION, DOCUMENTS = "collection", "docs.jsonl"
TOPICS, MANIFEST = "topics.jsonl", "export.json"
LONGEST_TERM = 255  # letters; Lucene's tokenizer cuts longer ones
IMAGES_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Attributes:
        model, fingerprint: the model set, and the encoder of the words.
        generation: commit of the index.
        images: documents, those without any word included.
        wordless: documents without any word; Anserini leaves them out.
        postings: words of all documents.
        topics: queries.
        scale, query_scale: whole numbers per unit of weight.
        notes: sentences for the user.
    """

    model: str
    fingerprint: str
    generation: int
    images: int
    wordless: int
    postings: int
    topics: int
    scale: float
    query_scale: float
    notes: tuple[str, ...] = ()


def read_topic_texts(path: Path) -> dict[str, str]:
    """Lines `qid<TAB>text` as qid -> text, in the order of the file.

    Raises:
        UsageError: no such file, no UTF-8, or a line of another form; the message numbers it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {error}") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        qid, text = (part.strip() for part in line.partition("\t")[::2])
        if not text or qid.split() != [qid]:
            raise UsageError(f"{path}:{number} is {line[:60]!r}; expected: qid TAB text")
        if qid in found:
            raise UsageError(f"{path}:{number}: the qid {qid!r} occurs twice")
        found[qid] = text
    return found


def terms(words: Sequence[str]) -> list[str]:
    """The term of every word: the word, or `w<id>` where Lucene would cut it or find it empty.

    >>> terms(["dog", "hot dog", "##ish"])
    ['dog', 'w1', '##ish']
    """
    named = [
        word if word.split() == [word] and len(word) <= LONGEST_TERM else f"w{i}"
        for i, word in enumerate(words)
    ]
    return named if len(set(named)) == len(named) else [f"w{i}" for i in range(len(words))]


def export(
    engine: Engine,
    folder: Path,
    topics: Mapping[str, str] | None = None,
    *,
    scale: float = SCALE,
    query_scale: float = SCALE,
) -> Exported:
    """Write the words of an index, and queries, into a new folder that appears when complete.

    Args:
        engine: over the index; its model encodes the queries.
        folder: must not exist, or be empty.
        topics: qid -> text, taken literally.
        scale: impacts per unit of an image's weight, > 0.
        query_scale: the same for weights of queries.

    Raises:
        UsageError: the folder is in use, a scale is not usable, or the index has no words.
        StorageError: the disk refused.
    """
    identity = engine.snapshot.identity
    if "lexical" not in identity.fingerprints:
        raise UsageError(f"the model {identity.name!r} of this index has no words to export")
    for name, value in (("--scale", scale), ("--query-scale", query_scale)):
        if not 0 < value < 2**15:
            raise UsageError(f"{name} is {value}; expected more than 0 and less than {2**15}")
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise UsageError(f"{folder} exists and is not an empty folder; name a new one")
    temporary = folder.with_name(folder.name + ".tmp")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        (temporary / COLLECTION).mkdir(parents=True)
        made = _written(engine, temporary, dict(topics or {}), scale, query_scale)
        (temporary / MANIFEST).write_text(json.dumps({"schema": 1, **asdict(made)}) + "\n")
        temporary.replace(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise StorageError(f"{folder} cannot be written: {error.strerror or error}") from error
    return made


def _written(
    engine: Engine, folder: Path, topics: dict[str, str], scale: float, query_scale: float
) -> Exported:
    snapshot, named = engine.snapshot, terms(engine.model.vocabulary.words)
    ids = snapshot.image_ids()
    wordless = postings = 0
    most = np.zeros(len(named), dtype=np.int64)  # the heaviest impact of every word
    with (folder / COLLECTION / DOCUMENTS).open("w", encoding="utf-8", newline="\n") as file:
        for image_id, words, numbers in _documents(engine, ids, scale):
            wordless += not len(words)
            postings += len(words)
            most[words] = np.maximum(most[words], numbers)
            file.write(_line("id", docid(image_id), "", named, words, numbers))
    reach = 0
    texts = list(topics.values())
    queries = encode_many([Query.text(t) for t in texts], engine.model, EncodedParts())
    if topics:
        with (folder / TOPICS).open("w", encoding="utf-8", newline="\n") as file:
            for (qid, text), query in zip(topics.items(), queries, strict=True):
                ids32, weights = (query.lexical or SparseVectors.from_rows([_NONE], 0)).row(0)
                words = ids32.astype(np.int64)
                numbers = impacts(weights, query_scale)
                reach = max(reach, int((most[words] * numbers).sum()))
                file.write(_line("qid", qid, text, named, words, numbers))
    identity = snapshot.identity
    return Exported(
        identity.name, identity.fingerprints["lexical"], snapshot.generation,
        len(ids), wordless, postings, len(topics), scale, query_scale, _notes(wordless, reach),
    )  # fmt: skip


_NONE = (np.zeros(0, np.int32), np.zeros(0, np.float32))


def _notes(wordless: int, reach: int) -> tuple[str, ...]:
    notes = []
    if wordless:
        notes.append(f"{wordless:,} pictures have no word; Anserini leaves them out")
    if reach >= EXACT_BELOW:
        notes.append(
            f"scores may reach {reach:,}; Lucene tells whole numbers apart below {EXACT_BELOW:,}: "
            "take a smaller --scale or --query-scale"
        )
    return tuple(notes)


def _documents(
    engine: Engine, ids: IntArray, scale: float
) -> Iterator[tuple[int, IntArray, IntArray]]:
    """Id, words and impacts of every image."""
    for start in range(0, len(ids), IMAGES_AT_ONCE):
        part = ids[start : start + IMAGES_AT_ONCE]
        vectors = engine.lexical.vectors(part)
        for i, image_id in enumerate(part.tolist()):
            words, weights = vectors.row(i)
            yield image_id, words.astype(np.int64), impacts(weights, scale)


def _line(
    key: str, name: str, text: str, named: Sequence[str], words: Any, numbers: IntArray
) -> str:
    pairs = zip(words.tolist(), numbers.tolist(), strict=True)
    vector = {named[word]: number for word, number in pairs}
    return json.dumps({key: name, "contents": text, "vector": vector}, ensure_ascii=False) + "\n"


def read_vectors(path: Path, key: str, words: Sequence[str]) -> tuple[list[str], SparseVectors]:
    """Names and vectors of a file that `export` wrote; weights are its whole numbers.

    Args:
        path: docs.jsonl with the key `id`, or topics.jsonl with the key `qid`.
        key: what holds the name of a line.
        words: of the vocabulary.

    Raises:
        UsageError: a line is not of the form, or has a term of another vocabulary.
    """
    ids = {term: i for i, term in enumerate(terms(words))}
    names, rows = [], []
    for number, line in enumerate(_lines(path), start=1):
        try:
            record = json.loads(line)
            vector = record["vector"]
            found = np.array([ids[term] for term in vector], np.int32)
            rows.append((found, np.array(list(vector.values()), np.float32)))
            names.append(str(record[key]))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path}:{number} is not of this vocabulary: {error}") from error
    return names, SparseVectors.from_rows(rows, len(words))


def _lines(path: Path) -> Iterable[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")[:-1]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
