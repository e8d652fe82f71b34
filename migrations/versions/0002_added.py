"""Pictures that programs added: what is known of them besides their content."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "added",
        sa.Column("path", sa.BLOB, primary_key=True),
        sa.Column("file", sa.BLOB),
        sa.Column("taken", sa.Text),
        sa.Column("camera", sa.Text),
        sa.Column("latitude", sa.Float),
        sa.Column("longitude", sa.Float),
        sa.Column("meta", sa.Text),
        sa.Column("crc", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("added_file", "added", ["file"])
