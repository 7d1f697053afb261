"""Seats, the queue, callbacks, the mode and centres as the console's shapes. Pure translations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

import console
from routing import (
    MODES,
    Callback,
    CallbackRules,
    Centre,
    CentreTree,
    Demand,
    Dispatcher,
    Incident,
    ModeControl,
    RoutingBook,
    Seat,
    SeatState,
    Step,
    Waiting,
)

S = SeatState
SKILLED = frozenset({"interpreter", "expert"})
"""Kinds of seats that are asked into a running talk."""
OPEN = frozenset({"open", "running"})
BREAKS: tuple[tuple[str, str, str], ...] = (
    ("rest", "休息", "Rest"), ("meal", "用餐", "Meal"), ("training", "培训", "Training"),
    ("meeting", "会议", "Meeting"), ("other", "其他", "Other"),
)  # fmt: skip
"""When the configuration names no reasons."""


def seat(one: Seat) -> console.Seat:
    """A seat. A talk's deadline is a look at the books, not its end: not shown."""
    return console.Seat(
        id=one.id, name=one.name, centre=one.centre,
        skills=[console.Skill(name=n, level=v) for n, v in sorted(one.skills.items())],
        state=cast(Any, one.state.value), since=one.since,
        deadline=None if one.state is S.TALKING else one.deadline, call=base_of(one.call),
        reason=one.reason, wanted=cast(Any, one.wanted.value if one.wanted else None), kind=one.kind,
        on_duty=one.on_duty, signed_in_at=one.signed_in_at if one.state is not S.OFFLINE else None,
        busy_seconds=max(0.0, one.busy_seconds), taken=one.taken,
    )  # fmt: skip


def base_of(call: str | None) -> str | None:
    """The call of "<call>+<part>"."""
    return call.partition("+")[0] if call is not None else None


def step_text(step: Step, demand: Demand) -> str:
    """One step in a line: its name, else its skills ("putonghua ≥ 3, enterprise")."""
    skills = step.skills or demand.skills
    return step.name or ", ".join(f"{n} ≥ {v}" if v > 1 else n for n, v in skills) or "any"


def open_step(one: Waiting, dispatcher: Dispatcher, now: float) -> tuple[int, float | None]:
    """Which of the demand's steps is the last that is open (from 0), and when the next one opens by itself.

    A step also opens when nobody on duty fits those before it.
    """
    steps, opens, last = one.demand.circles(), one.since, 0
    for k in range(1, len(steps)):
        seconds = steps[k - 1].seconds
        if seconds is None:
            return last, None
        opens += seconds
        if opens > now and dispatcher.can_be_served(replace(one.demand, steps=steps[:k])):
            return last, opens
        last = k
    return last, None


def waiting(
    one: Waiting, position: int | None, step: int = 0, opens: float | None = None, expected: float | None = None
) -> console.Waiting:
    """Who waits; position None: waits no longer."""
    call, _, part = one.call.partition("+")
    steps = one.demand.circles()
    kind = one.demand.kind if one.demand.kind in ("live", "callback", "third") else "live"
    return console.Waiting(
        call=call, part=part or None, kind=cast(Any, kind), position=position, since=max(0.0, one.since),
        priority=round(one.demand.priority), demand=step_text(steps[min(step, len(steps) - 1)], one.demand),
        expected=None if expected is None else max(0.0, expected), step=step + 1, steps=len(steps), next_step_at=opens,
    )  # fmt: skip


def callback(one: Callback, rules: CallbackRules, call: str | None, now: float) -> console.Callback:
    """An entry of the callback list, with its number in full: hiding is the console's work."""
    next_try = None
    if one.state == "open":
        at = max(now, one.not_before)
        next_try = one.not_before if one.reason == "queue" else rules.opens(at)
    return console.Callback(
        id=one.id, number=one.number, reason=one.reason, also=list(dict.fromkeys(r for r, _ in one.also)),
        state=one.state, created_at=one.created_at, since=max(0.0, one.rank_since), attempts=one.attempts,
        attempts_limit=rules.attempts, next_try=next_try, last_outcome=one.last_outcome,
        expires_at=one.expires_at if one.state in OPEN else None,
        do_not_disturb=one.number in rules.do_not_disturb, origin=one.origin, call=call,
    )  # fmt: skip


def callback_order(one: console.Callback) -> tuple[int, float, str]:
    """Those that run, those to be tried next, then those that are over, the latest first."""
    if one.state in OPEN:
        return (0 if one.state == "running" else 1, one.next_try or one.since, one.id)
    return (2, -one.created_at, one.id)


