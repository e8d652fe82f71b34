"""The evaluation page: judgements in, measures by mode, two settings compared, TREC files out."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from lexsearch.cli.terminal import safe
from lexsearch.errors import UsageError
from lexsearch.evaluation.judged import MEASURES
from lexsearch.evaluation.runs import ranked, read_qrels, write_qrels, write_run
from lexsearch.query import Query
from ui import judgements
from ui.cards import LABELS
from ui.library import Library
from ui.request import Request
from ui.state import library, say
from ui.trials import (
    FAST,
    SETTINGS,
    Material,
    Trial,
    by_topic,
    differences,
    foreign,
    table,
    try_out,
    verdict,
)
from ui.widgets import show_pictures

SIDE_BY_SIDE = 8  # pictures of each setting, for one topic
GRADES = {1: "relevant", 0: "not relevant"}


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
        if material is None:
            return
        trials = [*_trials(books, material), *_foreign()]
    except UsageError as error:
        say("These files cannot be used.", str(error), kind="warning")
        return
    count = len(material.qrels)
    st.subheader(f"Measures over {count} {'topic' if count == 1 else 'topics'}", anchor=False)
    st.dataframe(table(trials, material), hide_index=True, width="stretch")
    _comparison(books, trials, material)
    _downloads(trials, material)


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
    with st.popover("Forget all judgements", icon=":material/delete:"):
        st.text("This cannot be undone. Download them first, below.")
        place = (books.settings, books.directory)
        st.button("Forget them", on_click=judgements.clear, args=place)
    queries: dict[str, Query] = {}
    for topic in topics:
        try:
            queries[topic.qid] = books.query(Request.from_params(topic.params))
        except UsageError as error:
            st.text(safe(f"topic {topic.qid} is left out: {error}"))
    if not queries:
        return None
    titles = {topic.qid: _title(topic.params) for topic in topics}
    key = repr([dict(topic.params) for topic in topics])
    return Material(key, queries, titles, {qid: qrels[qid] for qid in queries})


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
    asked = {qid: texts[qid] for qid in kept}
    titles = {qid: safe(text) for qid, text in asked.items()}
    queries = {qid: Query.text(text) for qid, text in asked.items()}
    return Material(repr(asked), queries, titles, kept)


def _trials(books: Library, material: Material) -> list[Trial]:
    """The runs of all settings; made anew for other topics, and after a commit."""
    with books.use() as db:
        place = f"{db.directory} {db.snapshot.generation} {material.key}"
    key = hashlib.sha256(place.encode()).hexdigest()
    held = st.session_state.get("trials")
    if held is None or held[0] != key:
        with st.spinner("searching every topic in every mode"):
            found = [try_out(books, material, name) for name in SETTINGS]
        named = [Trial(LABELS.get(one.name, one.name), one.run, one.search_ms) for one in found]
        held = st.session_state["trials"] = (key, named)
    return list(held[1])


def _foreign() -> list[Trial]:
    files = st.file_uploader(
        "Runs of other systems, in TREC form, to compare with", accept_multiple_files=True
    )
    return [foreign(f"{i}. {safe(one.name)}", one.getvalue()) for i, one in enumerate(files, 1)]


def _comparison(books: Library, trials: Sequence[Trial], material: Material) -> None:
    st.subheader("Compare two settings", anchor=False)
    a, b, m = st.columns(3)
    by_name = {one.name: one for one in trials}
    names = list(by_name)
    this = by_name[a.selectbox("This", names, index=names.index(LABELS["hybrid"]))]
    against = by_name[b.selectbox("against", names, index=names.index(LABELS["dense"]))]
    measure = m.selectbox("by", MEASURES)
    found = differences(this, against, material)
    st.dataframe(found, hide_index=True, width="stretch")
    st.text("95 % intervals by bootstrap over topics; p of a two-sided randomisation test.")
    chosen = found[MEASURES.index(measure)]
    st.text(
        f"{this.name} - {against.name} by {measure}: {chosen['difference']:+.4f}, "
        f"p = {chosen['p']:.3f}; {verdict(chosen['p'], len(material.qrels))}"
    )
    rows = by_topic(this, against, material, measure)
    left, right = st.columns(2, gap="large")
    left.dataframe(rows, hide_index=True, width="stretch")
    right.bar_chart(rows, x="topic", y="gap", sort=False, y_label=f"{measure}, this - against")
    _side_by_side(books, this, against, material)


def _side_by_side(books: Library, this: Trial, against: Trial, material: Material) -> None:
    titles = material.titles
    qid = st.selectbox(
        "Look at one topic",
        list(material.qrels),
        index=None,
        format_func=lambda one: f"{one}. {titles[one]}",
        placeholder="choose one to see what both find",
    )
    if qid is None:
        return
    for key, trial in (("this", this), ("against", against)):
        ids = ranked(trial.run.get(qid, {}))[:SIDE_BY_SIDE]
        records, grades = [], []
        for id in ids:
            try:
                with books.use() as db:
                    records.append(db.picture(id))
            except UsageError:
                continue  # of another library
            grades.append((GRADES.get(material.qrels[qid].get(id, -1), "not judged"),))
        title = f"{key}: {trial.name}"
        show_pictures(books, title, records, key=f"topic_{key}", texts=grades)


def _downloads(trials: Sequence[Trial], material: Material) -> None:
    st.subheader("TREC files", anchor=False)
    row = st.container(horizontal=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write_qrels(path, material.qrels)
        row.download_button("qrels.txt", path.read_bytes(), "qrels.txt", "text/plain")
        for name, trial in zip(SETTINGS, trials, strict=False):
            write_run(path, trial.run, tag=f"lexsearch-{name.replace(', ', '-').replace(' ', '-')}")
            file = f"run.{name.split(',')[0]}{'-fast' if name == FAST else ''}.trec"
            row.download_button(file, path.read_bytes(), file, "text/plain")
    topics = "".join(f"{qid}\t{material.titles[qid]}\n" for qid in material.qrels)
    row.download_button("topics.tsv", topics, "topics.tsv", "text/tab-separated-values")
