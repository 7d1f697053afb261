"""The JSON of another hotline's case, and the other hotline as a server: whatever it answers, nothing raises, little is
kept, what is shown is clean, and the next case comes."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

import console
from service import shapes_parties
from service.handovers import AGAIN_AFTER, MAX_BODY, FetchError, HandoverCounts, a_session, fetch
from tests.fuzz.hostile import LONG, bounded, changed, deep, fuzz, rng, texts, torn, values

CASE: dict[str, Any] = {
    "version": 1, "case": "310000-x-7", "issued_at": 1_763_932_131.0,
    "hotline": {"name": "上海", "centre": "310000"}, "caller": {"number": "13800000000", "name": "王"},
    "call": {"id": "h-1", "dialled": "12345", "arrived_at": 1.0},
    "kind": "complaint", "title": "路灯", "summary": "路灯坏了\n三天", "language": "zh", "urgent": True,
    "emergency": "110", "region": {"code": "310101", "name": "黄浦", "address": "某路 1 号"},
    "callback": {"wanted": True, "number": "1380"},
    "earlier": [{"case": "310000-x-1", "at": 1.0, "title": "a"}],
}  # fmt: skip
WHOLE = json.dumps(CASE, ensure_ascii=False).encode()


def clean(one: console.Handover) -> None:
    """Nothing invisible, nothing long, nothing that a header or a page could take for more than text."""

    def walk(value: Any) -> None:
        if isinstance(value, str):
            assert len(value) <= 4000
            assert all(x == "\n" or not unicodedata.category(x).startswith("C") for x in value), ascii(value)
        elif isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            assert len(value) <= 10
            for inner in value:
                walk(inner)

    data = one.model_dump(mode="json")
    walk(data)
    assert len(json.dumps(data, ensure_ascii=False).encode()) < MAX_BODY
    assert shapes_parties.context(data) is not None
    assert console.Handover.model_validate(data) == one


@example(text=deep())
@example(text='{"version":1,"case":"a","summary":"' + "\\u202e" * 500 + '"}')
@example(text='{"version":1,"case":"a\\r\\nX: y"}')
@example(text='{"version":1e400,"case":"a"}')
@given(text=st.one_of(texts, changed(CASE).map(lambda x: json.dumps(x, default=str)),
                      st.dictionaries(st.sampled_from(list(CASE)), values).map(
                          lambda x: json.dumps({"version": 1, "case": "a", **x}, default=str))))  # fmt: skip
@fuzz(200)
def test_a_handover_is_one_or_is_none(text: str) -> None:
    try:
        one = console.Handover.model_validate_json(text.encode("utf-8", "surrogatepass"))
    except ValidationError:
        return
    clean(one)


@asynccontextmanager
async def hotline(answers: list[bytes]) -> AsyncIterator[str]:
    """A server that says the n-th bytes for handover n, a good case for any other, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            name = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].rpartition(b"/")[2]
            writer.write(answers[int(name)] if name.isdigit() else GOOD)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def answer(body: bytes, *more: bytes, status: bytes = b"200 OK", length: int | None = None) -> bytes:
    size = str(len(body) if length is None else length).encode()
    lines = [b"HTTP/1.1 " + status, b"Content-Type: application/json", b"Content-Length: " + size, b"Connection: close"]
    return b"\r\n".join([*lines, *more]) + b"\r\n\r\n" + body


GOOD = answer(WHOLE)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
ANSWERS = [
    b"", b"\0" * 500, b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9000 + b"\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", answer(WHOLE, length=10**12), answer(WHOLE, length=3),
    answer(WHOLE, b"Content-Encoding: gzip"), answer(WHOLE, b"Content-Encoding: br"), answer(b"x" * (MAX_BODY + 1)),
    answer(b"", b"Location: http://127.0.0.1:1/", status=b"302 Found"), answer(b"[" * 60_000), CHUNKED + b"zz\r\n",
    answer(b"", b"Location: file:///etc/hostname", status=b"307 x"), CHUNKED + b"ffffffffffffffff\r\nx",
    CHUNKED + b"8000\r\n" + b" " * 0x8000 + b"\r\n", answer(b"", status=b"999 x"), answer(b"", status=b"abc"),
    answer(WHOLE, b"Set-Cookie: " + b"a=b; " * 900), answer(b"\xff" * 100), b"SIP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    CHUNKED + (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 40,
]  # fmt: skip


async def test_another_hotline_may_answer_anything() -> None:
    dice = rng(51)
    tries = [*ANSWERS, *(torn(dice.choice([GOOD, *ANSWERS[-4:]]), dice) for _ in range(1500 if LONG else 40))]
    with bounded(3_000_000, "answers of another hotline"):
        async with hotline(tries) as base, a_session(5.0) as session:
            for n, one in enumerate(tries):
                try:
                    clean(await fetch(session, base, str(n), "t" * 32))
                except FetchError as error:
                    assert error.kind in HandoverCounts.__slots__, (one[:80], error.kind)
                    assert error.__cause__ is None
                assert (await again(session, base)).case == CASE["case"], one[:80]


async def again(session: Any, base: str) -> console.Handover:
    """As the service asks: once more where that may help (the other side had closed a connection kept open)."""
    try:
        return await fetch(session, base, "good", "t" * 32)
    except FetchError as error:
        assert error.kind in AGAIN_AFTER
        return await fetch(session, base, "good", "t" * 32)
