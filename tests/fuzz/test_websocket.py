"""The event stream as a stranger uses it: garbage frames, floods of frames and of streams, huge cursors. The stream
ends with a reason, others go on, and nothing is left behind."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from console import Role, Settings, TokenBook, build_app, stream_stats
from console._scene import furnish
from console.testing import FakeDesk
from tests.conftest import eventually
from tests.fuzz.hostile import LONG, NASTY, bounded, rng

BOOK = TokenBook(b"0123456789abcdef0123456789abcdef")
TOKEN = BOOK.issue(Role.SUPERVISOR, "fuzz")
STREAMS = 12


class Stage:
    def __init__(self, desk: FakeDesk, client: Any, app: Any) -> None:
        self.desk, self.client, self.app = desk, client, app

    async def raw(self, *frames: bytes, query: str = "") -> bytes:
        """A handshake by hand, then these bytes; what the server says until it closes."""
        reader, writer = await asyncio.open_connection(self.client.server.host, self.client.server.port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /api/v1/events{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Protocol: hotline.v1, bearer.{TOKEN}\r\n\r\n".encode()
        )
        got = b""
        try:
            async with asyncio.timeout(20):
                got += await reader.readuntil(b"\r\n\r\n")
                for frame in frames:
                    writer.write(frame)
                    await writer.drain()
                writer.write_eof()
                while chunk := await reader.read(65_536):
                    got += chunk
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        return got

    async def is_well(self) -> None:
        """Another reader gets its hello, and no stream is left of those before."""
        await eventually(lambda: stream_stats(self.app).streams == 0, what="streams are left behind")
        socket = await self.client.ws_connect("/api/v1/events", protocols=("hotline.v1", f"bearer.{TOKEN}"))
        hello = await socket.receive_json(timeout=20)
        assert hello["type"] == "hello" and hello["data"]["snapshot"]
        await socket.close()
        await eventually(lambda: stream_stats(self.app).streams == 0, what="streams are left behind")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    desk = FakeDesk()
    furnish(desk, tmp_path)
    app = build_app(desk, BOOK, settings=Settings(streams=STREAMS, grace=0.2, queue=8))
    client: Any = TestClient(TestServer(app))
    await client.start_server()
    yield Stage(desk, client, app)
    await client.close()


def frame(code: int, data: bytes, *, fin: int = 1, masked: bool = True, said: int | None = None) -> bytes:
    """One frame; `said`: a length that is not true."""
    length = len(data) if said is None else said
    head = bytes([fin << 7 | code])
    mark = 0x80 if masked else 0
    if length < 126:
        head += bytes([mark | length])
    elif length < 65_536:
        head += bytes([mark | 126]) + struct.pack("!H", length)
    else:
        head += bytes([mark | 127]) + struct.pack("!Q", length)
    return head + (b"\0\0\0\0" if masked else b"") + data


FRAMES = [
    frame(1, b"hello"), frame(2, b"\0" * 100), frame(1, b"\xff\xfe"), frame(1, b"x" * 5000),
    frame(1, b"x", masked=False),
    frame(1, b"", said=2**62), frame(1, b"", said=2**63 + 5), frame(3, b""), frame(11, b"x"), frame(0, b"no beginning"),
    frame(9, b"x" * 200), frame(9, b"ping") * 500, frame(10, b"pong") * 500, frame(8, b""), frame(8, b"\x03"),
    frame(8, struct.pack("!H", 9999) + b"\xff"), frame(8, struct.pack("!H", 1000) + b"x" * 123), frame(1, b"a", fin=0),
    frame(1, b"a", fin=0) + frame(0, b"b", fin=0) * 3000, frame(1, b"a", fin=0) + frame(1, b"b"), b"\xff" * 64,
    b"GET / HTTP/1.1\r\n\r\n", b"", b"\x81", b"\x81\xfe\x00", b"\0" * 4096,
]  # fmt: skip


async def test_garbage_frames_end_the_stream_and_no_other(stage: Stage) -> None:
    dice = rng(21)
    made = [bytes(dice.randrange(256) for _ in range(dice.randint(1, 300))) for _ in range(400 if LONG else 12)]
    watcher = await stage.client.ws_connect("/api/v1/events", protocols=("hotline.v1", f"bearer.{TOKEN}"))
    assert (await watcher.receive_json(timeout=20))["type"] == "hello"
    for one in [*FRAMES, *made]:
        got = await stage.raw(one)
        assert got.startswith(b"HTTP/1.1 101") and b"Traceback" not in got
    seats = await stage.desk.seats()
    await stage.desk.put(next(iter(seats)))
    assert (await watcher.receive_json(timeout=20))["type"] == "seat"  # it missed nothing
    await watcher.close()
    await stage.is_well()


async def test_a_flood_of_frames_is_not_kept(stage: Stage) -> None:
    with bounded(4_000_000, "frames of a flood"):
        for one in (frame(9, b"x" * 100) * 600, frame(10, b"x" * 100) * 600, frame(0, b"x" * 1000, fin=0) * 60):
            await stage.raw(*[one] * (60 if LONG else 8))
        await eventually(lambda: stream_stats(stage.app).streams == 0)
    await stage.is_well()


CURSORS = ["9007199254740992", "9007199254740993", "-1", "-0", "00", "1e3", "0x1", "1" * 400, "", "NaN", "٣", "²",
           "1&since=2", "%00", "%ff", "%0d%0aX:y", "1.0", "+1", " 1", "null", "[]"]  # fmt: skip


async def test_a_cursor_is_a_number_or_refused(stage: Stage) -> None:
    for cursor in CURSORS:
        got = await stage.raw(frame(8, b""), query=f"?since={cursor}".replace(" ", "%20"))
        assert got.startswith((b"HTTP/1.1 101", b"HTTP/1.1 400", b"HTTP/1.0 400")), got[:200]
        assert got.startswith(b"HTTP/1.1 101") == (cursor in ("9007199254740992", "-0")), cursor
    await stage.is_well()


async def test_a_token_in_the_list_of_protocols_opens_or_not(stage: Stage) -> None:
    for text in NASTY:
        one = text.encode("utf-8", "surrogatepass").decode("latin-1").replace("\r", "").replace("\n", "")[:3000]
        try:
            await stage.client.ws_connect("/api/v1/events", protocols=("hotline.v1", f"bearer.{one}"))
        except (aiohttp.ClientError, ValueError, UnicodeError) as refusal:
            assert getattr(refusal, "status", 401) in (400, 401)
        else:
            raise AssertionError(f"{one!r} opens")
    await stage.is_well()


async def test_more_streams_than_there_may_be_are_refused_and_slow_readers_cut(stage: Stage) -> None:
    sockets = []
    for n in range(STREAMS + 5):
        try:
            sockets.append(
                await stage.client.ws_connect("/api/v1/events", protocols=("hotline.v1", f"bearer.{TOKEN}"))
            )
        except aiohttp.WSServerHandshakeError as refusal:
            assert refusal.status == 503 and n >= STREAMS
    assert len(sockets) == STREAMS
    seat = next(iter(await stage.desk.seats()))
    for _ in range(2_000):
        await stage.desk.put(seat)  # nobody reads
    for socket in sockets:
        socket._response.connection.transport.abort()
    await stage.is_well()
