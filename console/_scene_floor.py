"""Seats, the queue, callbacks, the mode and the centres of the furnished desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._fake_floor import some_choices
from ._fake_restrictions import furnish_restrictions
from ._schema import Text2
from ._schema_floor import Callback, Centre, Incident, Mode, Place, Seat, SeatState, Skill, Waiting

if TYPE_CHECKING:
    from .testing import FakeDesk

NAMES = ("林晓", "陈思远", "王海燕", "周建平", "徐丽", "金国强", "吴敏", "Emma Zhang", "何处长", "山口惠")
PLACES = (
    Place(code="330000", name="浙江省"), Place(code="330300", name="温州市"), Place(code="330302", name="鹿城区"),
    Place(code="330382", name="乐清市"), Place(code="hz-customs", name="杭州海关"),
)  # fmt: skip


def some_seats(now: float) -> list[Seat]:
    """Ten seats, one in every state but rest, of all kinds but assistants."""
    states: list[tuple[SeatState, float, float | None, str | None, str | None]] = [
        ("available", now - 95, None, None, None),
        ("talking", now - 151, None, "demo-1.5", None),
        ("wrap_up", now - 25, now + 35, "demo-1.4", None),
        ("available", now - 12, None, None, None),
        ("talking", now - 64, None, "demo-1.6", None),
        ("break", now - 420, now + 2280, None, "meal"),
        ("ringing", now - 4, now + 11, "demo-1.7", None),
        ("offline", now - 7200, None, None, None),
        ("offline", now - 86400, None, None, None),
        ("ringing", now - 3, now + 12, "demo-1.5", None),
    ]
    skills = [
        [Skill(name="putonghua", level=5), Skill(name="wenzhou-wu", level=4)],
        [Skill(name="putonghua", level=5)],
        [Skill(name="putonghua", level=4), Skill(name="ningbo-wu", level=5)],
        [Skill(name="putonghua", level=5), Skill(name="social-security", level=3)],
        [Skill(name="putonghua", level=3), Skill(name="tax", level=4)],
        [Skill(name="putonghua", level=5)],
        [Skill(name="putonghua", level=4)],
        [Skill(name="en", level=5), Skill(name="putonghua", level=4)],
        [Skill(name="putonghua", level=5)],
        [Skill(name="ja", level=5)],
    ]
    kinds = ["agent"] * 7 + ["expert", "leader", "interpreter"]
    centres = ["330302"] * 4 + ["330300"] * 3 + ["330000"] * 3
    seats = []
    for place, (state, since, deadline, call, reason) in enumerate(states):
        at_work = state != "offline"
        seats.append(
            Seat(id=f"80{place + 1:02d}", name=NAMES[place], centre=centres[place], skills=skills[place],
                 state=state, since=since, deadline=deadline, call=call, reason=reason, kind=kinds[place],
                 on_duty=kinds[place] != "leader", signed_in_at=now - 3600 * (2 + place % 3) if at_work else None,
                 busy_seconds=3000.0 + 310 * place if at_work else 0, taken=21 + 4 * place if at_work else 0)
        )  # fmt: skip
    return seats


def some_callbacks(now: float) -> list[Callback]:
    """One of every state."""
    fields: list[tuple[str, str, str, dict[str, Any]]] = [
        ("13616778899", "queue", "running", {"call": "demo-1.11", "origin": "demo-0.8", "attempts": 1,
                                             "last_outcome": "no_answer"}),
        ("13858805577", "missed", "open", {"origin": "demo-0.8", "next_try": now}),
        ("057788990011", "missed", "open", {"attempts": 2, "last_outcome": "busy", "next_try": now + 1500}),
        ("13588880000", "visit", "open", {"next_try": now + 7200, "also": ["missed"]}),
        ("13957700001", "visit", "open", {"do_not_disturb": True}),
        ("13705770707", "missed", "done", {"attempts": 1, "last_outcome": "reached"}),
        ("13906770001", "missed", "given_up", {"attempts": 3, "last_outcome": "no_answer"}),
        ("18857700012", "queue", "cancelled", {"last_outcome": "rang_in"}),
    ]  # fmt: skip
    return [
        Callback(id=f"cb-{1002 + place}", number=number, reason=reason, state=state, created_at=now - 900 - 400 * place,
                 since=now - 960 - 400 * place, attempts_limit=3, expires_at=now + 172800 - 400 * place, **more)
        for place, (number, reason, state, more) in enumerate(fields)
    ]  # fmt: skip


def furnish_floor(desk: FakeDesk, now: float) -> None:
    """Fill the parts of ``desk`` that have no words and no sound."""
    desk.menus = some_choices(PLACES)
    for seat in some_seats(now):
        desk.keep(seat)
    line = [
        Waiting(call="demo-1.11", kind="callback", position=1, since=now - 960, priority=0, demand="putonghua",
                step=3, steps=3, expected=8.0),
        Waiting(call="demo-1.8", position=2, since=now - 9, priority=2, demand="wenzhou-wu 3 @home 330302",
                step=1, steps=3, next_step_at=now + 41, expected=35.0),
        Waiting(call="demo-1.9", position=3, since=now - 6, priority=0, demand="putonghua", step=2, steps=2,
                expected=50.0),
    ]  # fmt: skip
    for one in line:
        desk.keep(one)
    for entry in some_callbacks(now):
        desk.keep(entry)
    desk.keep(
        Mode(mode="normal", since=now - 9000, reason=None, automatic=True, incidents=[
            Incident(id="incident-1", regions=[PLACES[2]], since=now - 1800, until=now + 5400, by="班长 赵蕾",
                     text=Text2(
                         zh="鹿城区五马街一带停水，正在抢修，预计两小时内恢复。",
                         en="Water is off around Wuma Street; it is being mended and should be back in two hours.")),
        ])
    )  # fmt: skip
    furnish_restrictions(desk, now)
    desk.figures = [
        Centre(code="330000", name="浙江省", seats=3, signed_in=1, overflow_in=1),
        Centre(code="330300", name="温州市", parent="330000", seats=3, signed_in=3, talking=1, waiting=1,
               longest=now - 6, overflow_in=2, overflow_out=1),
        Centre(code="330302", name="鹿城区", parent="330300", seats=4, signed_in=4, free=2, talking=1, waiting=1,
               longest=now - 9, overflow_out=2, capacity=4),
        Centre(code="330382", name="乐清市", parent="330300"),
        Centre(code="hz-customs", name="杭州海关", parent="330000"),
    ]  # fmt: skip
