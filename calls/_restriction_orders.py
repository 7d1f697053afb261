"""Orders to the restriction list. Part of the engine: what is ordered is written with the next turn's batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from routing import Restriction, RestrictionBook

from ._errors import OrderError
from ._restricted import protected
from .host import Host


class RestrictionOrders:
    """Mixed into the engine: one owner, one event loop."""

    host: Host | None
    _wake: asyncio.Event
    _clock: Callable[[], float]

    def restriction_book(self) -> RestrictionBook:
        """The list as it is now, what is over ended. Raises OrderError: no-routing."""
        if self.host is None:
            raise OrderError("no-routing", "this instance has no routing book")
        self.host.restrictions.tick(self._clock())
        self._wake.set()
        return self.host.restrictions

    def restrict(
        self, number: str, reason: str, *, by: str, role: str, note: str = "", days: float | None = None,
        variant: str = "announce", calls: Iterable[str] = (),
    ) -> Restriction:  # fmt: skip
        """A first person proposes; nobody is restricted by it.

        Raises:
            routing.RestrictionError: see there.
            OrderError: no-routing.
            ValueError: a reason or variant that does not exist.
        """
        book, host = self.restriction_book(), self.host
        assert host is not None
        safe = protected(book, host.outside.directory, host.book.numbers)
        return book.propose(
            number, reason, self._clock(), by=by, role=role, note=note, days=days, variant=variant, calls=calls,
            protected=safe,
        )  # fmt: skip

    def restriction_act(self, entry_id: str, what: str, *, by: str, role: str, note: str = "") -> Restriction | None:
        """confirm, reject, keep (after a review), appeal, lift or bundle. None if there is no such entry.

        Raises:
            routing.RestrictionError: see there.
            OrderError: no-routing.
            KeyError: an act that does not exist.
        """
        book = self.restriction_book()
        acts = {
            "confirm": book.confirm, "reject": book.reject, "keep": book.review, "appeal": book.appeal,
            "lift": book.lift, "bundle": book.bundled,
        }  # fmt: skip
        act = acts[what]
        return act(entry_id, self._clock(), by=by, role=role, note=note) if book.get(entry_id) is not None else None