def place(code: str, tree: CentreTree | None) -> console.Place:
    """A centre's code with its name."""
    known = tree.centres.get(code) if tree is not None else None
    return console.Place(code=code, name=known.name if known is not None else code)


def incident(one: Incident, tree: CentreTree, *, fixed: bool = False) -> console.Incident:
    """A known incident; `fixed`: of the configuration."""
    return console.Incident(
        id=one.id, regions=[place(code, tree) for code in sorted(one.regions)],
        text=console.Text2(zh=one.zh, en=one.en or one.zh), since=max(0.0, one.since), until=one.until,
        by=one.by or None, fixed=fixed,
    )  # fmt: skip


def mode(control: ModeControl, book: RoutingBook, now: float) -> console.Mode:
    """The operating mode with every incident that holds."""
    state = control.state
    told = [incident(one, book.tree) for one in control.incidents(now)]
    told += [incident(one, book.tree, fixed=True) for one in book.incidents if one.live(now)]
    return console.Mode(
        mode=control.mode, since=state.since, by=state.by or None, reason=state.reason or None, automatic=state.auto,
        incidents=told,
    )  # fmt: skip


def choices(book: RoutingBook | None, control: ModeControl | None, dispatcher: Dispatcher) -> console.Choices:
    """What may be chosen."""
    breaks = [(b.code, b.zh, b.en, b.limit) for b in book.breaks] if book is not None else []
    breaks = breaks or [(code, zh, en, dispatcher.policy.break_limit) for code, zh, en in BREAKS]
    seats = dispatcher.seats.values()
    third = {name for s in seats if s.kind in SKILLED for name in s.skills} or {n for s in seats for n in s.skills}
    modes = control.modes if control is not None else {"normal": None}
    return console.Choices(
        breaks=[console.BreakReason(code=c, caption=console.Text2(zh=zh or c, en=en or c), limit=limit)
                for c, zh, en, limit in breaks],
        modes=sorted(modes, key=lambda m: (MODES.index(m) if m in MODES else len(MODES), m)),
        centres=[place(code, tree) for tree in (book.tree if book is not None else None,)
                 for code in (tree.centres if tree is not None else sorted({s.centre for s in seats}))],
        third=sorted(third), rest=dispatcher.policy.rest, captions=captions(book) if book is not None else {},
    )  # fmt: skip


def captions(book: RoutingBook) -> dict[str, console.Text2]:
    """What the configuration calls its own skills, rules and modes; a language it leaves out is empty."""
    named = [(f"skill.{one.name}", one.zh, one.en) for one in book.skills.values()]
    named += [(f"rule.{one.name}", one.title, "") for one in book.rules]
    named += [(f"why.{one.name}", one.title, "") for one in book.modifiers]
    named += [(f"mode.{one.name}", one.zh, one.en) for one in book.modes.values()]
    return {key: console.Text2(zh=zh, en=en) for key, zh, en in named if zh or en}


def centres(tree: CentreTree | None, dispatcher: Dispatcher, home_of: Mapping[str, str | None]) -> list[console.Centre]:
    """Every centre's figures.

    Args:
        home_of: call → its home centre, for calls that a seat has.
    """
    seats = list(dispatcher.seats.values())
    line = [(w.demand.centre, w.since) for w in dispatcher.waiting() if w.demand.kind != "third"]
    known = _ordered(tree) if tree is not None else [Centre(code, code) for code in sorted({s.centre for s in seats})]
    out = []
    for one in known:
        own = [s for s in seats if s.centre == one.code]
        mine = [since for home, since in line if home == one.code]
        # A seat with a caller of another centre; an off-duty seat is signed in but serves nobody.
        away = [s for s in seats if s.foreign and home_of.get(base_of(s.call) or "") == one.code]
        out.append(
            console.Centre(
                code=one.code, name=one.name, parent=one.parent, seats=len(own),
                signed_in=sum(s.state is not S.OFFLINE for s in own),
                free=sum(s.state is S.AVAILABLE and s.on_duty for s in own),
                talking=sum(s.state is S.TALKING for s in own), waiting=len(mine),
                longest=min(mine, default=None), overflow_in=sum(s.foreign for s in own), overflow_out=len(away),
                capacity=one.capacity,
            )
        )  # fmt: skip
    return out


def _ordered(tree: CentreTree) -> Iterable[Centre]:
    """Parents before their children."""
    below: dict[str | None, list[Centre]] = {}
    for one in tree:
        below.setdefault(one.parent if one.parent in tree else None, []).append(one)
    out: list[Centre] = []
    todo = list(reversed(below.get(None, [])))
    while todo:
        one = todo.pop()
        out.append(one)
        todo += reversed(below.get(one.code, []))
    return out
