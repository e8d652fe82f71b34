"""An older index is moved forward whole or not at all; a newer one is left alone."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lexsearch.bundle.catalog_file import check_header, step_of
from lexsearch.bundle.check import check
from lexsearch.bundle.disk import Disk
from lexsearch.bundle.repair import repair
from lexsearch.bundle.upgrade import upgrade
from lexsearch.catalog.step import CATALOG_FILE, STEP
from lexsearch.catalog.upgrade import migrations_folder
from lexsearch.cli import main
from lexsearch.errors import (
    IndexDamaged,
    IndexLocked,
    IndexMissing,
    IndexTooNew,
    IndexTooOld,
    LexsearchError,
    StorageError,
)

NEXT = STEP + 1
ROOT = Path(__file__).parents[3]
MIGRATION = '''
"""The step after the present one: a column more, filled."""

import os
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{new:04d}", "{old:04d}", None, None


def upgrade():
    op.add_column("image", sa.Column("stars", sa.Integer))
    op.execute("UPDATE image SET stars = 3")
    {end}
    op.create_table("album", sa.Column("name", sa.Text, primary_key=True))
'''
Scripts = Callable[..., Path]


@pytest.fixture
def scripts(tmp_path: Path) -> Scripts:
    """The migrations of a version one step ahead, for which the present index is N-1."""

    def make(end: str = "pass") -> Path:
        folder = tmp_path / "migrations"
        shutil.copytree(migrations_folder(), folder, dirs_exist_ok=True)
        code = MIGRATION.format(new=NEXT, old=STEP, end=end)
        (folder / "versions" / f"{NEXT:04d}_stars.py").write_text(code)
        return folder

    return make


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows}


def columns(library: Any) -> list[str]:
    with closing(sqlite3.connect(library.directory / "catalog.sqlite")) as connection:
        return [row[1] for row in connection.execute("PRAGMA table_info(image)")]


def stars(library: Any) -> list[int]:
    with closing(sqlite3.connect(library.directory / "catalog.sqlite")) as connection:
        return [value for (value,) in connection.execute("SELECT stars FROM image")]


def test_an_index_of_this_version_has_nothing_to_upgrade(library: Any, bytes_below: Any) -> None:
    library.make({b"/a.jpg": "a"})
    before = bytes_below(library.directory)
    report = upgrade(library.directory)
    assert (report.before, report.after, report.backup) == (STEP, STEP, None)
    assert bytes_below(library.directory) == before


def test_an_older_index_is_upgraded_in_place_and_its_catalog_kept(
    damaged_library: Any, scripts: Scripts
) -> None:
    library = damaged_library
    library.make({b"/a.jpg": "a", b"/b.jpg": "b"})
    answers, paths = library.answers(), library.paths()
    report = upgrade(library.directory, step=NEXT, scripts=scripts())
    assert (report.before, report.after) == (STEP, NEXT)
    assert step_of(library.directory, known=NEXT) == NEXT
    assert stars(library) == [3, 3]
    assert "album" in tables(library.directory / "catalog.sqlite")
    assert report.backup == library.directory / f"catalog.step{STEP}.bak"
    assert "album" not in tables(report.backup)
    with pytest.raises(IndexTooNew):
        library.snapshot()
    report.backup.replace(library.directory / "catalog.sqlite")
    assert (library.answers(), library.paths()) == (answers, paths)
    assert library.is_sound()


def test_an_older_index_is_read_as_it_is_and_not_written_before_its_upgrade(
    library: Any,
) -> None:
    library.make({b"/a.jpg": "a"})
    check_header(library.directory, known=NEXT)
    with pytest.raises(IndexTooOld, match=r"lexsearch upgrade --db"):
        check_header(library.directory, writing=True, known=NEXT)


def test_a_newer_index_is_not_touched(
    damaged_library: Any, scripts: Scripts, bytes_below: Any
) -> None:
    library = damaged_library
    library.make({b"/a.jpg": "a"})
    upgrade(library.directory, step=NEXT, scripts=scripts())
    before = bytes_below(library.directory)
    for use in (library.open, library.snapshot, lambda: check(library.directory),
                lambda: upgrade(library.directory)):  # fmt: skip
        with pytest.raises(IndexTooNew, match="nothing was changed"):
            use()
    assert bytes_below(library.directory) == before


@pytest.mark.parametrize(
    "words",
    [["upgrade"], ["check"], ["check", "--read-data"], ["repair", "--yes"], ["status"],
     ["search", "red"], ["errors"], ["index", "."]],
    ids=" ".join,
)  # fmt: skip
def test_every_command_refuses_a_newer_index_with_7_and_writes_nothing(
    damaged_library: Any, scripts: Scripts, bytes_below: Any, words: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    library = damaged_library
    library.make({b"/a.jpg": "a"})
    upgrade(library.directory, step=NEXT, scripts=scripts())
    before = bytes_below(library.directory)
    assert main([*words, "--db", str(library.directory)]) == 7
    assert "nothing was changed" in capsys.readouterr().err
    assert bytes_below(library.directory) == before


@pytest.mark.parametrize("how", ["raises", "killed", "unsound"])
def test_an_upgrade_that_breaks_off_leaves_the_older_version_opening(
    damaged_library: Any, scripts: Scripts, how: str
) -> None:
    library = damaged_library  # of a later step in the end, which is refused
    library.make({b"/a.jpg": "a", b"/b.jpg": "b"})
    answers, paths, before = library.answers(), library.paths(), columns(library)
    dangling = "INSERT INTO image SELECT '/x', 'x', 7, 1, 1, 1, '/', 1, 1"
    end = {
        "raises": "raise OSError(28, 'No space left on device')",
        "killed": "os.kill(os.getpid(), 9)",
        "unsound": f'op.execute("PRAGMA defer_foreign_keys=ON"); op.execute("{dangling}")',
    }[how]
    folder = scripts(end)
    if how == "killed":
        code = (
            "import sys; from pathlib import Path; from lexsearch.bundle.upgrade import upgrade\n"
            f"upgrade(Path({str(library.directory)!r}), step={NEXT}, scripts=Path({str(folder)!r}))"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
        assert done.returncode == -9
    else:
        with pytest.raises(LexsearchError):
            upgrade(library.directory, step=NEXT, scripts=folder)
    assert step_of(library.directory) == STEP
    assert columns(library) == before
    assert (library.answers(), library.paths()) == (answers, paths)
    assert library.is_sound()
    library.make({b"/c.jpg": "c"})
    assert len(library.paths()) == 3
    assert upgrade(library.directory, step=NEXT, scripts=scripts()).after == NEXT
    assert stars(library) == [3, 3, 3]


def test_a_disk_that_fails_while_the_backup_is_made_changes_nothing(
    library: Any, faulty_disk: Any
) -> None:
    library.make({b"/a.jpg": "a"})
    for n in range(1, 20):
        disk: Disk = faulty_disk(n, OSError(errno.ENOSPC, "No space left on device"))
        try:
            upgrade(library.directory, step=STEP + 1, scripts=Path("/no/such"), disk=disk)
        except StorageError:
            assert step_of(library.directory) == STEP
            assert library.paths() == [b"/a.jpg"]
            continue
        except Exception:
            break  # the backup was made; there are no scripts to run
    assert n == 5  # remove, sync, rename, sync_dir, then none


def test_what_cannot_be_upgraded_is_refused(damaged_library: Any, scripts: Scripts) -> None:
    library = damaged_library
    with pytest.raises(IndexMissing):
        upgrade(library.directory)
    library.make({b"/a.jpg": "a"})
    with library.open(), pytest.raises(IndexLocked):
        upgrade(library.directory, step=NEXT, scripts=scripts())
    path = library.directory / "catalog.sqlite"
    path.write_bytes(path.read_bytes()[:4096] + bytes(path.stat().st_size - 4096))
    with pytest.raises(IndexDamaged):
        upgrade(library.directory, step=NEXT, scripts=scripts())


def test_the_command_says_what_it_did(library: Any, capsys: pytest.CaptureFixture[str]) -> None:
    library.make({b"/a.jpg": "a"})
    assert main(["upgrade", "--db", str(library.directory)]) == 0
    assert "is up to date" in capsys.readouterr().out
    assert main(["upgrade", "--db", str(library.directory), "--json"]) == 0
    assert f'"after": {STEP}' in capsys.readouterr().out


def as_of_step_1(directory: Path) -> None:
    """Take from a catalog what step 2 brought: the table of what programs say of pictures."""
    connection = sqlite3.connect(directory / CATALOG_FILE)
    connection.execute("DROP TABLE added")
    connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()


def test_an_index_of_step_1_is_read_checked_and_upgraded(library: Any) -> None:
    library.make({b"/a.jpg": "a", b"/b.jpg": "b"}, {b"/c.png": "c"})
    before = library.answers()
    as_of_step_1(library.directory)
    assert library.answers() == before
    with library.snapshot() as snapshot:
        assert snapshot.own_ids() == []
        assert snapshot.counts()["added"] == 0
        assert len(snapshot.allowed(type_="png")) == 1
        assert snapshot.allowed(meta={"n": 1}).tolist() == []
        assert snapshot.find(b"/c.png") is not None
        assert snapshot.find(b"/none.png") is None
    assert not check(library.directory, read_data=True).problems
    with pytest.raises(IndexTooOld, match="lexsearch upgrade"):
        library.open()
    report = upgrade(library.directory)
    assert (report.before, report.after) == (1, STEP)
    assert report.backup is not None
    assert library.answers() == before
    assert not check(library.directory, read_data=True).problems
    with library.open() as writer:
        writer.commit(library.batch({b"/d.jpg": "d"}))
    with library.snapshot() as snapshot:
        assert len(snapshot) == 4


def test_a_step_1_catalog_that_is_damaged_is_made_anew_at_the_present_step(library: Any) -> None:
    library.make({b"/a.jpg": "a", b"/b.jpg": "b"})
    as_of_step_1(library.directory)
    data = bytearray((library.directory / CATALOG_FILE).read_bytes())
    place = data.index(b"/b.jpg")
    data[place + 1] ^= 4
    (library.directory / CATALOG_FILE).write_bytes(data)
    assert check(library.directory, read_data=True).problems
    with pytest.raises(IndexDamaged, match="lexsearch repair"):
        upgrade(library.directory)
    repair(library.directory)
    assert step_of(library.directory) == STEP
    assert not check(library.directory, read_data=True).problems
    assert len(library.answers()) == 2


def test_a_damaged_segment_of_a_sound_step_1_index_waits_for_the_upgrade(library: Any) -> None:
    library.make({b"/a.jpg": "a"}, {b"/b.jpg": "b"})
    as_of_step_1(library.directory)
    path = sorted(library.directory.glob("segments/*/dense.lxd"))[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(IndexTooOld, match="lexsearch upgrade"):
        repair(library.directory)
    upgrade(library.directory)
    assert repair(library.directory).forgotten == 1
