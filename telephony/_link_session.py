"""One connection's worth of the link: bytes in and out, answers, watchdog."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from ._frames import FrameReader, Message
from ._link_actions import Fields, encode_action
from ._link_errors import ActionRefused, LinkDown, LinkError
from ._link_pending import ActionTable, LinkCounters, Pending
from ._link_settings import AmiSettings
from ._link_watch import Verdict, Watchdog
from ._panoramisk import LinkProtocol


class LinkSession:
    """Lives from one connection attempt to the end of that connection.

    Attributes:
        ended: resolves to the reason when the connection is over.
        logged_in: the answer to the login.
    """

    def __init__(
        self,
        settings: AmiSettings,
        token: str,
        counters: LinkCounters,
        deliver: Callable[[list[Message]], None],
        on_lost: Callable[[LinkDown], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[LinkDown] = self._loop.create_future()
        self.logged_in: asyncio.Future[Message] = self._loop.create_future()
        self._booted: asyncio.Future[None] = self._loop.create_future()
        self._counters = counters
        self._deliver = deliver
        self._on_lost = on_lost
        self._settings = settings
        self._reader = FrameReader(counters)
        self._table = ActionTable(token, counters)
        self._protocol: LinkProtocol | None = None
        # The session's own clock: it does not run while this process does not (stopped, or its loop
        # blocked), so that we do not call a peer silent to whom we did not listen.
        self._tick = max(0.01, min(0.1, settings.ping_interval / 5))
        self._clock = 0.0
        self._ticked_at = self._loop.time()
        self._heard = False
        self._watchdog = Watchdog(settings.ping_interval, settings.ping_timeout, self._clock)
        # What Asterisk tells us says nothing about whether it hears us: answers are looked after apart. A quarter
        # more patience, because an Asterisk under load answers late while it still tells of calls.
        self._answers = Watchdog(settings.ping_interval, 1.25 * settings.ping_timeout, self._clock)
        self._timer: asyncio.TimerHandle | None = None

    # -- called by the protocol

    def attach(self, protocol: LinkProtocol) -> None:
        """The connection is there."""
        self._protocol = protocol
        self._ticked_at = self._loop.time()
        self._timer = self._loop.call_later(self._tick, self._on_tick)

    def received(self, data: bytes) -> None:
        """Bytes came."""
        self._heard = True
        messages = self._reader.feed(data)
        if messages and not self.ended.done():
            self._counters.messages += len(messages)
            self._table.take(messages, self._events)

    def login(self, fields: Mapping[str, str]) -> asyncio.Future[Message]:
        """Send the login."""
        try:
            self.submit(fields, Pending("Login", self._settings.login_timeout, 0.0, self.logged_in))
        except LinkError as error:
            if not self.logged_in.done():
                self.logged_in.set_exception(error)
        return self.logged_in

    def lost(self, reason: str) -> None:
        """The connection is over, or is to be taken for it."""
        if self.ended.done():
            return
        error = LinkDown(f"AMI link lost: {reason}")
        self.ended.set_result(error)
        # First the link knows, then those who wait for answers: they must not find it up.
        self._on_lost(error)
        self._table.fail_all(lambda action: LinkDown(f"AMI {action}: link lost: {reason}", maybe_executed=True))

    # -- called by the link

    def submit(self, fields: Fields, pending: Pending) -> None:
        """Write an action; the answer goes to `pending`.

        Raises:
            ActionRefused: it cannot be sent.
            LinkDown: the connection is over.
        """
        if self.ended.done() or self._protocol is None:
            raise LinkDown(f"AMI {pending.action} not sent: the link is down")
        given = fields.get("ActionID")
        if isinstance(given, str) and pending.items_future is None:
            action_id = given
            if not given or given in self._table:
                raise ActionRefused("ActionID", "empty, or of an action still under way")
            data = encode_action(fields)
        else:
            action_id = self._table.new_id(for_list=pending.items_future is not None)
            data = encode_action({**fields, "ActionID": action_id})
        pending.deadline = self._now() + pending.seconds
        self._table.add(action_id, pending)
        self._protocol.write(data)

    async def wait_booted(self, seconds: float) -> None:
        """Wait for FullyBooted, but no longer than `seconds`: a user without `system` never sees it."""
        waits: set[asyncio.Future[Any]] = {self._booted, self.ended}
        await asyncio.wait(waits, timeout=seconds, return_when="FIRST_COMPLETED")
        if not self._booted.done():
            self._booted.set_result(None)  # stop looking for it

    def close(self) -> None:
        """End everything; safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.lost("closed")
        for future in (self.logged_in, self._booted):
            if not future.done():
                future.cancel()
            elif not future.cancelled():
                future.exception()  # seen: nobody may be waiting for the login any more

    # -- inside

    def _events(self, batch: list[Message]) -> None:
        if not self._booted.done() and any(message.event == "FullyBooted" for message in batch):
            self._booted.set_result(None)
        self._deliver(batch)

    def _now(self) -> float:
        return self._clock + min(self._loop.time() - self._ticked_at, 2 * self._tick)

    def _on_tick(self) -> None:
        self._clock = self._now()
        self._ticked_at = self._loop.time()
        self._timer = self._loop.call_later(self._tick, self._on_tick)
        if self._heard:
            self._heard = False
            self._watchdog.heard(self._clock)
        if self._table.answered:
            self._table.answered = False
            self._answers.heard(self._clock)
        self._table.expire(self._clock)
        verdicts = (self._watchdog.check(self._clock), self._answers.check(self._clock))
        if verdicts[0] is Verdict.DEAD:
            self.lost("Asterisk is silent (stopped, overloaded, or the network is gone)")
        elif verdicts[1] is Verdict.DEAD:
            self.lost("Asterisk does not answer, though it tells of calls: what we send does not arrive")
        elif Verdict.PING in verdicts and not self.ended.done():
            self.submit({"Action": "Ping"}, Pending("Ping", 10 * self._settings.ping_timeout, 0.0))
