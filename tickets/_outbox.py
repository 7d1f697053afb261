"""What the ticket platform has not been told yet, in the store: written in the transaction of what it tells of.

So a ticket and its message exist both or not at all. Messages about one ticket leave in their order: a later one waits
for those before it, also for one that the platform has refused (a human decides, see `revive_message`, `drop_message`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from . import _ticket_sql as sql
from ._draft_json import draft_json
from ._engine import Database
from ._model import Ticket, TicketStatus
from ._tables import outbox
from ._whole import whole


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell the platform.

    `subject` is the ticket's order number, `kind` "draft.made", "draft.changed", "ticket.changed", "ticket.confirmed"
    or "ticket.discarded", `key` the idempotency key: the same message always has the same. `tries` failed so far, the
    next is at `next_at`; `dead_at` is when the platform refused it, `error` a code that says why. Times: unix seconds.
    """

    id: int
    subject: str
    kind: str
    key: str
    body: Mapping[str, Any]
    at: float
    tries: int = 0
    next_at: float = 0.0
    dead_at: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class OutboxFigures:
    """Messages that wait (the dead not counted), when the oldest of them was written, and dead ones."""

    waiting: int = 0
    oldest: float | None = None
    dead: int = 0


def kind_of_change(status: TicketStatus | None) -> str:
    """The message's kind for a human's change."""
    return f"ticket.{status.value}" if status in (TicketStatus.CONFIRMED, TicketStatus.DISCARDED) else "ticket.changed"


async def put_message(connection: AsyncConnection, is_sqlite: bool, ticket: Ticket, kind: str, at: float) -> None:
    """Writes the message of a ticket's present revision, in the caller's transaction."""
    row = {
        "subject": ticket.id, "kind": kind, "key": f"{ticket.id}-{ticket.revision}", "at": at, "tries": 0,
        "next_at": at, "error": "",
        "body": {
            **draft_json(ticket.draft), "ticket": ticket.id, "call": ticket.call_id, "revision": ticket.revision,
            "status": ticket.status.value, "caller_number": ticket.draft.caller_number, "source": ticket.draft.source,
            "note": ticket.draft.note.value, "late": ticket.draft.late, "created_at": ticket.created_at,
            "updated_at": ticket.updated_at,
        },
    }  # fmt: skip
    await connection.execute(sql.inserting(is_sqlite, outbox).values(row).on_conflict_do_nothing())


class OutboxRows:
    """The store's part about messages."""

    _db: Database
    _running: set[asyncio.Task[Any]]

    @whole
    async def next_message(self, now: float) -> Message | None:
        """The oldest one that is due and first of its subject; None when there is none."""
        before = outbox.alias("before")
        first = ~sa.exists().where(before.c.subject == outbox.c.subject, before.c.id < outbox.c.id)
        query = (
            sa.select(outbox).where(outbox.c.dead_at.is_(None), outbox.c.next_at <= now, first)
            .order_by(outbox.c.id).limit(1)
        )  # fmt: skip
        async with self._db.read() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return None if row is None else Message(**row)

    @whole
    async def message_sent(self, message_id: int) -> None:
        """The platform has it."""
        async with self._db.write() as connection:
            await connection.execute(sa.delete(outbox).where(outbox.c.id == message_id))

    @whole
    async def message_failed(self, message_id: int, error: str, next_at: float) -> None:
        """A try failed; the next one is at `next_at`."""
        change = sa.update(outbox).where(outbox.c.id == message_id)
        async with self._db.write() as connection:
            await connection.execute(change.values(tries=outbox.c.tries + 1, next_at=next_at, error=error[:64]))

    @whole
    async def message_refused(self, message_id: int, error: str, at: float) -> None:
        """The platform will never take it as it is: it waits for a human, and what follows of its ticket too."""
        change = sa.update(outbox).where(outbox.c.id == message_id)
        async with self._db.write() as connection:
            await connection.execute(change.values(tries=outbox.c.tries + 1, dead_at=at, error=error[:64]))

    @whole
    async def dead_messages(self, limit: int = 100) -> tuple[Message, ...]:
        """Refused ones, the oldest first."""
        query = sa.select(outbox).where(outbox.c.dead_at.is_not(None)).order_by(outbox.c.id).limit(limit)
        async with self._db.read() as connection:
            return tuple(Message(**row) for row in (await connection.execute(query)).mappings())

    @whole
    async def revive_message(self, message_id: int) -> bool:
        """Tries a refused one again, at once; False: there is no such."""
        change = sa.update(outbox).where(outbox.c.id == message_id, outbox.c.dead_at.is_not(None))
        async with self._db.write() as connection:
            done = await connection.execute(change.values(dead_at=None, next_at=0.0))
        return bool(done.rowcount)

    @whole
    async def drop_message(self, message_id: int) -> bool:
        """Gives a refused one up, so that what follows of its ticket is told; False: there is no such."""
        gone = sa.delete(outbox).where(outbox.c.id == message_id, outbox.c.dead_at.is_not(None))
        async with self._db.write() as connection:
            done = await connection.execute(gone)
        return bool(done.rowcount)

    @whole
    async def outbox_figures(self) -> OutboxFigures:
        """How much waits."""
        live = outbox.c.dead_at.is_(None)
        query = sa.select(
            sa.func.count().filter(live), sa.func.min(outbox.c.at).filter(live), sa.func.count().filter(~live)
        )
        async with self._db.read() as connection:
            waiting, oldest, dead = (await connection.execute(query.select_from(outbox))).one()
        return OutboxFigures(int(waiting), oldest, int(dead))
