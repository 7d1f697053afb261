"""The recogniser is slow, hangs or is dead: seats have a form meanwhile, and its words come into it when they come."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from service.backlog import MOST, BacklogWatch
from service.health import NotWell
from service.probe_news import ProbeNews, tell
from tests.integration.test_storage_failures import PATIENT
from tests.integration.test_store_drafts import ROOT, World
from tickets import DraftMaker, Facts, Gazetteer, Note, Store, StoreUnavailable, TicketStatus

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.load(ROOT / "config" / "regions.yaml")


@pytest.fixture
async def world(redis_url: str, tmp_path: Path, gazetteer: Gazetteer) -> AsyncIterator[World]:
    client, store = Redis.from_url(redis_url), Store(f"sqlite:///{tmp_path}/hotline.db")
    await store.migrate()
    made = World(client, store, gazetteer)
    await client.xgroup_create(made.stream, "drafts", id="0", mkstream=True)
    yield made
    await store.close()
    await client.aclose()


def ended(world: World, seconds_ago: float) -> None:
    async def facts(call_id: str) -> Facts:
        return Facts(call_id, "057712345678", "12345", "330300", ended_at=time.time() - seconds_ago)

    world.facts = facts


async def words_come(world: World, maker: DraftMaker, *calls: str, status: str = "ok") -> None:
    before = maker.counts.made
    async with world.running(maker):
        for call in calls:
            await world.result(call, status)
        await world.handled(maker, before + len(calls))


async def test_words_in_time_are_not_late(world: World) -> None:
    ended(world, 5.0)
    await words_come(world, maker := world.maker(policy=PATIENT), "c-1")
    ticket = await world.store.ticket_of_call("c-1")
    assert ticket is not None and ticket.draft.late is None
    assert maker.counts.late == 0


async def test_late_words_are_marked_by_when_they_came_not_by_when_we_read_them(world: World) -> None:
    over = time.time() - 300.0

    async def facts(call_id: str) -> Facts:
        return Facts(call_id, "057712345678", "12345", "330300", ended_at=over)

    world.facts = facts
    await world.redis.xadd(world.stream, {"call": "c-0", "status": "ok"}, id=f"{int((over + 5) * 1000)}-0")
    await world.result("c-1")
    maker = world.maker(policy=PATIENT)
    async with world.running(maker):
        await world.handled(maker, 2)
    in_time, late = [await world.store.ticket_of_call(c) for c in ("c-0", "c-1")]
    assert in_time is not None and in_time.draft.late is None  # our own delay is not the recogniser's
    assert late is not None and late.draft.late == pytest.approx(300.0, abs=30.0)
    assert late.draft.content  # it has its words
    assert maker.counts.late == 1

    async def done_again(call_id: str) -> Facts:
        return Facts(call_id, "057712345678", "12345", "330300", ended_at=time.time() - 86_400)

    world.facts = done_again
    await words_come(world, maker, "c-1")  # say, with a better model
    again = await world.store.ticket_of_call("c-1")
    assert again is not None and again.draft.late == late.draft.late


async def test_a_call_whose_words_are_late_has_a_form_that_is_completed_in_place(world: World) -> None:
    ended(world, 90.0)
    maker = world.maker(policy=PATIENT)
    assert await maker.await_words("c-1")
    waiting = await world.store.ticket_of_call("c-1")
    assert waiting is not None
    assert (waiting.draft.note, waiting.draft.title) == (Note.WAITING, "等待转写的来电")
    assert waiting.draft.caller_number == "057712345678"
    assert world.told == [waiting]
    assert await maker.await_words("c-1")  # asked again: nothing new
    assert world.told == [waiting]
    await words_come(world, maker, "c-1")
    whole = await world.store.ticket_of_call("c-1")
    assert whole is not None
    assert (whole.id, whole.draft.note, whole.draft.title) == (waiting.id, Note.NONE, "鹿城区人民路路灯坏了")
    assert whole.draft.late == pytest.approx(90.0, abs=30.0)
    assert await maker.await_words("c-1")  # too late: words are there
    assert await world.store.ticket_of_call("c-1") == whole
    assert len((await world.store.tickets()).items) == 1


async def test_what_a_human_wrote_meanwhile_stays(world: World) -> None:
    ended(world, 90.0)
    maker = world.maker(policy=PATIENT)
    for call in ("c-1", "c-2"):
        await maker.await_words(call)
    first, second = [await world.store.ticket_of_call(c) for c in ("c-1", "c-2")]
    assert first is not None and second is not None
    await world.store.change_ticket(first.id, 1, who="li", role="seat", at=2.0, title="路灯")
    await world.store.change_ticket(
        second.id, 1, who="li", role="seat", at=2.0, status=TicketStatus.CONFIRMED, content="井盖没了"
    )
    await words_come(world, maker, "c-1", "c-2")
    edited, confirmed = [await world.store.ticket_of_call(c) for c in ("c-1", "c-2")]
    assert edited is not None and confirmed is not None
    assert (edited.draft.title, edited.draft.content, edited.revision) == ("路灯", "", 2)
    assert (confirmed.status, confirmed.draft.content) == (TicketStatus.CONFIRMED, "井盖没了")
    assert edited.draft.note is confirmed.draft.note is Note.NONE  # it is not waiting any more


async def test_a_transcription_that_fails_ends_the_waiting(world: World) -> None:
    ended(world, 90.0)
    maker = world.maker(policy=PATIENT)
    await maker.await_words("c-1")
    await words_come(world, maker, "c-1", status="failed")
    ticket = await world.store.ticket_of_call("c-1")
    assert ticket is not None and ticket.draft.note is Note.NO_TRANSCRIPT
    await maker.await_words("c-1")  # a look that came too late does not make it wait for ever
    assert await world.store.ticket_of_call("c-1") == ticket


async def test_a_call_not_in_the_books_yet_is_asked_for_again(world: World) -> None:
    async def unknown(call_id: str) -> None:
        return None

    world.facts = unknown
    assert not await world.maker(policy=PATIENT).await_words("c-1")
    assert await world.store.ticket_of_call("c-1") is None


# ---------------------------------------------------------------------- who looks after it
async def job(world: World, call: str, ago: float, kind: str = "call") -> None:
    """A job that came so many seconds ago."""
    data = {"call": call, "raw": f"/spool/{call}.raw", "kind": kind, "answered": 1.0, "ended": 2.0}
    at = f"{int((time.time() - ago) * 1000)}-0"
    await world.redis.xadd(world.prefix + "recordings", {"job": json.dumps(data)}, id=at)


def watch(world: World, maker: DraftMaker) -> BacklogWatch:
    return BacklogWatch(world.redis, maker, prefix=world.prefix, late=60.0, alarm=300.0)


async def test_each_call_that_waits_too_long_has_a_form_and_no_other(world: World) -> None:
    ended(world, 90.0)
    backlog = watch(world, world.maker(policy=PATIENT))
    await backlog.look()  # there is nothing yet
    await backlog.well()
    await job(world, "c-1", 400)
    await job(world, "away", 350, "discard")
    await world.redis.xadd(world.prefix + "recordings", {"job": "{"}, id=f"{int((time.time() - 340) * 1000)}-0")
    await job(world, "c-2", 100)
    await job(world, "c-3", 5)
    await backlog.look()
    made = [await world.store.ticket_of_call(c) is not None for c in ("c-1", "away", "?", "c-2", "c-3")]
    assert made == [True, False, False, True, False]
    assert (backlog.state.jobs, round(backlog.state.oldest, -1)) == (5, 400.0)
    with pytest.raises(NotWell, match="5 calls wait") as caught:
        await backlog.well()
    assert caught.value.code == "behind"
    figures = {s.name: s.value for f in backlog.collect() for s in f.samples}
    assert figures["hotline_transcription_jobs"] == 5
    assert len(world.told) == 2
    await backlog.look()
    await watch(world, world.maker(policy=PATIENT)).look()  # another process, or after a restart
    assert len(world.told) == 2


async def test_a_store_that_is_away_or_a_call_unknown_yet_costs_nobody_a_form(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(world, 90.0)
    known, whole = world.facts, world.store.add_draft
    for n in range(3):
        await job(world, f"c-{n}", 100 - n)
    backlog = watch(world, world.maker(policy=PATIENT))

    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(world.store, "add_draft", away)
    with pytest.raises(StoreUnavailable):
        await backlog.look()
    monkeypatch.setattr(world.store, "add_draft", whole)

    async def not_all(call_id: str) -> Facts | None:
        if call_id == "c-1":
            return None
        if call_id == "c-0":
            raise ValueError("a fault of one call")
        return await known(call_id)

    world.facts = not_all
    await backlog.look()
    assert await world.store.ticket_of_call("c-2") is not None  # the first ones do not hold it up
    world.facts = known
    await backlog.look()
    assert [t.call_id for t in world.told] == ["c-2", "c-0", "c-1"]

    async def never(call_id: str) -> None:
        return None

    world.facts = never
    await job(world, "c-9", 70)
    for _ in range(MOST + 2):
        await backlog.look()
    assert backlog._again == {}  # given up, nothing grows


async def test_the_test_calls_news_are_an_alarm_after_two_failures_or_silence(world: World) -> None:
    now = [1000.0]
    news = ProbeNews(world.redis, world.prefix, lambda: now[0])
    await news.well()  # nobody ever probed

    async def result(ok: bool, in_a_row: int) -> None:
        await tell(
            world.redis, world.prefix, ok=ok, reason="" if ok else "silence", in_a_row=in_a_row, every=60.0, at=now[0]
        )

    await result(True, 0)
    await news.well()
    await result(False, 1)
    await news.well()
    await result(False, 2)
    with pytest.raises(NotWell, match="silence") as caught:
        await news.well()
    assert caught.value.severity == "critical"
    await result(True, 0)
    await news.well()
    now[0] += 300.0
    with pytest.raises(NotWell) as caught:
        await news.well()
    assert caught.value.code == "probe-silent"
