"""The books: calls, tickets and who looked at them. SQLite by default, PostgreSQL by URL.

Every method is one transaction. Nothing of SQLAlchemy leaves this room: values are frozen dataclasses, errors are
`StoreError`s without any caller's data.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import sqlalchemy as sa

from . import _ticket_sql as sql
from ._cursor import limited, of_cursor, to_cursor
from ._engine import Database
from ._errors import BadCursor, NoSuchTicket, RevisionConflict, SchemaError, StoreError
from ._migrate import is_current, migrate
from ._model import AuditEntry, CallRecord, Draft, Json, Note, Page, Ticket, TicketStatus, TranscriptStatus
from ._outbox import OutboxRows, kind_of_change, put_message
from ._rows import audit_of, call_of, call_row, clean, fit, ticket_of
from ._tables import audit, call_record, ticket
from ._whole import whole

T = TypeVar("T")

_NUMBER_TRIES = 5


class Store(OutboxRows):
    """The store behind a URL: `sqlite:///path/to/file.db`, `postgresql://user:password@host/name`.

    Nothing is opened before the first use; `migrate` once at start, `close` at the end. Safe for many tasks; several
    processes may share one database. A cancelled caller leaves its transaction whole: done, not half done.

    `outbox`: what is drafted and changed is also written down for the ticket platform (`tickets.Outbox`).

    Raises:
        StoreUrlError: the URL cannot be used; the text says what can.
    """

    def __init__(self, url: str, *, outbox: bool = False) -> None:
        self._db = Database(url)
        self._outbox = outbox
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def shown_url(self) -> str:
        """The URL with its password masked, for logs and pages."""
        return self._db.shown

    @whole
    async def migrate(self) -> None:
        """Creates the database's tables or brings them up to date. Does nothing when they are.

        Raises:
            StoreUnavailable: no database there.
            SchemaError: it belongs to a newer version.
        """
        await asyncio.to_thread(self._db.prepare_file)
        async with self._db.write() as connection:
            await connection.run_sync(migrate, self._db.shown)

    @whole
    async def ping(self) -> None:
        """Returns when the database answers and has this version's tables.

        Raises:
            StoreUnavailable: it does not answer.
            SchemaError: it was not migrated.
        """
        async with self._db.read() as connection:
            current = await connection.run_sync(is_current)
        if not current:
            raise SchemaError(f"store {self._db.shown}: not at this version's schema: run migrate() first")

    async def close(self) -> None:
        """Lets running work end, then closes all connections."""
        if self._running:
            await asyncio.wait(self._running)
        await self._db.engine.dispose()

    # calls

    @whole
    async def put_call(self, call: CallRecord) -> None:
        """Writes a call's record; again as often as wanted, in any order.

        A record older (`updated_at`) than the stored one changes nothing. What `put_recording` wrote stays unless the
        record brings a recording or a transcript status of its own.
        """
        await self.put_calls([call])

    @whole
    async def put_calls(self, calls: list[CallRecord]) -> None:
        """`put_call` for many in one transaction."""
        async with self._db.write() as connection:
            await connection.execute(self._put_calls, [call_row(call) for call in calls])

    @functools.cached_property
    def _put_calls(self) -> Any:
        insert = sql.inserting(self._db.sqlite, call_record)
        new = insert.excluded
        apart = {"call_id", "recording", "transcript"}
        changes: dict[str, Any] = {c.name: new[c.name] for c in call_record.c if c.name not in apart}
        changes["recording"] = sa.func.coalesce(new.recording, call_record.c.recording)
        none = TranscriptStatus.NONE.value
        changes["transcript"] = sa.case((new.transcript == none, call_record.c.transcript), else_=new.transcript)
        return insert.on_conflict_do_update(
            index_elements=["call_id"], set_=changes, where=new.updated_at >= call_record.c.updated_at
        )

    @whole
    async def put_recording(
        self, call_id: str, *, recording: Json | None, transcript: TranscriptStatus, at: float
    ) -> None:
        """Notes a call's recording (its manifest; None keeps the stored one) and transcription.

        The call's own record may come later: until then a stub stands in, with `at` (unix seconds) as arrival.
        """
        stub = call_row(CallRecord(call_id, at, 0.0, recording=recording, transcript=transcript))
        insert = sql.inserting(self._db.sqlite, call_record).values(stub)
        statement = insert.on_conflict_do_update(
            index_elements=["call_id"],
            set_={
                "recording": sa.func.coalesce(insert.excluded.recording, call_record.c.recording),
                "transcript": insert.excluded.transcript,
            },
        )
        async with self._db.write() as connection:
            await connection.execute(statement)

    @whole
    async def call(self, call_id: str) -> CallRecord | None:
        """One call's record."""
        async with self._db.read() as connection:
            row = (await connection.execute(_where(call_record, call_id=call_id))).mappings().one_or_none()
        return None if row is None else call_of(row)

    @whole
    async def calls(
        self, limit: int = 50, before: str | None = None, *, number: str | None = None, state: str | None = None,
        case: str | None = None,
    ) -> Page[CallRecord]:  # fmt: skip
        """Calls by arrival, newest first; `number` is a caller's, exactly as it arrived, `case` the one it came with.

        Stubs that only hold a recording (see `put_recording`) are left out until their call's record comes.

        Raises:
            BadCursor: `before` is not the `next` of a page.
        """
        query = _where(call_record, caller_number=number, state=state, case_id=case).where(call_record.c.state != "")
        at, key = call_record.c.arrived_at, call_record.c.call_id
        return await self._page(query, at, key, limit, before, call_of, lambda one: (one.arrived_at, one.call_id))

    # tickets

    @whole
    async def put_draft(self, call_id: str, draft: Draft) -> Ticket:
        """Stores the draft of a call and returns its ticket; safe to repeat.

        The same call always gives the same ticket. A later draft (say, of a second transcription) replaces the
        machine's earlier one, but never what a human has changed or confirmed, and never words by none.
        """
        for _ in range(_NUMBER_TRIES):
            async with self._db.write() as connection:
                made = await connection.execute(sql.insert_draft(self._db.sqlite, call_id, draft))
                found = (await connection.execute(_where(ticket, call_id=call_id))).mappings().one_or_none()
                if found is None:
                    continue  # that order number is another call's: draw again
                before = ticket_of(found)
                change = sql.refresh(before, draft)
                if change is not None:
                    await connection.execute(change)
                    found = (await connection.execute(_where(ticket, call_id=call_id))).mappings().one()
                after = ticket_of(found)
                if self._outbox and (made.rowcount == 1 or after.revision != before.revision):
                    first = made.rowcount == 1 or before.draft.note is Note.WAITING
                    kind = "draft.made" if first else "draft.changed"
                    await put_message(connection, self._db.sqlite, after, kind, draft.made_at)
                return after
        raise StoreError(f"no free order number after {_NUMBER_TRIES} tries: is the clock standing still?")

    @whole
    async def add_draft(self, call_id: str, draft: Draft) -> Ticket | None:
        """Stores the first draft of a call; None, and nothing is changed, when it has one already."""
        for _ in range(_NUMBER_TRIES):
            async with self._db.write() as connection:
                made = await connection.execute(sql.insert_draft(self._db.sqlite, call_id, draft))
                found = (await connection.execute(_where(ticket, call_id=call_id))).mappings().one_or_none()
                if found is None:
                    continue  # that order number is another call's: draw again
                return ticket_of(found) if made.rowcount == 1 else None
        raise StoreError(f"no free order number after {_NUMBER_TRIES} tries: is the clock standing still?")

    @whole
    async def change_ticket(
        self,
        ticket_id: str,
        revision: int,
        *,
        who: str,
        role: str,
        at: float,
        status: TicketStatus | None = None,
        why: str = "",
        **fields: object,
    ) -> Ticket:
        """A human's change: fields of the draft (by the names in `Draft`) and the status, with its audit entry.

        Args:
            ticket_id: the order number.
            revision: the one that the human saw; guards against changing over someone else's change.
            who: the user; `role` theirs.
            at: unix seconds.
            status: the new status, None to keep it.
            why: a reason, for the audit.
            fields: any of kind, region, region_name, title, content, address, caller_number.

        Raises:
            NoSuchTicket: unknown number.
            RevisionConflict: somebody was faster.
            TypeError: a field that cannot be changed, or a value of a wrong type.
        """
        values = sql.checked_fields(fields)
        if status is not None:
            values["status"] = status.value
        statement = (
            sa.update(ticket)
            .where(ticket.c.id == ticket_id, ticket.c.revision == revision)
            .values(**values, edited=True, revision=revision + 1, updated_at=at)
        )
        extra: dict[str, object] = {"fields": sorted(fields), "revision": revision + 1}
        if status is not None:
            extra["status"] = status.value
        async with self._db.write() as connection:
            changed = await connection.execute(statement)
            row = (await connection.execute(_where(ticket, id=ticket_id))).mappings().one_or_none()
            if row is None:
                raise NoSuchTicket("there is no ticket with that number")
            if changed.rowcount != 1:
                raise RevisionConflict(ticket_id, row["revision"])
            await connection.execute(sa.insert(audit).values(
                _audit_row(at, who, role, "ticket.change", ticket_id, why, extra)
            ))
            if self._outbox:
                await put_message(connection, self._db.sqlite, ticket_of(row), kind_of_change(status), at)
        return ticket_of(row)

    @whole
    async def ticket(self, ticket_id: str) -> Ticket | None:
        """A ticket by its order number."""
        async with self._db.read() as connection:
            row = (await connection.execute(_where(ticket, id=ticket_id))).mappings().one_or_none()
        return None if row is None else ticket_of(row)

    @whole
    async def ticket_of_call(self, call_id: str) -> Ticket | None:
        """The ticket or draft of a call."""
        async with self._db.read() as connection:
            row = (await connection.execute(_where(ticket, call_id=call_id))).mappings().one_or_none()
        return None if row is None else ticket_of(row)

    @whole
    async def tickets(
        self, limit: int = 50, before: str | None = None, status: TicketStatus | None = None,
        *, number: str | None = None, seat: str | None = None,
    ) -> Page[Ticket]:
        """Tickets by creation, newest first; `number` is a caller's, `seat` the one in the call's record.

        Raises:
            BadCursor: `before` is not the `next` of a page.
        """
        query = _where(ticket, status=None if status is None else status.value, caller_number=number)
        if seat is not None:
            served = _where(call_record, seat=seat).with_only_columns(call_record.c.call_id)
            query = query.where(ticket.c.call_id.in_(served))
        at, key = ticket.c.created_at, ticket.c.id
        return await self._page(query, at, key, limit, before, ticket_of, lambda one: (one.created_at, one.id))

    # audit

    @whole
    async def audit(
        self, who: str, role: str, what: str, object_id: str, *,
        at: float, why: str = "", extra: Mapping[str, object] | None = None,
    ) -> AuditEntry:
        """Writes down who did what to which object (Art. 19, 25). `at` in unix seconds."""
        row = _audit_row(at, who, role, what, object_id, why, extra or {})
        async with self._db.write() as connection:
            key = (await connection.execute(sa.insert(audit).values(row).returning(audit.c.id))).scalar_one()
        return audit_of({**row, "id": key})

    @whole
    async def audits(
        self, limit: int = 50, before: str | None = None, *, object_id: str | None = None, who: str | None = None
    ) -> Page[AuditEntry]:
        """Audit entries, the last written first.

        Raises:
            BadCursor: `before` is not the `next` of a page.
        """
        query = _where(audit, object_id=object_id, who=who).order_by(audit.c.id.desc()).limit(limited(limit) + 1)
        if before is not None:
            _, key = of_cursor(before)
            if not key.isascii() or not key.isdigit() or len(key) > 9:
                raise BadCursor("this page cursor is not one of ours: begin the listing anew")
            query = query.where(audit.c.id < int(key))
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return _paged([audit_of(row) for row in rows], limit, lambda one: (one.at, str(one.id)))

    async def _page(
        self,
        query: sa.Select[Any],
        at: sa.Column[float],
        key: sa.Column[str],
        limit: int,
        before: str | None,
        make: Callable[[sa.RowMapping], T],
        place: Callable[[T], tuple[float, str]],
    ) -> Page[T]:
        query = query.order_by(at.desc(), key.desc()).limit(limited(limit) + 1)
        if before is not None:
            when, last = of_cursor(before)
            query = query.where(sa.tuple_(at, key) < sa.tuple_(when, last))
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return _paged([make(row) for row in rows], limit, place)


def _where(table: sa.Table, **equal: str | None) -> sa.Select[Any]:
    """All columns, where the given ones are equal (None: any; a text no database takes matches nothing)."""
    query = sa.select(table)
    for name, value in equal.items():
        if value is not None:
            query = query.where(table.c[name] == value) if clean(value) == value else query.where(sa.false())
    return query


def _paged(found: list[T], limit: int, place: Callable[[T], tuple[float, str]]) -> Page[T]:
    size = limited(limit)
    more = len(found) > size
    return Page(tuple(found[:size]), to_cursor(*place(found[size - 1])) if more else None)


def _audit_row(
    at: float, who: str, role: str, what: str, object_id: str, why: str, extra: Mapping[str, object]
) -> dict[str, Any]:
    return {
        "at": at,
        "who": fit(who, 64),
        "role": fit(role, 32),
        "what": fit(what, 64),
        "object_id": fit(object_id, 64),
        "why": clean(why),
        "extra": clean(extra),
    }
