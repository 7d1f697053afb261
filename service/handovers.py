"""Handovers over HTTP: the context of a call that came from another hotline is fetched there; ours is given once here.

The call itself never waits for this: it comes in, is greeted and queued with its origin, and what the other hotline
told of it appears on the seat's screen when it is here, usually before the first ring. Without context the call has
its origin and its case id, no less.

Trust. Where to ask stands in our own directory (联动热线名录) and nowhere else: never in a header of the call, which
anybody may write. What is answered is bounded and cleaned before anybody sees it (console.Handover).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from aiohttp import ClientError, ClientSession, ClientSSLError, ClientTimeout, DummyCookieJar, TCPConnector
from pydantic import ValidationError
from yarl import URL

import calls
import console
from calls import CallState

log = logging.getLogger(__name__)

TIMEOUT = 2.0
"""Seconds for one question, from the connection to the last byte."""
MAX_BODY = 64 * 1024
AGAIN = 0.5
"""Seconds before the one second try."""
AT_ONCE = 8
WAITING = 256
"""Calls whose context waits to be asked for; more come without."""
FRESH = 120.0
"""After a takeover: contexts of calls younger than this are asked for again."""
WRITE_LIMIT = 1.0
"""Seconds in which the journal must have noted that a handover is used. Below `TIMEOUT`: who asks hears of it."""
TIDY_EVERY = 30.0


class Origin(Protocol):
    """An entry of the directory, as far as it matters here."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def url(self) -> str:
        """Base URL of its handovers; empty: it has none."""


class Origins(Protocol):
    """The hotline directory, as far as it matters here."""

    def by_trunk(self, endpoint: str) -> Origin | None:
        """Whose calls come in at that endpoint of the switch."""


@dataclass(slots=True)
class HandoverCounts:
    """For the metrics: hotline_handovers_<name>_total."""

    fetched: int = 0
    without: int = 0
    """Calls from a linked hotline that came without context."""
    unlisted: int = 0
    """With context, but our directory has no address to ask at."""
    dropped: int = 0
    """Too many at once."""
    retried: int = 0
    timeout: int = 0
    unreachable: int = 0
    tls: int = 0
    """The other side's certificate is not good."""
    refused: int = 0
    """404 and other refusals."""
    gone: int = 0
    """Used or expired there."""
    busy: int = 0
    """429 or 5xx."""
    redirected: int = 0
    too_large: int = 0
    not_valid: int = 0
    """No handover by our reading."""
    errors: int = 0
    given: int = 0
    """Ours, fetched by others."""
    denied: int = 0
    """Wrong tokens or ids."""
    too_late: int = 0
    """Ours, used before or expired."""
    not_written: int = 0
    """Not given, because the journal did not take it."""


