"""The tables. Plain SQLAlchemy Core: rows leave this room only as frozen values.

Times are unix seconds (UTC) in double precision. The migrations under `migrations/` build exactly this schema; a
test compares the two.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata = sa.MetaData(naming_convention={
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
})

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

call_record = sa.Table(
    "call_record",
    metadata,
    sa.Column("call_id", sa.String(64), primary_key=True),
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
    sa.Column("timeline", JSON, nullable=False),
    sa.Column("legs", JSON, nullable=False),
    sa.Column("recording", JSON),
    sa.Column("transcript", sa.String(16), nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
    # only of calls that came with one from another hotline; the case of a call of ours is its own id
    sa.Column("case_id", sa.String(80)),
    sa.Index(None, "arrived_at", "call_id"),
    sa.Index(None, "caller_number", "arrived_at"),
    sa.Index(None, "seat", "arrived_at"),
    sa.Index(None, "case_id", "arrived_at"),
)

ticket = sa.Table(
    "ticket",
    metadata,
    # the order number; random digits at its end, so two writers never need to agree
    sa.Column("id", sa.String(18), primary_key=True),
    # no foreign key: a draft may be stored before the call's own record is
    sa.Column("call_id", sa.String(64), unique=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("region", sa.String(6)),
    sa.Column("region_name", sa.String(64)),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("address", sa.String(200)),
    sa.Column("caller_number", sa.String(64), nullable=False),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("uncertain", JSON, nullable=False),
    sa.Column("note", sa.String(32), nullable=False),
    sa.Column("made_at", sa.Double, nullable=False),
    sa.Column("emergency", sa.String(3)),
    sa.Column("channel", sa.String(16)),
    sa.Column("handling", sa.String(8)),
    sa.Column("due", sa.String(10)),
    sa.Column("catalogue", sa.String(8)),
    sa.Column("unit", sa.String(100)),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("surname", sa.String(32)),
    sa.Column("phone", sa.String(32)),
    sa.Column("amounts", JSON, nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("secret", sa.Boolean, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False),
    sa.Column("again", sa.Boolean, nullable=False),
    sa.Column("repeats", JSON, nullable=False),
    sa.Column("late", sa.Double),
    sa.Column("edited", sa.Boolean, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
    sa.Index(None, "created_at", "id"),
    sa.Index(None, "status", "created_at"),
    sa.Index(None, "caller_number", "created_at"),
)

# what the ticket platform has not been told yet; a row goes when it has
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    # messages about one subject (a ticket) leave in the order of their ids
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    # the same message always has the same key: the platform can tell a repetition
    sa.Column("key", sa.String(100), nullable=False, unique=True),
    sa.Column("body", JSON, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_at", sa.Double, nullable=False),
    # set when the platform refused it: it and what follows of its subject wait for a human
    sa.Column("dead_at", sa.Double),
    sa.Column("error", sa.String(64), nullable=False),
    sa.Index(None, "subject", "id"),
    sqlite_autoincrement=True,
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("who", sa.String(64), nullable=False),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("what", sa.String(64), nullable=False),
    sa.Column("object_id", sa.String(64), nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("extra", JSON, nullable=False),
    sa.Index(None, "object_id", "id"),
    sa.Index(None, "who", "id"),
    sqlite_autoincrement=True,  # an id is never given twice, even after the newest row was removed
)
