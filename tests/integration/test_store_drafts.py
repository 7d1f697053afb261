"""The worker that makes drafts, on a real Redis and a real SQLite file: killed, failing, and out of luck."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from tickets import (
    DraftMaker,
    Facts,
    Gazetteer,
    Kind,
    MakerPolicy,
    Note,
    Segment,
    Store,
    StoreUnavailable,
    Ticket,
    Transcript,
)

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
QUICK = MakerPolicy(tries=3, idle=0.06, limit=0.05, block=0.02, pause=0.01, longest_pause=0.05)
_numbers = itertools.count()


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.load(ROOT / "config" / "regions.yaml")


@pytest.fixture(params=["bytes", "text", "resp2"])
async def redis(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Redis]:
    options: dict[str, dict[str, Any]] = {"bytes": {}, "text": {"decode_responses": True}, "resp2": {"protocol": 2}}
    client = Redis.from_url(redis_url, **options[request.param])
    yield client
    await client.aclose()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(f"sqlite:///{tmp_path}/hotline.db")
    await opened.migrate()
    yield opened
    await opened.close()


class World:
    """What the service gives a worker, with faults on demand."""

    def __init__(self, redis: Redis, store: Store, gazetteer: Gazetteer) -> None:
        self.redis, self.store, self.gazetteer = redis, store, gazetteer
        self.prefix = f"t{next(_numbers)}-{id(self)}:"
        self.stream = self.prefix + "transcripts"
        self.told: list[Ticket] = []
        self.loads = 0
        self.load: Callable[[str], Awaitable[Transcript | None]] = self._load
        self.facts: Callable[[str], Awaitable[Facts | None]] = self._facts
        self.tell: Callable[[Ticket], Awaitable[None]] = self._tell

    async def _load(self, call_id: str) -> Transcript | None:
        self.loads += 1
        return Transcript(call_id, (Segment("caller", "鹿城区 人民路 路灯 坏 了", 0.0, 2.0),))

    async def _facts(self, call_id: str) -> Facts | None:
        return Facts(call_id, "057712345678", "12345", "330300")

    async def _tell(self, ticket: Ticket) -> None:
        self.told.append(ticket)

    def maker(self, consumer: str = "one", policy: MakerPolicy = QUICK) -> DraftMaker:
        return DraftMaker(
            self.redis, self.store, self.gazetteer, load_transcript=lambda c: self.load(c),
            facts_of=lambda c: self.facts(c), on_draft=lambda t: self.tell(t), prefix=self.prefix,
            consumer=consumer, policy=policy, clock=lambda: 1763932131.0,
        )

    async def result(self, call: str, status: str = "ok", **more: str) -> None:
        await self.redis.xadd(self.stream, {"call": call, "status": status, **more})

    async def pending(self) -> int:
        groups: Any = await self.redis.xinfo_groups(self.stream)
        return int(groups[0]["pending"]) + int(groups[0]["lag"] or 0) if groups else -1

    @contextlib.asynccontextmanager
    async def running(self, *makers: DraftMaker) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(one.run()) for one in makers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended

    async def until(self, done: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(20):
            while not await done():
                await asyncio.sleep(0.01)

    async def drained(self) -> bool:
        return await self.pending() == 0

    async def handled(self, maker: DraftMaker, count: int) -> None:
        async def done() -> bool:
            return maker.counts.made + maker.counts.dropped == count

        await self.until(done)


@pytest.fixture
async def world(redis: Redis, store: Store, gazetteer: Gazetteer) -> World:
    made = World(redis, store, gazetteer)
    await redis.xgroup_create(made.stream, "drafts", id="0", mkstream=True)
    return made


async def test_a_transcript_becomes_a_draft_that_is_announced(world: World) -> None:
    maker = world.maker()
    async with world.running(maker):
        await world.result("hotline-1.1")
        await world.handled(maker, 1)
    ticket = await world.store.ticket_of_call("hotline-1.1")
    assert ticket is not None
    assert (ticket.draft.kind, ticket.draft.region) == (Kind.HELP, "330302")
    assert ticket.draft.title == "鹿城区人民路路灯坏了"
    assert ticket.draft.caller_number == "057712345678"
    assert world.told == [ticket]
    assert maker.counts.made == 1


async def test_results_from_before_the_first_start_are_not_missed(
    redis: Redis, store: Store, gazetteer: Gazetteer
) -> None:
    world = World(redis, store, gazetteer)
    await world.result("c-1")
    async with world.running(world.maker()):
        await world.until(lambda: _is(world.store, "c-1"))


async def _is(store: Store, call: str) -> bool:
    return await store.ticket_of_call(call) is not None


async def test_a_failed_transcription_still_gives_a_form(world: World) -> None:
    async with world.running(world.maker()):
        await world.result("c-1", "failed", error="no-model")
        await world.until(world.drained)
    ticket = await world.store.ticket_of_call("c-1")
    assert ticket is not None
    assert (ticket.draft.note, ticket.draft.caller_number) == (Note.NO_TRANSCRIPT, "057712345678")
    assert world.loads == 0


async def test_a_poisonous_result_ends_as_an_empty_draft(world: World) -> None:
    async def broken(call_id: str) -> Transcript | None:
        if call_id == "bad":
            raise ValueError("路灯坏了")
        return await world._load(call_id)

    world.load = broken
    maker = world.maker()
    async with world.running(maker):
        await world.result("bad")
        await world.result("good")
        await world.until(world.drained)
    bad, good = await world.store.ticket_of_call("bad"), await world.store.ticket_of_call("good")
    assert bad is not None
    assert good is not None
    assert (bad.draft.note, bad.draft.content, bad.draft.caller_number) == (Note.FAILED, "", "057712345678")
    assert good.draft.note is Note.NONE
    assert (maker.counts.given_up, maker.counts.failed_tries) == (1, 2)


async def test_a_result_that_hangs_does_not_hold_up_the_others(world: World) -> None:
    async def slow(call_id: str) -> Transcript | None:
        if call_id == "slow":
            await asyncio.Event().wait()
        return await world._load(call_id)

    world.load = slow
    async with world.running(world.maker()):
        await world.result("slow")
        await world.result("quick")
        await world.until(world.drained)
    ticket = await world.store.ticket_of_call("slow")
    assert ticket is not None
    assert ticket.draft.note is Note.FAILED


async def test_a_record_that_comes_late_is_waited_for(world: World) -> None:
    answers = iter([None, None])

    async def late(call_id: str) -> Facts | None:
        return next(answers, await world._facts(call_id))

    world.facts = late
    async with world.running(world.maker()):
        await world.result("c-1")
        await world.until(world.drained)
    ticket = await world.store.ticket_of_call("c-1")
    assert ticket is not None
    assert (ticket.draft.caller_number, ticket.draft.note) == ("057712345678", Note.NONE)


async def test_words_without_a_record_are_not_lost(world: World) -> None:
    async def never(call_id: str) -> Facts | None:
        return None

    world.facts = never
    async with world.running(world.maker()):
        await world.result("c-1")
        await world.until(world.drained)
    ticket = await world.store.ticket_of_call("c-1")
    assert ticket is not None
    assert (ticket.draft.content, ticket.draft.caller_number) == ("鹿城区人民路路灯坏了。", "")


async def test_a_failing_announcement_is_tried_again_and_the_draft_kept(world: World) -> None:
    faults = iter([RuntimeError(), RuntimeError()])

    async def tell(ticket: Ticket) -> None:
        for fault in faults:
            raise fault
        await world._tell(ticket)

    world.tell = tell
    async with world.running(world.maker()):
        await world.result("c-1")
        await world.until(world.drained)
    assert [one.call_id for one in world.told] == ["c-1"]
    assert world.told[0].draft.note is Note.NONE


async def test_killed_between_storing_and_acknowledging_nothing_is_doubled(world: World) -> None:
    stored = asyncio.Event()

    async def die(ticket: Ticket) -> None:
        stored.set()
        await asyncio.Event().wait()

    world.tell = die
    await world.result("c-1")
    async with world.running(world.maker()):
        await stored.wait()
    first = await world.store.ticket_of_call("c-1")
    assert first is not None
    assert await world.pending() == 1
    edited = await world.store.change_ticket(first.id, 1, who="li", role="seat", at=2.0, title="路灯")
    world.tell = world._tell
    again = world.maker()
    async with world.running(again):
        await world.until(world.drained)
    assert world.told == [edited]
    assert again.counts.redelivered == 1
    assert len((await world.store.tickets()).items) == 1


async def test_a_cancellation_that_the_redis_client_swallows_ends_the_worker(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python 3.11's wait_for does, when the command is done just as the cancellation arrives."""
    real = world.redis.xautoclaim
    inside = asyncio.Event()

    async def swallowing(*args: Any, **options: Any) -> Any:
        inside.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return await real(*args, **options)

    monkeypatch.setattr(world.redis, "xautoclaim", swallowing)
    task = asyncio.create_task(world.maker().run())
    await inside.wait()
    task.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait([task])
    assert task.cancelled()


