"""Garbage in the journal, its tables and its streams: a process always starts, whatever it finds there; what is good is
read, what is not is left out and counted; consumers put it aside and go on."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.asyncio import Redis

import ivr
import tickets
from calls import Call, HandoverBook, RedisJournal
from calls import events as e
from calls.events import KINDS, OLD_KINDS, Codec
from recordings import BadJobError, Job
from routing import Demand, Line
from service import shapes_parties
from service.books import CallBook
from tests.fuzz.hostile import LONG, NASTY, changed, deep, fuzz, rng, texts, torn, values
from tests.fuzz.rig import Rig, shipped

C = "hotline-1763932131.12"
LEG = f"{C}~8001~1"
DEMAND = Demand((("putonghua", 1),)).json()
STORY: tuple[e.Event, ...] = (
    e.Arrived(C, "PJSIP/trunk-1", "12345", "13800001234", "王", "", {"calls": [{"at": 1.0, "seat": "8001"}]}),
    e.Waits(C, DEMAND),
    e.Offered(C, LEG, "8001", LEG, 1_763_932_100.0, 0, {"idle": 3.0}),
    e.LegRinging(C, LEG),
    e.LegJoined(C, LEG, "8001", "b1"),
    e.PartyWanted(C, "p1", "join", DEMAND, None, "li", LEG, "skill:en"),
    e.Arranged(C, "hold", LEG, "li", "key-1"),
    e.ObserverWanted(C, "8006", f"{C}~8006~2", LEG, "", "listen", "boss"),
    e.ContextKnown(C, {"version": 1, "case": "310000-7", "summary": "路灯"}),
    e.Requeued(C, DEMAND, LEG, "li", "skill:en"),
    e.Spoke(C, LEG, 1.5),
    e.Referred(C, LEG, "110", "r1", DEMAND, None, DEMAND),
    e.LegLeft(C, LEG, 16),
    e.CallerLeft(C, 16),
)
TEXTS = [Codec.encode(event) for event in STORY]


# ---------------------------------------------------------------------- entries
@example(text=deep())
@example(text='{"e":[]}')
@example(text='{"e":{}}')
@example(text='{"e":"Waits","call":7}')
@example(text='{"e":"Arrived","call":"a","channel":"b","dialled":"c","number":[1]}')
@given(text=st.one_of(texts, values.map(lambda x: json.dumps(x, default=str)), st.sampled_from(TEXTS).flatmap(
    lambda t: changed(json.loads(t)).map(lambda x: json.dumps(x, ensure_ascii=True)))))
@fuzz(250)
def test_an_entry_is_an_event_or_a_value_error(text: str) -> None:
    for raw in (text, text.encode("utf-8", "surrogatepass")):
        try:
            event = Codec.decode(raw)
        except ValueError:
            continue
        assert type(event) in {*KINDS.values(), *OLD_KINDS.values()} and isinstance(event.call, str)
        hash(event.call)
        assert Codec.decode(Codec.encode(event)) == event or "NaN" in text or "Infinity" in text


def test_torn_entries_are_events_or_value_errors() -> None:
    dice = rng(5)
    for _ in range(20_000 if LONG else 400):
        with contextlib.suppress(ValueError):
            Codec.decode(torn(dice.choice(TEXTS).encode(), dice))


GOOD = (e.Arrived("good-2.0", "PJSIP/trunk-2", "12345", "13900001234"), e.Waits("good-2.0", DEMAND))


async def folded(entries: list[e.Event], tables: dict[str, dict[str, Any]], seats: dict[str, Any]) -> Rig:
    """A new process on a journal with these; then a good caller."""
    rig = Rig()
    rig.journal.entries = [(event, rig.now - 100 + n) for n, event in enumerate([*entries, *GOOD])]
    rig.journal.live = {event.call for event, _ in rig.journal.entries}
    rig.journal.tables, rig.journal.seat_rows = tables, seats
    await rig.engine.recover()
    await rig.engine.remember()
    assert "good-2.0" in rig.engine.calls, "a good call is lost with a bad one"
    assert all(type(call) is Call for call in rig.engine.calls.values())
    return rig


@st.composite
def stories(draw: Any) -> list[e.Event]:
    """A call's entries, of which some are changed as far as an entry can be read."""
    out = []
    for text in TEXTS[: draw(st.integers(1, len(TEXTS)))]:
        if draw(st.integers(0, 3)) == 0:
            text = json.dumps(draw(changed(json.loads(text))), default=str)
        try:
            out.append(Codec.decode(text))
        except ValueError:
            continue
    return out


