"""Calls with several parties for the furnished desk: a consultation, an emergency, a call of another hotline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._scene import LUCHENG, a_call
from ._schema import Call, Caller, Context, Leg, Moment, Origin, Party, Target, Text2
from ._schema_floor import Seat, Skill

if TYPE_CHECKING:
    from .testing import FakeDesk

SHANGHAI = Origin(id="shanghai-12345", label=Text2(zh="上海12345", en="Shanghai 12345"))


def _entry(entry: str) -> Target:
    return Target(kind="entry", id=entry)


def _joined(call: Call, leg: str, kind: Any, who: str, at: float, **more: Any) -> Leg:
    fields = {"state": "joined", "started_at": at - 6, "joined_at": at, "room": "talk", **more}
    return Leg(id=f"{call.id}~{leg}", kind=kind, who=who, **fields)


def _seat_legs(call: Call, **changes: Any) -> list[Leg]:
    return [leg.model_copy(update=changes) if leg.kind == "seat" else leg for leg in call.legs]


def a_consultation(now: float) -> Call:
    """Seat 8011 talks in private with the water works; the caller hears music."""
    call = a_call("demo-3.1", "talking", now - 210, seat="8011", number="13968800123")
    water = Text2(zh="温州供水", en="Wenzhou Water")
    party = Party(
        id="p1", how="consult", state="joined", target=_entry("wenzhou-water"), label=water, since=now - 58,
        leg="demo-3.1~p1", asked_by="8011", tried=1, tries=1,
    )  # fmt: skip
    legs = [*_seat_legs(call, room="side"), _joined(call, "p1", "line", "line.wenzhou-water", now - 46, room="side")]
    changes = {"parties": [party], "legs": legs, "held": True, "held_since": now - 58, "case": "wz-demo-3.1"}
    return call.model_copy(update=changes)


def an_emergency(now: float) -> Call:
    """Seat 8013 talks while 110 rings on its second line; an interpreter has joined, and 8002 was busy."""
    call = a_call("demo-3.3", "talking", now - 95, seat="8013", number="13505770110")
    police = Text2(zh="公安报警", en="Police")
    parties = [
        Party(id="p1", how="join", state="failed", why="no_answer", target=Target(kind="seat", id="8004"),
              label=Text2(zh="周建平", en="周建平"), since=now - 60, seat="8004", asked_by="8013"),
        Party(id="p2", how="join", state="joined", target=Target(kind="skill", id="en"),
              label=Text2(zh="英语", en="English"), since=now - 40, seat="8015", leg="demo-3.3~p2", asked_by="8013"),
        Party(id="p3", how="emergency", state="ringing", why="busy", target=_entry("110"), label=police,
              since=now - 7, leg="demo-3.3~p3", asked_by="8013", tried=2, tries=3, trying=police,
              deadline=now + 6, emergency=True),
    ]  # fmt: skip
    legs = [
        *_seat_legs(call, room="talk"),
        _joined(call, "p2", "third", "8015", now - 31),
        Leg(id="demo-3.3~p3", kind="line", who="line.110", state="ringing", started_at=now - 4, room="talk"),
        _joined(call, "8014~9", "observer", "8014", now - 20, room=None, mode="listen"),
    ]
    timeline = [
        *call.timeline,
        Moment(at=now - 20, what="observer_listens", detail={"seat": "8014", "mode": "listen"}),
        Moment(at=now - 7, what="party_wanted", detail={"part": "p3", "how": "emergency", "target": "entry:110"}),
    ]
    changes = {"parties": parties, "legs": legs, "timeline": timeline, "case": "wz-demo-3.3"}
    return call.model_copy(update=changes)


def a_linked_call(now: float) -> Call:
    """Shanghai's hotline hands a caller over to seat 8012, with what it knows of the case."""
    call = a_call("demo-3.2", "offered", now - 12, seat="8012", number="13816601234", name="沈伟", region=LUCHENG)
    context = Context(
        hotline="上海12345", issued_at=now - 20, kind="help", title="住处停水", region=LUCHENG,
        address="五马街道", caller=Caller(number="13816601234", name="沈伟"),
        summary="来电人在温州出差，住处停水一天，物业电话无人接听，已在上海登记，请协助联系供水。回电 13816601234。",
        language="putonghua", earlier=2,
    )  # fmt: skip
    changes = {"origin": SHANGHAI, "context": context, "case": "sh-2026-11-25-0417"}
    return call.model_copy(update=changes)


def furnish_parties(desk: FakeDesk, now: float | None = None) -> None:
    """Add to a furnished desk: seats 8011 to 8015 and the three calls above."""
    now = desk.clock() if now is None else now
    rows: list[tuple[str, str, str, str, str | None]] = [
        ("8011", "叶青", "talking", "agent", "demo-3.1"), ("8012", "郑洁", "ringing", "agent", "demo-3.2"),
        ("8013", "蒋涛", "talking", "agent", "demo-3.3"), ("8014", "班长 赵蕾", "available", "agent", None),
        ("8015", "Lily Xu", "talking", "interpreter", "demo-3.3"),
    ]  # fmt: skip
    for seat, name, state, kind, call in rows:
        skills = [Skill(name="en" if kind == "interpreter" else "putonghua", level=5)]
        fields: dict[str, Any] = {"state": state, "since": now - 30, "signed_in_at": now - 7200}
        desk.keep(Seat(id=seat, name=name, centre="330300", skills=skills, kind=kind, call=call, **fields))
    for one in (a_consultation(now), an_emergency(now), a_linked_call(now)):
        desk.keep(one)