async def test_another_worker_takes_over_what_a_dead_one_had(world: World) -> None:
    await world.result("c-1")
    await world.redis.xreadgroup("drafts", "dead", {world.stream: ">"}, count=1)
    async with world.running(world.maker("alive")):
        await world.until(world.drained)
    assert await _is(world.store, "c-1")


async def test_what_killed_the_workers_becomes_an_empty_draft_untouched(world: World) -> None:
    """Given out eight times and never finished: the ninth worker must not touch the words again."""
    await world.result("c-1")
    await world.redis.xreadgroup("drafts", "dead", {world.stream: ">"}, count=1)
    for _ in range(7):
        await world.redis.xreadgroup("drafts", "dead", {world.stream: "0"}, count=1)
    async with world.running(world.maker("alive")):
        await world.until(world.drained)
    ticket = await world.store.ticket_of_call("c-1")
    assert ticket is not None
    assert ticket.draft.note is Note.FAILED
    assert world.loads == 0


async def test_many_workers_make_each_draft_once(world: World) -> None:
    for n in range(40):
        await world.result(f"c-{n}")
    async with world.running(*(world.maker(f"w{n}", MakerPolicy(block=0.02)) for n in range(4))):
        await world.until(world.drained)
    assert len((await world.store.tickets(200)).items) == 40
    assert sorted(one.call_id or "" for one in world.told) == sorted(f"c-{n}" for n in range(40))


