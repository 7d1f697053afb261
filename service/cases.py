"""Cases that go from hotline to hotline: what is told of a call that leaves, what is known of one that comes (back).

What is told comes from the call, from what another hotline told of it, and from the last draft there is: a draft of a
call that just goes on does not exist yet, but a call that comes back has one from its first time here. Drafts are
looked up when such a call arrives, so that an order of a seat never waits for the database.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import calls
import console
import tickets

KNOWN = 2000
"""Drafts kept in hand; those noted longest ago are let go first."""
EARLIER = 10
_NO_DRAFT = tickets.Draft()


class CaseBook:
    """See the module's text; an observer of the engine.

    Args:
        store: the books.
        live: the engine's calls.
        system: tells this hotline from all others, e.g. its centre's code: begins the ids of its cases.
        hotline: who we are, as another hotline is told.
        clock: unix seconds.
    """

    def __init__(
        self,
        store: tickets.Store,
        live: Callable[[], Mapping[str, calls.Call]],
        system: Callable[[], str],
        hotline: Callable[[], console.HandoverHotline],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._live = live
        self._system = system
        self._hotline = hotline
        self._clock = clock
        self._drafts: dict[str, tickets.Draft] = {}
        self._wanted: asyncio.Queue[tuple[str, str]] = asyncio.Queue(KNOWN)
        self.looked_up = 0
        """Calls whose case was looked up; for tests."""

    # ------------------------------------------------------------------ watching
    def on_change(self, change: calls.Change) -> None:
        """See calls.Engine.observe: a call with a case of before is looked up; what is over is let go."""
        for event, _ in change.events:
            if isinstance(event, calls.events.Arrived) and calls.clean_case(event.case):
                with suppress(asyncio.QueueFull):
                    self._wanted.put_nowait((event.call, event.case))
        for call in change.calls:
            if call.state is calls.CallState.ENDED:
                self._drafts.pop(call.id, None)

    async def run(self) -> None:
        """Looks up the drafts of calls that came back, until cancelled."""
        while True:
            call_id, case = await self._wanted.get()
            if call_id not in self._live():
                continue
            # Without the store the call goes on: the next hotline is told less.
            with suppress(tickets.StoreError):
                found = await self.tickets_of(calls.clean_case(case), but=call_id)
                if found:
                    self._note(call_id, found[0].draft)
            self.looked_up += 1

    def note(self, ticket: tickets.Ticket) -> None:
        """A draft was made or changed: kept while its call lives."""
        if ticket.call_id is not None and ticket.call_id in self._live():
            self._note(ticket.call_id, ticket.draft)

    def _note(self, call_id: str, draft: tickets.Draft) -> None:
        self._drafts.pop(call_id, None)
        self._drafts[call_id] = draft
        if len(self._drafts) > KNOWN:
            del self._drafts[next(iter(self._drafts))]

    # ------------------------------------------------------------------ what is told
    def body_of(self, call: calls.Call, note: str = "") -> dict[str, Any]:
        """The handover of a call as plain JSON values, at once: for calls.HandoverIssuer.

        Args:
            call: whose it is.
            note: what the seat says of it; told instead of what the last draft has.
        """
        told, draft = heard(call), self._drafts.get(call.id, _NO_DRAFT)
        spoken = bool(draft.content)
        body = console.Handover.model_validate({
            "version": 1,
            "case": calls.case_of(call, self._system()),
            "issued_at": self._clock(),
            "hotline": self._hotline(),
            "caller": _caller(call, told, draft),
            "call": {
                "id": call.id, "dialled": call.dialled, "arrived_at": call.arrived_at, "direction": call.direction,
            },
            "region": _region(call, told, draft),
            "earlier": [*({"case": one.ticket} for one in draft.repeats), *told.earlier],
            "callback": {
                "wanted": call.called_back is not None or told.callback.wanted,
                "number": draft.phone or told.callback.number,
            },
            "urgent": told.urgent or draft.urgent,
            "emergency": _emergency(call) or draft.emergency or told.emergency,
            "language": draft.language if spoken else told.language or _language(call),
            "kind": draft.kind.value if spoken else told.kind,
            "title": draft.title if spoken else told.title,
            "summary": _summary(told, note or draft.content),
        })  # fmt: skip
        return body.model_dump(mode="json")

    # ------------------------------------------------------------------ what is known
    async def records_of(self, case: str, *, but: str = "", limit: int = EARLIER) -> list[tickets.CallRecord]:
        """Calls of the book that belong to a case, newest first; `but` is the call that asks.

        Raises:
            tickets.StoreError: the store does not answer.
        """
        case = calls.clean_case(case)
        if not case:
            return []
        found = {one.call_id: one for one in (await self._store.calls(limit + 1, case=case)).items}
        first = calls.call_of_case(case, self._system())
        if first and first not in found:
            own = await self._store.call(first)
            if own is not None and own.state:
                found[first] = own
        found.pop(but, None)
        return sorted(found.values(), key=lambda one: (one.arrived_at, one.call_id), reverse=True)[:limit]

    async def earlier_of_case(self, case: str, *, but: str = "", limit: int = EARLIER) -> list[console.EarlierCall]:
        """What the seat sees of a case that came (back): its calls here, live ones too, newest first.

        Args:
            case: as the call came with it.
            but: the call that asks.
            limit: so many at most.

        Raises:
            tickets.StoreError: the store does not answer.
        """
        case, system = calls.clean_case(case), self._system()
        if not case:
            return []
        found: dict[str, console.EarlierCall] = {}
        for record in await self.records_of(case, but=but, limit=limit):
            ticket = await self._store.ticket_of_call(record.call_id)
            title = ticket.draft.title if ticket is not None else ""
            found[record.call_id] = console.EarlierCall(
                id=record.call_id, at=record.arrived_at, outcome=record.outcome, title=title or None
            )
        for call in self._live().values():
            if call.id != but and call.id not in found and calls.case_of(call, system) == case:
                found[call.id] = console.EarlierCall(id=call.id, at=call.arrived_at, outcome=call.outcome)
        return sorted(found.values(), key=lambda one: (one.at, one.id), reverse=True)[:limit]

    async def tickets_of(self, case: str, *, but: str = "", limit: int = EARLIER) -> list[tickets.Ticket]:
        """Drafts and tickets of a case's calls that have words, newest call first; `but` is the call that asks.

        Raises:
            tickets.StoreError: the store does not answer.
        """
        records = await self.records_of(case, but=but, limit=limit)
        found = [await self._store.ticket_of_call(one.call_id) for one in records]
        return [one for one in found if one is not None and one.draft.content]


def heard(call: calls.Call) -> console.Handover:
    """What another hotline told of the call; an empty one if none did."""
    if call.context:
        with suppress(ValueError):
            return console.Handover.model_validate(dict(call.context))
    return console.Handover(version=1, case=calls.clean_case(call.case) or "-")


def _caller(call: calls.Call, told: console.Handover, draft: tickets.Draft) -> dict[str, str]:
    # Who comes over from another hotline may show that one's number: its word of the caller counts more.
    number = told.caller.number or call.caller_number
    # 要求保密: the name stays here; the number goes along, or nobody could ring back.
    name = "" if draft.secret else told.caller.name or call.caller_name or draft.surname or ""
    return {"number": number, "name": name}


def _region(call: calls.Call, told: console.Handover, draft: tickets.Draft) -> dict[str, str] | console.HandoverRegion:
    if draft.region or draft.address:
        return {"code": draft.region or "", "name": draft.region_name or "", "address": draft.address or ""}
    if told.region.code or told.region.name or told.region.address:
        return told.region
    return {"code": (call.demand.centre if call.demand is not None else None) or ""}


def _emergency(call: calls.Call) -> str | None:
    """The last emergency line that was asked for in this call."""
    asked = [party.target.removeprefix("entry:") for party in call.parties if party.how == "emergency"]
    return asked[-1] if asked else None


def _language(call: calls.Call) -> str:
    return call.demand.language if call.demand is not None else ""


def _summary(told: console.Handover, ours: str) -> str:
    """In the order it was told: there first, then here; what says the same is said once.

    Where both are too long the older one is cut: the newest word is what the next hotline needs first.
    """
    room = max(0, console.SUMMARY - len(ours) - 1) if ours else console.SUMMARY
    return "\n".join(dict.fromkeys(part for part in (told.summary[:room].rstrip(), ours) if part))
