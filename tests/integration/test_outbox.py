"""The ticket platform is down, slow, confused or says no: a real server on a real socket, and a real store."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.conftest import eventually, free_port
from tests.integration.test_store_contract import POSTGRES, emptied
from tickets import (
    Draft,
    HttpPlatform,
    Note,
    Outbox,
    OutboxPolicy,
    Store,
    StoreUnavailable,
    Ticket,
    TicketStatus,
)

pytestmark = pytest.mark.integration
QUICK = OutboxPolicy(first=0.05, longest=0.2, pause=0.02, longest_pause=0.1, look=0.02)
NUMBER, WORDS = "057712345678", "路灯坏了"


class TicketPlatform:
    """Takes messages as `manners` say, then well; `taken` is what it keeps: by key, each once."""

    def __init__(self) -> None:
        self.port = free_port()
        self.manners: deque[str] = deque()
        self.poison = ""
        self.seen: list[tuple[str, str]] = []
        self.taken: dict[str, dict[str, Any]] = {}
        self.tokens: set[str] = set()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/tickets"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/tickets", self._post)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _post(self, request: web.Request) -> web.StreamResponse:
        key, body = request.headers["Idempotency-Key"], await request.json()
        self.tokens.add(request.headers.get("Authorization", ""))
        manner = self.manners.popleft() if self.manners else "well"
        if self.poison and body["data"]["call"] == self.poison:
            manner = "400"
        self.seen.append((key, manner))
        if manner.isdigit():
            # Errors repeat what was sent, as careless servers do: it must not get into our logs.
            return web.Response(status=int(manner), text=json.dumps(body, ensure_ascii=False))
        self.taken.setdefault(key, body)
        if manner == "slow":
            await asyncio.sleep(30)
        if manner == "cut":
            answer = web.StreamResponse(headers={"Content-Length": "1000"})
            await answer.prepare(request)
            await answer.write(b"{")
            assert request.transport is not None
            request.transport.abort()
            return answer
        if manner == "duplicate":
            return web.json_response({"code": "duplicate"}, status=409)
        return web.json_response({"ok": True})


@pytest.fixture
async def platform() -> AsyncIterator[TicketPlatform]:
    one = TicketPlatform()
    await one.start()
    yield one
    await one.stop()


@pytest.fixture(params=["sqlite", "postgresql"] if POSTGRES else ["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    url = f"sqlite:///{tmp_path}/hotline.db" if request.param == "sqlite" else await emptied(POSTGRES)
    opened = Store(url, outbox=True)
    await opened.migrate()
    yield opened
    await opened.close()


@contextlib.asynccontextmanager
async def running(store: Store, platform: TicketPlatform, timeout: float = 5.0) -> AsyncIterator[Outbox]:
    http = HttpPlatform(platform.url, lambda: "s3cret", timeout=timeout)
    outbox = Outbox(store, http, QUICK)
    task = asyncio.create_task(outbox.run())
    try:
        yield outbox
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await http.close()


async def draft(store: Store, call: str = "c-1") -> Ticket:
    return await store.put_draft(call, Draft(content=WORDS, caller_number=NUMBER, made_at=1763932131.0))


async def empty(store: Store) -> None:
    async with asyncio.timeout(20):
        while (await store.outbox_figures()).waiting:
            await asyncio.sleep(0.01)


async def test_a_draft_and_what_humans_make_of_it_are_told_in_order(store: Store, platform: TicketPlatform) -> None:
    ticket = await draft(store)
    await store.put_draft("c-1", ticket.draft)  # repeated: nothing new to tell
    await store.change_ticket(ticket.id, 1, who="li", role="seat", at=2.0, title="路灯")
    await store.change_ticket(ticket.id, 2, who="li", role="seat", at=3.0, status=TicketStatus.CONFIRMED)
    assert (await store.outbox_figures()).waiting == 3
    async with running(store, platform) as outbox:
        await empty(store)
    assert [b["kind"] for b in platform.taken.values()] == ["draft.made", "ticket.changed", "ticket.confirmed"]
    assert list(platform.taken) == [f"{ticket.id}-{n}" for n in (1, 2, 3)]
    told = list(platform.taken.values())[-1]["data"]
    assert (told["status"], told["title"], told["content"], told["call"]) == ("confirmed", "路灯", WORDS, "c-1")
    assert platform.tokens == {"Bearer s3cret"}
    assert (outbox.counts.sent, outbox.counts.failed) == (3, 0)


async def test_a_draft_that_waits_for_words_is_told_when_it_has_them(store: Store, platform: TicketPlatform) -> None:
    assert await store.add_draft("c-1", Draft(note=Note.WAITING, made_at=1.0)) is not None
    assert (await store.outbox_figures()).waiting == 0
    await draft(store)
    async with running(store, platform):
        await empty(store)
    assert [b["kind"] for b in platform.taken.values()] == ["draft.made"]


@pytest.mark.parametrize("manner", ["500", "503", "429", "409", "401", "404", "302", "cut", "slow", "duplicate"])
async def test_whatever_goes_wrong_each_message_arrives_once(
    store: Store, platform: TicketPlatform, manner: str, caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.INFO)  # below that the database driver logs all it is told: see service.logs
    platform.manners.extend([manner] * 2)
    calls = ["c-1", "c-2", "c-3"]
    tickets = [await draft(store, call) for call in calls]
    async with running(store, platform, timeout=0.4 if manner == "slow" else 5.0) as outbox:
        await empty(store)
    assert sorted(platform.taken) == sorted(f"{t.id}-1" for t in tickets)  # repetitions had the same keys
    assert outbox.counts.sent == 3
    assert outbox.counts.failed == (0 if manner == "duplicate" else 2)
    assert outbox.counts.refused == 0
    said = caplog.text + "".join(capsys.readouterr())
    assert "outbox" in said
    assert NUMBER not in said and WORDS not in said and "s3cret" not in said


async def test_a_platform_that_is_down_is_waited_for(store: Store, platform: TicketPlatform) -> None:
    await platform.stop()
    ticket = await draft(store)
    async with running(store, platform) as outbox:
        await eventually(lambda: outbox.counts.failed >= 3)
        assert outbox.trouble == "unreachable"
        await store.change_ticket(ticket.id, 1, who="li", role="seat", at=2.0, title="路灯")
        assert (await store.outbox_figures()).waiting == 2
        await platform.start()
        await empty(store)
        await eventually(lambda: not outbox.trouble)
    assert [key for key, _ in platform.seen] == [f"{ticket.id}-1", f"{ticket.id}-2"]


async def test_what_it_refuses_waits_for_a_human_and_stops_only_its_own_ticket(
    store: Store, platform: TicketPlatform
) -> None:
    platform.poison = "c-1"
    bad, good = await draft(store, "c-1"), await draft(store, "c-2")
    await store.change_ticket(bad.id, 1, who="li", role="seat", at=2.0, title="路灯")
    async with running(store, platform) as outbox:
        await eventually(lambda: outbox.counts.sent == 1 and outbox.counts.refused == 1)
        assert list(platform.taken) == [f"{good.id}-1"]
        [dead] = await store.dead_messages()
        assert (dead.subject, dead.error, dead.tries) == (bad.id, "http-400", 1)
        assert [key for key, _ in platform.seen].count(f"{bad.id}-2") == 0  # not before the one it follows
        platform.poison = ""
        assert await store.revive_message(dead.id)
        await empty(store)
    assert list(platform.taken)[1:] == [f"{bad.id}-1", f"{bad.id}-2"]
    assert not await store.drop_message(dead.id)  # gone
    assert await store.dead_messages() == ()


async def test_one_given_up_lets_the_next_pass(store: Store, platform: TicketPlatform) -> None:
    platform.manners.append("422")
    ticket = await draft(store)
    await store.change_ticket(ticket.id, 1, who="li", role="seat", at=2.0, title="路灯")
    async with running(store, platform) as outbox:
        await eventually(lambda: outbox.counts.refused == 1)
        [dead] = await store.dead_messages()
        assert await store.drop_message(dead.id)
        await empty(store)
    assert list(platform.taken) == [f"{ticket.id}-2"]


async def test_killed_after_the_platform_took_it_it_is_told_again_with_the_same_key(
    store: Store, platform: TicketPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await draft(store)
    forget = store.message_sent

    async def lost(message_id: int) -> None:
        monkeypatch.setattr(store, "message_sent", forget)
        raise StoreUnavailable("gone just now")

    monkeypatch.setattr(store, "message_sent", lost)
    async with running(store, platform):
        await empty(store)
    assert platform.seen == [(f"{ticket.id}-1", "well")] * 2
    assert len(platform.taken) == 1


async def test_without_a_platform_nothing_is_gathered(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/other.db")
    await store.migrate()
    await draft(store)
    assert (await store.outbox_figures()).waiting == 0
    await store.close()


async def test_a_message_exists_exactly_when_its_ticket_does(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_: object) -> None:
        raise RuntimeError("killed here")

    monkeypatch.setattr("tickets._store.put_message", breaks)
    with pytest.raises(RuntimeError):
        await draft(store)
    assert await store.ticket_of_call("c-1") is None  # one transaction
