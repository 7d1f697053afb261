"""Calls, tickets and the audit trail.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Builds the first schema."""
    op.create_table(
        "call_record",
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("dialled", sa.String(64), nullable=False),
        sa.Column("caller_number", sa.String(64), nullable=False),
        sa.Column("centre", sa.String(16)),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("arrived_at", sa.Double, nullable=False),
        sa.Column("answered_at", sa.Double),
        sa.Column("joined_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("seat", sa.String(64)),
        sa.Column("outcome", sa.String(64)),
        sa.Column("timeline", _JSON, nullable=False),
        sa.Column("legs", _JSON, nullable=False),
        sa.Column("recording", _JSON),
        sa.Column("transcript", sa.String(16), nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="pk_call_record"),
    )
    op.create_index("ix_call_record_arrived_at_call_id", "call_record", ["arrived_at", "call_id"])
    op.create_index("ix_call_record_caller_number_arrived_at", "call_record", ["caller_number", "arrived_at"])
    op.create_index("ix_call_record_seat_arrived_at", "call_record", ["seat", "arrived_at"])
    op.create_table(
        "ticket",
        sa.Column("id", sa.String(18), nullable=False),
        sa.Column("call_id", sa.String(64)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("region", sa.String(6)),
        sa.Column("region_name", sa.String(64)),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("address", sa.String(200)),
        sa.Column("caller_number", sa.String(64), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("uncertain", _JSON, nullable=False),
        sa.Column("note", sa.String(32), nullable=False),
        sa.Column("made_at", sa.Double, nullable=False),
        sa.Column("edited", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ticket"),
        sa.UniqueConstraint("call_id", name="uq_ticket_call_id"),
    )
    op.create_index("ix_ticket_created_at_id", "ticket", ["created_at", "id"])
    op.create_index("ix_ticket_status_created_at", "ticket", ["status", "created_at"])
    op.create_index("ix_ticket_caller_number_created_at", "ticket", ["caller_number", "created_at"])
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("what", sa.String(64), nullable=False),
        sa.Column("object_id", sa.String(64), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("extra", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_object_id_id", "audit", ["object_id", "id"])
    op.create_index("ix_audit_who_id", "audit", ["who", "id"])


def downgrade() -> None:
    """There is nothing before the first schema; removing it would remove the hotline's books."""
    raise NotImplementedError("restore a backup instead")
