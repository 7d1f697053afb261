"""Which action waits for which answer.  No I/O: messages and the time come in, events come out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ._frames import FrameCounters, Message
from ._link_errors import ActionFailed, ActionTimeout, LinkError

T = TypeVar("T")

log = logging.getLogger("telephony.link")

OnReply = Callable[[Message | None], None]
"""Gets the reply (look at ``Response``), or None if none came (timeout, link down)."""


@dataclass(slots=True)
class LinkCounters(FrameCounters):
    """What the link did since it was made; all only grow.

    Attributes:
        messages: messages parsed, replies and list items included.
        events: events handed to the consumer.
        replies: answers to actions.
        orphan_replies: answers and list items nobody waits for any more (they came after the timeout).
        timeouts: actions without an answer in time.
        handler_errors: exceptions of the consumer's functions, survived.
        slow_batches: batches for which the consumer took over 50 ms (Asterisk gives up a reader that lags).
        held_dropped: events of sessions that ended before their reconciliation did.
        reconnects: sessions that ended and were followed by a new attempt.
        login_failures: logins Asterisk refused.
        tls_failures: connections given up because the other side did not prove to be the PBX, or has no TLS.
    """

    messages: int = 0
    events: int = 0
    replies: int = 0
    orphan_replies: int = 0
    timeouts: int = 0
    handler_errors: int = 0
    slow_batches: int = 0
    held_dropped: int = 0
    reconnects: int = 0
    login_failures: int = 0
    tls_failures: int = 0


@dataclass(slots=True)
class Pending:
    """An action under way.  At most one of future, items_future and on_reply is used."""

    action: str
    seconds: float
    deadline: float
    future: asyncio.Future[Message] | None = None
    items_future: asyncio.Future[list[Message]] | None = None
    on_reply: OnReply | None = None
    items: list[Message] = field(default_factory=list)


class ActionTable:
    """The actions of one session that wait for their answers."""

    def __init__(self, token: str, counters: LinkCounters) -> None:
        self._token = f"{token}-"
        # List items are told from events by their ActionID alone, also when they come too late.
        self._list_mark = f"{token}-L"
        self._counters = counters
        self._pending: dict[str, Pending] = {}
        self._number = 0
        self.answered = False
        """Something of ours has been answered; who looks at it takes it back."""

    def __len__(self) -> int:
        return len(self._pending)

    def __contains__(self, action_id: str) -> bool:
        return action_id in self._pending

    def new_id(self, *, for_list: bool = False) -> str:
        """An ActionID nobody else uses."""
        self._number += 1
        return f"{self._list_mark if for_list else self._token}{self._number}"

    def add(self, action_id: str, pending: Pending) -> None:
        """The action has just been written."""
        self._pending[action_id] = pending

    def take(self, messages: list[Message], deliver: Callable[[list[Message]], None]) -> None:
        """Sort one read's messages: answers to those who wait, events to `deliver`, in order.

        Before an `on_reply` is called, the events that came before its reply are delivered.
        """
        batch: list[Message] = []
        for message in messages:
            if message.event:
                if "ActionID" in message.index and message.one("ActionID").startswith(self._list_mark):
                    self._list_item(message)
                else:
                    batch.append(message)
            elif message.is_reply:
                self._counters.replies += 1
                self.answered = True
                pending = self._pending.get(message.one("ActionID"))
                if pending is None:
                    self._counters.orphan_replies += 1
                    continue
                if batch and pending.on_reply is not None:
                    deliver(batch)
                    batch = []
                self._reply(message, pending)
        if batch:
            deliver(batch)

    def _reply(self, message: Message, pending: Pending) -> None:
        if pending.items_future is not None and message.success and "EventList" in message:
            return  # the items follow
        del self._pending[message.one("ActionID")]
        if pending.on_reply is not None:
            self._call(pending.on_reply, message)
            return
        failure = None if message.success else ActionFailed(pending.action, message)
        if pending.future is not None:
            _settle(pending.future, failure or message)
        if pending.items_future is not None:
            _settle(pending.items_future, failure or [])

    def _list_item(self, message: Message) -> None:
        self.answered = True
        action_id = message.one("ActionID")
        pending = self._pending.get(action_id)
        if pending is None or pending.items_future is None:
            self._counters.orphan_replies += 1
            return
        if "EventList" not in message:
            pending.items.append(message)
            return
        del self._pending[action_id]
        complete = message.one("EventList").lower() == "complete"
        _settle(pending.items_future, pending.items if complete else ActionFailed(pending.action, message))

    def _call(self, on_reply: OnReply, reply: Message | None) -> None:
        try:
            on_reply(reply)
        except Exception as error:
            self._counters.handler_errors += 1
            log_without_content("on_reply", error)

    def _fail(self, pending: Pending, error: LinkError) -> None:
        if pending.on_reply is not None:
            self._call(pending.on_reply, None)
        if pending.future is not None:
            _settle(pending.future, error)
        if pending.items_future is not None:
            _settle(pending.items_future, error)

    def expire(self, now: float) -> None:
        """Give up the actions whose time is over."""
        late = [key for key, pending in self._pending.items() if pending.deadline <= now]
        for key in late:
            pending = self._pending.pop(key, None)
            if pending is not None:
                self._counters.timeouts += 1
                self._fail(pending, ActionTimeout(pending.action, pending.seconds))

    def fail_all(self, error: Callable[[str], LinkError]) -> None:
        """The session is over: nobody gets an answer any more.  `error` makes one from the action's name."""
        over, self._pending = self._pending, {}
        for pending in over.values():
            self._fail(pending, error(pending.action))


def _settle(future: asyncio.Future[T], result: T | LinkError) -> None:
    if future.done():  # the one who waited was cancelled
        return
    if isinstance(result, LinkError):
        future.set_exception(result)
    else:
        future.set_result(result)


def log_without_content(where: str, error: BaseException) -> None:
    """Log an exception of the consumer: its type and place, never its text (it may hold a number)."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last is not None else "?"
    log.error("%s failed and was survived: %s at %s", where, type(error).__name__, place)
