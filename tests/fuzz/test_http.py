"""The console's HTTP as a stranger uses it: bytes that are no HTTP, every route with every kind of body, query, path
and header, slow and giant bodies, wrong tokens. No answer is a 5xx of ours, none tells what it should not, and a good
request afterwards is answered as before."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st

from console import Role, Settings, TokenBook, TokenRefusedError, build_app
from console._app import all_routes
from console._audio import pick_range
from console._problems import ProblemError
from console._scene import furnish
from console.testing import FakeDesk
from tests.fuzz.hostile import LONG, NASTY, bounded, deep, fuzz, rng, texts, torn, values

BOOK = TokenBook(b"0123456789abcdef0123456789abcdef")
ROUTES, DOCUMENT = all_routes("0")
TOKENS = {role: BOOK.issue(role, "fuzz", "8003" if role is Role.SEAT else None) for role in Role}
SHAPE = {"status", "code", "what", "where", "mend", "message"}


class Server:
    """The console on a loopback port in a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.loop, self.ready = folder, asyncio.new_event_loop(), threading.Event()
        self.port = 0
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self._run(),), name="console")
        self.thread.start()
        assert self.ready.wait(20)

    async def _run(self) -> None:
        desk = FakeDesk()
        furnish(desk, self.folder)
        runner = web.AppRunner(build_app(desk, BOOK, settings=Settings(body_limit=65_536, streams=20)), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port, self.stop = runner.addresses[0][1], asyncio.Event()
        self.ready.set()
        await self.stop.wait()
        await runner.cleanup()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(20)
        self.loop.close()

    async def raw(self, data: bytes, *more: bytes, patience: float = 20.0) -> bytes:
        """What comes back for these bytes until the server closes; after `patience` seconds ours is closed first."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        got = b""
        try:
            for part in (data, *more):
                writer.write(part)
                with contextlib.suppress(ConnectionError):
                    await writer.drain()
            for seconds in (patience, 20.0):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        while chunk := await reader.read(65_536):
                            got += chunk
                        break
                writer.write_eof()
        except OSError:
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        return got

    async def ask(
        self, method: str, path: bytes, headers: dict[str, str], body: bytes = b""
    ) -> tuple[int, bytes, bytes]:
        """One request with any path and headers: (status, headers, body); status 0: the connection was closed."""
        lines = [method.encode() + b" " + path + b" HTTP/1.1", b"Host: x", b"Connection: close"]
        lines += [f"{k}: {v}".encode("utf-8", "surrogatepass") for k, v in headers.items()]
        lines.append(f"Content-Length: {len(body)}".encode())
        return parsed(await self.raw(b"\r\n".join(lines) + b"\r\n\r\n" + body))

    async def is_well(self) -> None:
        """A good request has its good answer."""
        status, _, body = await self.ask("GET", b"/api/v1/seats", bearer(Role.ADMIN))
        assert status == 200 and json.loads(body)


def parsed(answer: bytes) -> tuple[int, bytes, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first = head.split(b"\r\n", 1)[0].split(b" ")
    if len(first) < 2 or not first[1].isdigit():
        return 0, head, body
    if b"chunked" in head.lower():
        body = b"".join(body.split(b"\r\n")[1::2])
    return int(first[1]), head, body


def bearer(role: Role) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[role]}"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("recordings"))
    yield one
    one.close()


def fine(status: int, head: bytes, body: bytes) -> None:
    """An answer of ours: no failure inside, problems of one shape, no trace."""
    assert status < 500 or status == 503, (status, body[:300])
    # What is no HTTP at all is answered by the library, before anything of ours has seen it.
    assert b"Traceback" not in body and (b"aiohttp" not in head or status == 400)
    if b"application/problem+json" in head and body:
        told = json.loads(body)
        assert set(told) == SHAPE and told["status"] == status


# ---------------------------------------------------------------------- bytes
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
POST = (b"POST /api/v1/seats/8003/state HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + TOKENS[Role.ADMIN].encode() + b"\r\nContent-Length: 21\r\n\r\n"
        b'{"state":"available"}')  # fmt: skip
RAW = [
    b"", b"\r\n\r\n", b"\0" * 100, b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET //x//..//y HTTP/1.1\r\nHost: \xff\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
    b"POST /api/v1/seats/8003/state HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: \xff\r\n\r\n",
    b"POST / HTTP/1.1\r\nExpect: 200-nonsense\r\nContent-Length: 1\r\n\r\nx",
    b"POST /api/v1/seats/8003/state HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz",
]  # fmt: skip


async def test_bytes_that_are_no_http(server: Server) -> None:
    dice = rng(11)
    tries = [*RAW, *(torn(dice.choice([GET, POST, *RAW]), dice) for _ in range(3_000 if LONG else 60))]
    for raw in tries:
        answer = await server.raw(raw, patience=0.05)
        for found in answer.split(b"HTTP/1.1 ")[1:]:
            assert not found.startswith((b"500", b"501")), (raw[:200], answer[:300])
        assert b"Traceback" not in answer
    await server.is_well()


# ---------------------------------------------------------------------- every route
WORDS = ["join", "consult", "transfer", "listen", "hold", "available", "break", "surge", "8003", "110", "demo-1.4"]
FIELDS = ["how", "what", "state", "seat", "skill", "centre", "entry", "number", "mode", "reason", "note"]
objects = st.dictionaries(st.sampled_from(FIELDS), st.one_of(st.sampled_from(WORDS), values), max_size=4)
bodies = st.one_of(
    values.map(lambda x: json.dumps(x, default=str).encode("utf-8", "surrogatepass")),
    objects.map(lambda x: json.dumps(x, default=str).encode()),
    st.sampled_from([
        b"", b"{", b"\xff\xfe{}", deep(20_000).encode(), b'{"a":' * 10_000, b"null", b"NaN", b"9" * 5000,
        b'{"state":"available","state":"break"}', b'{"\\ud800":1}', b"x" * 70_000,
    ]),
    st.binary(max_size=60),
)  # fmt: skip


def escaped(text: str) -> bytes:
    return b"".join(b"%%%02x" % x for x in text.encode("utf-8", "surrogatepass"))[:300] or b"x"


PARTS = [b"demo-1.4", b"demo-1.5", b"8003", b"p1", b"1", b"%2e%2e", b"a%00", b"%ff", b"%"]
parts = st.one_of(st.sampled_from(PARTS), texts.map(escaped))
queries = st.sampled_from([
    b"", b"", b"?", b"?limit=1", b"?since=9007199254740993", b"?cursor=%00", b"?a&a&a", b"?live=%ff", b"?since=-0",
    b"?limit=" + b"9" * 3000, b"?" + b"&" * 3000, b"?%ff=%ff",
])  # fmt: skip
plain = texts.map(lambda t: t.replace("\r", "").replace("\n", "").replace("\0", "")[:3000])
extra = st.dictionaries(
    st.sampled_from(["Idempotency-Key", "Content-Type", "Range", "Cookie", "If-None-Match", "Accept", "Origin",
                     "X-Forwarded-For", "Sec-WebSocket-Protocol", "Accept-Language"]),
    st.one_of(plain, st.sampled_from(["application/json", "bytes=0-", "bytes=-0", "bytes=9-1", "hotline.v1"])),
    max_size=3,
)  # fmt: skip


@given(data=st.data())
@fuzz(150)
def test_every_route_with_anything(server: Server, data: st.DataObject) -> None:
    route = data.draw(st.sampled_from([r for r in ROUTES if r.path != "/api/v1/events"]))
    path = route.path.encode()
    for name in route.placeholders:
        path = path.replace(b"{" + name.encode() + b"}", data.draw(parts))
    path += data.draw(queries)
    role = data.draw(st.sampled_from(list(Role)))
    headers = {"Content-Type": "application/json", **bearer(role), **data.draw(extra)}
    method = data.draw(st.sampled_from([route.method] * 6 + ["PUT", "OPTIONS", "HEAD", "x"]))
    body = data.draw(bodies) if data.draw(st.booleans()) else b""
    fine(*asyncio.run(server.ask(method, path, headers, body)))


async def test_every_route_with_each_bad_body(server: Server) -> None:
    """Routes that take a body say what is wrong with it, and none of these goes through."""
    bad = [b"", b"{", b"[]", b"7", b"\xff", deep(5000).encode(), b'{"no such key":1}', b"\0", b'"x"']
    for route in ROUTES:
        if route.body is None:
            continue
        path = route.path
        for name in route.placeholders:
            path = path.replace("{" + name + "}", "demo-1.4" if name == "id" else "p1")
        for body in bad:
            headers = {"Content-Type": "application/json", **bearer(Role.ADMIN)}
            status, head, answer = await server.ask(route.method, path.encode(), headers, body)
            fine(status, head, answer)
            assert status in (403, 404, 409, 422), (route.path, body[:20], status)
    await server.is_well()


# ---------------------------------------------------------------------- giant and slow
async def test_ten_megabytes_and_bodies_that_never_end(server: Server) -> None:
    head = POST.partition(b"\r\n\r\n")[0]
    giant = head.replace(b"Content-Length: 21", b"Content-Length: 10000000") + b"\r\n\r\n"
    chunked = head.replace(b"Content-Length: 21", b"Transfer-Encoding: chunked") + b"\r\n\r\n"
    flood = [b"10000\r\n" + b"x" * 65_536 + b"\r\n"] * 160
    with bounded(3_000_000, "bodies of 10 MB"):
        for first, rest in ((giant, [b"x" * 1_000_000] * 10), (chunked, flood)):
            status, *_ = parsed(await server.raw(first, *rest, patience=0.5))
            assert status in (0, 413)
    slow = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(60)]
    try:
        for _, writer in slow:
            writer.write(head.replace(b"Content-Length: 21", b"Content-Length: 60000") + b"\r\n\r\n{")
        await server.is_well()  # sixty who say nothing more hold nobody up
    finally:
        for _, writer in slow:
            writer.close()


# ---------------------------------------------------------------------- tokens, cookies, ranges
@example(token="h1." + "A" * 900 + ".x")
@given(token=st.one_of(texts, st.text(alphabet="h1.AZaz09_-=", max_size=80),
                       st.integers(0, 200).map(lambda n: TOKENS[Role.ADMIN][:n] + "A" + TOKENS[Role.ADMIN][n + 1 :])))
@fuzz(150)
def test_a_token_opens_or_is_refused(token: str) -> None:
    try:
        who = BOOK.check(token)
    except TokenRefusedError:
        return
    assert token.rstrip("=") == TOKENS[Role.ADMIN] or token == TOKENS[who.role]


async def test_bad_tokens_and_cookies_open_nothing(server: Server) -> None:
    for text in NASTY:
        one = text.replace("\r", "").replace("\n", "").replace("\0", "")[:4000]
        for headers in ({"Authorization": one}, {"Authorization": f"Bearer {one}"}, {"Cookie": one},
                        {"Sec-WebSocket-Protocol": f"hotline.v1, bearer.{one}"}):  # fmt: skip
            status, head, body = await server.ask("GET", b"/api/v1/calls", headers)
            fine(status, head, body)
            assert status in (0, 400, 401), (one[:40], status)
    await server.is_well()


@given(header=st.one_of(texts, st.builds("bytes={}-{}".format, texts, texts),
                        st.builds("bytes={}-{}".format, st.integers(0, 10**19), st.integers(0, 10**19))),
       size=st.sampled_from([0, 1, 2, 1000, 2**40]))
@fuzz(150)
def test_a_range_lies_in_the_file(header: str, size: int) -> None:
    try:
        part = pick_range(header, size)
    except ProblemError:
        return
    assert part is None or 0 <= part[0] <= part[1] < size
