"""Who is with whom: the rooms of a call as a declared wish, and the moves that bring the switch there. Pure.

Orders only say in which room a leg is to be: `TALK` with the caller, or `SIDE`, a private consultation. `settle`
compares that with the bridges the switch has told of and commands what is missing, after every event: so each order,
each failure and each takeover needs no path of its own. What holds the caller:

 - A caller that nobody is with is in the switch's waiting loop, with music, whose next step without us is a human.
 - Caller and last partner are parted by one command (`Hold`), never one after the other.
 - All of a consultation come to the caller by one command: the caller goes to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from . import commands as c
from ._rules import Result, note, with_leg
from .model import PENDING_PARTY, SIDE, TALK, Call, CallState, Leg, LegState, PartyState

AGAIN = 3.0
"""Seconds after which a move that the switch has not confirmed is ordered again. Not sooner than a slow link would tell
it: a second order takes a leg out of the talk that the first has brought it to, and leads it there once more."""
SILENT = 3.0
"""Seconds before which the switch brings nobody back by itself: it does so 4 s after our last sign of life."""
ALONE_GOALS = frozenset({"quiet", "ring", "music"})
ALONE = "-"
"""Stands for a bridge's id where the switch was asked and the leg is in none (reconciliation)."""


def caller_of(call: Call) -> Leg:
    """The caller's own leg; it always exists."""
    leg = call.leg(call.id)
    assert leg is not None
    return leg


def unnamed(call: Call) -> str:
    """The bridge of a talk whose id was not told (journals of version 0.2)."""
    return f"={call.id}"


def inside(call: Call) -> tuple[Leg, ...]:
    """The joined legs that the caller hears."""
    bridge = caller_of(call).bridge
    return tuple(x for x in call.talkers if bridge and x.bridge == bridge)


def out_of_bridge(call: Call, leg_id: str, now: float) -> Call:
    """A leg has left its bridge, or has been told to; whoever is alone in it then is in none (it dissolves)."""
    leg = call.leg(leg_id)
    if leg is None or not leg.bridge:
        return call
    call = with_leg(call, leg_id, bridge="", placed_at=now)
    rest = [x for x in call.legs if x.bridge == leg.bridge and x.state is not LegState.GONE]
    return with_leg(call, rest[0].id, bridge="", placed_at=now) if len(rest) == 1 else call


def hear(call: Call, now: float) -> Result:
    """Notes since when, and until when, each leg is in the talk; turns the marks of who speaks on and off."""
    bridge, out = caller_of(call).bridge, []
    before = {x.id for x in call.legs if x.heard and x.heard[-1][1] is None}
    there: set[str] = set()
    for leg in call.legs:
        is_in = bool(bridge) and leg.bridge == bridge and leg in call.talkers
        if is_in:
            there.add(leg.id)
            if leg.id not in before:
                call = with_leg(call, leg.id, heard=(*leg.heard, (now, None)))
        elif leg.id in before:
            call = with_leg(call, leg.id, heard=(*leg.heard[:-1], (leg.heard[-1][0], now)))
    marked = before if len(before) > 1 else set()
    wanted = there if len(there) > 1 else set()
    # Turned off only for legs that live on: a dead one's detector is gone with it.
    living = {x.id for x in call.legs if x.state is not LegState.GONE}
    out += [c.Mark(call.id, x, True) for x in sorted(wanted - marked)]
    out += [c.Mark(call.id, x, False) for x in sorted((marked - wanted) & living)]
    return call, tuple(out)


def settle(call: Call, now: float) -> Result:
    """The commands that bring everybody where they are to be, and the call that remembers them as given."""
    if call.state is not CallState.TALKING:
        return hear(call, now)
    out: list[c.Command] = []
    for leg in _by_charge(call.talkers):
        if leg.room == SIDE and not leg.cancelled:
            call, more = _aside(call, leg.id, now)
            out += more
    call, more = _together(call, now)
    out += more
    call, marks = hear(call, now)
    call, again = _recorded_anew(call, now)
    call, anew = _listens_anew(call)
    return call, (*out, *marks, *again, *anew)


def anew(call: Call, leg_id: str = "") -> bool:
    """Whether the recording has to begin anew before this leg (empty: a new one) is alone with the caller.

    The switch takes the packets of a new partner for late ones of the old partner's, by their numbers, and leaves them
    out of what listens at the caller's channel: about every second one would be missing in the recording.
    """
    return bool(call.pair) and call.pair != leg_id


