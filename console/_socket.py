"""/api/v1/events: hello, then events, over a WebSocket that only talks and never listens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from aiohttp import WSCloseCode, WSMsgType, web

from ._hub import Item, Listener
from ._messages import Beat, Bye, Hello, HelloData, Snapshot, You
from ._ports import Look
from ._problems import ProblemError, problem
from ._roles import RIGHTS, Principal
from ._routes import Ask, write_audit
from ._schema_floor import Choices
from ._settings import Settings
from ._view import NOBODY, see_draft, see_summary

_log = logging.getLogger("console")
PROTOCOL = "hotline.v1"
"""WebSocket subprotocol. A browser sends its token as a second one, ``bearer.<token>``."""

CLOSE_CODES = {
    "slow-reader": WSCloseCode.TRY_AGAIN_LATER,
    "stopping": WSCloseCode.SERVICE_RESTART,
    "token-expired": 4401,
    "internal": WSCloseCode.INTERNAL_ERROR,
    "listen-only": WSCloseCode.POLICY_VIOLATION,
}
_Looks = dict[Look, tuple[str, ...]]


async def audited_hello(ask: Ask, snapshot: Snapshot | None, last: int) -> tuple[Hello, _Looks]:
    """The first message, and the looks in it that were audited; masked throughout if they cannot be.

    The floor must stay visible while the store is down: only what needs an audit is withheld.
    """
    choices = await ask.desk.choices()
    hello, looks = make_hello(ask.reader, ask.reader, snapshot, last, ask.settings, choices)
    try:
        await ask.audit(looks)
    except ProblemError:
        return make_hello(ask.reader, NOBODY, snapshot, last, ask.settings, choices)
    return hello, looks


def make_hello(
    who: Principal, seen_as: Principal, snapshot: Snapshot | None, last: int, settings: Settings, choices: Choices
) -> tuple[Hello, _Looks]:
    """The first message to ``who`` with what ``seen_as`` may see, and the looks in it."""
    looks: dict[Look, set[str]] = {}

    def note(seen: Iterable[Look], call: str) -> None:
        for look in seen:
            looks.setdefault(look, set()).add(call)

    shown = None
    if snapshot is not None:
        calls, drafts = [], []
        for whole in snapshot.calls:
            call, seen = see_summary(seen_as, whole)
            note(seen, call.id)
            calls.append(call)
        for entire in snapshot.drafts:
            draft, seen = see_draft(seen_as, entire)
            if draft is not None:
                note(seen, draft.call or draft.id)
                drafts.append(draft)
        shown = snapshot.model_copy(update={"calls": calls, "drafts": drafts})
    you = You(
        role=who.role.value,
        name=who.name,
        seat=who.seat,
        rights=sorted(right.value for right in RIGHTS[who.role]),
        expires_at=who.expires,
    )
    data = HelloData(
        you=you,
        resumed=snapshot is None,
        snapshot=shown,
        heartbeat=settings.heartbeat,
        choices=choices,
    )
    return Hello(id=last, at=settings.clock(), data=data), _sorted(looks)


async def hello_once(ask: Ask) -> Hello:
    """The hello alone, for those who ask without a WebSocket."""
    snapshot = await ask.hub.snapshot()
    hello, _ = await audited_hello(ask, snapshot, snapshot.last_event_id)
    return hello


async def stream(ask: Ask, since: int | None) -> web.WebSocketResponse:
    """Serve one WebSocket until it, its token or this server ends."""
    listener = ask.hub.join()
    if listener is None:
        raise ProblemError("too-many-streams")
    settings = ask.settings
    try:
        # The listener joined before this look at the past, so no event falls between the two.
        missed = ask.hub.missed(since)
        snapshot = None if missed is not None else await ask.hub.snapshot()
        start = snapshot.last_event_id if snapshot is not None else (since or 0)
        hello, looks = await audited_hello(ask, snapshot, start)
        socket = web.WebSocketResponse(
            protocols=(PROTOCOL,), heartbeat=settings.heartbeat, timeout=settings.grace, max_msg_size=4096,
            compress=False,
        )  # fmt: skip
        await socket.prepare(ask.http)
        talk = _Talk(ask, listener, socket, start)
        talk.audited = {(look, call) for look, calls in looks.items() for call in calls}
        await talk.run(hello, missed or ())
    finally:
        ask.hub.leave(listener)
    return socket


class _Talk:
    """One stream while it is open."""

    def __init__(self, ask: Ask, listener: Listener, socket: web.WebSocketResponse, last: int) -> None:
        self.ask = ask
        self.listener = listener
        self.socket = socket
        self.last = last
        self.audited: set[tuple[Look, str]] = set()

    async def run(self, hello: Hello, missed: Iterable[Item]) -> None:
        expires_in = self.ask.reader.expires - self.ask.settings.clock()
        write = asyncio.create_task(self._write(hello, missed), name="console-events-write")
        read = asyncio.create_task(self._read(), name="console-events-read")
        cut = asyncio.create_task(self.listener.cut.wait(), name="console-events-cut")
        tasks = (write, read, cut)
        try:
            done, _ = await asyncio.wait(tasks, timeout=max(0.0, expires_in), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        if not done:
            self.listener.end("token-expired")
        elif isinstance(results[0], Exception) and not isinstance(results[0], ConnectionError):
            _log.error("console: an event stream failed: %s", type(results[0]).__name__)
            self.listener.end("internal")
        if self.listener.reason:
            await self._farewell(self.listener.reason)

    async def _write(self, hello: Hello, missed: Iterable[Item]) -> None:
        await self.socket.send_str(hello.model_dump_json())
        for item in missed:
            await self._tell(item)
        while True:
            try:
                async with asyncio.timeout(self.ask.settings.heartbeat):
                    item = await self.listener.queue.get()
            except TimeoutError:
                await self.socket.send_str(Beat(id=self.last, at=self.ask.settings.clock()).model_dump_json())
                continue
            await self._tell(item)

    async def _tell(self, item: Item) -> None:
        if item.id <= self.last:
            return
        text, call, looks = item.for_reader(self.ask.reader)
        new = {(look, call) for look in looks} - self.audited
        if new:
            try:
                await write_audit(
                    self.ask.desk, self.ask.settings, self.ask.reader,
                    {look: (call,) for look, call in sorted(new)}, self.ask.http.path,
                )  # fmt: skip
                self.audited |= new
            except ProblemError:
                text, _, _ = item.for_reader(NOBODY)
        self.last = item.id
        if text is not None:
            await self.socket.send_str(text)

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self.listener.end("listen-only")
                return

    async def _farewell(self, reason: str) -> None:
        """Say why, then close; a reader that does not even take that loses the connection."""
        bye = Bye(id=self.last, at=self.ask.settings.clock(), data=problem(reason, self.ask.http.path))
        try:
            async with asyncio.timeout(self.ask.settings.grace):
                await self.socket.send_str(bye.model_dump_json())
                await self.socket.close(code=CLOSE_CODES.get(reason, WSCloseCode.GOING_AWAY), message=reason.encode())
        except (TimeoutError, ConnectionError):
            transport = self.ask.http.transport
            if isinstance(transport, asyncio.Transport):
                transport.abort()


def _sorted(looks: dict[Look, set[str]]) -> _Looks:
    return {look: tuple(sorted(calls)) for look, calls in sorted(looks.items())}
