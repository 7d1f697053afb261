"""Looking at the switch's truth: after a reconnect, now and then for certain, and when a phone has moved parties by
itself. Part of the engine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from routing import Dispatcher

from . import events as e
from ._told import Counters
from ._truth import compare
from .model import Call
from .ports import Entry, Switch

log = logging.getLogger(__name__)


class Looks:
    """Mixed into the engine."""

    calls: dict[str, Call]
    counters: Counters
    dispatcher: Dispatcher
    entries: Mapping[str, Entry]
    _switch: Switch
    _clock: Callable[[], float]
    _wake: asyncio.Event
    _loop: asyncio.AbstractEventLoop | None
    _ended: dict[str, float]
    _writing: float | None
    _unseen: bool
    _sweeping: asyncio.Task[None] | None
    _second_lines: dict[str, str]

    def feed(self, events: Iterable[e.Input]) -> None:
        """See Engine.feed."""
        raise NotImplementedError

    async def link_up(self) -> None:
        """The switch can be reached (again): tell it the entries, learn its truth."""
        self._unseen = True
        self._switch.announce(self.entries)
        self._switch.beat(self._clock())
        await self.sweep(after_gap=True)

    async def sweep(self, *, after_gap: bool = False) -> None:
        """Compares with the switch and feeds the differences. Raises what `snapshot` raises."""
        writing = self._writing
        snapshot = await self._switch.snapshot()
        if writing is not None:
            # Commands of that turn were not sent yet when the switch was asked, however long ago it was decided.
            snapshot = replace(snapshot, asked_at=min(snapshot.asked_at, writing))
        differ = compare(
            self.calls, self._ended, self.dispatcher, snapshot, self._switch, self._clock(), self.feed,
            after_gap=after_gap,
        )  # fmt: skip
        self._unseen = False
        self._wake.set()
        self.counters.reconciled += differ
        if differ and not after_gap:
            log.warning("the switch disagreed with us", extra={"differences": differ})

    def _look_soon(self) -> None:
        """A phone has put two parties together by itself: the switch knows who is with whom."""
        if self._loop is not None and (self._sweeping is None or self._sweeping.done()):
            self._sweeping = asyncio.create_task(self._look(), name="engine-look")

    async def _look(self) -> None:
        # A failure is no loss: the sweep of every half minute looks again.
        with contextlib.suppress(Exception):
            await self.sweep(after_gap=True)

    def _of_second_line(self, event: e.Event) -> e.Event:
        """A seat's second line has a channel of its own: what is told of it belongs to the call it is a leg of."""
        if type(event) is not e.CallerLeft or event.call in self.calls or not self._second_lines:
            return event
        call = self._second_lines.pop(event.call, None)
        return e.LegLeft(call, event.call, event.cause) if call is not None else event
