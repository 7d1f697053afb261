"""The event stream: nothing missed, nobody slowed, and everyone told why it ended."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from console import Probe, Settings, stream_stats
from console._hub import Hub, Item
from console._scene import a_call
from console.testing import FakeDesk


async def test_hello_brings_the_whole_picture_and_who_one_is(console: Any) -> None:
    socket = await console.listen("supervisor")
    assert socket.protocol == "hotline.v1"
    hello = await socket.receive_json()
    assert hello["type"] == "hello" and hello["id"] == hello["data"]["snapshot"]["last_event_id"]
    assert hello["data"]["you"]["role"] == "supervisor" and "numbers" in hello["data"]["you"]["rights"]
    picture = hello["data"]["snapshot"]
    assert len(picture["calls"]) == 8 and len(picture["seats"]) == 10 and len(picture["waiting"]) == 3
    assert picture["mode"]["mode"] == "normal" and hello["data"]["choices"]["breaks"][0]["caption"]["zh"] == "休息"
    assert "transcript" not in json.dumps(picture["calls"])


async def test_without_a_websocket_the_hello_comes_once(console: Any) -> None:
    hello = await (await console.get("/api/v1/events")).json()
    assert hello["type"] == "hello" and hello["data"]["snapshot"]


async def test_the_authorization_header_opens_the_stream_too(console: Any) -> None:
    socket = await console.client.ws_connect("/api/v1/events", headers=console.headers("admin"))
    assert (await socket.receive_json())["type"] == "hello"


@pytest.mark.parametrize("protocols", [(), ("hotline.v1",), ("hotline.v1", "bearer.h1.x.y")])
async def test_no_token_no_stream(console: Any, protocols: tuple[str, ...]) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await console.client.ws_connect("/api/v1/events", protocols=protocols)
    assert refused.value.status == 401


async def test_a_reader_that_comes_back_misses_nothing(console: Any) -> None:
    socket = await console.listen()
    last = (await socket.receive_json())["id"]
    await socket.close()
    for number in range(5):
        await console.desk.put(a_call(f"n-{number}", "arrived", 2000.0 + number))
    socket = await console.listen(query=f"?since={last}")
    hello = await socket.receive_json()
    assert hello["data"]["resumed"] and hello["data"]["snapshot"] is None
    events = [await socket.receive_json() for _ in range(5)]
    assert [event["data"]["id"] for event in events] == [f"n-{number}" for number in range(5)]
    assert [event["id"] for event in events] == list(range(last + 1, last + 6))


async def test_a_reader_away_too_long_gets_the_picture_instead_of_a_gap(make_console: Any) -> None:
    console = await make_console(Settings(kept=3))
    socket = await console.listen()
    last = (await socket.receive_json())["id"]
    for number in range(8):
        await console.desk.put(a_call(f"n-{number}", "arrived", 2000.0))
    for _ in range(8):
        await socket.receive_json()
    again = await console.listen(query=f"?since={last}")
    hello = await again.receive_json()
    assert not hello["data"]["resumed"]
    assert {call["id"] for call in hello["data"]["snapshot"]["calls"]} >= {f"n-{number}" for number in range(8)}
    await console.desk.put(a_call("n-9", "arrived", 2000.0))
    assert (await again.receive_json())["data"]["id"] == "n-9"


@pytest.mark.parametrize("since", [99999, 2**53])
async def test_an_id_from_another_life_gets_the_picture(console: Any, since: int) -> None:
    hello = await (await console.listen(query=f"?since={since}")).receive_json()
    assert not hello["data"]["resumed"] and hello["data"]["snapshot"]


async def test_an_idle_stream_beats(make_console: Any) -> None:
    console = await make_console(Settings(heartbeat=0.05))
    socket = await console.listen()
    assert (await socket.receive_json())["type"] == "hello"
    assert (await socket.receive_json())["type"] == "beat"


async def test_a_slow_reader_is_told_and_cut_and_slows_nobody(make_console: Any) -> None:
    console = await make_console(Settings(queue=16, grace=5.0))
    url = console.client.make_url("/api/v1/events")
    # A reader that stops reading: its own small buffers fill up, then the server's.
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=1024)
    writer.write(
        f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        f"Authorization: Bearer {console.tokens['auditor']}\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()
    swift = await console.listen("auditor")
    await swift.receive_json()
    stats = stream_stats(console.client.app)
    long = a_call("n-0", "arrived", 2000.0)
    moments = [long.timeline[0].model_copy(update={"detail": {"note": "x" * 1000}}) for _ in range(200)]
    long = long.model_copy(update={"timeline": moments})
    heard = 0
    while stats.cut_slow == 0:
        await console.desk.put(long)
        # The swift one has every event before the next: the slow one keeps nobody waiting.
        assert (await swift.receive_json())["type"] == "call"
        heard += 1
        assert heard < 500, "the slow reader was never cut"
    assert stats.streams == 2
    writer.transport.resume_reading()
    rest = await reader.read()
    assert b'"slow-reader"' in rest and rest[-200:].find(b"slow-reader") > 0
    writer.close()
    await console.desk.put(a_call("n-1", "arrived", 2000.0))
    assert (await swift.receive_json())["data"]["id"] == "n-1"
    assert stats.streams == 1


async def test_a_reader_that_never_reads_again_loses_its_connection(make_console: Any) -> None:
    console = await make_console(Settings(queue=2, grace=0.05))
    hub: Hub = next(value for value in console.client.app.values() if isinstance(value, Hub))
    url = console.client.make_url("/api/v1/events")
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=1024)
    writer.write(
        f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        f"Authorization: Bearer {console.tokens['auditor']}\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()
    big = a_call("n-0", "arrived", 2000.0)
    big = big.model_copy(
        update={"timeline": [big.timeline[0].model_copy(update={"detail": {"note": "x" * 100_000}})] * 3}
    )
    for _ in range(2000):
        if hub.stats.cut_slow:
            break
        await console.desk.put(big)
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while hub.stats.streams:
            await asyncio.sleep(0.01)
    writer.close()


async def test_a_stream_does_not_outlive_its_token(make_console: Any) -> None:
    # The clock stands still, so the token stays good at the door; only the stream's own timer runs out.
    console = await make_console(Settings(clock=lambda: 1e9), days=0.2 / 86400)
    socket = await console.listen()
    assert (await socket.receive_json())["type"] == "hello"
    bye = await socket.receive_json()
    assert bye["type"] == "bye" and bye["data"]["code"] == "token-expired"
    assert (await socket.receive()).data == 4401


async def test_whoever_talks_on_the_stream_is_told_to_use_the_api(console: Any) -> None:
    socket = await console.listen()
    await socket.receive_json()
    await socket.send_str("hello?")
    assert (await socket.receive_json())["data"]["code"] == "listen-only"
    assert (await socket.receive()).data == 1008


async def test_a_huge_message_from_a_client_ends_its_stream_only(console: Any) -> None:
    bad, good = await console.listen(), await console.listen()
    await bad.receive_json(), await good.receive_json()
    await bad.send_bytes(b"x" * 1_000_000)
    assert (await bad.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.TEXT)
    await console.desk.put(a_call("n-1", "arrived", 2000.0))
    assert (await good.receive_json())["data"]["id"] == "n-1"


async def test_streams_are_told_when_the_service_stops(console: Any) -> None:
    socket = await console.listen()
    await socket.receive_json()
    stop = asyncio.create_task(console.client.server.close())
    assert (await socket.receive_json())["data"]["code"] == "stopping"
    assert (await socket.receive()).data == 1012
    await stop


async def test_too_many_streams_are_refused_with_the_reason(make_console: Any) -> None:
    console = await make_console(Settings(streams=1))
    first = await console.listen()
    await first.receive_json()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await console.listen()
    assert refused.value.status == 503


async def test_a_lost_event_source_is_asked_again_from_where_it_broke(console: Any) -> None:
    class Breaks(FakeDesk):
        tries = 0

        async def events(self, since: int | None) -> Any:
            self.tries += 1
            place = 0
            async for event in super().events(since):
                yield event
                place += 1
                if place == 2:
                    raise ConnectionError("redis went away, taking 13800000000 with it")

    desk = Breaks()
    hub = Hub(desk, Settings())
    task = asyncio.create_task(hub.run())
    await hub.settled.wait()
    listener = hub.join()
    assert listener
    for number in range(5):
        await desk.put(Probe(part=f"p{number}", ok=True))
    items = [await listener.queue.get() for _ in range(5)]
    assert [item.id for item in items] == [1, 2, 3, 4, 5]
    assert desk.tries == 3 and hub.stats.source_failures == 2
    task.cancel()


async def test_what_the_snapshot_already_holds_is_not_told_again(console: Any) -> None:
    """Events queued between joining and the snapshot would set the picture back for a moment."""
    original = console.desk.snapshot

    async def late() -> Any:
        await console.desk.put(a_call("n-1", "waiting", 2000.0))
        await asyncio.sleep(0)
        return await original()

    console.desk.snapshot = late
    socket = await console.listen()
    hello = await socket.receive_json()
    console.desk.snapshot = original
    await console.desk.put(a_call("n-2", "arrived", 2001.0))
    assert "n-1" in {call["id"] for call in hello["data"]["snapshot"]["calls"]}
    assert (await socket.receive_json())["data"]["id"] == "n-2"


async def test_a_stream_that_fails_inside_says_so_and_ends(
    console: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await console.listen()
    await socket.receive_json()
    monkeypatch.setattr(Item, "for_reader", lambda *_: {}["13858801234"])
    await console.desk.put(a_call("n-1", "arrived", 2000.0))
    assert (await socket.receive_json())["data"]["code"] == "internal"
    assert (await socket.receive()).data == 1011
    assert "KeyError" in caplog.text and "1385880" not in caplog.text
