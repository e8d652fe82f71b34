"""Globs compare with names, or with a slash with paths."""

from __future__ import annotations

import pytest

from indexer.excludes import DEFAULT_EXCLUDES, matcher, patterns


@pytest.mark.parametrize(
    ("glob", "path", "out"),
    [
        ("*.tmp.jpg", b"a/b/x.tmp.jpg", True),
        ("raw", b"2019/raw", True),
        ("raw", b"2019/raw2", False),
        ("2019/*", b"2019/a/b.jpg", True),
        ("2019/*", b"x/2019/b.jpg", False),
        ("/2019", b"2019", True),
        ("RAW", b"raw", False),
        ("caf?", b"caf\xe9", True),
        ("[ab].jpg", b"c/b.jpg", True),
    ],
)
def test_a_glob_leaves_out(glob: str, path: bytes, out: bool) -> None:
    assert matcher([glob])(path.split(b"/")[-1], path) is out


def test_nothing_given_leaves_nothing_out() -> None:
    assert not matcher([])(b".git", b".git")


def test_the_default_ones_come_first_and_stay() -> None:
    assert patterns(exclude=["raw/"], defaults=True, hidden=False) == (
        *DEFAULT_EXCLUDES, ".*", "raw",
    )  # fmt: skip
    assert patterns(exclude=[], defaults=False, hidden=True) == ()
