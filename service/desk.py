"""The console's desk over engine, store and vault."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import calls
import console
import tickets
from calls import CallState

from . import shapes, shapes_floor
from .desk_floor import LOOK
from .desk_restrictions import RestrictionDesk
from .linked import Linked

GATHER = 0.03
"""Seconds over which changes of one call are told as one: far below what a person sees."""
_LIVE = "live:"


class HotlineDesk(RestrictionDesk):
    """Implements console.Desk. Change notices from the engine are gathered and told in order."""

    def __init__(
        self,
        *,
        engine: calls.Engine,
        store: tickets.Store,
        transcript: Callable[[str], Awaitable[Mapping[str, Any] | None]],
        audio: Callable[[str], Awaitable[Path | None]],
        manifest: Callable[[str], Awaitable[Mapping[str, Any] | None]],
        health: Callable[[], Awaitable[Sequence[console.Probe]]],
        metrics: Callable[[], str],
        clock: Callable[[], float] = time.time,
        case: Callable[[calls.Call], str] | None = None,
        linked: Linked | None = None,
    ) -> None:
        super().__init__(engine, clock)
        self._linked = linked
        self._case = case
        """A call's case id: its own, where it came with none."""
        self._store = store
        self._transcript = transcript
        self._audio = audio
        self._manifest = manifest
        self._health = health
        self._metrics = metrics
        self._changed: dict[str, calls.Call] = {}
        self._seats_changed: dict[str, None] = {}
        self._earlier: dict[str, list[console.EarlierCall]] = {}
        self._regions: dict[str, console.Region] = {}
        self._rows_changed: dict[tuple[str, str], None] = {}
        self._news = asyncio.Event()

    # ------------------------------------------------------------------ telling
    def on_change(self, change: calls.Change) -> None:
        """The engine's observer: only notes what changed."""
        for call in change.calls:
            self._changed[call.id] = call
        for seat in change.seats:
            self._seats_changed[seat.id] = None
        for table, key, _ in change.rows:
            if table != "callers":
                self._rows_changed[table, key] = None
        self._news.set()

    async def run(self) -> None:
        """Tells changes until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK if self.log.followers and self._told_waiting else None):
                    await self._news.wait()
            self._news.clear()
            changed, self._changed = self._changed, {}
            seats, self._seats_changed = list(self._seats_changed), {}
            rows, self._rows_changed = list(self._rows_changed), {}
            if not self.log.followers:
                self.log.skip()
                await asyncio.sleep(GATHER)
                continue
            for call in changed.values():
                earlier = await self._earlier_of(call)
                self.log.tell(self._shown(call, earlier))
                if call.ended_at is not None:
                    self._earlier.pop(call.id, None)
                    self._regions.pop(call.id, None)
            for seat_id in seats:
                seat = self._engine.dispatcher.seats.get(seat_id)
                if seat is not None:
                    self.log.tell(shapes_floor.seat(seat))
            for table, key in rows:
                self._tell_row(table, key)
            self._tell_waiting()
            await asyncio.sleep(GATHER)

    def _shown(self, call: calls.Call, earlier: Sequence[console.EarlierCall] | None = None) -> console.LiveCall:
        known = self._earlier.get(call.id, []) if earlier is None else earlier
        case = self._case(call) if self._case is not None else None
        return shapes.live_call(call, known, self._regions.get(call.id), self._names(), case)

    async def _earlier_of(self, call: calls.Call) -> list[console.EarlierCall]:
        """What this caller called about before: looked up once, when a seat is about to need it."""
        if call.id in self._earlier or not (call.caller_number or call.case) or call.offer is None:
            return self._earlier.get(call.id, [])
        found: list[console.EarlierCall] = []
        try:
            # First what belongs to the case that it came back with, whoever calls.
            found += await self._linked.earlier_of(call) if self._linked is not None else []
            known = {call.id, *(one.id for one in found)}
            same = (await self._store.calls(4, number=call.caller_number)).items if call.caller_number else ()
            for old in same:
                if old.call_id in known:
                    continue
                ticket = await self._store.ticket_of_call(old.call_id)
                title = ticket.draft.title if ticket is not None else None
                if ticket is not None and ticket.draft.region is not None and call.id not in self._regions:
                    # The county of the last matter is the best guess for the next one.
                    name = ticket.draft.region_name or ticket.draft.region
                    self._regions[call.id] = console.Region(code=ticket.draft.region, name=name, why="history")
                found.append(
                    console.EarlierCall(id=old.call_id, at=old.arrived_at, outcome=old.outcome, title=title or None)
                )
        except tickets.StoreError:
            return []
        self._earlier[call.id] = found[:3]
        return found[:3]

    async def tell_draft(self, ticket: tickets.Ticket) -> None:
        """A draft is new or has changed."""
        self.log.tell(await self._draft(ticket))

    async def _draft(self, ticket: tickets.Ticket) -> console.Draft:
        seat = None
        if ticket.call_id is not None:
            live = self._engine.calls.get(ticket.call_id)
            if live is not None:
                seat = live.seat
            else:
                record = await self._store.call(ticket.call_id)
                seat = record.seat if record is not None else None
        return shapes.draft(ticket, seat)

    # ------------------------------------------------------------------ Desk
    async def snapshot(self) -> console.Snapshot:
        """See console.Desk."""
        last = self.log.last
        # Without the store there are no drafts to show, but the floor stays visible.
        drafts: list[console.Draft] = []
        with contextlib.suppress(tickets.StoreError):
            page = await self._store.tickets(30, status=tickets.TicketStatus.DRAFT)
            drafts = [await self._draft(t) for t in page.items]
        return console.Snapshot(
            last_event_id=last,
            calls=[self._shown(c) for c in self._live()],
            seats=list(await self.seats()),
            waiting=list(await self.waiting()),
            drafts=drafts,
            health=list(await self._health()),
            mode=await self.mode() if self._engine.host is not None else None,
        )

    def _live(self) -> list[calls.Call]:
        return sorted(self._engine.calls.values(), key=lambda c: (c.arrived_at, c.id), reverse=True)

    async def calls(self, *, live: bool | None, limit: int, cursor: str | None) -> console.CallPage:
        """Live ones first (they are the newest), then the book of calls."""
        items: list[console.CallSummary] = []
        if live is not False and (cursor is None or cursor.startswith(_LIVE)):
            # A page of live calls goes on below the arrival time in its cursor.
            below = _live_cursor(cursor) if cursor is not None else None
            rest = [c for c in self._live() if below is None or (c.arrived_at, c.id) < below]
            items = [shapes.summary(shapes.live_call(c)) for c in rest[:limit]]
            if len(rest) > limit:
                last = rest[limit - 1]
                return console.CallPage(items=items, next=f"{_LIVE}{last.arrived_at!r}:{last.id}")
            cursor = None
        if live is True:
            if cursor is not None:
                raise console.UnknownCursorError
            return console.CallPage(items=items, next=None)
        if len(items) >= limit:
            # The book begins on the next page: the cursor of live calls, below the last one.
            last_item = items[-1]
            return console.CallPage(items=items, next=f"{_LIVE}{last_item.arrived_at!r}:{last_item.id}")
        try:
            page = await _available(self._store.calls(limit - len(items), cursor))
        except tickets.BadCursor:
            raise console.UnknownCursorError from None
        known = {c.id for c in self._engine.calls.values() if c.state is not CallState.ENDED}
        items += [shapes.summary(shapes.old_call(r)) for r in page.items if r.call_id not in known]
        return console.CallPage(items=items, next=page.next)

    async def live_call(self, call_id: str) -> console.LiveCall | None:
        """See console.Desk."""
        live = self._engine.calls.get(call_id)
        return self._shown(live) if live is not None else None

    async def call(self, call_id: str) -> console.Call | None:
        """See console.Desk."""
        live = self._engine.calls.get(call_id)
        if live is not None:
            base = self._shown(live)
        else:
            record = await _available(self._store.call(call_id))
            if record is None or not record.state:
                return None
            base = shapes.old_call(record)
        manifest = await self._manifest(call_id)
        words = await self._transcript(call_id)
        ticket = await _available(self._store.ticket_of_call(call_id))
        whole = {name: getattr(base, name) for name in console.LiveCall.model_fields}
        if base.outcome is not None and ticket is not None and not any(m.what == "draft" for m in base.timeline):
            made = console.Moment(at=ticket.created_at, what="draft", detail={"ticket": ticket.id})
            whole["timeline"] = [*base.timeline, made]
        return console.Call(
            **whole,
            recording=shapes.recording(call_id, manifest) if manifest is not None else None,
            transcript=console.Transcript.model_validate(words) if words is not None else None,
            draft=await self._draft(ticket) if ticket is not None else None,
        )

    async def tickets(self, *, seat: str | None, limit: int, cursor: str | None) -> console.DraftPage:
        """See console.Desk."""
        try:
            page = await _available(self._store.tickets(limit, cursor, seat=seat))
        except tickets.BadCursor:
            raise console.UnknownCursorError from None
        return console.DraftPage(items=[await self._draft(t) for t in page.items], next=page.next)

    async def ticket(self, ticket_id: str) -> console.Draft | None:
        """See console.Desk."""
        ticket = await _available(self._store.ticket(ticket_id))
        return await self._draft(ticket) if ticket is not None else None

    async def recording(self, call_id: str) -> Path | None:
        """See console.Desk."""
        return await self._audio(call_id)

    async def events(self, since: int | None) -> AsyncIterator[console.Event]:
        """See console.Desk."""
        async for event in self.log.follow(since):
            yield event

    async def health(self) -> Sequence[console.Probe]:
        """See console.Desk."""
        return await self._health()

    async def metrics(self) -> str:
        """See console.Desk."""
        return self._metrics()

    async def handover(
        self, handover_id: str, token: str, audit: Callable[[str, str], Awaitable[None]]
    ) -> console.Handover:
        """See console.Desk."""
        if self._linked is None:
            raise console.RefusedError("no-handover")
        return await self._linked.handover(handover_id, token, audit)

    async def audit(self, entry: console.AuditEntry) -> None:
        """See console.Desk. Raises UnavailableError when it cannot be written: then nothing is shown."""
        extra: dict[str, object] = {"where": entry.where}
        if entry.seat is not None:
            extra["seat"] = entry.seat
        if len(entry.calls) > 1:
            extra["calls"] = list(entry.calls)
        object_id = entry.calls[0] if entry.calls else entry.detail
        await _available(
            self._store.audit(
                entry.who, entry.role, entry.what.value, object_id, at=entry.at, why=entry.detail, extra=extra
            )
        )


def _live_cursor(cursor: str) -> tuple[float, str]:
    at, _, call_id = cursor[len(_LIVE) :].partition(":")
    try:
        below = float(at)
    except ValueError:
        raise console.UnknownCursorError from None
    if not math.isfinite(below):
        raise console.UnknownCursorError
    return below, call_id


T = TypeVar("T")


async def _available(work: Awaitable[T]) -> T:
    try:
        return await work
    except tickets.StoreUnavailable:
        raise console.UnavailableError("store") from None
