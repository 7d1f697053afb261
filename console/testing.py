"""A desk in memory: for tests of the console and for work on the page without a switch.

.venv/bin/python -m console.testing        # prints an address per role; Ctrl-C ends it
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from ._fake_floor import FakeFloor, page_of
from ._messages import (
    CallbackEvent,
    CallEvent,
    DraftEvent,
    Event,
    HealthEvent,
    ModeEvent,
    SeatEvent,
    Snapshot,
    WaitingEvent,
)
from ._ports import AuditEntry, RefusedError
from ._schema import Call, CallPage, CallSummary, Draft, DraftPage, LiveCall, Probe
from ._schema_floor import Callback, Mode, Seat, Waiting
from ._schema_handovers import Handover

__all__ = ["FakeDesk", "Subject"]

Subject = Call | Seat | Waiting | Draft | Probe | Callback | Mode


class FakeDesk(FakeFloor):
    """Keeps what it is given and tells it as events; records every audit entry.

    Args:
        clock: unix seconds.

    Attributes:
        audited: entries in the order they were written.
        broken: exceptions that ``health``, ``audit`` or ``metrics`` raise when set under their names.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self.audited: list[AuditEntry] = []
        self.broken: dict[str, Exception] = {}
        self.recordings: dict[str, Path] = {}
        self.handovers: dict[str, tuple[str, Handover | None]] = {}
        self._drafts: dict[str, Draft] = {}
        self._health: dict[str, Probe] = {}
        self._events: list[Event] = []
        self._news = asyncio.Condition()

    # --- filling it ---

    async def put(self, *subjects: Subject) -> None:
        """Keep each subject (replacing the one of its id) and tell it to whoever listens."""
        for subject in subjects:
            event = self.keep(subject)
            async with self._news:
                self._events.append(event)
                self._news.notify_all()

    def keep(self, subject: Subject) -> Event:
        """Keep without telling; gives the event that would tell it."""
        number, at = len(self._events) + 1, self.clock()
        match subject:
            case Call():
                self._calls[subject.id] = subject
                plain = {name: getattr(subject, name) for name in LiveCall.model_fields}
                return CallEvent(id=number, at=at, data=LiveCall(**plain))
            case Seat():
                self._seats[subject.id] = subject
                return SeatEvent(id=number, at=at, data=subject)
            case Waiting():
                key = f"{subject.call}+{subject.part or ''}"
                if subject.position is None:
                    self._waiting.pop(key, None)
                else:
                    self._waiting[key] = subject
                return WaitingEvent(id=number, at=at, data=subject)
            case Draft():
                self._drafts[subject.id] = subject
                return DraftEvent(id=number, at=at, data=subject)
            case Probe():
                self._health[subject.part] = subject
                return HealthEvent(id=number, at=at, data=subject)
            case Callback():
                self._callbacks[subject.id] = subject
                return CallbackEvent(id=number, at=at, data=subject)
            case Mode():
                self._mode = subject
                return ModeEvent(id=number, at=at, data=subject)

    # --- Desk ---

    async def snapshot(self) -> Snapshot:
        """See :class:`console.Desk`."""
        live = [
            LiveCall(**{name: getattr(call, name) for name in LiveCall.model_fields}) for call in self._newest(True)
        ]
        return Snapshot(
            last_event_id=len(self._events),
            calls=live,
            seats=list(self._seats.values()),
            waiting=list(await self.waiting()),
            drafts=self._newest_drafts(None),
            health=list(self._health.values()),
            mode=self._mode,
        )

    async def calls(self, *, live: bool | None, limit: int, cursor: str | None) -> CallPage:
        """See :class:`console.Desk`."""
        rows, following = page_of(self._newest(live), lambda call: call.id, limit, cursor)
        plain = [CallSummary(**{name: getattr(row, name) for name in CallSummary.model_fields}) for row in rows]
        return CallPage(items=plain, next=following)

    async def call(self, call_id: str) -> Call | None:
        """See :class:`console.Desk`."""
        return self._calls.get(call_id)

    async def tickets(self, *, seat: str | None, limit: int, cursor: str | None) -> DraftPage:
        """See :class:`console.Desk`."""
        rows, following = page_of(self._newest_drafts(seat), lambda draft: draft.id, limit, cursor)
        return DraftPage(items=rows, next=following)

    async def ticket(self, ticket_id: str) -> Draft | None:
        """See :class:`console.Desk`."""
        return self._drafts.get(ticket_id)

    async def recording(self, call_id: str) -> Path | None:
        """See :class:`console.Desk`."""
        return self.recordings.get(call_id)

    async def handover(
        self, handover_id: str, token: str, audit: Callable[[str, str], Awaitable[None]]
    ) -> Handover:
        """See :class:`console.Desk`. ``handovers``: id → (token, what it opens; None once used)."""
        known, body = self.handovers.get(handover_id, ("", None))
        if not known or known != token:
            raise RefusedError("no-handover")
        if body is None:
            raise RefusedError("handover-gone")
        await audit(body.call.id, "")
        self.handovers[handover_id] = (known, None)
        return body

    async def events(self, since: int | None) -> AsyncIterator[Event]:
        """See :class:`console.Desk`."""
        place = len(self._events) if since is None else since
        while True:
            async with self._news:
                await self._news.wait_for(lambda at=place: len(self._events) > at)  # type: ignore[misc]
            while place < len(self._events):
                yield self._events[place]
                place += 1

    async def health(self) -> Sequence[Probe]:
        """See :class:`console.Desk`."""
        self._break("health")
        return list(self._health.values())

    async def metrics(self) -> str:
        """See :class:`console.Desk`."""
        self._break("metrics")
        return f"# TYPE hotline_live_calls gauge\nhotline_live_calls {len(self._newest(True))}\n"

    async def audit(self, entry: AuditEntry) -> None:
        """See :class:`console.Desk`."""
        self._break("audit")
        self.audited.append(entry)

    def _break(self, name: str) -> None:
        if name in self.broken:
            raise self.broken[name]

    def _newest(self, live: bool | None) -> list[Call]:
        chosen = [call for call in self._calls.values() if live is None or live == (call.state != "ended")]
        return sorted(chosen, key=lambda call: call.arrived_at, reverse=True)

    def _newest_drafts(self, seat: str | None) -> list[Draft]:
        chosen = [draft for draft in self._drafts.values() if seat is None or draft.seat == seat]
        return sorted(chosen, key=lambda draft: draft.created_at, reverse=True)


if __name__ == "__main__":
    from ._scene_main import main

    main(FakeDesk)
