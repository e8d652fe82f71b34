"""The evaluation page: judgements in, measures by mode, two settings compared, TREC files out."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from lexsearch.cli.terminal import safe
from lexsearch.engine import MODES, Mode
from lexsearch.errors import UsageError
from lexsearch.evaluation.bootstrap import paired_difference
from lexsearch.evaluation.judged import MEASURES, per_topic, randomisation_test
from lexsearch.evaluation.runs import Qrels, Run, read_qrels, write_qrels, write_run
from lexsearch.query import Query
from ui import judgements
from ui.library import Library
from ui.request import Request
from ui.state import library, say
from ui.views.search import LABELS

DEPTH = 100  # pictures of a run, per topic
FAST = "hybrid, no fine match"
SETTINGS = (*MODES, FAST)


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Topics with their judgements.

    Attributes:
        queries: qid -> query.
        titles: qid -> text to show.
        qrels: qid -> picture id -> grade.
    """

    queries: Mapping[str, Query]
    titles: Mapping[str, str]
    qrels: Qrels


def draw() -> None:
    """The page."""
    books = library()
    st.header("Evaluate", anchor=False)
    source = st.segmented_control(
        "Judgements",
        ["By thumbs", "TREC files"],
        default="By thumbs",
        required=True,
        label_visibility="collapsed",
    )
    try:
        material = _by_thumbs(books) if source == "By thumbs" else _uploaded()
    except UsageError as error:
        say("These judgements cannot be used.", str(error), kind="warning")
        return
    if material is None:
        return
    with st.spinner("searching every topic in every mode"):
        runs = {name: run(books, material, name) for name in SETTINGS}
    _table(runs, material)
    _comparison(runs, material)
    _downloads(runs, material)


def _by_thumbs(books: Library) -> Material | None:
    held = judgements.load(books.settings, books.directory)
    qrels = held.qrels()
    if not qrels:
        st.info(
            "No search has a relevant picture yet. Turn on *Judge* on the search page and give "
            "thumbs to hits; they are collected here."
        )
        return None
    topics = [topic for topic in held.topics if topic.qid in qrels]
    rows = [
        {
            "topic": topic.qid,
            "search": _title(topic.params),
            "relevant": sum(grade > 0 for grade in topic.grades.values()),
            "judged": len(topic.grades),
        }
        for topic in topics
    ]
    st.dataframe(rows, hide_index=True, width="stretch")
    queries: dict[str, Query] = {}
    for topic in topics:
        try:
            queries[topic.qid] = books.query(Request.from_params(topic.params))
        except UsageError as error:
            st.text(safe(f"topic {topic.qid} is left out: {error}"))
    if not queries:
        return None
    titles = {topic.qid: _title(topic.params) for topic in topics}
    return Material(queries, titles, {qid: qrels[qid] for qid in queries})


def _title(params: Mapping[str, str]) -> str:
    rest = [f"{name}={value}" for name, value in params.items() if name != "q"]
    return safe("  ".join([params.get("q", ""), *rest]).strip())


def _uploaded() -> Material | None:
    left, right = st.columns(2)
    topics = left.file_uploader("Topics: lines of number, tab, text", type=["tsv", "txt"])
    qrels = right.file_uploader("Judgements: lines of number, 0, picture id, grade")
    if topics is None or qrels is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "qrels"
        path.write_bytes(qrels.getvalue())
        grades = read_qrels(path)
    texts: dict[str, str] = {}
    for number, line in enumerate(io.StringIO(topics.getvalue().decode("utf-8", "replace")), 1):
        qid, tab, text = line.rstrip("\n").partition("\t")
        if line.strip() and not tab:
            raise UsageError(f"line {number} of the topics has no tab; expected: number, tab, text")
        if text.strip():
            texts[qid] = text
    kept = {qid: g for qid, g in grades.items() if qid in texts and any(v > 0 for v in g.values())}
    if not kept:
        raise UsageError("no topic has a judged, relevant picture; are the numbers the same?")
    return Material({qid: Query.text(texts[qid]) for qid in kept}, texts, kept)


def run(books: Library, material: Material, setting: str) -> Run:
    """Picture ids with scores for every topic; a topic that the mode cannot answer is left out."""
    found: Run = {}
    for qid, query in material.queries.items():
        mode: Mode = next((mode for mode in MODES if mode == setting), "hybrid")
        rerank = 0 if setting == FAST else None
        try:
            with books.use() as db:
                hits = db.search(query, top_k=DEPTH, mode=mode, rerank=rerank)
        except UsageError:
            continue
        found[qid] = {hit.id: hit.score for hit in hits}
    return found


def _table(runs: Mapping[str, Run], material: Material) -> None:
    count = len(material.qrels)
    st.subheader(f"Measures over {count} {'topic' if count == 1 else 'topics'}", anchor=False)
    rows = []
    for name, found in runs.items():
        means = per_topic(found, material.qrels).mean(axis=0)
        cells = {m: round(float(v), 4) for m, v in zip(MEASURES, means, strict=True)}
        rows.append({"setting": LABELS.get(name, name), **cells})
    st.dataframe(rows, hide_index=True, width="stretch")


def _comparison(runs: Mapping[str, Run], material: Material) -> None:
    st.subheader("Compare two settings", anchor=False)
    a, b, m = st.columns(3)
    label = {LABELS.get(name, name): name for name in SETTINGS}
    shown = list(label)
    this = a.selectbox("This", shown, index=SETTINGS.index("hybrid"))
    against = b.selectbox("against", shown, index=SETTINGS.index("dense"))
    one, other = label[this], label[against]
    measure = m.selectbox("by", MEASURES)
    column = MEASURES.index(measure)
    ours = per_topic(runs[one], material.qrels)[:, column]
    theirs = per_topic(runs[other], material.qrels)[:, column]
    gap = paired_difference(ours, theirs)
    p = randomisation_test(ours, theirs)
    st.text(
        f"{this} - {against}: {gap.mean:+.4f}   95 % interval {gap.low:+.4f} to "
        f"{gap.high:+.4f}   p = {p:.3f} (randomisation test)   {verdict(p, len(ours))}"
    )
    rows = [
        {"topic": qid, "search": safe(material.titles[qid]), "this": x, "against": y, "gap": x - y}
        for qid, x, y in zip(material.qrels, ours.tolist(), theirs.tolist(), strict=True)
    ]
    st.dataframe(rows, hide_index=True, width="stretch")


def verdict(p: float, topics: int) -> str:
    """What the test says in words."""
    if topics < 6:  # 2 / 2 ** 5 > 0.05: fewer topics can never be significant
        return "too few topics to tell; judge at least 6"
    return "a real difference" if p < 0.05 else "may be chance"


def _downloads(runs: Mapping[str, Run], material: Material) -> None:
    st.subheader("TREC files", anchor=False)
    row = st.container(horizontal=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write_qrels(path, material.qrels)
        row.download_button("qrels.txt", path.read_bytes(), "qrels.txt", "text/plain")
        for name, found in runs.items():
            write_run(path, found, tag=f"lexsearch-{name.replace(', ', '-').replace(' ', '-')}")
            file = f"run.{name.split(',')[0]}{'-fast' if name == FAST else ''}.trec"
            row.download_button(file, path.read_bytes(), file, "text/plain")
    topics = "".join(f"{qid}\t{material.titles[qid]}\n" for qid in material.qrels)
    row.download_button("topics.tsv", topics, "topics.tsv", "text/tab-separated-values")
