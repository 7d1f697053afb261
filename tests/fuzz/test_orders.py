"""Orders of persons with hostile values, in a talk and out of it: each is carried out or refused with a reason; no
exception reaches a turn, nothing but whole actions of ours reaches the switch, and the journal gives the same calls."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

import calls
from tests.fuzz.hostile import fuzz, nasty, texts
from tests.fuzz.rig import Rig, read_action

C = "hotline-1763932131.12"


def can_be_said(text: str) -> bool:
    """The console's JSON reader refuses halves of surrogate pairs."""
    return not any("\ud800" <= x <= "\udfff" for x in text)


hostile = st.one_of(nasty, texts).filter(can_be_said)
targets = st.one_of(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("seat", "skill", "centre", "entry", "number"), hostile)),
    st.sampled_from([
        {"seat": "8002"}, {"skill": "en"}, {"skill": "putonghua"}, {"centre": "330100"}, {"entry": "110"},
        {"entry": "12348"}, {"number": "057187000000"}, {"number": "110"}, {"entry": "110", "number": "119"},
    ]),
)  # fmt: skip
HOWS = ("join", "consult", "transfer", "emergency")
WHATS = ("join", "swap", "complete", "return", "hold", "resume", "mute", "unmute", "leave")
people = st.fixed_dictionaries({}, optional={"by": hostile, "key": st.one_of(hostile, st.just("k1"))})
orders = st.one_of(
    st.tuples(st.just("want_party"), st.one_of(st.sampled_from(HOWS), hostile), targets, people),
    st.tuples(st.just("arrange"), st.one_of(st.sampled_from(WHATS), hostile),
              st.fixed_dictionaries({}, optional={"seat": st.one_of(hostile, st.just("8001"))}), people),
    st.tuples(st.just("emergency"), st.one_of(st.sampled_from(["110", "119"]), hostile), st.just({}), people),
    st.tuples(st.just("drop_party"), st.one_of(st.sampled_from(["p1", "p2", "e1", "queue"]), hostile), st.just({}),
              people),
    st.tuples(st.just("supervise"), st.sampled_from(["listen", "whisper", "barge", "takeover", "stop"]),
              st.sampled_from([{"seat": "8001"}, {"seat": "8006"}, {"seat": "x~y~z"}, {"seat": ""}]), people),
)  # fmt: skip


async def ordered(steps: list[Any], call: str, before: int) -> Rig:
    rig = Rig()
    with rig.no_error():
        for phone in ("8001", "8002", "8006"):
            await rig.tell({"Event": "ContactStatus", "EndpointName": phone, "ContactStatus": "Reachable"})
        await rig.tell({"Event": "UserEvent", "UserEvent": "Arrived", "Uniqueid": C, "Channel": "PJSIP/trunk-00000001",
                        "Exten": "12345", "CallerIDNum": "13800001234"})  # fmt: skip
        if before:
            await rig.tell({"Event": "UserEvent", "UserEvent": "Waiting", "Uniqueid": C})
            offer = rig.engine.calls[C].offer
            assert offer is not None
            await rig.tell({"Event": "BridgeEnter", "Uniqueid": offer.leg, "BridgeUniqueid": "b1"})
        for name, first, more, who in steps:
            try:
                getattr(rig.engine, name)(call, first, **more, **who)
            except calls.OrderError as refusal:
                assert refusal.code and len(str(refusal)) < 100_000
            await rig.turns()
            for party in getattr(rig.engine.calls.get(C), "parties", ()):
                if party.offer is not None:
                    await rig.tell({"Event": "BridgeEnter", "Uniqueid": party.offer.leg, "BridgeUniqueid": "b1"})
        other = rig.new_engine()
        await other.recover()
        assert {i: c.state for i, c in other.calls.items()} == {i: c.state for i, c in rig.engine.calls.items()}
        assert other.counters.unreadable == 0
        await rig.serves()
    return rig


@example(steps=[("want_party", "join", {"number": "110@evil"}, {})], call=C, before=1)
@example(steps=[("want_party", "join", {"entry": "110", "number": "119,HL_X=1"}, {})], call=C, before=1)
@example(steps=[("want_party", "join", {"seat": "8002"}, {"by": "a\r\nAction: Originate\r\n\r\n"})], call=C, before=1)
@given(steps=st.lists(orders, min_size=1, max_size=6), call=st.one_of(st.just(C), st.just(C), hostile),
       before=st.sampled_from([0, 1, 1]))  # fmt: skip
@fuzz(80)
def test_hostile_orders_are_carried_out_or_refused(steps: list[Any], call: str, before: int) -> None:
    rig = asyncio.run(ordered(steps, call, before))
    for data in rig.link.sent:
        assert all(len(value.encode()) <= 900 for _, value in read_action(data))
