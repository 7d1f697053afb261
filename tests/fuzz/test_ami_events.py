"""Events of the switch with hostile values, through translation, engine, host and journal, to the actions sent back.

Nothing raises out of a turn, no value leaves as a second header or variable, what is kept stays small, and a good
caller is served afterwards; another process reads the same calls out of the journal.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calls import call_json
from calls import events as e
from calls._arrange import SPOKE_LIMIT
from calls._rules import TIMELINE_LIMIT
from telephony._frames import FrameReader
from telephony._translate import channel_view, translate
from tests.fuzz.hostile import LONG, NASTY, fuzz, nasty, rng, size_of, texts
from tests.fuzz.rig import Rig

HISTORIES = sorted((Path(__file__).parents[1] / "histories").glob("*.ami"))
C = "hotline-1763932131.12"
LEG, LINE = f"{C}~8001~1", f"{C}~line.110~2"
IDS = (C, LEG, LINE, f"{C}~8002~2", "hotline-2.1", "hotline-2.1~8001~1", "out-1.0", "leg-out-1.0~8001~1", "8001-9.9")
USER = ("Arrived", "Waiting", "Voicemail", "Native", "Ready", "Assisting", "Answered", "SeatDialled", "SeatCode", "X")
KINDS = (
    "UserEvent", "Hangup", "BridgeEnter", "BlindTransfer", "AttendedTransfer", "ChannelTalkingStop", "Newstate",
    "DTMFEnd", "AsyncAGIStart", "AsyncAGIExec", "ContactStatus", "OriginateResponse", "CoreShowChannel", "Ÿ",
)  # fmt: skip
USUAL: dict[str, tuple[str, ...]] = {
    "Uniqueid": IDS, "Channel": ("PJSIP/trunk-00000001", "PJSIP/8001-00000002"), "UserEvent": USER,
    "Exten": ("12345", "s", "12315"), "CallerIDNum": ("13800001234", "<unknown>", "057187000000"),
    "CallerIDName": ("王先生", "<unknown>", '"a\\" <b>'), "Flow": (), "Origin": ("line-shanghai", "trunk"),
    "Case": ("330000-1", "%2e%2e"), "Uui": ("00;encoding=hex",), "Cause": ("16", "17", "31", "0", "x", "127"),
    "BridgeUniqueid": ("b1", "b2"), "BridgeTechnology": ("simple_bridge", "holding_bridge"),
    "TransfererUniqueid": IDS, "TransfereeUniqueid": IDS, "OrigTransfererUniqueid": IDS,
    "SecondTransfererUniqueid": IDS, "Extension": ("110", "8002", "96390"), "Result": ("Success", "Fail"),
    "Duration": ("1500", "99999999999", "-1", "1.5"), "ChannelStateDesc": ("Ringing", "Up"),
    "Digit": ("0", "1", "9", "*", "#", "A", "12", ""), "Direction": ("Received", "Sent"),
    "CommandId": ("1", "t1"), "EndpointName": ("8001", "8002", "trunk"), "AOR": ("8001",),
    "ContactStatus": ("Reachable", "Removed", "Unreachable"), "ActionID": (*IDS, f"out:{C}"),
    "Response": ("Failure", "Success"), "Seat": ("8001", "8002"), "To": ("110", "8002"), "Code": ("*71",),
    "Context": ("hotline-beside", "hotline-wait"), "SwapUniqueid": IDS, "BridgeId": ("b1",), "AccountCode": ("12345",),
}  # fmt: skip
TABLE = {
    "UserEvent": ("UserEvent", "Uniqueid", "Channel", "Exten", "CallerIDNum", "CallerIDName", "Flow", "Origin", "Case",
                  "Uui", "Seat", "To", "Code"),
    "Hangup": ("Uniqueid", "Cause"), "BridgeEnter": ("Uniqueid", "BridgeUniqueid", "BridgeTechnology", "Context",
                                                     "SwapUniqueid"),
    "BlindTransfer": ("TransfererUniqueid", "TransfereeUniqueid", "Extension", "Result"),
    "AttendedTransfer": ("OrigTransfererUniqueid", "SecondTransfererUniqueid"),
    "ChannelTalkingStop": ("Uniqueid", "Duration"), "Newstate": ("Uniqueid", "ChannelStateDesc"),
    "DTMFEnd": ("Uniqueid", "Digit", "Direction"), "AsyncAGIStart": ("Uniqueid",),
    "AsyncAGIExec": ("Uniqueid", "CommandId"), "ContactStatus": ("EndpointName", "AOR", "ContactStatus"),
    "OriginateResponse": ("ActionID", "Response"),
}  # fmt: skip


@st.composite
def message(draw: Callable[[Any], Any]) -> dict[str, Any]:
    """One event, mostly plausible, with hostile values in some headers, missing or repeated ones."""
    kind = draw(st.sampled_from(KINDS))
    out: dict[str, Any] = {"Event": kind}
    for key in TABLE.get(kind, tuple(USUAL)):
        usual = USUAL[key]
        how = draw(st.integers(0, 9))
        if how == 0:
            continue
        value: Any = draw(nasty if how == 1 or not usual else texts if how == 2 else st.sampled_from(usual))
        out[key] = [value, draw(texts)] if how == 3 else value
    return out


SERVED = (
    {"Event": "UserEvent", "UserEvent": "Arrived", "Uniqueid": C, "Channel": "PJSIP/trunk-00000001", "Exten": "12345",
     "CallerIDNum": "13800001234", "CallerIDName": "王"},
    {"Event": "UserEvent", "UserEvent": "Waiting", "Uniqueid": C},
    {"Event": "Newstate", "Uniqueid": LEG, "ChannelStateDesc": "Ringing"},
    {"Event": "BridgeEnter", "Uniqueid": LEG, "BridgeUniqueid": "b1", "BridgeTechnology": "simple_bridge"},
)  # fmt: skip


async def told(before: int, events: list[dict[str, Any]], seconds: float) -> None:
    rig = Rig()
    with rig.no_error():
        await rig.tell({"Event": "ContactStatus", "EndpointName": "8001", "ContactStatus": "Reachable"})
        for one in SERVED[:before]:
            await rig.tell(dict(one))
        for one in events:
            await rig.tell(one, seconds=seconds)
        for call in rig.engine.calls.values():
            assert size_of(call_json(call)) < 600_000
        old = {i: (c.state, c.waiting_since, c.seat) for i, c in rig.engine.calls.items()}
        await rig.serves()
        other = rig.new_engine()
        await other.recover()
        folded = {i: (c.state, c.waiting_since, c.seat) for i, c in other.calls.items()}
        assert {i: x for i, x in folded.items() if i in old and i in rig.engine.calls}.keys() == {
            i for i in old if i in rig.engine.calls
        }
        assert other.counters.errors == 0


GONE = {"Event": "ContactStatus", "ContactStatus": "Removed"}


@example(before=4, events=[{**GONE, "ContactStatus": "Reachable", "EndpointName": "nobody"}], seconds=1)
@example(before=4, events=[{**GONE, "EndpointName": "x),SHELL(id"}], seconds=1)
@given(before=st.integers(0, 4), events=st.lists(message(), min_size=1, max_size=8),
       seconds=st.sampled_from([0, 1, 20]))
@fuzz(120)
def test_any_events_in_any_order(before: int, events: list[dict[str, Any]], seconds: float) -> None:
    asyncio.run(told(before, events, seconds))


@pytest.mark.parametrize("key", sorted({k for keys in TABLE.values() for k in keys}))
async def test_each_nasty_value_in_each_header(key: str) -> None:
    """One rig for all values of a header: nothing that one of them left may trouble the next."""
    rig = Rig()
    with rig.no_error():
        for number, text in enumerate(NASTY):
            for kind, keys in TABLE.items():
                if key in keys:
                    call = f"h-{number}.0"
                    usual = {k: USUAL[k][0] if USUAL[k] else "" for k in keys} | {"Uniqueid": call}
                    await rig.tell({"Event": kind, **usual, key: text}, seconds=0.01)
        await rig.serves()


@pytest.mark.parametrize("path", HISTORIES, ids=lambda p: p.stem)
async def test_real_traffic_with_changed_values(path: Path) -> None:
    """Whole sessions, every so often a value of another message, or a hostile one."""
    dice = rng(3)
    messages = FrameReader().feed(path.read_bytes())
    some = [v for m in messages for v in m.values() if isinstance(v, str)]
    for _ in range(60 if LONG else 2):
        rig = Rig()
        with rig.no_error():
            for m in messages:
                changed = {k: dice.choice((dice.choice(NASTY), dice.choice(some))) if dice.random() < 0.04 else v
                           for k, v in m.items()}  # fmt: skip
                await rig.tell(changed, seconds=0.05)
            await rig.serves()


def test_what_is_no_call_of_ours_never_becomes_one() -> None:
    call = re.compile(r"[A-Za-z0-9._-]{1,64}")
    for text in NASTY:
        for kind, keys in TABLE.items():
            full = {k: (USUAL[k] or ("",))[0] for k in keys}
            for key in keys:
                for event in translate([{"Event": kind, **full, key: text}]):
                    assert not isinstance(event, e.Event) or call.fullmatch(event.call)
        view = channel_view(dict.fromkeys(("Uniqueid", "Channel", "CallerIDName", "Duration", "Context"), text))
        assert len(view.number) <= 32 and len(view.caller_name) <= 64


# ---------------------------------------------------------------------- floods
FLOODS: dict[str, Callable[[int], dict[str, Any]]] = {
    "keys": lambda n: {"Event": "DTMFEnd", "Uniqueid": C, "Digit": str(n % 8), "Direction": "Received"},
    "legs": lambda n: {"Event": "BridgeEnter", "Uniqueid": f"{C}~8001~{n}", "BridgeUniqueid": f"b{n}",
                       "BridgeTechnology": "simple_bridge"},
    "legs gone": lambda n: {"Event": "Hangup", "Uniqueid": f"{C}~8001~{n}", "Cause": "16"},
    "talk": lambda n: {"Event": "ChannelTalkingStop", "Uniqueid": LEG, "Duration": "500"},
    "second lines": lambda n: {"Event": "UserEvent", "UserEvent": "SeatDialled", "Uniqueid": f"8001-{n}.0",
                               "Seat": "8001", "To": "96390"},
    "codes": lambda n: {"Event": "UserEvent", "UserEvent": "SeatCode", "Uniqueid": f"8001-{n}.0", "Seat": "8001",
                        "Code": "*71"},
    "strangers": lambda n: {"Event": "Hangup", "Uniqueid": f"x-{n}.0", "Cause": "16"},
    "phones": lambda n: {"Event": "ContactStatus", "EndpointName": f"p{n}", "ContactStatus": "Reachable"},
    "waiting": lambda n: {"Event": "UserEvent", "UserEvent": "Waiting", "Uniqueid": C},
    "transfers": lambda n: {"Event": "BlindTransfer", "TransfererUniqueid": LEG, "TransfereeUniqueid": C,
                            "Extension": "110", "Result": "Success"},
    "callers who leave": lambda n: {"Event": ("UserEvent", "Hangup")[n % 2], "UserEvent": "Arrived", "Cause": "16",
                                    "Uniqueid": f"f-{n // 2}.0", "Exten": "12345", "CallerIDNum": f"138{n:08}"},
}  # fmt: skip


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("before", [2, 4], ids=["waiting", "talking"])
async def test_a_flood_fills_nothing(name: str, before: int) -> None:
    """The same again and again, within a quarter of an hour: what the engine holds does not grow with it."""
    rig, many = Rig(), 10_000 if LONG else 1_200
    with rig.no_error():
        await rig.tell({"Event": "ContactStatus", "EndpointName": "8001", "ContactStatus": "Reachable"})
        for one in SERVED[:before]:
            await rig.tell(dict(one))
        sizes = []
        for n in range(many):
            await rig.tell(FLOODS[name](n), seconds=900 / many)
            if n in (many // 2, many - 1):
                sizes.append(held(rig))
            rig.journal.entries.clear()
            rig.link.sent.clear()
            rig.told.clear()
        await rig.serves()
    grown = {k: (sizes[0][k], v) for k, v in sizes[1].items()
             if v > LIMITS.get(k, 0) and v > 1.25 * sizes[0][k] + many // 20}  # fmt: skip
    assert not grown, grown


LIMITS = {"spoke": SPOKE_LIMIT, "timeline": TIMELINE_LIMIT, "call": 600}
"""What may grow so far, and no further; `call` in thousands of bytes."""


def held(rig: Rig) -> dict[str, int]:
    """How much the engine holds of what."""
    engine = rig.engine
    call = engine.calls.get(C)
    out = {
        "alarms": len(engine._alarms), "calls": len(engine.calls), "second lines": len(engine._second_lines),
        "changed": len(engine._changed), "ordered": len(engine._ordered), "told": len(rig.told),
    }  # fmt: skip
    if call is not None:
        out |= {"legs": len(call.legs), "timeline": len(call.timeline), "parties": len(call.parties),
                "spoke": len(call.spoke), "keys": len(call.keys), "call": size_of(call_json(call)) // 1000}  # fmt: skip
    return out
