"""The AMI link: one session with Asterisk, kept alive.

Order of things, precisely:

* Everything received is handled on one path, in the order Asterisk sent it.  The events of one read
  are one batch for `deliver`, a plain function that must be quick: it runs on the reading loop, and
  Asterisk drops a reader that lags.
* After each login comes the reconciliation: `on_up` is awaited and may send actions and ask for lists.
  Events that arrive meanwhile are held; when `on_up` has returned they are delivered in order, in one
  batch, before any later event.  None is lost, none overtakes another.  So `deliver` is only ever called
  between the end of `on_up` and `on_down`.
* Held events may tell of things that the lists asked for by `on_up` know already, and so may a few of
  those right after it: Asterisk writes an answer before events that are older.  The consumer must be
  able to take an event twice (a Newchannel of a known channel, a Hangup of an unknown one).
* If the session ends before `on_up` does, `on_up` is cancelled, what was held is dropped and counted,
  and the next session reconciles anew.  `on_down` is called once for each `on_up` that had begun.
* An action without an answer when the session ends fails with ``LinkDown(maybe_executed=True)``.
  Nothing is ever sent again.
* The answer to `send` wakes a task after the events of the same read were delivered; an `on_reply`
  runs in the exact order of the messages.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Awaitable, Callable
from enum import StrEnum
from time import perf_counter
from typing import Any

from ._frames import Message
from ._link_actions import Fields, agi_fields
from ._link_errors import ActionFailed, ActionRefused, ActionTimeout, LinkDown, LinkError
from ._link_pending import LinkCounters, OnReply, Pending, log, log_without_content
from ._link_session import LinkSession
from ._link_settings import AmiSettings
from ._link_tls import AmiTls, tls_trouble
from ._link_watch import Backoff, Refusals
from ._panoramisk import LinkManager

__all__ = [
    "ActionFailed",
    "ActionRefused",
    "ActionTimeout",
    "AmiLink",
    "AmiSettings",
    "AmiTls",
    "LinkCounters",
    "LinkDown",
    "LinkError",
    "LinkState",
]

_SLOW_BATCH = 0.05


class LinkState(StrEnum):
    """Where the link is in its life."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    LOGGING_IN = "logging_in"
    RECONCILING = "reconciling"
    UP = "up"
    DOWN = "down"
    """Between two attempts."""


