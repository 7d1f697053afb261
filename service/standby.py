"""The console of a process that is not active: everything is asked of the active one, so that any address works.

A small reverse proxy for REST and the event stream. It checks nothing and knows no token: `Authorization` goes on as
it came, and only the active process checks it. `/healthz` and `/readyz` are answered here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    DummyCookieJar,
    TCPConnector,
    WSCloseCode,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from multidict import CIMultiDict
from yarl import URL

import calls
import console

log = logging.getLogger(__name__)

HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "trailers", "transfer-encoding", "upgrade",
})  # fmt: skip
"""Meant for one connection only (RFC 9110, 7.6.1), beside what `Connection` names."""
MARK = "X-Hotline-Forwarded-By"
"""Who forwarded. A standby that is asked by another one answers 503: the lease has just changed hands."""
CONNECT = 1.0
SILENCE = 60.0
"""Seconds without a byte of an answer after which the active one is given up."""
CHUNK = 64 * 1024
_ENDED_BY_US = "the active process has changed"

_LATER = {"Retry-After": "1"}


def _end_of(headers: Iterable[tuple[str, str]], named: Sequence[str]) -> CIMultiDict[str]:
    """Headers that go on to the other side."""
    dropped = {*HOP_BY_HOP, *(x.strip().lower() for value in named for x in value.split(","))}
    return CIMultiDict((k, v) for k, v in headers if k.lower() not in dropped)


class Standby:
    """Forwards to whoever holds the lease.

    Args:
        node: this process's name.
        holder: who holds the lease now, as far as is known.
        probes: the truth about this process's own parts.
        limit: bytes of a request's body.
    """

    def __init__(
        self,
        node: str,
        holder: Callable[[], calls.Holder | None],
        probes: Callable[[], Awaitable[Sequence[console.Probe]]],
        limit: int | None = None,
    ) -> None:
        self._node = node
        self._holder = holder
        self._probes = probes
        self._limit = console.Settings().body_limit if limit is None else limit
        self._session: ClientSession | None = None
        self._sockets: set[web.WebSocketResponse] = set()

    def build_app(self) -> web.Application:
        """A new application; each is for one time as a standby."""
        app = web.Application(client_max_size=self._limit)
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)
        app.router.add_route("*", "/{path:.*}", self._forward)
        app.cleanup_ctx.append(self._with_session)
        app.on_shutdown.append(self._end_sockets)
        app.on_response_prepare.append(_own_headers)
        return app

    async def _with_session(self, app: web.Application) -> AsyncIterator[None]:
        session = ClientSession(
            connector=TCPConnector(limit=0, keepalive_timeout=5.0),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            timeout=ClientTimeout(total=None, connect=CONNECT, sock_connect=CONNECT, sock_read=SILENCE),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
        self._session = session
        yield
        await session.close()

    async def _end_sockets(self, app: web.Application) -> None:
        for socket in list(self._sockets):
            with contextlib.suppress(Exception):
                await socket.close(code=WSCloseCode.SERVICE_RESTART, message=_ENDED_BY_US.encode())

    # ------------------------------------------------------------------ answered here
    async def _alive(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _ready(self, request: web.Request) -> web.Response:
        holder = self._holder()
        if holder is None:
            cluster = console.Probe.model_validate({
                "part": "cluster", "ok": False, "reason": "no-active",
                "message": {"zh": "现在没有主用进程", "en": "no process is active just now"},
            })  # fmt: skip
        else:
            cluster = console.Probe.model_validate({
                "part": "cluster", "ok": True, "reason": "standby",
                "message": {"zh": f"备用; 主用是 {holder.node}", "en": f"standby; {holder.node} is active"},
            })  # fmt: skip
        parts = [*await self._probes(), cluster]
        ready = all(part.ok or not part.needed for part in parts)
        body = {
            "ready": ready, "role": "standby", "active": holder.node if holder else None,
            "parts": [part.model_dump(mode="json") for part in parts],
        }  # fmt: skip
        return web.json_response(body, status=200 if ready else 503)

    # ------------------------------------------------------------------ forwarded
    async def _forward(self, request: web.Request) -> web.StreamResponse:
        holder, session = self._holder(), self._session
        if holder is None or not holder.url or session is None or MARK in request.headers:
            return _problem(request, 503, "no-active", "没有主用进程", "no process is active",
                            "正在切换, 请一秒后再试", "a takeover is under way: try again in a second")  # fmt: skip
        if (request.content_length or 0) > self._limit:
            return _too_large(request)
        url = holder.url.rstrip("/") + request.raw_path
        headers = _end_of(request.headers.items(), request.headers.getall("Connection", []))
        headers[MARK] = self._node
        headers.pop("Expect", None)
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._stream(request, session, url, headers)
            return await self._pass(request, session, url, headers)
        except web.HTTPRequestEntityTooLarge:
            return _too_large(request)
        except (ClientError, OSError, TimeoutError) as error:
            log.info("standby: the active process does not answer (%s)", type(error).__name__)
            return _problem(request, 503, "active-silent", "主用进程没有应答", "the active process does not answer",
                            "如其已失效, 几秒内会切换, 请再试",
                            "if it is gone another takes over within seconds: try again")  # fmt: skip

    async def _pass(
        self, request: web.Request, session: ClientSession, url: str, headers: CIMultiDict[str]
    ) -> web.StreamResponse:
        # Whole in memory: at most `limit` bytes, and a request is then sent either whole or not at all.
        body = await request.read() if request.can_read_body else None
        headers.pop("Content-Length", None)
        answer = await session.request(
            request.method, _url(url), headers=headers, data=body, allow_redirects=False
        )
        try:
            return await self._relay(request, answer)
        finally:
            answer.release()

    async def _relay(self, request: web.Request, answer: ClientResponse) -> web.StreamResponse:
        headers = _end_of(answer.headers.items(), answer.headers.getall("Connection", []))
        response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
        if request.method == "HEAD" or answer.status in (204, 304):
            await response.prepare(request)
            return response
        begun = False
        try:
            async for chunk in answer.content.iter_chunked(CHUNK):
                if not begun:
                    begun = True
                    await response.prepare(request)
                await response.write(chunk)
            if not begun:
                await response.prepare(request)
            await response.write_eof()
        except (ClientError, OSError, TimeoutError):
            if not begun:
                raise
            # Half an answer must not look like a whole one.
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _stream(
        self, request: web.Request, session: ClientSession, url: str, headers: CIMultiDict[str]
    ) -> web.StreamResponse:
        offered = [x.strip() for x in headers.get("Sec-WebSocket-Protocol", "").split(",") if x.strip()]
        for name in [n for n in headers if n.lower().startswith("sec-websocket-")]:
            headers.popall(name, None)
        try:
            upstream = await session.ws_connect(
                _url(url), headers=headers, protocols=offered, max_msg_size=0, compress=0, autoclose=False,
                heartbeat=15.0,
            )  # fmt: skip
        except WSServerHandshakeError:
            # Refused (no token, not allowed, too many …): the same question without the upgrade has the answer.
            response = await self._pass(request, session, url, headers)
            if response.status < 400:
                raise
            return response
        socket = web.WebSocketResponse(
            protocols=[upstream.protocol] if upstream.protocol else (), max_msg_size=1 << 16, compress=False,
            autoclose=False, heartbeat=15.0,
        )  # fmt: skip
        self._sockets.add(socket)
        try:
            await socket.prepare(request)
            await self._pump(socket, upstream)
        finally:
            self._sockets.discard(socket)
            await upstream.close()
        return socket

    async def _pump(self, socket: web.WebSocketResponse, upstream: ClientWebSocketResponse) -> None:
        """Both directions, until either side ends; then the other is told with the same code."""

        async def down() -> None:
            async for message in upstream:
                if message.type is WSMsgType.TEXT:
                    await socket.send_str(message.data)
                elif message.type is WSMsgType.BINARY:
                    await socket.send_bytes(message.data)

        async def up() -> None:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await upstream.send_str(message.data)
                elif message.type is WSMsgType.BINARY:
                    await upstream.send_bytes(message.data)

        tasks = (asyncio.create_task(down(), name="standby-down"), asyncio.create_task(up(), name="standby-up"))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            if tasks[0].cancelled():
                await upstream.close(code=_code(socket.close_code))
            else:
                await socket.close(code=_code(upstream.close_code), message=_ENDED_BY_US.encode())


def _code(code: int | None) -> int:
    """A code that may be sent: those for "no code" and "connection lost" may not (RFC 6455, 7.4.1)."""
    if code is None or code in (1005, 1006, 1015):
        return WSCloseCode.SERVICE_RESTART
    return code


def _url(text: str) -> URL:
    """The path as it came: not decoded, not normalised."""
    return URL(text, encoded=True)


async def _own_headers(request: web.Request, response: web.StreamResponse) -> None:
    """The console's headers on our own answers; a forwarded one has them already."""
    for name, value in console.HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")


def _too_large(request: web.Request) -> web.Response:
    return _problem(request, 413, "too-large", "请求体过大", "the request's body is too large",
                    "发送更少的内容", "send less", {"Connection": "close"})  # fmt: skip


def _problem(
    request: web.Request, status: int, code: str, zh: str, en: str, mend_zh: str, mend_en: str,
    headers: dict[str, str] | None = None,
) -> web.Response:  # fmt: skip
    """In the one shape of the console's errors."""
    body = {
        "status": status, "code": code, "what": en, "where": request.path, "mend": mend_en,
        "message": {"zh": f"{zh}。{mend_zh}。", "en": f"{en}. {mend_en}."},
    }  # fmt: skip
    return web.json_response(
        body, status=status, content_type="application/problem+json",
        headers=headers or (_LATER if status == 503 else None),
    )
