"""The first catalog: contents, paths, segments, skipped files, runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def crc() -> sa.Column[int]:
    return sa.Column("crc", sa.Integer, nullable=False)


def upgrade() -> None:
    op.create_table(
        "config",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        crc(),
    )
    op.create_table(
        "segment",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ulid", sa.Text, nullable=False, unique=True),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("live", sa.BLOB),
        crc(),
    )
    op.create_table(
        "segment_file",
        sa.Column("segment_id", sa.Integer, sa.ForeignKey("segment.id"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", sa.BLOB, nullable=False),
        crc(),
        sqlite_with_rowid=False,
    )
    make_pictures()
    make_paths()
    make_rest()


def make_pictures() -> None:
    op.create_table(
        "content",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sha256", sa.BLOB, nullable=False),
        sa.Column("segment_id", sa.Integer, sa.ForeignKey("segment.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("taken", sa.Text),
        sa.Column("camera", sa.Text),
        sa.Column("latitude", sa.Float),
        sa.Column("longitude", sa.Float),
        sa.Column("thumb_hash", sa.Integer),
        crc(),
    )
    op.create_index("content_place", "content", ["segment_id", "position"], unique=True)


def make_paths() -> None:
    op.create_table(
        "image",
        sa.Column("path", sa.BLOB, primary_key=True),
        sa.Column("display", sa.Text, nullable=False),
        sa.Column("content_id", sa.Integer, sa.ForeignKey("content.id"), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("mtime_ns", sa.Integer, nullable=False),
        sa.Column("inode", sa.Integer, nullable=False),
        sa.Column("root", sa.BLOB, nullable=False),
        crc(),
        sqlite_with_rowid=False,
    )
    op.create_index("image_content", "image", ["content_id"])
    op.create_table(
        "removed",
        sa.Column("path", sa.BLOB, primary_key=True),
        sa.Column("content_id", sa.Integer, primary_key=True),
        sa.Column("since", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("mtime_ns", sa.Integer, nullable=False),
        crc(),
        sqlite_with_rowid=False,
    )
    op.create_index("removed_content", "removed", ["content_id"])
    op.create_table(
        "skipped",
        sa.Column("path", sa.BLOB, primary_key=True),
        sa.Column("display", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("mtime_ns", sa.Integer, nullable=False),
        sa.Column("sha256", sa.BLOB),
        crc(),
        sqlite_with_rowid=False,
    )


def make_rest() -> None:
    op.create_table("root", sa.Column("path", sa.BLOB, primary_key=True), crc())
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("record", sa.Text, nullable=False),
        crc(),
    )
    op.create_table(
        "dropped",
        sa.Column("ulid", sa.Text, primary_key=True),
        sa.Column("since", sa.Integer, nullable=False),
        crc(),
    )
    op.create_table(
        "ivf_gen",
        sa.Column("ulid", sa.Text, primary_key=True),
        sa.Column("record", sa.Text, nullable=False),
        crc(),
    )
