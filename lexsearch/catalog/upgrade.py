"""Makes a catalog and moves an older one to the present step, by the scripts in `migrations/`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from lexsearch.catalog.step import APPLICATION_ID, STEP
from lexsearch.errors import StorageError


def migrations_folder() -> Path:
    """The migration scripts: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "_migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise StorageError(f"{package} lacks its migrations; install lexsearch again")


def upgrade(connection: Connection, *, step: int = STEP, scripts: Path | None = None) -> None:
    """Bring the catalog behind a connection to a step, inside the connection's transaction.

    Args:
        connection: to the catalog.
        step: where to.
        scripts: folder of the migrations; None = those of this version.
    """
    config = Config()
    folder = scripts or migrations_folder()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, f"{step:04d}")
    connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version={step}")