@example(entries=[STORY[0], e.Waits(C, {"skills": 7})])
@example(entries=[STORY[0], e.Waits(C, {})])
@example(entries=[*STORY[:5], e.PartyWanted(C, "p1", "join", None, {"entry": "110"})])
@example(entries=[*STORY[:5], e.Requeued(C, {"skills": [["zh", "x"]]})])
@given(entries=stories())
@fuzz(80)
def test_a_process_starts_whatever_its_entries_say(entries: list[e.Event]) -> None:
    async def start() -> None:
        rig = await folded(entries, {}, {})
        with rig.no_error():
            await rig.turns()
            await rig.serves()

    asyncio.run(start())


CALLBACK = {"id": "cb-1", "number": "13800001234", "dialled": "12345", "reason": "missed", "state": "open",
            "asked_at": 1_763_000_000.0, "created_at": 1_763_000_000.0, "demand": DEMAND}  # fmt: skip
CONTROL = {"mode": "normal", "since": 1.0, "by": "li", "reason": "", "auto": True,
           "incidents": [{"id": "i1", "regions": ["330300"], "zh": "停水", "until": 1e10}]}  # fmt: skip
CALLER = {"calls": [{"at": 1_763_931_000.0, "ended": 1_763_931_100.0, "outcome": "served", "seat": "8001",
                     "cut": True}]}  # fmt: skip
SEAT = {"id": "8001", "state": "available", "since": 1.0, "deadline": None, "idle_since": 1.0, "call": None,
        "offer": None, "reason": None, "wanted": None, "missed": 0}  # fmt: skip
rows = st.fixed_dictionaries({
    "callbacks": st.dictionaries(texts, st.one_of(changed(CALLBACK), values), max_size=3),
    "control": st.dictionaries(st.sampled_from(["mode", "x"]), st.one_of(changed(CONTROL), values), max_size=2),
    "callers": st.dictionaries(st.sampled_from(["13800001234", "13900001234", ""]),
                               st.one_of(changed(CALLER), values), max_size=2),
})  # fmt: skip


@example(tables={}, seats={"8001": []})
@example(tables={}, seats={"8001": {"id": ["8001"]}})
@example(tables={}, seats={"8001": {**SEAT, "state": "talking", "since": "x"}})
@example(tables={"callbacks": {"a": 7}, "control": {"mode": 7}, "callers": {"13800001234": 7}}, seats={})
@example(tables={"control": {"mode": {**CONTROL, "incidents": 7}}}, seats={})
@given(tables=rows, seats=st.dictionaries(st.sampled_from(["8001", "x"]), st.one_of(changed(SEAT), values), max_size=2))
@fuzz(100)
def test_a_process_starts_whatever_its_rows_say(tables: dict[str, Any], seats: dict[str, Any]) -> None:
    async def start() -> None:
        rig = await folded([], tables, seats)
        with rig.no_error():
            await rig.turns()
            await rig.serves()

    asyncio.run(start())


@given(rows=st.lists(values, max_size=3))
@fuzz(60)
def test_handovers_that_cannot_be_read_are_left_out(rows: list[Any]) -> None:
    book = HandoverBook(iter(map(str, range(99))).__next__, lambda: "t" * 40)
    good = {"id": "g", "sha256": "0", "body": {}, "issued_at": 1.0, "expires_at": 2.0}
    book.load([*rows, good, *[{**good, "id": x} for x in rows]])
    assert book.get("g") is not None
    book.tidy(1e12)


@given(text=st.one_of(texts, changed(json.loads(next(iter(shipped()[1].book)).to_json())).map(
    lambda x: json.dumps(x, default=str))))  # fmt: skip
@example(text=deep())
@fuzz(100)
def test_a_flow_of_another_process_is_one_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        ivr.Flow.from_json(text)


@given(data=values)
@fuzz(80)
def test_demands_and_lines_are_read_or_refused(data: Any) -> None:
    for kind in (Demand, Line):
        for row in (data, {**DEMAND, "skills": data}, {"entry": "a", "tries": data}, {**DEMAND, "steps": data}):
            with contextlib.suppress(KeyError, TypeError, ValueError):
                kind.from_json(row)


@given(known=st.one_of(values, st.dictionaries(st.sampled_from(["version", "case", "caller", "earlier"]), values)))
@fuzz(80)
def test_a_context_in_the_journal_is_shown_or_nothing(known: Any) -> None:
    if isinstance(known, dict):
        shapes_parties.context(known)


