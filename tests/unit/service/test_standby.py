"""The standby's proxy: what goes through unchanged, what stays behind, and what is said when nobody is active."""

import asyncio
import contextlib

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from calls import Holder
from service.cluster import Front
from service.errors import ServiceError
from service.standby import MARK, Standby
from tests.conftest import free_port

LIMIT = 1000


class Upstream:
    """An active process that tells what it was asked."""

    def __init__(self):
        self.seen = []
        self.bodies = []
        self.release = asyncio.Event()

    async def answer(self, request):
        self.seen.append(request)
        self.bodies.append(await request.read())
        headers = {"X-Own": "1", "Connection": "X-Secret", "X-Secret": "1", "Keep-Alive": "5", "Server": "hotline"}
        return web.Response(status=int(request.query.get("status", 200)), body=b"whole", headers=headers)

    async def half(self, request):
        length = {"Content-Length": "100"} if "length" in request.query else {}
        response = web.StreamResponse(headers=length)
        await response.prepare(request)
        await response.write(b"begun")
        await asyncio.sleep(0.05)
        request.transport.abort()
        return response

    async def stream(self, request):
        self.seen.append(request)
        if request.headers.get("Authorization") != "Bearer good":
            return web.json_response({"code": "no-token"}, status=401, content_type="application/problem+json")
        socket = web.WebSocketResponse(protocols=("hotline.v1",))
        await socket.prepare(request)
        await socket.send_str("x" * 100_000)
        async for message in socket:
            if message.data == "end":
                await socket.close(code=4401)
            elif message.type is WSMsgType.TEXT:
                await socket.send_str(f"heard {message.data}")
        return socket


async def nothing():
    return []


@contextlib.asynccontextmanager
async def running(app):
    port = free_port()
    front = Front("127.0.0.1", port)
    front.open()
    await front.show(app)
    try:
        yield f"http://127.0.0.1:{port}", front
    finally:
        await front.close()


@pytest.fixture
async def chain():
    """(upstream, standby's address, session, holder box)."""
    upstream = Upstream()
    app = web.Application(client_max_size=1 << 20)
    app.router.add_get("/half", upstream.half)
    app.router.add_get("/api/v1/events", upstream.stream)
    app.router.add_route("*", "/{path:.*}", upstream.answer)
    async with running(app) as (url, _):
        holder = [Holder("one", url, 7, {})]
        standby = Standby("two", lambda: holder[0], nothing, LIMIT)
        async with running(standby.build_app()) as (own, _), aiohttp.ClientSession() as session:
            yield upstream, own, session, holder


async def test_method_path_query_body_and_token_go_through_unchanged(chain):
    upstream, own, session, _ = chain
    headers = {"Authorization": "Bearer t", "X-Mine": "ü", "Content-Type": "application/json"}
    url = aiohttp.client.URL(own + "/api/v1/a%2Fb?x=%20&x=2", encoded=True)
    async with session.put(url, data=b'{"a":1}', headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, b"whole")
    (seen,) = upstream.seen
    assert (seen.method, seen.raw_path) == ("PUT", "/api/v1/a%2Fb?x=%20&x=2")
    assert seen.headers["Authorization"] == "Bearer t"
    assert seen.headers["Content-Type"] == "application/json"
    assert upstream.bodies == [b'{"a":1}']
    assert seen.headers[MARK] == "two"


async def test_headers_for_one_connection_stay_behind_in_both_directions(chain):
    upstream, own, session, _ = chain
    hop = {"Connection": "X-Hop, keep-alive", "X-Hop": "1", "TE": "trailers", "Proxy-Authorization": "x",
           "Keep-Alive": "9", "Trailer": "X", "X-Stays": "1"}  # fmt: skip
    async with session.get(own + "/a", headers=hop) as answer:
        assert answer.headers["X-Own"] == "1"
        assert "X-Secret" not in answer.headers
        assert "Keep-Alive" not in answer.headers
    got = {name.lower() for name in upstream.seen[0].headers}
    assert "x-stays" in got
    assert not got & {"x-hop", "te", "proxy-authorization", "keep-alive", "trailer"}


@pytest.mark.parametrize("status", [204, 304, 400, 404, 503])
async def test_any_answer_is_the_active_ones(chain, status):
    _, own, session, _ = chain
    async with session.get(own + f"/a?status={status}") as answer:
        assert answer.status == status
        assert answer.headers["X-Own"] == "1"
    async with session.head(own + "/a") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_a_body_over_the_limit_is_refused_here(chain):
    upstream, own, session, _ = chain

    async def endless():
        for _ in range(20):
            yield b"x" * 100

    for data in (b"x" * (LIMIT + 1), endless()):
        async with session.post(own + "/a", data=data) as answer:
            assert answer.status == 413
            assert (await answer.json(content_type=None))["code"] == "too-large"
    assert upstream.seen == []


