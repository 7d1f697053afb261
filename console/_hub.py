"""One reader of the desk's events, many listeners: each has its own bounded queue, none can slow another."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ._messages import CallbackEvent, CallEvent, DraftEvent, Event, Snapshot
from ._ports import Desk, Look
from ._roles import Principal, Right
from ._settings import Settings
from ._view import see_callback, see_draft, see_summary

_log = logging.getLogger("console")
_BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0)


class Item:
    """An event, with its JSON made once per way of seeing it instead of once per listener."""

    __slots__ = ("_texts", "event", "id")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.id = event.id
        self._texts: dict[tuple[object, ...], str] = {}

    def for_reader(self, reader: Principal) -> tuple[str | None, str, frozenset[Look]]:
        """(JSON for this reader or None if it is not for them, call id, looks to audit)."""
        event = self.event
        if isinstance(event, CallEvent):
            call, looks = see_summary(reader, event.data)
            # Same looks are not always the same text: a call without a number still has a name to mask, and only
            # supervisors see who listens.
            key = (looks, call.caller.masked, reader.may(Right.SUPERVISE))
            return self._text(event.model_copy(update={"data": call}), key), call.id, looks
        if isinstance(event, DraftEvent):
            draft, looks = see_draft(reader, event.data)
            if draft is None:
                return None, "", looks
            shown = event.model_copy(update={"data": draft})
            return self._text(shown, (looks, draft.caller.masked)), draft.call or draft.id, looks
        if isinstance(event, CallbackEvent):
            entry, looks = see_callback(reader, event.data)
            return self._text(event.model_copy(update={"data": entry}), (looks,)), entry.id, looks
        return self._text(event, ()), "", frozenset()

    def _text(self, event: Event, key: tuple[object, ...]) -> str:
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = event.model_dump_json()
        return text


class Listener:
    """One stream's queue. When it overflows the queue is dropped and ``cut`` is set to the reason."""

    __slots__ = ("cut", "queue", "reason")

    def __init__(self, size: int) -> None:
        self.queue: asyncio.Queue[Item] = asyncio.Queue(size)
        self.cut = asyncio.Event()
        self.reason = ""

    def offer(self, item: Item) -> bool:
        """Queue ``item``; False if that cut the listener."""
        if self.cut.is_set():
            return True
        try:
            self.queue.put_nowait(item)
        except asyncio.QueueFull:
            self.end("slow-reader")
            return False
        return True

    def end(self, reason: str) -> None:
        """Tell the stream to say good-bye for ``reason`` (a problem code)."""
        self.reason = self.reason or reason
        while not self.queue.empty():
            self.queue.get_nowait()
        self.cut.set()


@dataclass(slots=True)
class Stats:
    """Counters of the event streams since the start."""

    streams: int = 0
    events: int = 0
    cut_slow: int = 0
    source_failures: int = 0


class Hub:
    """Reads ``desk.events()`` once and hands every event to all listeners."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self._desk = desk
        self._settings = settings
        self._listeners: set[Listener] = set()
        self._kept: deque[Item] = deque(maxlen=settings.kept)
        self._floor = 0
        self._last: int | None = None
        self._snapshot: Snapshot | None = None
        self._snapshot_at = 0.0
        self.stats = Stats()
        self.settled = asyncio.Event()
        self._wanted = asyncio.Event()

    async def run(self) -> None:
        """Read for ever; a source that fails is asked again, with back-off, from the last event seen."""
        failures = 0
        if self._last is None:
            # Starting from a snapshot's id leaves no gap between it and the first event read.
            while True:
                try:
                    self._last = self._floor = (await self._desk.snapshot()).last_event_id
                    break
                except Exception as error:
                    failures = await self._failed(error, failures)
        self.settled.set()
        while True:
            await self._wanted.wait()
            try:
                async for event in self._desk.events(self._last):
                    failures = 0
                    self._hand_out(Item(event))
                failures = await self._failed(EOFError("the event source ended"), failures)
            except Exception as error:
                failures = await self._failed(error, failures)

    async def _failed(self, error: Exception, failures: int) -> int:
        self.stats.source_failures += 1
        # The type only: a message could carry what no log may hold.
        _log.warning("console: event source failed (%s); asking again", type(error).__name__)
        await asyncio.sleep(_BACKOFF[min(failures, len(_BACKOFF) - 1)])
        return failures + 1

    def _hand_out(self, item: Item) -> None:
        if self._last is not None and item.id <= self._last:
            return
        self._last = item.id
        self.stats.events += 1
        if len(self._kept) == self._kept.maxlen:
            self._floor = self._kept[0].id
        self._kept.append(item)
        for listener in self._listeners:
            if not listener.offer(item):
                self.stats.cut_slow += 1

    def missed(self, since: int | None) -> Sequence[Item] | None:
        """Events after ``since``; None when they cannot be given without a gap."""
        if since is None or self._last is None or not self._floor <= since <= self._last:
            return None
        return [item for item in self._kept if item.id > since]

    async def snapshot(self) -> Snapshot:
        """The picture now; for all who ask within a second in which nothing happens it is made once."""
        now = asyncio.get_running_loop().time()
        old = self._snapshot
        if old is None or old.last_event_id != self._last or now - self._snapshot_at > 1.0:
            old = self._snapshot = await self._desk.snapshot()
            self._snapshot_at = now
        return old

    def join(self) -> Listener | None:
        """A new listener; None when there are too many."""
        if len(self._listeners) >= self._settings.streams:
            return None
        self._wanted.set()
        listener = Listener(self._settings.queue)
        self._listeners.add(listener)
        self.stats.streams = len(self._listeners)
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener."""
        self._listeners.discard(listener)
        self.stats.streams = len(self._listeners)

    def end_all(self, reason: str) -> None:
        """Tell every stream to say good-bye."""
        for listener in self._listeners:
            listener.end(reason)