def _recorded_anew(call: Call, now: float) -> Result:
    """Of three or more only one is left with the caller, and not the one of before: parted for a quarter of a second,
    so that the recording has it."""
    there = inside(call)
    if len(there) != 1:
        return call, ()
    leg = there[0]
    if not anew(call, leg.id):
        return (call if call.pair == leg.id else replace(call, pair=leg.id)), ()
    if leg.cancelled or leg.room != TALK or leg.moving is not None:
        return call, ()
    if any(x.goal == TALK and x.moving is not None for x in call.talkers):
        # Another is on its way to them: they will not be alone. Parted now, each of the two would fetch the caller, and
        # be parted from it again for the other's sake, for ever.
        return call, ()
    call = out_of_bridge(call, leg.id, now)
    call = with_leg(replace(call, pair=leg.id), leg.id, goal=TALK, moving=now)
    return call, (c.Hold(call.id, call.channel, leg.id, "again"),)


def _listens_anew(call: Call) -> Result:
    """Who listens at the seat's leg begins anew when others are with the seat than before: the switch takes the packets
    of a new partner for late ones of the old partner's, by their numbers, and a listener would not hear them."""
    seat, out = call.main_seat, []
    if seat is None or not seat.bridge:
        return call, ()
    company = " ".join(sorted(x.id for x in call.legs if x.bridge == seat.bridge and x.state is not LegState.GONE))
    for leg in call.legs:
        if leg.kind != "observer" or leg.state is not LegState.JOINED or leg.cancelled or leg.goal == company:
            continue
        if leg.goal:
            out.append(c.Move(call.id, leg.id, leg.mode, seat.id, call.channel))
        call = with_leg(call, leg.id, goal=company)
    return call, tuple(out)


def _by_charge(legs: Iterable[Leg]) -> list[Leg]:
    """Who moves first when one of two has to: seats, then others of ours, then the outside."""
    order = {"seat": 0, "third": 1, "line": 2}
    return sorted(legs, key=lambda x: order.get(x.kind, 3))


def _aside(call: Call, leg_id: str, now: float) -> Result:
    """One leg of the side room: out of the talk, to its partner."""
    leg = call.leg(leg_id)
    assert leg is not None
    if leg.via and call.leg(leg.via) is not None:
        return call, ()  # its phone has put itself there
    caller = caller_of(call)
    in_talk = bool(leg.bridge) and leg.bridge == caller.bridge
    goal, beside = _side_goal(call, leg)
    if not in_talk:
        partner = call.leg(beside) if beside else None
        met = partner is not None and bool(leg.bridge) and leg.bridge == partner.bridge
        under_way = leg.goal == _named(goal, beside) and (leg.moving is not None or not beside)
        # The partner that is on its way to this one need not be met half way.
        awaited = partner is not None and partner.goal == f"beside:{leg.id}" and partner.moving is not None
        if met or under_way or awaited:
            return call, ()
    alone = not any(x.id != leg.id and x.bridge == caller.bridge for x in call.talkers) if in_talk else False
    call = out_of_bridge(call, leg.id, now)
    call = with_leg(call, leg.id, goal=_named(goal, beside), moving=now if beside else None)
    if alone:
        return call, (c.Hold(call.id, call.channel, leg.id, goal, beside),)
    return call, (c.Move(call.id, leg.id, goal, beside, call.channel),)


def _side_goal(call: Call, leg: Leg) -> tuple[str, str]:
    """Where a leg of the side room is to be: beside another one of it, or alone with what it hears."""
    others = [x for x in call.talkers if x.room == SIDE and x.id != leg.id and not x.cancelled]
    if others:
        return "beside", _by_charge(others)[-1 if leg.kind == "seat" else 0].id
    if leg.kind != "seat":
        return "music", ""
    rings = any(p.state is PartyState.RINGING and p.private for p in call.parties)
    return ("ring" if rings else "quiet"), ""


def _named(goal: str, beside: str) -> str:
    return f"beside:{beside}" if beside else goal


def _together(call: Call, now: float) -> Result:
    """Everybody of the talk to the caller: one by one where somebody is with it, else the one or the group."""
    caller = caller_of(call)
    wanted = [x for x in call.talkers if x.room == TALK and not x.cancelled]
    missing = [x for x in wanted if not x.bridge or x.bridge != caller.bridge]
    if not missing:
        return call, ()
    if caller.moving is not None and caller.goal.startswith("beside:"):
        return call, ()  # it is on its way to them
    if len(missing) < len(wanted):
        return _move_to_talk(call, missing, now)
    group = _group(call, missing)
    if group is not None:
        call = with_leg(call, call.id, goal=f"beside:{group.id}", moving=now)
        return call, (c.Move(call.id, call.id, "beside", group.id, call.channel),)
    # Nobody is with the caller: only one may fetch it out of the waiting loop, the others add themselves then.
    under_way = [x for x in missing if x.goal == TALK and x.moving is not None]
    return (call, ()) if under_way else _move_to_talk(call, _by_charge(missing)[:1], now)


