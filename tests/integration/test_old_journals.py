"""Journals that older versions have written (tests/histories/record_journal.py) are folded as they were meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from redis.asyncio import Redis

import calls
import ivr
from calls.testing import FakeSwitch
from routing import Dispatcher
from service.config import load_config
from tests.conftest import ROOT

pytestmark = pytest.mark.integration
HISTORIES = Path(__file__).resolve().parents[1] / "histories"


async def engine_of(name, redis, prefix):
    """(an engine that has folded that journal, what the old version itself said)."""
    told, *lines = map(json.loads, (HISTORIES / f"journal-{name}.ndjson").read_text().splitlines())
    flows = ivr.FlowLibrary(ROOT / "config/flows", ROOT / "config/prompts/prompts.yaml")
    for line in lines:
        if "hash" in line:
            await redis.hset(prefix + line["hash"], line["key"], line["value"])
            if line["hash"] == "flows":
                flows.add(ivr.Flow.from_json(line["value"]))
        else:
            entry = {k: line[k] for k in ("c", "t", "d")}
            await redis.xadd(prefix + "journal", entry, id=line["entry"])
    config = load_config(ROOT / "config/hotline.yaml", [f.name for f in flows.book])
    dispatcher = Dispatcher(config.routing_seats(), config.policy())
    latest = max(float(line["t"]) for line in lines if "t" in line)
    engine = calls.Engine(
        switch=FakeSwitch(), journal=calls.RedisJournal(redis, prefix), dispatcher=dispatcher,
        rules=calls.Rules(flows, config.demand(), config.times.ring), entries={}, raw_path=lambda call: f"/{call}.raw",
        clock=lambda: latest + 1, host=calls.Host(dispatcher, config.book()),
    )  # fmt: skip
    await engine.recover()
    return engine, told


@pytest.mark.parametrize("name", ["0.2", "0.3"])
async def test_every_call_rank_and_seat_is_as_the_old_version_left_it(name, redis_url):
    redis = Redis.from_url(redis_url)
    try:
        engine, told = await engine_of(name, redis, f"old-{name}:")
    finally:
        await redis.aclose()
    assert engine.counters.unreadable == 0
    assert {c.id: c.state.value for c in engine.calls.values()} == {k: v["state"] for k, v in told["calls"].items()}
    assert len({v["state"] for v in told["calls"].values()}) >= 4, "calls in different places"
    for id_, before in told["calls"].items():
        call = engine.calls[id_]
        now = {
            "state": call.state.value, "seat": call.seat, "number": call.caller_number, "offers": call.offers,
            "since": call.waiting_since, "flow": call.flow, "legs": [x.id for x in call.legs],
        }  # fmt: skip
        assert now == before
        if before["state"] == "in_flow":
            assert call.session is not None and engine.rules.flows.flow_of(call.flow) is not None
    waiting = [w.call for w in sorted(engine.dispatcher.waiting(), key=lambda w: w.since)]
    assert waiting == told["waiting"] and len(waiting) >= 4
    assert {s.id: [s.state.value, s.call] for s in engine.dispatcher.seats.values()} == told["seats"]
    if name == "0.2":
        (talk,) = (c for c in engine.calls.values() if c.state.value == "talking")
        assert [(p.id, p.state.value) for p in talk.parties] == [("t2", "queued")], "a third party, as it was called"
