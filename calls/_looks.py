"""Looking at the switch's truth: after a reconnect, now and then for certain, and when a phone has moved parties by
itself. Part of the engine."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from routing import Dispatcher, Waiting

from . import events as e
from ._alone import untold
from ._told import Counters
from ._truth import compare, ringing_alone, waiting_alone
from .model import LIVE, OUTBOUND, Call, CallState, LegState
from .ports import Entry, Switch

log = logging.getLogger(__name__)


LATE = 8.0
"""Seconds after a return in which a caller whom the silence has frightened may still go to the switch's own queue: a
flow's limit runs out six seconds after the last renewal."""
NATIVE_TURN = 5.0
"""Seconds after a return in which the switch's own queue may still begin to ring a phone: a caller is in it for four at
a time, and comes back by itself then. Nobody is offered meanwhile, or one phone would be rung for two."""
LOOK_AGAIN = 0.4
RING_AGAIN = 2.0
"""Seconds until it is looked again whether the switch's own queue still rings a phone."""


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
    _slow: deque[tuple[float, float]]
    _unseen: bool
    _looked: bool
    _native_until: float
    _returned: float
    _sweeping: asyncio.Task[None] | None
    _second_lines: dict[str, str]
    _aside: dict[str, Waiting]

    def feed(self, events: Iterable[e.Input]) -> None:
        """See Engine.feed."""
        raise NotImplementedError

    def _apply(self, event: e.Event, now: float) -> None:
        """See Engine."""
        raise NotImplementedError

    def _take_inbox(self, now: float) -> None:
        """See Engine."""
        raise NotImplementedError

    async def link_up(self, name: str = "") -> None:
        """The switch (one of several: its system name) can be reached (again): tell it the entries, learn its truth."""
        self._unseen, self._looked = True, False
        self._returned = self._clock()
        self._native_until = self._returned + NATIVE_TURN
        self._switch.announce(self.entries)
        self._switch.beat(self._clock())
        await self.sweep(after_gap=True, name=name)
        self._bring_back()

    def link_down(self, events: Iterable[e.Input] = ()) -> None:
        """One of several switches is away, others are not: its callers cannot be joined with anybody just now. They
        keep their rank, out of the queue, until it is back; nobody is rung for them."""
        self.feed(events)
        self._hold_back()
        self._unseen = self._unseen and not self._switch.up  # looking at this one is over; the others go on
        for call in self.calls.values():
            if self._switch.reaches(call.id):
                continue
            if call.offer is not None:
                self.feed([e.LegLeft(call.id, call.offer.leg, e.NEVER_RUNG)])
            if call.state is CallState.DUE:
                self.feed([e.CallerLeft(call.id, e.NEVER_RUNG)])  # nobody was rung yet: another switch will

    def switch_lost(self, covers: Callable[[str], bool]) -> None:
        """A switch is no more (its machine refuses connections): its calls have ended, and nobody can save them.

        Their callers go on the callback list, their seats are free for others, all in the batch that says so. Nothing
        of it needs the switch: should it be wrong, the switch's truth is taken back when it is seen again.
        """
        lost = [call for call in self.calls.values() if call.state in LIVE | OUTBOUND and covers(call.id)]
        if lost:
            log.error("a switch is gone with %d calls: its callers are called back", len(lost))
            self.feed([e.CallerLeft(call.id, e.LOST) for call in lost])
        for call in self.calls.values():
            if call.state is CallState.STAYING and covers(call.id):
                self.feed([e.LegLeft(call.id, x.id, 0) for x in call.legs if x.state is not LegState.GONE])

    def _hold_back(self) -> None:
        if not self._switch.up:
            return  # nobody is offered anything while no switch is there; the queue stays as it is
        for waiting in self.dispatcher.waiting():
            if not self._switch.reaches(waiting.call.partition("+")[0]):
                self.dispatcher.withdraw(waiting.call)
                self._aside[waiting.call] = waiting

    def _bring_back(self) -> None:
        for place, waiting in list(self._aside.items()):
            if self._switch.reaches(place.partition("+")[0]):
                del self._aside[place]
                self.dispatcher.enqueue(waiting)
        self._wake.set()

    async def sweep(self, *, after_gap: bool = False, name: str = "") -> None:
        """Compares with the switch and feeds the differences. Raises what `snapshot` raises."""
        writing = self._writing
        snapshot = await self._switch.snapshot(name)
        # Commands of such a turn were not sent yet when the switch was asked, however long ago it was decided.
        late = [began for began, sent in self._slow if sent >= snapshot.asked_at]
        late += [began for began in (writing, self._writing) if began is not None]
        snapshot = replace(snapshot, asked_at=min([snapshot.asked_at, *late]))
        # While a turn could not be written, what the switch told stayed in the inbox: it is older than what is seen
        # here, and taken first. Taken afterwards, a caller would fall out of a talk into the queue that led to it.
        self._take_inbox(self._clock())
        for at, event in untold(self.calls, self._ended, snapshot):
            self._apply(event, at)
        differ = compare(
            self.calls, self._ended, self.dispatcher, snapshot, self._switch, self._clock(), self.feed,
            after_gap=after_gap,
        )  # fmt: skip
        self._looked = True
        self._unseen = self._clock() < self._native_until and bool(waiting_alone(snapshot))
        if self._unseen and self._loop is not None:
            self._loop.call_later(LOOK_AGAIN, self._look_soon)
        if ringing_alone(snapshot) and self._loop is not None:
            self._loop.call_later(RING_AGAIN, self._look_soon)
        if name:
            self._hold_back()  # after a start: callers of those that are still away
        self._wake.set()
        self.counters.reconciled += differ
        if differ and not after_gap:
            log.warning("the switch disagreed with us", extra={"differences": differ})

    def _after_silence(self) -> None:
        """The heart-beat had stopped: the switch has served callers alone meanwhile, and phones have moved them. Nobody
        is offered before it was looked at, as after the link's return."""
        if self._loop is not None:
            self._returned = self._clock()
            self._looked = False
            self._see_first(self._loop)

    def _one_more_native(self) -> None:
        """A caller has gone to the switch's own queue just now."""
        if self._loop is not None and self._clock() - self._returned < LATE:
            self._see_first(self._loop)

    def _see_first(self, loop: asyncio.AbstractEventLoop) -> None:
        self._unseen = True
        self._native_until = self._clock() + NATIVE_TURN
        self._look_soon()
        loop.call_later(LOOK_AGAIN, self._look_soon)  # a look that is under way may have begun before

    def _look_soon(self) -> None:
        """A phone has put two parties together by itself: the switch knows who is with whom."""
        if self._loop is not None and (self._sweeping is None or self._sweeping.done()):
            self._sweeping = asyncio.create_task(self._look(), name="engine-look")

    async def _look(self) -> None:
        # A failure is no loss: the sweep of every half minute looks again.
        try:
            await self.sweep(after_gap=True)
        except Exception:
            if self._unseen and self._loop is not None and self._switch.up:
                self._loop.call_later(LOOK_AGAIN, self._look_soon)

    def has_ended(self, call: str) -> bool:
        """Whether the call has ended a short while ago: it is in the books."""
        return call in self._ended and call not in self.calls

    def _of_second_line(self, event: e.Event) -> e.Event:
        """A seat's second line has a channel of its own: what is told of it belongs to the call it is a leg of."""
        if event.call in self.calls or event.call not in self._second_lines:
            return event
        if type(event) is e.LegJoined:
            return replace(event, call=self._second_lines[event.call])
        if type(event) is e.CallerLeft:
            return e.LegLeft(self._second_lines.pop(event.call), event.call, event.cause)
        return event
