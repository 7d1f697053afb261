"""The part of the desk that keeps the restriction list and hands out the evidence (Art. 11, 18)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import calls
import console
import recordings
import tickets
from calls import OrderError
from routing import Restriction, RestrictionBook, RestrictionError

from . import shapes_restrictions as shapes
from .desk_parties import PartyDesk
from .evidence import Made, Piece, bundle

KNOWN = 50
"""Calls of a number that are offered as evidence."""
MOST_AUDIT = 5000
_PAGE = 200
_REFUSED = {"no-number": "number-withheld"}


class RestrictionDesk(PartyDesk):
    """See console.Desk for what each method promises."""

    _store: tickets.Store
    _transcript: Callable[[str], Awaitable[Mapping[str, Any] | None]]
    _audio: Callable[[str], Awaitable[Path | None]]

    def _restrictions(self) -> RestrictionBook:
        try:
            return self._engine.restriction_book()
        except OrderError:
            raise console.UnavailableError("routing") from None

    def _shape(self, one: Restriction) -> console.Restriction:
        return shapes.restriction(one, self._clock())

    # ------------------------------------------------------------------ the list
    async def restrictions(
        self, *, open_only: bool | None, limit: int, cursor: str | None
    ) -> console.RestrictionPage:
        """See console.Desk."""
        book, now = self._restrictions(), self._clock()
        rows = [one for one in book.entries() if open_only is None or (one.state in shapes.OPEN) == open_only]
        start = 0
        if cursor is not None:
            start = next((i for i, one in enumerate(rows, 1) if one.id == cursor), 0)
            if start == 0:
                raise console.UnknownCursorError
        page = rows[start : start + limit]
        return console.RestrictionPage(
            items=[self._shape(one) for one in page], next=page[-1].id if start + limit < len(rows) else None,
            **book.counts(now), default_days=book.rules.default_days, longest_days=book.rules.longest_days,
        )  # fmt: skip

    async def restriction(self, entry_id: str) -> console.Restriction | None:
        """See console.Desk."""
        entry = self._restrictions().get(entry_id)
        if entry is None:
            return None
        return shapes.restriction(entry, self._clock(), await self._known(entry))

    async def _known(self, entry: Restriction) -> list[console.RestrictionCall]:
        """The number's calls in the books, however it was written. Without the store: none, the entry still shows."""
        found: dict[str, tickets.CallRecord] = {}
        try:
            for number in dict.fromkeys((entry.heard_as, entry.number)):
                found |= {one.call_id: one for one in (await self._store.calls(KNOWN, number=number)).items}
        except tickets.StoreError:
            return []
        rows = sorted(found.values(), key=lambda one: (-one.arrived_at, one.call_id))
        return [shapes.known_call(one) for one in rows[:KNOWN]]

    # ------------------------------------------------------------------ orders
    async def restrict(
        self, order: console.RestrictionOrder, number: str, calls: Sequence[str], *, by: str, role: str
    ) -> console.Restriction:
        """See console.Desk."""
        book = self._restrictions()
        await self._all_of(book, book.rules.normal(number), calls)
        try:
            return self._shape(self._engine.restrict(
                number, order.reason, by=by, role=role, note=order.note, days=order.days, variant=order.variant,
                calls=calls,
            ))  # fmt: skip
        except RestrictionError as error:
            raise _refused(error) from None

    async def restriction_act(
        self, entry_id: str, what: str, note: str, *, by: str, role: str
    ) -> console.Restriction | None:
        """See console.Desk."""
        self._restrictions()
        try:
            entry = self._engine.restriction_act(entry_id, what, by=by, role=role, note=note)
        except RestrictionError as error:
            raise _refused(error) from None
        return self._shape(entry) if entry is not None else None

    async def _all_of(self, book: RestrictionBook, number: str, calls: Sequence[str]) -> None:
        """Raises RefusedError: a call that is not of this number, or that nobody knows."""
        for call_id in calls:
            live = self._engine.calls.get(call_id)
            if live is not None:
                theirs = live.caller_number
            else:
                record = await self._record(call_id)
                theirs = record.caller_number if record is not None else ""
            if book.rules.normal(theirs) != number or not number:
                raise console.RefusedError("not-its-call" if number else "number-withheld")

    async def _record(self, call_id: str) -> tickets.CallRecord | None:
        try:
            record = await self._store.call(call_id)
        except tickets.StoreUnavailable:
            raise console.UnavailableError("store") from None
        return record if record is not None and record.state else None

    # ------------------------------------------------------------------ the evidence
    async def bundle(
        self, entry_id: str, calls: Sequence[str], *, by: str, role: str
    ) -> AsyncIterator[bytes] | None:
        """See console.Desk."""
        book = self._restrictions()
        entry = book.get(entry_id)
        if entry is None:
            return None
        named = {*entry.calls, *entry.turned}
        await self._all_of(book, entry.number, [one for one in calls if one not in named])
        pieces = [await self._piece(one, entry) for one in calls]
        trail = await self._trail(entry_id)
        try:
            done = self._engine.restriction_act(entry_id, "bundle", by=by, role=role, note=" ".join(calls))
        except RestrictionError as error:
            raise _refused(error) from None
        host = self._host
        home = host.book.tree.centres.get(host.book.home)
        made = Made(self._clock(), by, role, f"{home.name if home is not None else host.book.home} 12345 热线")
        return _in_threads(bundle((done or entry).json(), trail, pieces, made))

    async def _piece(self, call_id: str, entry: Restriction) -> Piece:
        live, record = self._engine.calls.get(call_id), await self._record(call_id)
        told = calls.call_json(live) if live is not None else _plain(record) if record is not None else None
        try:
            audio, words = await self._audio(call_id), await self._transcript(call_id)
        except recordings.RecordingError:
            audio, words = None, None  # named as missing in the manifest
        away = record is not None and record.outcome == "turned_away"
        return Piece(
            call_id, told, audio, audio.parent / "manifest.json" if audio is not None else None, words,
            turned_away=away or (record is None and call_id in entry.turned and entry.variant == "announce"),
        )  # fmt: skip

    async def _trail(self, entry_id: str) -> list[dict[str, Any]]:
        """What the audit has about the entry, oldest first; of very many the latest."""
        found: list[dict[str, Any]] = []
        before: str | None = None
        try:
            while len(found) < MOST_AUDIT:
                page = await self._store.audits(_PAGE, before, object_id=entry_id)
                found += [_plain(one) for one in page.items]
                before = page.next
                if before is None:
                    break
        except tickets.StoreUnavailable:
            raise console.UnavailableError("store") from None
        return found[::-1]


def _plain(one: tickets.CallRecord | tickets.AuditEntry) -> dict[str, Any]:
    return {f.name: _json(getattr(one, f.name)) for f in fields(one)}


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_json(v) for v in value]
    return value


async def _in_threads(steps: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Disks may be slow: each step in a thread, one at a time."""
    while (chunk := await asyncio.to_thread(next, steps, None)) is not None:
        if chunk:
            yield chunk


def _refused(error: RestrictionError) -> console.RefusedError:
    return console.RefusedError(_REFUSED.get(error.code, error.code))