def _group(call: Call, missing: list[Leg]) -> Leg | None:
    """One of two or more that are together already, with nobody among them who is to stay aside."""
    for leg in missing:
        here = [x for x in call.legs if leg.bridge and x.bridge == leg.bridge and x.state is LegState.JOINED]
        if len(here) > 1 and all(x.room == TALK and not x.cancelled for x in here):
            return leg
    return None


def _move_to_talk(call: Call, legs: Iterable[Leg], now: float) -> Result:
    out: list[c.Command] = []
    for leg in legs:
        if leg.goal == TALK and leg.moving is not None:
            continue
        call = out_of_bridge(call, leg.id, now)
        begins = anew(call, leg.id) and not inside(call)
        call = with_leg(call, leg.id, goal=TALK, moving=now, anew=begins)
        out.append(c.Move(call.id, leg.id, TALK, "", call.channel, begins))
    return call, tuple(out)


def settle_again(call: Call, now: float) -> Result:
    """Moves the switch has not confirmed are forgotten, so that they are ordered anew."""
    for leg in call.legs:
        if leg.moving is not None and leg.moving + AGAIN <= now:
            call = with_leg(call, leg.id, moving=None, goal="")
    return settle(call, now)


def next_look(call: Call) -> float | None:
    """When `settle_again` has something to look at."""
    if call.state is not CallState.TALKING:
        return None
    return min((x.moving + AGAIN for x in call.legs if (x.moving is not None and x.state is LegState.JOINED)
                or (x.kind == "caller" and x.moving is not None)), default=None)  # fmt: skip


def arrived_in(call: Call, leg: Leg, bridge: str, now: float) -> Call:
    """The switch says in which bridge a leg is now; whom it was told to go to is there too. A leg that was told to
    go nowhere has been fetched: of the others nothing is known by that."""
    goal = leg.goal
    waits = goal in ALONE_GOALS
    call = with_leg(call, leg.id, bridge=bridge, moving=None, goal=goal if waits else "", placed_at=now)
    if leg.kind == "caller" or bridge == caller_of(call).bridge or waits or not goal:
        return call
    if goal.startswith("beside:"):
        partner = call.leg(goal.removeprefix("beside:"))
        if partner is not None and partner.state is LegState.JOINED:
            if partner.bridge == bridge:
                return call
            return with_leg(out_of_bridge(call, partner.id, now), partner.id, bridge=bridge, placed_at=now)
        # Its partner has gone: the switch took it to the caller.
        return _fetched(call, leg, bridge, now)
    return _fetched(call, leg, bridge, now)


def _fetched(call: Call, leg: Leg, bridge: str, now: float) -> Call:
    """A leg has taken the caller, who was alone, into a bridge with it."""
    call = with_leg(call, call.id, bridge=bridge, moving=None, placed_at=now)
    if leg.anew or call.pair in ("", leg.id):
        call = replace(with_leg(call, leg.id, anew=False), pair=leg.id)
    return call


def parted_lately(leg: Leg, now: float) -> bool:
    """Whether it is too soon for the switch to have brought it back by itself."""
    since = leg.heard[-1][1] if leg.heard else None
    return since is None or now - since < SILENT


def came_back(call: Call, now: float) -> Call:
    """A seat that stood aside alone and is with the caller again, though nobody has ordered it: the switch has brought
    it there while we were silent. To part them once more would be nobody's wish."""
    caller = caller_of(call)
    for leg in call.talkers:
        if leg.room != SIDE or leg.goal not in ("quiet", "ring") or not leg.bridge or leg.bridge != caller.bridge:
            continue
        if parted_lately(leg, now):
            continue  # it was told to leave a moment ago, by a process that may have died before it could say so
        call = note(with_leg(call, leg.id, room=TALK, goal=""), now, "resumed", seat=leg.who, by="")
        for party in call.parties:
            if party.how == "consult" and party.asking == leg.id and party.offer is not None:
                call = with_leg(call, party.offer.leg, room=TALK)
                call = replace(call, parties=tuple(replace(p, how="join") if p is party else p for p in call.parties))
    return call


def rooms_after(call: Call, leg: Leg, now: float) -> Call:
    """A leg is gone: who consulted it is to be with the caller again, who it was in charge of too."""
    rest = call.talkers
    if leg.kind == "seat":
        for x in rest:
            if x.room == SIDE:
                call = with_leg(call, x.id, room=TALK, via="")
        if not any(x.kind == "seat" for x in rest):
            heir = next((x for x in rest if x.kind == "third"), None)
            if heir is not None:
                call = with_leg(call, heir.id, kind="seat")
                call = note(replace(call, seat=heir.who), now, "takes_charge", seat=heir.who)
        return call
    aside = [x for x in rest if x.room == SIDE]
    private = any(p.private and p.state in PENDING_PARTY for p in call.parties)
    if leg.room == SIDE and len(aside) == 1 and not private:
        call = with_leg(call, aside[0].id, room=TALK)
    return call
