"""Two hits of one search side by side: why one stands above the other."""

from __future__ import annotations

import math

import streamlit as st

from lexsearch.cli.terminal import safe
from lexsearch.explained import Explanation
from lexsearch.results import SearchHit
from ui.arithmetic import SAID, by_channel, rule
from ui.cards import file_name
from ui.request import Request
from ui.state import library, request
from ui.widgets import show_pictures

DEPTH = 50
WORDS = 16


def draw() -> None:
    """The page; its address holds the search and the ids `a` and `b`."""
    books, asked = library(), request()
    st.header("Compare two pictures", anchor=False)
    st.session_state["compare_q"] = asked.text
    st.text_input("Search", key="compare_q", on_change=_typed, placeholder="a red car")
    if asked.is_empty:
        st.info("Type a search; the best two hits are compared, or choose others.")
        return
    hits = list(books.search(asked, top_k=DEPTH))
    if len(hits) < 2:
        st.info("This search has fewer than two hits.")
        return
    first, second = _choice(hits)
    with books.use() as db:
        query = books.query(asked)
        a = db.explain(query, first.raw_path, read_photo=False)
        b = db.explain(query, second.raw_path, read_photo=False)
        records = [db.picture(first.id), db.picture(second.id)]
    show_pictures(
        books,
        "A and B",
        records,
        key="compared",
        texts=[(f"A · rank {first.rank}",), (f"B · rank {second.rank}",)],
    )
    gap = a.fused - b.fused
    st.text(f"A scores {abs(gap):.5f} {'more' if gap >= 0 else 'less'} than B, all channels taken.")
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.subheader("By channel", anchor=False)
        st.text(f"Joined by {rule(a.fusion)[0]}.")
        st.dataframe(channel_rows(a, b), hide_index=True, width="stretch")
    with right:
        st.subheader("By word", anchor=False)
        rows = word_rows(a, b)
        if not rows:
            st.text("No word of the query fires on either.")
            return
        st.dataframe(rows, hide_index=True, width="stretch")
        st.bar_chart(rows, x="word", y="A - B", horizontal=True, sort=False, height=420)


def channel_rows(a: Explanation, b: Explanation) -> list[dict[str, float | str]]:
    """What every channel adds to A, to B and to their difference; the last row sums up."""
    rows: list[dict[str, float | str]] = []
    of_a, of_b = by_channel(a.shares), by_channel(b.shares)
    for name in of_a | of_b:
        one, other = of_a.get(name, 0.0), of_b.get(name, 0.0)
        rows.append({"channel": SAID[name], "A": one, "B": other, "A - B": one - other})
    constant = [math.fsum(s.share for s in x.shares if s.channel == "all") for x in (a, b)]
    if any(constant):
        gap = constant[0] - constant[1]
        rows.append({"channel": "for all", "A": constant[0], "B": constant[1], "A - B": gap})
    rows.append({"channel": "together", "A": a.fused, "B": b.fused, "A - B": a.fused - b.fused})
    return rows


def word_rows(a: Explanation, b: Explanation) -> list[dict[str, float | str]]:
    """Contributions of the words with the largest differences, and all others in one row."""
    of_a = {term.word: term.contribution for term in a.terms}
    of_b = {term.word: term.contribution for term in b.terms}
    difference = {w: of_a.get(w, 0.0) - of_b.get(w, 0.0) for w in {**of_a, **of_b}}
    order = sorted(difference, key=lambda word: (-abs(difference[word]), word))
    rows: list[dict[str, float | str]] = [
        {
            "word": safe(word),
            "A": of_a.get(word, 0.0),
            "B": of_b.get(word, 0.0),
            "A - B": difference[word],
        }
        for word in order[:WORDS]
    ]
    rest = order[WORDS:]
    if rest:
        sums = [math.fsum(side.get(word, 0.0) for word in rest) for side in (of_a, of_b)]
        rows.append(
            {
                "word": f"({len(rest)} others)",
                "A": sums[0],
                "B": sums[1],
                "A - B": sums[0] - sums[1],
            }
        )
    return rows


def _choice(hits: list[SearchHit]) -> tuple[SearchHit, SearchHit]:
    by_id = {hit.id: hit for hit in hits}
    ids = list(by_id)
    left, right = st.columns(2)
    chosen: list[SearchHit] = []
    for place, name in ((left, "a"), (right, "b")):
        default = next(id for id in ids if id not in [hit.id for hit in chosen])
        wanted = st.query_params.get(name, default)
        st.session_state[f"compare_{name}"] = wanted if wanted in by_id else default
        id = place.selectbox(
            name.upper(),
            ids,
            key=f"compare_{name}",
            on_change=_chosen,
            args=(name,),
            format_func=lambda one: f"{by_id[one].rank}. {file_name(by_id[one].raw_path)}",
        )
        chosen.append(by_id[id])
    return chosen[0], chosen[1]


def _typed() -> None:
    st.query_params.from_dict(Request(text=st.session_state["compare_q"]).to_params())


def _chosen(name: str) -> None:
    st.query_params[name] = st.session_state[f"compare_{name}"]
