"""Values on their way into SQLite and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from lexsearch.catalog import repository
from lexsearch.catalog.checksum import checksum
from lexsearch.catalog.database import Database
from lexsearch.catalog.records import ContentRecord, FileRecord, SkippedFile
from lexsearch.catalog.upgrade import upgrade
from lexsearch.errors import IndexDamaged

BITS = st.integers(0, 2**64 - 1)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = Database(tmp_path / "catalog.sqlite")
    with database.transaction() as opened:
        upgrade(opened)
        yield opened
    database.close()


@given(BITS)
def test_64_bits_survive_as_a_signed_number(value: int) -> None:
    assert -(2**63) <= repository.signed(value) < 2**63
    assert repository.unsigned(repository.signed(value)) == value


@given(st.lists(st.binary() | st.text() | st.integers() | st.none(), max_size=4))
def test_the_checksum_tells_kinds_and_borders_apart(values: list[bytes | str | int | None]) -> None:
    assert checksum([*values, b"1"]) != checksum([*values, "1"])
    assert checksum([*values, 1]) != checksum([*values, None])
    assert checksum([*values, b"ab", b"c"]) != checksum([*values, b"a", b"bc"])


def test_numbers_beyond_63_bits_and_odd_text_are_stored(connection: Connection) -> None:
    digest = bytes(range(32))
    number = repository.add_segment(connection, "0" * 26, 1, [])
    content = ContentRecord(
        digest, 1, 2, "2024", "half \ud800 a surrogate", (float("nan"), 1.0), 2**64 - 1
    )
    assert repository.add_contents(connection, [content], segment_id=number) == set()
    file = FileRecord(b"/\xff\n", 2**62, -1, 2**64 - 1, digest, b"/")
    repository.add_files(connection, [file], now=0)
    assert repository.known_files(connection, after=b"", most=9) == [file]
    skipped = SkippedFile(b"/\xfe", "reason \udcff", 0, -5, digest)
    repository.add_skipped(connection, [skipped])
    assert repository.known_skipped(connection) == {
        skipped.path: skipped._replace(reason="reason ?")
    }


def test_more_paths_than_one_statement_takes(connection: Connection) -> None:
    digest = bytes(range(32))
    number = repository.add_segment(connection, "0" * 26, 1, [])
    repository.add_contents(connection, [ContentRecord(digest, 1, 2)], segment_id=number)
    paths = [b"/%d" % i for i in range(2000)]
    files = [FileRecord(path, 1, 1, 1, digest, b"/") for path in paths]
    assert len(repository.add_files(connection, files, now=0)) == 1
    assert repository.remove_files(connection, [*paths, b"/none"], now=0) == {
        int.from_bytes(digest[:8], "big") >> 1
    }
    assert repository.known_files(connection, after=b"", most=9) == []


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    path.write_bytes(b"no database, " * 1000)
    database = Database(path)
    with (
        pytest.raises(IndexDamaged, match=r"catalog\.sqlite.*lexsearch repair"),
        database.transaction(),
    ):
        pass


def test_bytes_that_are_not_text_are_shown_as_numbers() -> None:
    assert repository.display(b"caf\xe9") == r"caf\xe9"