class AmiLink:
    """One AMI session that comes back by itself.  Several may run side by side.

    Args:
        settings: see `AmiSettings`.
        deliver: gets each batch of events, in order; an exception in it is counted and survived.
        on_up: awaited after each login: reconcile here.  If it raises or takes too long, the session is
            given up and the next one tries again.
        on_down: called when a session has ended whose `on_up` had begun.
        on_gone: called once an outage, when the machine has refused the connection for a second: it is there, and
            no Asterisk is.

    Attributes:
        state: see `LinkState`.
        counters: for the metrics.
        trouble: why the link is not up, for people; "" while it is.
    """

    def __init__(
        self,
        settings: AmiSettings,
        deliver: Callable[[list[Message]], None],
        *,
        on_up: Callable[[], Awaitable[None]] | None = None,
        on_down: Callable[[], None] | None = None,
        on_gone: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self.counters = LinkCounters()
        self.state = LinkState.STOPPED
        self.trouble = "not started"
        self._deliver = deliver
        self._on_up = on_up
        self._on_down = on_down
        self._on_gone = on_gone
        self._token = secrets.token_hex(4)
        self._session: LinkSession | None = None
        self._held: list[Message] | None = None
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()

    @property
    def up(self) -> bool:
        """Logged in: actions can be sent.  (`state` is UP only once reconciliation is over.)"""
        return self._session is not None

    async def start(self) -> None:
        """Begin to connect; returns at once.  `wait_up` waits for the outcome."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"ami-link-{self._token}")

    async def stop(self) -> None:
        """Close the session and stay away.  Actions under way fail with LinkDown."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        self.state, self.trouble = LinkState.STOPPED, "stopped"

    async def wait_up(self, timeout: float | None = None) -> None:
        """Wait until the state is UP.

        Raises:
            LinkDown: it was not within `timeout` seconds; the text says why.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._up.wait()
        except TimeoutError:
            raise LinkDown(f"AMI link not up within {timeout:g} s: {self.trouble}") from None

    # -- sending

    async def send(self, fields: Fields, timeout: float | None = None) -> Message:
        """Send one action and wait for its reply.

        Raises:
            ActionRefused: a value cannot be sent; nothing was.
            ActionFailed: Asterisk answered with an error.
            ActionTimeout: no answer in `timeout` seconds (default: the settings'); may have been executed.
            LinkDown: not logged in, or the session ended first: see its `maybe_executed`.
        """
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._submit(fields, timeout, future=future)
        return await future

    def send_nowait(self, fields: Fields, on_reply: OnReply | None = None, *, timeout: float | None = None) -> None:
        """Send one action without waiting: no task, no future.  For high rates.

        `on_reply` is called once: with the reply, also an error reply, or with None if none came.

        Raises:
            ActionRefused: a value cannot be sent; nothing was, and `on_reply` will not be called.
            LinkDown: not logged in; the same.
        """
        self._submit(fields, timeout, on_reply=on_reply)

    async def send_list(self, fields: Fields, timeout: float | None = None) -> list[Message]:
        """Send an action that answers with a list (CoreShowChannels, Status …); return its items.

        The items do not go to `deliver`.  Raises as `send`.
        """
        future: asyncio.Future[list[Message]] = asyncio.get_running_loop().create_future()
        self._submit(fields, timeout, items=future)
        return await future

    async def agi(self, channel: str, command: str, command_id: str, timeout: float | None = None) -> Message:
        """Queue an AGI command on a channel in AsyncAGI; the reply only says that it is queued.

        Its end is an ``AsyncAGIExec`` event with `command_id` as ``CommandId``, delivered like any event.
        Put something of this process into the id: results of a dead one's commands arrive too.
        Raises as `send`.
        """
        return await self.send(agi_fields(channel, command, command_id), timeout)

    def _submit(
        self,
        fields: Fields,
        timeout: float | None,
        *,
        future: asyncio.Future[Message] | None = None,
        items: asyncio.Future[list[Message]] | None = None,
        on_reply: OnReply | None = None,
    ) -> None:
        session = self._session
        if session is None:
            raise LinkDown(f"AMI {fields.get('Action', 'action')} not sent: {self.trouble}")
        name = str(fields.get("Action", ""))
        if name.lower() == "originate" and str(fields.get("Async", "")).lower() not in ("true", "yes", "1"):
            raise ActionRefused("Async", "Originate needs Async: true, or it blocks the link until it is answered")
        seconds = self.settings.action_timeout if timeout is None else timeout
        session.submit(fields, Pending(name, seconds, 0.0, future, items, on_reply))

    # -- the life of the link

    async def _run(self) -> None:
        backoff = Backoff(self.settings.reconnect_min, self.settings.reconnect_max)
        loop = asyncio.get_running_loop()
        where = f"AMI {self.settings.host}:{self.settings.port}"
        refusals = Refusals()
        while True:
            began, refused = loop.time(), False
            try:
                await self._live()
            except LinkError as error:
                self.trouble = str(error)
            except ssl.SSLError as error:
                self.counters.tls_failures += 1
                self.trouble = tls_trouble(where, error)
            except (OSError, TimeoutError) as error:
                refused = isinstance(error, ConnectionRefusedError)
                self.trouble = (
                    f"{where} cannot be reached ({type(error).__name__}): is Asterisk running, with "
                    "manager.conf enabled on this address?"
                )
            except Exception as error:
                self.trouble = f"{where}: {type(error).__name__}"
                log_without_content("the AMI session", error)
            self.state = LinkState.DOWN
            self.counters.reconnects += 1
            if loop.time() - began >= self.settings.reconnect_max:
                backoff.reset()
            pause = backoff.next()
            if refusals.gone(loop.time(), refused=refused) and self._on_gone is not None:
                self._on_gone()
            log.warning("%s, next attempt in %.1f s", self.trouble, pause)
            await asyncio.sleep(pause)

    async def _live(self) -> None:
        """One session from connecting to its end.  Always raises: LinkError, OSError or a cancellation."""
        settings = self.settings
        self.state = LinkState.CONNECTING
        tls = settings.tls
        context = tls.context() if tls is not None else None
        session = LinkSession(settings, self._token, self.counters, self._events, self._lost)
        manager = LinkManager(
            session,
            host=settings.host,
            port=settings.port,
            username=settings.username,
            secret=settings.secret,
            events=settings.events,
            log=log,
            tls=context,
            tls_name=tls.name if tls is not None else "",
        )
        begun = False
        self._held = []
        try:
            async with asyncio.timeout(settings.connect_timeout):
                await manager.connect()
            self.state = LinkState.LOGGING_IN
            await self._log_in(session)
            if session.ended.done():
                raise session.ended.result()
            self._session = session
            self.state, self.trouble = LinkState.RECONCILING, "reconciling with Asterisk"
            begun = True
            if self._on_up is not None:
                await self._reconcile(session, self._on_up)
            self.state, self.trouble = LinkState.UP, ""
            log.info("AMI link up")
            self._up.set()
            held, self._held = self._held, None
            if held:
                self._hand_over(held)
            # Not awaited directly: stop() cancels what this task awaits, and `ended` must stay settable.
            await asyncio.wait({session.ended})
            raise session.ended.result()
        finally:
            session.close()
            self.counters.held_dropped += len(self._held or ())
            self._held = []
            manager.close()
            if begun and self._on_down is not None:
                try:
                    self._on_down()
                except Exception as error:
                    self.counters.handler_errors += 1
                    log_without_content("on_down", error)

    def _lost(self, reason: LinkDown) -> None:
        self._session = None
        self._up.clear()
        self.state, self.trouble = LinkState.DOWN, str(reason)

    async def _log_in(self, session: LinkSession) -> None:
        try:
            await session.logged_in
        except ActionFailed:
            self.counters.login_failures += 1
            raise LinkDown(
                f"AMI {self.settings.host}:{self.settings.port}: Asterisk refused the login of user "
                f"{self.settings.username}: check name and secret in manager.conf"
            ) from None
        if self.settings.events != "off":
            await session.wait_booted(self.settings.boot_wait)

    async def _reconcile(self, session: LinkSession, on_up: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(on_up())
        waits: set[asyncio.Future[Any]] = {task, session.ended}
        try:
            await asyncio.wait(waits, timeout=self.settings.up_timeout, return_when="FIRST_COMPLETED")
        finally:
            finished = task.done()
            if not finished:
                task.cancel()
                await asyncio.wait({task})
        if session.ended.done():
            raise session.ended.result()
        if not finished:
            raise LinkDown(f"AMI link: reconciliation took more than {self.settings.up_timeout:g} s")
        error = None if task.cancelled() else task.exception()
        if error is not None or task.cancelled():
            self.counters.handler_errors += 1
            log_without_content("on_up", error or asyncio.CancelledError())
            raise LinkDown(f"AMI link: reconciliation failed ({type(error).__name__})") from error

    # -- events

    def _events(self, batch: list[Message]) -> None:
        if self._held is None:
            self._hand_over(batch)
            return
        self._held += batch
        if len(self._held) > self.settings.max_held and self._session is not None:
            self._session.lost(f"more than {self.settings.max_held} events while reconciling")

    def _hand_over(self, batch: list[Message]) -> None:
        self.counters.events += len(batch)
        began = perf_counter()
        try:
            self._deliver(batch)
        except Exception as error:
            self.counters.handler_errors += 1
            log_without_content("deliver", error)
        if perf_counter() - began > _SLOW_BATCH:
            self.counters.slow_batches += 1
