"""The case that a call came with from another hotline: a call that comes back opens it again.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new column, empty in calls of before and in calls that began with us: their case is their own id."""
    op.add_column("call_record", sa.Column("case_id", sa.String(80)))
    op.create_index("ix_call_record_case_id_arrived_at", "call_record", ["case_id", "arrived_at"])


def downgrade() -> None:
    """What humans confirmed is not thrown away."""
    raise NotImplementedError("restore a backup instead")
