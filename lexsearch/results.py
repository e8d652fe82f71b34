"""What a search returns: hits with their reasons, and lists of hits."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, overload

from lexsearch.errors import ModelMissing, UsageError
from lexsearch.explain.contribution import Contribution

if TYPE_CHECKING:
    import pandas

    from lexsearch.ranking.share import Share

SCHEMA = 1


def display_path(path: bytes) -> str:
    r"""The path as text; bytes that are not UTF-8 appear as \xNN."""
    return path.decode("utf-8", "backslashreplace")


def rounded(value: float | None) -> float | None:
    """A score as JSON values: six digits behind the point."""
    return None if value is None else round(float(value), 6)


@dataclass(frozen=True, slots=True)
class WordWeight:
    """A word with its weight in one vector."""

    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class WordCount:
    """A word with the number of images that carry it."""

    word: str
    images: int


_READABLE = ("rank", "id", "docid", "ids", "path", "score", "scores", "terms", "also", "meta")


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One picture that was found.

    Attributes:
        rank: 1 for the best.
        id: 16 hex digits, by the content of the picture.
        raw_path: the path as the system gave it; `id:NAME` of a picture added from memory.
        score: of the mode that was asked for; higher is better.
        scores: by channel (`lexical`, `dense`, `late`) and `fused`; None where not computed.
        terms: the words that speak for this hit, heaviest first.
        also: paths of the same picture elsewhere.
        meta: `taken`, `camera`, `gps`, `width`, `height`, and what a program said of a picture
            that it added.
        below_cutoff: under the automatic cut-off.
        ids: that programs gave the picture when they added it, sorted.
        shares: what adds up to the fused score; only where it was asked for.
    """

    rank: int
    id: str
    raw_path: bytes
    score: float
    scores: Mapping[str, float | None]
    terms: tuple[Contribution, ...] = ()
    also: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    below_cutoff: bool = False
    ids: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()

    @property
    def path(self) -> str:
        """The path for display (see `display_path`)."""
        return display_path(self.raw_path)

    @property
    def docid(self) -> str:
        """The id for retrieval tools: the first that a program gave it, else `id`."""
        return self.ids[0] if self.ids else self.id

    def __getitem__(self, name: str) -> Any:
        if name not in _READABLE:
            raise KeyError(name)
        return getattr(self, name)

    def to_dict(self) -> dict[str, Any]:
        """The hit as JSON values; `path_bytes` (base64) only if the path is not UTF-8."""
        record: dict[str, Any] = {
            "rank": self.rank,
            "path": self.path,
            "id": self.id,
            "score": rounded(self.score),
            "scores": {name: rounded(value) for name, value in self.scores.items()},
            "terms": [term_dict(term) for term in self.terms],
        }
        try:
            self.raw_path.decode("utf-8")
        except UnicodeDecodeError:
            record["path_bytes"] = base64.b64encode(self.raw_path).decode("ascii")
        if self.shares:
            record["shares"] = [share_dict(share) for share in self.shares]
        if self.also:
            record["also"] = list(self.also)
        if self.ids:
            record["ids"] = list(self.ids)
        for name, value in self.meta.items():
            if value is not None:
                record.setdefault(name, value)  # a program may have called its facts anything
        return record


def term_dict(term: Contribution) -> dict[str, Any]:
    """One word's share of a lexical score, as JSON values."""
    return {
        "word": term.word,
        "query": rounded(term.query),
        "image": rounded(term.image),
        "contribution": rounded(term.contribution),
    }


def share_dict(share: Share) -> dict[str, Any]:
    """One summand of a fused score, as JSON values; no rank is None."""
    found = {
        "channel": share.channel,
        "what": share.what,
        "value": rounded(share.value) if math.isfinite(share.value) else None,
        "share": rounded(share.share),
    }
    return found if share.weight is None else {**found, "weight": share.weight}


@dataclass(frozen=True, slots=True, eq=False)
class SearchResults(Sequence[SearchHit]):
    """Hits in order, with what the search has to say about itself.

    Attributes:
        hits: best first.
        query: the query as text.
        mode: `lexical`, `dense`, `late` or `hybrid`.
        seconds: wall seconds by stage, and `total`; see `lexsearch.stopwatch.Stopwatch`.
        notes: sentences for the user (words outside the vocabulary, a cut query, ...).
        cutoff: the score under which a hit does not count as relevant; -inf for none.
        excluded: pictures that `-word` conditions took away.
        fusion: name of the rule that joined the channels.
    """

    hits: tuple[SearchHit, ...]
    query: str
    mode: str
    seconds: Mapping[str, float]
    notes: tuple[str, ...] = ()
    cutoff: float = float("-inf")
    excluded: int = 0
    fusion: str = "model"

    @overload
    def __getitem__(self, index: int) -> SearchHit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[SearchHit, ...]: ...
    def __getitem__(self, index: int | slice) -> SearchHit | tuple[SearchHit, ...]:
        return self.hits[index]

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[SearchHit]:
        return iter(self.hits)

    def timed(self, seconds: Mapping[str, float]) -> SearchResults:
        """The same with these seconds."""
        return replace(self, seconds=seconds)

    @property
    def paths(self) -> list[str]:
        """Paths in order of rank."""
        return [hit.path for hit in self.hits]

    @property
    def hidden(self) -> int:
        """How many of the hits lie under the cut-off."""
        return sum(hit.below_cutoff for hit in self.hits)

    def to_dict(self) -> dict[str, Any]:
        """The list as JSON values, schema 1."""
        return {
            "schema": SCHEMA,
            "query": self.query,
            "mode": self.mode,
            "hits": [hit.to_dict() for hit in self.hits],
            "notes": list(self.notes),
            "seconds": {name: round(value, 6) for name, value in self.seconds.items()},
        }

    def to_trec(self, qid: str = "1", tag: str = "lexsearch") -> str:
        """Lines `qid Q0 docid rank score tag`, each ended by a newline.

        Raises:
            UsageError: the qid or the tag is empty or holds a blank.
        """
        for name, value in (("qid", qid), ("tag", tag)):
            if not value or value.split() != [value]:
                raise UsageError(
                    f"the {name} is {value!r}; a TREC line has no blanks inside a field"
                )
        return "".join(
            f"{qid} Q0 {hit.docid} {hit.rank} {hit.score:.6f} {tag}\n" for hit in self.hits
        )

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each hit: rank, id, docid, path, score, a column for each channel, metadata.

        A score that was not computed is NaN, metadata that a picture lacks None.

        Raises:
            ModelMissing: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ModelMissing(
                "a table of hits needs pandas; install it with: pip install 'lexsearch[pandas]'"
            ) from error
        first = ("rank", "id", "docid", "path", "score")
        names = list(dict.fromkeys(name for hit in self.hits for name in hit.meta))
        columns: dict[str, Any] = {name: [hit[name] for hit in self.hits] for name in first}
        for channel in ("lexical", "dense", "late", "fused"):
            values = [hit.scores.get(channel) for hit in self.hits]
            columns[channel] = pandas.Series(values, dtype="float64")
        columns |= {name: pandas.Series([h.meta.get(name) for h in self.hits]) for name in names}
        return pandas.DataFrame(columns)
