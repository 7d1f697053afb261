"""The part of the desk that takes orders to calls with several parties, and shows the hotline directory."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import calls
import console
from calls import OrderError
from routing import Directory

from . import shapes_parties as shapes
from .desk_floor import FloorDesk

T = TypeVar("T")
_REFUSED = {"no-routing": "refused"}
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class PartyDesk(FloorDesk):
    """See console.Desk for what each method promises."""

    # ------------------------------------------------------------------ names
    def _directory(self) -> Directory:
        host = self._engine.host
        return host.outside.directory if host is not None else Directory()

    def _names(self) -> shapes.Names:
        host = self._engine.host
        return shapes.Names(self._directory(), self._engine.dispatcher.seats, host.book if host is not None else None)

    async def directory(self) -> console.Directory:
        """See console.Desk."""
        return shapes.directory(self._directory(), self._clock())

    # ------------------------------------------------------------------ orders
    async def want_party(
        self, call_id: str, order: console.PartyOrder, *, asking: str, by: str, key: str
    ) -> console.Party | None:
        """See console.Desk."""
        kind, wanted = order.target
        what = {kind: wanted}
        part = _ordered(
            lambda: self._engine.want_party(call_id, order.how, **what, by=by, key=key, asking=asking, note=order.note)
        )
        if part is None:
            return None
        return self._party(call_id, part) or shapes.asked(part, order, self._clock(), self._names(), asking)

    async def drop_party(self, call_id: str, part: str, *, by: str, key: str) -> bool:
        """See console.Desk. Asked twice it is one: a party that was let go stays so."""
        call = self._engine.calls.get(call_id)
        gone = call.party(part) if call is not None else None
        if gone is not None and gone.state == "withdrawn":
            return True
        return _done(lambda: self._engine.drop_party(call_id, part, by=by, key=key))

    async def arrange(self, call_id: str, what: str, *, seat: str, by: str, key: str) -> bool:
        """See console.Desk."""
        return _done(lambda: self._engine.arrange(call_id, what, seat=seat, by=by, key=key))

    async def emergency(
        self, call_id: str, entry: str, *, by: str, key: str, note: str = ""
    ) -> console.Party | None:
        """See console.Desk. Any other entry than an emergency line is asked for as a usual party."""
        known = self._directory().get(entry)
        if known is None or not known.emergency:
            if call_id not in self._engine.calls:
                return None
            raise console.RefusedError("no-entry")
        part = _ordered(lambda: self._engine.emergency(call_id, entry, by=by, key=key, note=note))
        if part is None:
            return None
        return self._party(call_id, part) or shapes.asked_emergency(part, entry, self._clock(), self._names())

    async def supervise(self, call_id: str, mode: str, seat: str, *, by: str, key: str) -> bool:
        """See console.Desk."""
        return _done(lambda: self._engine.supervise(call_id, mode, seat, by=by, key=key))

    def _party(self, call_id: str, part: str) -> console.Party | None:
        """The party of that id, if the call knows it already.

        Raises:
            RefusedError: ``key-used``: the id is none of a party, so the key was another order's.
        """
        if not _PART.fullmatch(part):
            raise console.RefusedError("key-used")
        call: calls.Call | None = self._engine.calls.get(call_id)
        one = call.party(part) if call is not None else None
        return shapes.party(one, call, self._names()) if one is not None else None


def _ordered(order: Callable[[], T]) -> T | None:
    """What the engine answers; None: there is no such call."""
    try:
        return order()
    except OrderError as error:
        if error.code == "no-such-call":
            return None
        raise console.RefusedError(_REFUSED.get(error.code, error.code)) from None


def _done(order: Callable[[], None]) -> bool:
    """Whether there is such a call: then it is done."""

    def work() -> bool:
        order()
        return True

    return _ordered(work) is True