@pytest.mark.parametrize("query", ["length", "chunked"])
async def test_half_an_answer_does_not_look_whole(chain, query):
    _, own, session, _ = chain
    with pytest.raises(aiohttp.ClientError):
        async with session.get(f"{own}/half?{query}") as answer:
            await answer.read()


async def test_without_an_active_one_every_question_has_a_problem_as_its_answer(chain):
    _, own, session, holder = chain
    holder[0] = None
    for request in (session.get(own + "/api/v1/seats"), session.post(own + "/x", data=b"1")):
        async with request as answer:
            assert (answer.status, answer.content_type) == (503, "application/problem+json")
            assert answer.headers["Retry-After"] == "1"
            assert answer.headers["X-Frame-Options"] == "DENY"
            body = await answer.json(content_type=None)
            assert body["code"] == "no-active"
            assert set(body) == {"status", "code", "what", "where", "mend", "message"}
            assert set(body["message"]) == {"zh", "en"}
    async with session.get(own + "/healthz") as answer:
        assert answer.status == 200
    async with session.get(own + "/readyz") as answer:
        body = await answer.json()
        assert (answer.status, body["ready"], body["active"]) == (503, False, None)


async def test_an_active_one_that_is_gone_is_a_problem_too_and_not_an_error_of_ours(chain):
    _, own, session, holder = chain
    holder[0] = Holder("one", f"http://127.0.0.1:{free_port()}", 7, {})
    async with session.get(own + "/api/v1/seats") as answer:
        assert answer.status == 503
        assert (await answer.json(content_type=None))["code"] == "active-silent"
    with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
        await session.ws_connect(own + "/api/v1/events")


async def test_two_standbys_that_believe_in_each_other_do_not_forward_in_a_circle():
    asked, own = [], []

    def holder():
        asked.append(True)
        return Holder("two", own[0], 7, {})

    async with running(Standby("two", holder, nothing, LIMIT).build_app()) as (url, _):
        own.append(url)
        async with aiohttp.ClientSession() as session, session.get(url + "/a") as answer:
            assert answer.status == 503
    assert len(asked) == 2, "once by us, once by itself"


async def test_the_event_stream_goes_through_with_subprotocol_size_and_close_code(chain):
    _, own, session, _ = chain
    socket = await session.ws_connect(
        own + "/api/v1/events", protocols=("hotline.v1", "bearer.x"), headers={"Authorization": "Bearer good"},
        max_msg_size=0,
    )  # fmt: skip
    assert socket.protocol == "hotline.v1"
    assert len((await socket.receive(5)).data) == 100_000
    await socket.send_str("a")
    assert (await socket.receive(5)).data == "heard a"
    await socket.send_str("end")
    assert (await socket.receive(5)).type is WSMsgType.CLOSE
    assert socket.close_code == 4401


async def test_a_stream_that_is_refused_is_refused_with_the_active_ones_words(chain):
    upstream, own, session, _ = chain
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session.ws_connect(own + "/api/v1/events")
    assert refused.value.status == 401
    assert upstream.seen[-1].headers.get("Upgrade") is None


async def test_the_address_answers_while_the_application_behind_it_changes():
    def app(word):
        async def say(request):
            return web.Response(text=word)

        one = web.Application()
        one.router.add_get("/", say)
        return one

    async with running(app("a")) as (url, front):
        words, stop = [], asyncio.Event()

        async def asks():
            while not stop.is_set():
                # A connection for each question: none may be refused.
                connector = aiohttp.TCPConnector(force_close=True)
                async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as answer:
                    words.append(await answer.text())

        asking = asyncio.create_task(asks())
        for word in "bcdefghij":
            await asyncio.sleep(0.03)
            await front.show(app(word))
        await asyncio.sleep(0.03)
        stop.set()
        await asking
        assert words == sorted(words)
        assert (words[0], words[-1]) == ("a", "j")


async def test_a_taken_port_is_said_plainly():
    front, other = Front("127.0.0.1", free_port()), None
    front.open()
    other = Front("127.0.0.1", front._port)
    with pytest.raises(ServiceError, match="in use"):
        other.open()
    await front.close()
