"""What a draft knows besides its words: emergency, channel, unit, due date, caller, amounts, repeats.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """New columns; tickets of before have them empty."""
    for name, size in (
        ("emergency", 3), ("channel", 16), ("handling", 8), ("due", 10), ("catalogue", 8), ("unit", 100),
        ("surname", 32), ("phone", 32),
    ):
        op.add_column("ticket", sa.Column(name, sa.String(size)))
    op.add_column("ticket", sa.Column("reason", sa.Text, nullable=False, server_default=""))
    op.add_column("ticket", sa.Column("language", sa.String(8), nullable=False, server_default="zh"))
    for name in ("amounts", "repeats"):
        op.add_column("ticket", sa.Column(name, _JSON, nullable=False, server_default="[]"))
    for name in ("secret", "urgent", "again"):
        op.add_column("ticket", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """What humans confirmed is not thrown away."""
    raise NotImplementedError("restore a backup instead")
