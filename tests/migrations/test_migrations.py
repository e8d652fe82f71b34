"""The migration scripts make the tables that the code describes."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from lexsearch.catalog.checksum import COVERED
from lexsearch.catalog.database import Database
from lexsearch.catalog.step import APPLICATION_ID, STEP
from lexsearch.catalog.tables import metadata
from lexsearch.catalog.upgrade import migrations_folder, upgrade


def test_a_new_catalog_has_the_tables_of_the_code(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.sqlite")
    with database.transaction() as connection:
        upgrade(connection)
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        for pragma, value in (("application_id", APPLICATION_ID), ("user_version", STEP)):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value
    database.close()


def test_an_upgrade_that_fails_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.sqlite")
    try:
        with database.transaction() as connection:
            upgrade(connection)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    with database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one() == 0
        assert connection.exec_driver_sql("PRAGMA user_version").scalar_one() == 0
    database.close()


def test_the_last_script_is_the_step_that_the_code_asks_for() -> None:
    assert ScriptDirectory(str(migrations_folder())).get_heads() == [f"{STEP:04d}"]


def test_every_table_has_a_checksum_over_all_that_matters() -> None:
    assert sorted(COVERED) == sorted(metadata.tables)
    for name, table in metadata.tables.items():
        covered = {column.name for column in table.columns} - {"crc", "display"}
        assert set(COVERED[name]) == covered
