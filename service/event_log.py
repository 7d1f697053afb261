"""The numbered events that consoles follow."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import console

KEPT_EVENTS = 4096

Shown = (
    console.LiveCall | console.Seat | console.Waiting | console.Draft | console.Probe | console.Callback | console.Mode
)
_TYPES: tuple[tuple[type, Any], ...] = (
    (console.LiveCall, console.CallEvent),
    (console.Seat, console.SeatEvent),
    (console.Waiting, console.WaitingEvent),
    (console.Draft, console.DraftEvent),
    (console.Probe, console.HealthEvent),
    (console.Callback, console.CallbackEvent),
    (console.Mode, console.ModeEvent),
)


class EventLog:
    """The last events, numbered upwards across restarts (milliseconds since 1970 × 1000 at the start)."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._events: deque[console.Event] = deque(maxlen=KEPT_EVENTS)
        self._news = asyncio.Event()
        self.last = int(clock() * 1000) * 1000
        self.followers = 0

    def tell(self, shown: Shown) -> None:
        """Adds one event."""
        self.last += 1
        made = next(event for kind, event in _TYPES if isinstance(shown, kind))
        self._events.append(made.model_construct(id=self.last, at=self._clock(), data=shown))
        self._news.set()

    async def follow(self, since: int | None) -> AsyncIterator[console.Event]:
        """Events after `since`, then new ones as they come."""
        at = self.last if since is None else since
        self.followers += 1
        try:
            async for event in self._follow(at):
                yield event
        finally:
            self.followers -= 1

    def skip(self) -> None:
        """Something happened that nobody looks at: who comes later sees a gap and asks for the whole picture."""
        self.last += 1
        self._events.clear()

    async def _follow(self, at: int) -> AsyncIterator[console.Event]:
        while True:
            if self._events and self._events[-1].id > at:
                # Ids are consecutive: the newest `last - at` ones, without looking at the others.
                fresh = list(itertools.islice(reversed(self._events), self.last - at))
                for event in reversed(fresh):
                    at = event.id
                    yield event
            else:
                self._news.clear()
                await self._news.wait()