# ---------------------------------------------------------------------- recording jobs
JOB = {"call": C, "raw": "/spool/a.raw", "rate": 8000, "answered": 1.0, "ended": 9.0, "seats": [[0, 1, "8001"]],
       "parties": [[0, 1, "8001", "seat"]], "spoke": [[0, 1, "8001"]], "kind": "call"}  # fmt: skip


@example(text=deep())
@example(text=json.dumps({**JOB, "rate": [1]}))
@example(text=json.dumps({**JOB, "kind": {}}))
@example(text=json.dumps({**JOB, "parties": [[0, 1, "8001", []]]}))
@given(text=st.one_of(texts, changed(JOB).map(lambda x: json.dumps(x, default=str))))
@fuzz(150)
def test_a_job_is_one_or_a_bad_one(text: str) -> None:
    try:
        job = Job.parse(text)
    except BadJobError:
        return
    assert Job.parse(job.dumps()) == job


# ---------------------------------------------------------------------- real Redis
prefixes = (f"fuzz{i}:" for i in itertools.count())


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


GARBAGE = [text.encode("utf-8", "surrogatepass") for text in NASTY] + [b"\xff\xfe", deep(3000).encode(), b"7", b"[]"]


@pytest.mark.integration
async def test_garbage_in_every_key_of_the_journal(redis: Redis) -> None:
    prefix = next(prefixes)
    journal = RedisJournal(redis, prefix)
    rig = Rig()
    rig.journal = journal  # type: ignore[assignment]
    rig.engine = rig.new_engine()
    await rig.tell({"Event": "UserEvent", "UserEvent": "Arrived", "Uniqueid": C, "Channel": "PJSIP/t-1",
                    "Exten": "12345", "CallerIDNum": "13800001234"})  # fmt: skip
    await rig.tell({"Event": "UserEvent", "UserEvent": "Waiting", "Uniqueid": C})
    for n, raw in enumerate(GARBAGE):
        await redis.xadd(prefix + "journal", {"c": C, "t": raw, "d": TEXTS[1]})
        await redis.xadd(prefix + "journal", {"c": C, "t": "1.0", "d": raw})
        await redis.xadd(prefix + "journal", {raw or b"x": raw})
        for name in ("seats", "callbacks", "control", "callers", "handovers"):
            await redis.hset(prefix + name, mapping={raw or b"x": raw, f"k{n}": raw})
        await redis.hset(prefix + "live", raw or b"x", raw)
    await redis.hset(prefix + "control", "mode", b"\xff")
    assert await journal.trim(rig.now) >= 0
    other = Rig()
    other.journal, other.now = journal, rig.now  # type: ignore[assignment]
    other.engine = other.new_engine()
    await other.engine.recover()
    await other.engine.remember()
    await journal.rows("handovers")
    assert other.engine.calls[C].state == "waiting"
    with other.no_error():
        await other.serves()


@pytest.mark.integration
async def test_garbage_in_the_stream_of_finished_calls_is_put_aside(redis: Redis, tmp_path: Any) -> None:
    prefix = next(prefixes)
    rig = Rig()
    await rig.serves()
    whole = rig.journal.finished[-1]
    store = tickets.Store(f"sqlite:///{tmp_path}/s.db")
    await store.migrate()
    for raw in GARBAGE:
        await redis.xadd(prefix + "finished", {"call": raw})
    fields = ("arrived_at", "legs", "timeline", "id", "seat", "state", "case")
    for at, value in itertools.product(fields, (7, [], {}, "x", [7])):
        await redis.xadd(prefix + "finished", {"call": json.dumps({**whole, at: value})})
    await redis.xadd(prefix + "finished", {"x": b"\xff"})
    await redis.xadd(prefix + "finished", {"call": json.dumps({**whole, "id": "good-9.0"})})
    book = CallBook(redis, store, lambda: "330000", prefix=prefix)
    task = asyncio.create_task(book.run())
    try:
        for _ in range(2000):
            if task.done() or not await redis.xlen(prefix + "finished"):
                break
            await asyncio.sleep(0.01)
        assert not task.done(), f"the book of calls died: {task.exception()!r}"
        assert await redis.xlen(prefix + "finished") == 0, "an entry that cannot be stored holds up the others"
        record = await store.call("good-9.0")
        assert record is not None and record.call_id == "good-9.0"
        assert book.counters.dropped >= len(GARBAGE)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.close()
