"""SQL for the lists of dense search: which file is in force, and what it should be."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from lexsearch.catalog import merging, repository, tables


def in_force(connection: Connection) -> tuple[str, str] | None:
    """Ulid and record of the lists, or None; the newest, should there be several."""
    c = tables.ivf_gen.c
    row = connection.execute(select(c.ulid, c.record).order_by(c.ulid.desc())).first()
    return None if row is None else (row.ulid, row.record)


def put_in_force(connection: Connection, ulid: str, record: str, *, now: int) -> None:
    """Let a file of lists take the place of the one before."""
    drop(connection, now=now)
    repository.upsert(connection, tables.ivf_gen, [{"ulid": ulid, "record": record}])


def drop(connection: Connection, *, now: int) -> bool:
    """Forget the lists; their files may go after a while. Returns whether there were any."""
    ulids = list(connection.execute(select(tables.ivf_gen.c.ulid)).scalars())
    connection.execute(delete(tables.ivf_gen))
    merging.note_dropped(connection, ulids, now=now)
    return bool(ulids)