class FetchError(Exception):
    """A context could not be had; `kind` is a field of `HandoverCounts`. Never holds anything of the answer."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


AGAIN_AFTER = frozenset({"timeout", "unreachable", "busy"})
"""Kinds after which one second try may help. If the other side had used it up meanwhile, it says so (gone)."""


class ContextFetcher:
    """Asks other hotlines for what they know of calls that came from them; an observer of the engine.

    Args:
        feed: takes events (calls.Engine.feed).
        directory: the present one.
        counts: for the metrics.
        clock: unix seconds.
        timeout: seconds for one question.
    """

    def __init__(
        self,
        feed: Callable[[Iterable[calls.events.Input]], None],
        directory: Callable[[], Origins],
        counts: HandoverCounts | None = None,
        *,
        clock: Callable[[], float] = time.time,
        timeout: float = TIMEOUT,
    ) -> None:
        self.counts = counts or HandoverCounts()
        self._feed = feed
        self._directory = directory
        self._clock = clock
        self._timeout = timeout
        self._wanted: asyncio.Queue[tuple[str, Origin, str, str]] = asyncio.Queue(WAITING)

    # ------------------------------------------------------------------ what is to be fetched
    def on_change(self, change: calls.Change) -> None:
        """See calls.Engine.observe."""
        for event, _ in change.events:
            if isinstance(event, calls.events.Arrived) and event.origin:
                self._want(event.call, event.origin, event.uui)

    def resume(self, live: Iterable[calls.Call]) -> None:
        """After a takeover: what the last process did not get to. What it did use up is answered as gone."""
        now = self._clock()
        for call in live:
            fresh = call.arrived_at > now - FRESH and call.state is not CallState.WRAP_UP
            if call.origin and call.uui and not call.context and fresh:
                self._want(call.id, call.origin, call.uui)

    def _want(self, call_id: str, endpoint: str, uui: str) -> None:
        found = calls.decode_uui(uui)
        if found is None:
            self.counts.without += 1
            return
        entry = self._directory().by_trunk(endpoint)
        if entry is None or not entry.url:
            self.counts.unlisted += 1
            log.info("a call came with context, but no address to ask at is configured", extra={"call": call_id})
            return
        try:
            self._wanted.put_nowait((call_id, entry, *found))
        except asyncio.QueueFull:
            self.counts.dropped += 1

    # ------------------------------------------------------------------ fetching
    async def run(self) -> None:
        """Fetches until cancelled, a few at a time."""
        async with a_session(self._timeout) as session, asyncio.TaskGroup() as group:
            for n in range(AT_ONCE):
                group.create_task(self._work(session), name=f"handovers-{n}")

    async def _work(self, session: ClientSession) -> None:
        while True:
            call_id, entry, handover_id, token = await self._wanted.get()
            try:
                found = await self._fetch_twice(session, entry.url, handover_id, token)
            except FetchError as error:
                setattr(self.counts, error.kind, getattr(self.counts, error.kind) + 1)
                log.warning("no context of a call from %s (%s)", entry.id, error.kind, extra={"call": call_id})
            except Exception as error:
                # A bug of ours with one call: the others' contexts must still come.
                self.counts.errors += 1
                log.error("fetching a context failed: %s", type(error).__name__, extra={"call": call_id})  # noqa: TRY400
            else:
                self.counts.fetched += 1
                self._feed([calls.events.ContextKnown(call_id, context=found.model_dump(mode="json"))])

    async def _fetch_twice(self, session: ClientSession, base: str, handover_id: str, token: str) -> console.Handover:
        try:
            return await fetch(session, base, handover_id, token)
        except FetchError as error:
            if error.kind not in AGAIN_AFTER:
                raise
        self.counts.retried += 1
        await asyncio.sleep(AGAIN)
        return await fetch(session, base, handover_id, token)


@asynccontextmanager
async def a_session(timeout: float = TIMEOUT) -> AsyncIterator[ClientSession]:
    """A client for other hotlines: no cookies, no proxy of the environment, nothing unpacked, little kept."""
    async with ClientSession(
        connector=TCPConnector(limit=AT_ONCE, limit_per_host=4),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=timeout),
        auto_decompress=False,  # a small answer must not become a large one
        trust_env=False,
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "hotline"},
    ) as session:
        yield session


async def fetch(session: ClientSession, base: str, handover_id: str, token: str) -> console.Handover:
    """One handover of another hotline, valid and cleaned.

    Args:
        session: see `a_session`.
        base: that hotline's base URL, from our directory.
        handover_id: from the call's User-to-User header, checked by calls.decode_uui; token likewise.

    Raises:
        FetchError: it cannot be had.
    """
    url = URL(f"{base.rstrip('/')}/api/v1/handovers/{handover_id}")
    try:
        async with session.get(
            url, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False
        ) as answer:
            kind = _refusal(answer.status)
            if kind is not None:
                raise FetchError(kind)
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise FetchError("not_valid")
            body = bytearray()
            async for chunk in answer.content.iter_chunked(8192):
                body += chunk
                if len(body) > MAX_BODY:
                    raise FetchError("too_large")
    except TimeoutError:
        raise FetchError("timeout") from None
    except ClientSSLError:
        raise FetchError("tls") from None
    except (ClientError, OSError, ValueError):
        raise FetchError("unreachable") from None
    try:
        return console.Handover.model_validate_json(bytes(body))
    except ValidationError:
        raise FetchError("not_valid") from None


def _refusal(status: int) -> str | None:
    if status == 200:
        return None
    if status == 410:
        return "gone"
    if status == 429 or status >= 500:
        return "busy"
    return "redirected" if 300 <= status < 400 else "refused"


class HandoverDoor:
    """Gives our own handovers to other hotlines, each once; an observer of the engine.

    Args:
        engine: writes the journal.
        issuer: has the handovers; the same that the engine's host has.
        counts: for the metrics.
        clock: unix seconds.
    """

    def __init__(
        self,
        engine: calls.Engine,
        issuer: calls.HandoverIssuer,
        counts: HandoverCounts | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.counts = counts or HandoverCounts()
        self._engine = engine
        self._issuer = issuer
        self._clock = clock
        self._writing: dict[str, asyncio.Future[None]] = {}

    def on_change(self, change: calls.Change) -> None:
        """See calls.Engine.observe: told only of what the journal has taken."""
        for table, key, row in change.rows:
            waiter = self._writing.get(key) if table == "handovers" else None
            if waiter is not None and not waiter.done() and row is not None and row.get("used_at") is not None:
                waiter.set_result(None)

    async def redeem(
        self, handover_id: str, token: str, audit: Callable[[str, str], Awaitable[None]]
    ) -> console.Handover:
        """See console.Desk.handover. Answers only after the journal has it that the handover is used.

        Raises:
            console.RefusedError: no-handover, handover-gone.
            console.UnavailableError: the journal cannot be written; the handover stays good.
        """
        one = self._checked(handover_id, token)
        if self._engine.halted or not self._engine.journal_ok:
            self.counts.not_written += 1
            raise console.UnavailableError("journal")
        body = console.Handover.model_validate(dict(one.body or {}))
        await audit(one.call, one.to)
        one = self._checked(handover_id, token, use=True)  # of two that ask at once, one comes first
        written = self._writing[handover_id] = asyncio.get_running_loop().create_future()
        shown = False
        try:
            self._engine.feed([])
            async with asyncio.timeout(WRITE_LIMIT):
                await written
            shown = True
        except TimeoutError:
            self.counts.not_written += 1
            raise console.UnavailableError("journal") from None
        finally:
            self._writing.pop(handover_id, None)
            if not shown:
                self._issuer.book.give_back(one)
                self._engine.feed([])
        self.counts.given += 1
        return body

    def _checked(self, handover_id: str, token: str, *, use: bool = False) -> calls.Handover:
        book = self._issuer.book
        try:
            return (book.redeem if use else book.check)(handover_id, token, self._clock())
        except calls.HandoverError as error:
            if error.code == "unknown":
                self.counts.denied += 1
                raise console.RefusedError("no-handover") from None
            self.counts.too_late += 1
            raise console.RefusedError("handover-gone") from None

    async def run(self) -> None:
        """Lets no case outlive its time, until cancelled."""
        while True:
            await asyncio.sleep(TIDY_EVERY)
            self._issuer.tidy(self._clock())
            self._engine.feed([])