async def test_entries_that_name_no_call_are_dropped_and_counted(world: World) -> None:
    maker = world.maker()
    async with world.running(maker):
        await world.redis.xadd(world.stream, {"status": "ok"})
        await world.result("../../etc/passwd")
        await world.result("c-1")
        await world.handled(maker, 3)
    assert (maker.counts.dropped, maker.counts.made) == (2, 1)


async def test_an_entry_trimmed_away_while_in_hand_blocks_nothing(world: World) -> None:
    await world.result("c-1")
    await world.redis.xreadgroup("drafts", "one", {world.stream: ">"}, count=1)
    await world.redis.xtrim(world.stream, maxlen=0, approximate=False)
    await world.result("c-2")
    async with world.running(world.maker()):
        await world.until(world.drained)
    assert await _is(world.store, "c-2")


async def test_a_redis_that_lost_its_data_is_joined_again(world: World) -> None:
    async with world.running(world.maker()):
        await world.result("c-1")
        await world.until(world.drained)
        await world.redis.delete(world.stream)
        await world.result("c-2")
        await world.until(lambda: _is(world.store, "c-2"))


async def test_a_store_that_is_away_costs_no_try(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = iter(range(12))
    real = world.store.put_draft

    async def away(call_id: str, draft: Any) -> Ticket:
        for _ in faults:
            raise StoreUnavailable("away")
        return await real(call_id, draft)

    monkeypatch.setattr(world.store, "put_draft", away)
    maker = world.maker()
    async with world.running(maker):
        await world.result("c-1")
        await world.until(world.drained)
    ticket = await world.store.ticket_of_call("c-1")
    assert ticket is not None
    assert ticket.draft.note is Note.NONE
    assert (maker.counts.given_up, maker.counts.failed_tries) == (0, 0)


def test_tries_that_could_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        MakerPolicy(idle=5, limit=10)


WORKER = """
import asyncio, sys
from redis.asyncio import Redis
from tickets import DraftMaker, Facts, Gazetteer, MakerPolicy, Segment, Store, Transcript

async def load(call):
    return Transcript(call, (Segment("caller", "鹿城区 人民路 路灯 坏 了", 0.0, 2.0),))

async def facts(call):
    return Facts(call, "057712345678", "12345", "330300")

async def told(ticket):
    print(ticket.call_id, flush=True)

async def main():
    redis_url, store, regions, prefix, name = sys.argv[1:]
    policy = MakerPolicy(tries=50, idle=0.5, limit=0.4, block=0.02)
    await DraftMaker(
        Redis.from_url(redis_url), Store(store), Gazetteer.load(regions), load_transcript=load, facts_of=facts,
        on_draft=told, prefix=prefix, consumer=name, policy=policy,
    ).run()

asyncio.run(main())
"""


async def test_workers_killed_at_random_lose_and_double_nothing(
    redis_url: str, tmp_path: Path, gazetteer: Gazetteer
) -> None:
    url = f"sqlite:///{tmp_path}/hotline.db"
    store = Store(url)
    await store.migrate()
    client = Redis.from_url(redis_url)
    world = World(client, store, gazetteer)
    await client.xgroup_create(world.stream, "drafts", id="0", mkstream=True)
    for n in range(120):
        await world.result(f"c-{n}")
    for round_ in range(4):
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, redis_url, url, str(ROOT / "config" / "regions.yaml"), world.prefix,
            f"w{round_ % 2}", stdout=asyncio.subprocess.PIPE, cwd=ROOT,
        )
        assert worker.stdout is not None
        for _ in range(3 + 7 * round_):
            await worker.stdout.readline()
        worker.send_signal(signal.SIGKILL)
        await worker.communicate()
    async with world.running(world.maker("last", MakerPolicy(tries=50, idle=0.5, limit=0.4, block=0.02))):
        await world.until(world.drained)
    made = (await store.tickets(200)).items
    assert sorted(one.call_id or "" for one in made) == sorted(f"c-{n}" for n in range(120))
    assert {one.draft.note for one in made} == {Note.NONE}
    await store.close()
    await client.aclose()
