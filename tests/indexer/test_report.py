"""A report adds up and reads well."""

from __future__ import annotations

import json

from indexer.report import IndexReport, Skipped


def report(**changes: object) -> IndexReport:
    values: dict[str, object] = {
        "found": 4, "new": 1, "changed": 1, "moved": 0, "removed": 2, "unchanged": 1,
        "encoded": 2, "duplicates": 0, "touched": 0, "skipped": (),
        "seconds": {"scan": 0.5, "encode": 1.5},
    }  # fmt: skip
    return IndexReport(**{**values, **changes})  # type: ignore[arg-type]


def test_speed_is_over_the_whole_run() -> None:
    assert report().images_per_s == 2 / 2.0
    assert report(seconds={}).images_per_s == 0.0


def test_a_name_that_is_not_utf8_has_its_bytes_in_json() -> None:
    row = report(skipped=(Skipped(b"/a\xe9.jpg", "is empty"),)).to_json()["skipped"][0]
    assert row["path"] == "/a\\xe9.jpg"
    assert row["path_bytes"] == "L2HpLmpwZw=="
    plain = report(skipped=(Skipped("/ä.jpg".encode(), "is empty"),)).to_json()["skipped"][0]
    assert json.dumps(plain, ensure_ascii=False) == '{"path": "/ä.jpg", "reason": "is empty"}'


def test_the_summary_counts_what_happened_and_why_files_were_skipped() -> None:
    skipped = (
        Skipped(b"a", "is truncated (12 bytes)"),
        Skipped(b"b", "is truncated (3 bytes)"),
        Skipped(b"c", "is too large: 1 x 2"),
    )
    line = report(skipped=skipped).summary()
    assert line.startswith("Done in 2.0 s · 4 pictures: 1 new, 1 changed, 1 unchanged · 2 gone")
    assert "2 encoded, 1.0 images/s" in line
    assert line.endswith("3 skipped: 2 truncated, 1 too large (see: lexsearch errors)")
    assert report(interrupted=True).summary().startswith("Stopped after")
