"""Handlers of further parties: seats of ours and lines to the outside that are asked for, ring, join, fail. Pure.

A party that cannot be had costs the caller nothing: until it is joined nobody who is with the caller leaves it (in a
consultation or a blind transfer the caller hears music and the seat waits beside), and when it fails, seat and
caller are together again by the same turn's commands.
"""

from __future__ import annotations

from dataclasses import replace

from routing import LINE_PREFIX, Demand, Line, OfferOutcome

from . import _words as words
from . import commands as c
from . import events as e
from ._rooms import anew, rooms_after, settle
from ._rules import LOST_SEAT_PRIORITY, Result, Rules, S, enqueue, leg_gone, note, remember, with_leg
from .model import OPEN_PARTY, PENDING_PARTY, SIDE, TALK, Call, Leg, LegState, Offer, Party, PartyState
from .reconcile import leg_id

GIVE_UP = 5.0
"""Seconds after which a leg whose end was ordered is asked for again, if the switch does not answer."""
WRONG_NUMBER = frozenset({1, 2, 3, 22, 28})
"""Q.850: unallocated, no route, number changed, invalid format."""
BUSY, NOBODY_THERE = 17, frozenset({18, 19})


def with_party(call: Call, part: str, **changes: object) -> Call:
    """The call with one party changed."""
    return replace(call, parties=tuple(replace(p, **changes) if p.id == part else p for p in call.parties))  # type: ignore[arg-type]


def pending(call: Call) -> tuple[Party, ...]:
    """Parties that are sought or ring."""
    return tuple(p for p in call.parties if p.state in PENDING_PARTY)


# ---------------------------------------------------------------------- asking
def party_wanted(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A further party is to come."""
    assert isinstance(event, e.PartyWanted)
    part = event.part or "t"
    if call.party(part) is not None:
        return call, ()
    party = Party(
        part, event.how, now, Demand.from_json(event.demand) if event.demand is not None else None,
        Line.from_json(event.line) if event.line is not None else None, event.by, event.asking, until=event.until,
        target=event.target,
    )  # fmt: skip
    if party.demand is None and party.line is None:
        return call, ()
    call = remember(replace(call, parties=(*call.parties, party)), event.key, part)
    detail = {"part": part, "how": party.how, "who": party.target or party.label, "by": event.by}
    call = note(call, now, "party_wanted", **detail)
    if event.via and call.leg(event.via) is None:
        asking = call.leg(event.asking)
        via = Leg(event.via, "via", asking.who if asking is not None else None, LegState.JOINED, now, room=SIDE)
        call = replace(call, legs=(*call.legs, via))
        call = with_party(call, part, asking=event.via)
    out: list[c.Command] = []
    if party.how == "emergency" and party.line is not None:
        call, more = _caller_waits_for_it(call, words.emergency_connecting(party.line.entry), now)
        out += more
    if party.demand is not None:
        out.append(c.Enqueue(call.id, party.demand, now, part))
        return call, tuple(out)
    call, more = _ring_line(call, part, now, rules)
    return call, (*out, *more)


def _caller_waits_for_it(call: Call, said: tuple[str, ...], now: float) -> Result:
    """A caller nobody serves yet is told that the line rings, in the waiting loop, out of which the line fetches it;
    the queue goes on to bring a seat, before those who have no emergency."""
    prompts = words.files(_language(call), *said)
    if call.state in (S.ARRIVED, S.IN_FLOW, S.VOICEMAIL, S.LEAVING):
        return call, (c.ToWaiting(call.id, call.channel, prompts),)
    since = call.waiting_since
    if call.state is S.WAITING and call.demand is not None and since is not None:
        demand = replace(call.demand, priority=call.demand.priority + LOST_SEAT_PRIORITY)
        call = replace(call, demand=demand)
        again = c.Enqueue(call.id, demand, since)
        return call, (again, c.Announce(call.id, call.channel, prompts))
    if call.state is S.OFFERED:
        return call, (c.Announce(call.id, call.channel, prompts),)
    return call, ()


def party_unwanted(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """It is not wanted any more: out of the queue, its leg ended."""
    assert isinstance(event, e.PartyUnwanted)
    party = call.party(event.part or "t")
    if party is None or party.state not in OPEN_PARTY:
        return call, ()
    call = remember(call, event.key, "")
    call, out = end_party(call, party, now, "withdrawn")
    call = _seat_back(call, party)
    call, more = settle(call, now)
    call, last = nobody_left(call, now, rules)
    return call, (*out, *more, *last)


def end_party(call: Call, party: Party, now: float, why: str) -> Result:
    """Ends one party, wherever it is. Its leg's end is noted when the switch tells it."""
    out: list[c.Command] = []
    if party.demand is not None and party.state in PENDING_PARTY:
        out.append(c.Withdraw(call.id, party.id))
    if party.offer is not None and party.seat is not None:
        out.append(c.OfferEnds(call.id, party.seat, party.offer.id, OfferOutcome.WITHDRAWN))
    joined = party.state is PartyState.JOINED
    for leg_name in {party.leg, party.offer.leg if party.offer is not None else None} - {None}:
        assert leg_name is not None
        leg = call.leg(leg_name)
        if leg is None or leg.state is LegState.GONE:
            continue
        out.append(c.CancelLeg(call.id, leg.id))
        if (leg.state is LegState.JOINED or party.demand is None) and leg.kind != "line" and leg.who is not None:
            out.append(c.TalkEnds(call.id, leg.who, wrap_up=leg.kind == "seat"))
        call = leg_gone(call, leg.id, now, why)
    state = PartyState.LEFT if joined else PartyState.WITHDRAWN
    call = with_party(call, party.id, state=state, offer=None, leg=None, why="" if joined else why)
    who = party.seat if joined and party.seat else party.label
    return note(call, now, "party_left" if joined else "party_withdrawn", part=party.id, who=who), tuple(out)


def end_company(call: Call, now: float, why: str = "withdrawn", keep: frozenset[str] = frozenset()) -> Result:
    """Everybody beside caller and seat leaves: parties (but not those whose legs are in `keep`), observers."""
    out: list[c.Command] = []
    for party in call.parties:
        if party.state in OPEN_PARTY and not (party.leg is not None and party.leg in keep):
            call, more = end_party(call, party, now, why)
            out += more
    for leg in call.legs:
        if leg.kind in ("observer", "third", "line", "via") and leg.state is not LegState.GONE and leg.id not in keep:
            out.append(c.CancelLeg(call.id, leg.id))
            joined = leg.state is LegState.JOINED and leg.kind == "third"
            if (joined or leg.kind == "observer") and leg.who is not None:
                out.append(c.TalkEnds(call.id, leg.who, wrap_up=False))
            call = leg_gone(call, leg.id, now, "talk over")
    return call, tuple(out)


# ---------------------------------------------------------------------- ringing
def _role(call: Call, party: Party) -> tuple[str, str]:
    """What the party's leg does when it answers, and beside whom."""
    asking = call.leg(party.asking)
    if party.how == "consult" and asking is not None and asking.state is LegState.JOINED:
        return "beside", asking.id
    return "join", ""


def _rings_now(call: Call, part: str, leg: Leg, offer: Offer, seat: str | None, now: float) -> Result:
    """The books of an attempt that begins; in private, seat and caller part now."""
    party = call.party(part)
    assert party is not None
    role, beside = _role(call, party)
    room = SIDE if role == "beside" else TALK
    leg = replace(leg, room=room, goal=f"beside:{beside}" if beside else TALK, anew=anew(call))
    asking = call.leg(party.asking)
    if asking is not None and asking.kind == "via":
        leg = replace(leg, via=asking.id)
    call = replace(call, legs=(*call.legs, leg), offers=call.offers + 1)
    call = with_party(call, part, state=PartyState.RINGING, offer=offer, seat=seat, tried=party.tried + 1)
    if party.private and asking is not None and asking.kind != "via" and asking.state is LegState.JOINED:
        call = with_leg(call, asking.id, room=SIDE)
    return settle(call, now)


def _ring_line(call: Call, part: str, now: float, rules: Rules) -> Result:
    """The next attempt at an outside line, or the end of it."""
    party = call.party(part)
    assert party is not None and party.line is not None
    if party.tried >= len(party.line.tries):
        return party_failed(call, part, party.why or "unreachable", now, rules)
    one = party.line.tries[party.tried]
    name = leg_id(call.id, LINE_PREFIX + (one.entry or party.line.entry), call.offers + 1)
    leg = Leg(name, "line", LINE_PREFIX + (one.entry or party.line.entry), LegState.DIALLING, now)
    offer = Offer(name, "", name, now + one.seconds)
    role, beside = _role(call, party)
    shown = call.caller_number if one.caller_id == "caller" and call.caller_number else call.dialled
    headers = party.line.headers if one.protocol == "uui" else ()
    ring = c.RingLine(
        call.id, name, call.channel, one.trunk, one.number, shown, one.seconds + GIVE_UP, role, beside, anew(call),
        headers,
    )  # fmt: skip
    call, out = _rings_now(call, part, leg, offer, None, now)
    call = note(call, now, "line_rung", part=part, who=one.name, attempt=party.tried + 1, of=len(party.line.tries))
    return call, (*out, ring)


def party_offered(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A seat of ours is reserved for the party: its phone is rung."""
    assert isinstance(event, e.Offered)
    party = call.party(event.part)
    if party is None or party.state is not PartyState.QUEUED:
        return call, (c.OfferEnds(call.id, event.seat, event.offer, OfferOutcome.WITHDRAWN),)
    leg = Leg(event.leg, "third", event.seat, LegState.DIALLING, now)
    role, beside = _role(call, party)
    seconds = max(1.0, event.deadline - now) + rules.ring
    ring = c.RingSeat(
        call.id, event.leg, event.seat, call.channel, call.caller_number, call.caller_name, seconds,
        phone=event.phone, role=role, beside=beside, anew=anew(call),
    )  # fmt: skip
    offer = Offer(event.offer, event.seat, event.leg, event.deadline)
    call, out = _rings_now(call, event.part, leg, offer, event.seat, now)
    call = note(call, now, "party_offered", part=party.id, seat=event.seat, **dict(event.why))
    return call, (*out, ring)


def party_rings(call: Call, leg_name: str, now: float, rules: Rules) -> Result:
    """Its phone rings. A seat's ring time counts from now; a line's from the attempt's beginning (10 s, then the
    next trunk: a network that is slow to ring is no excuse)."""
    party = call.party_of(leg_name)
    leg = call.leg(leg_name)
    if party is None or party.offer is None or leg is None or leg.state is not LegState.DIALLING:
        return call, ()
    call = with_leg(call, leg_name, state=LegState.RINGING, placed_at=now)
    call = note(call, now, "party_rings", part=party.id, who=party.label)
    if party.line is not None or party.seat is None:
        return call, ()
    offer = replace(party.offer, deadline=now + rules.ring)
    return with_party(call, party.id, offer=offer), (c.SeatRings(call.id, party.seat, offer.id),)


def party_timer(call: Call, part: str, now: float, rules: Rules) -> Result:
    """It has not answered in time: its leg is ended, whose end asks for the next. Or no seat was free in time."""
    party = call.party(part)
    if party is None or party.state not in PENDING_PARTY:
        return call, ()
    if party.offer is None:
        if party.until is None or party.until > now:
            return call, ()
        return party_failed(call, part, "busy" if party.target.startswith("seat:") else "nobody", now, rules)
    if party.offer.deadline > now:
        return call, ()
    name = party.offer.leg
    call = with_party(call, part, offer=replace(party.offer, deadline=now + GIVE_UP))
    return with_leg(call, name, cancelled=True), (c.CancelLeg(call.id, name, ringing=True),)


# ---------------------------------------------------------------------- outcomes
def reason_of(event: e.LegLeft, leg: Leg) -> str:
    """Why a party's leg ended before it was joined, in words of model.Party.why."""
    if leg.cancelled or event.cause in NOBODY_THERE:
        return "no_answer"
    if event.cause == BUSY:
        return "busy"
    if event.cause == 21:
        return "refused"
    return "wrong_number" if event.cause in WRONG_NUMBER else "unreachable"


def party_not_joined(call: Call, event: e.LegLeft, leg: Leg, now: float, rules: Rules) -> Result:
    """An attempt is over. Lines: the next trunk. Seats: the next seat, unless it was asked for by name."""
    party = call.party_of(leg.id)
    call = leg_gone(call, leg.id, now, str(event.cause))
    if party is None or party.offer is None or party.offer.leg != leg.id:
        return call, ()
    why = reason_of(event, leg)
    call = with_party(call, party.id, offer=None, why=why)
    call = note(call, now, "try_failed", part=party.id, who=party.label, why=why)
    out: list[c.Command] = []
    if party.line is not None:
        if event.cause == e.NEVER_RUNG:  # we were stopped before we could ring: this one was not tried
            call = with_party(call, party.id, tried=max(0, party.tried - 1))
        call, more = _ring_line(call, party.id, now, rules)
        return call, more
    if party.demand is None or leg.who is None:  # a supervisor who was to come in: nobody's offer
        call, more = party_failed(call, party.id, why, now, rules)
        return call, (*((c.TalkEnds(call.id, leg.who, wrap_up=False),) if leg.who else ()), *more)
    outcome = e.OUTCOME_OF_CAUSE.get(event.cause, OfferOutcome.UNREACHABLE)
    out.append(c.OfferEnds(call.id, leg.who, party.offer.id, OfferOutcome.NO_ANSWER if leg.cancelled else outcome))
    if party.target.startswith("seat:") and event.cause != e.NEVER_RUNG:
        call, more = party_failed(call, party.id, why, now, rules)
        return call, (*out, *more)
    call = with_party(call, party.id, state=PartyState.QUEUED, seat=None)
    out.append(c.Enqueue(call.id, party.demand, party.since, party.id))
    call, more = settle(_seat_back(call, party), now)
    return call, (*out, *more)


def party_failed(call: Call, part: str, why: str, now: float, rules: Rules) -> Result:
    """All attempts are used up: seat and caller are together again, and the seat sees why."""
    party = call.party(part)
    assert party is not None
    out: list[c.Command] = []
    if party.demand is not None:
        out.append(c.Withdraw(call.id, part))
    call = with_party(call, part, state=PartyState.FAILED, offer=None, why=why)
    call = note(call, now, "party_failed", part=part, who=party.target or party.label, why=why)
    asking = call.leg(party.asking)
    if asking is not None and asking.kind == "via" and asking.state is not LegState.GONE:
        out.append(c.CancelLeg(call.id, asking.id))
    call, more = settle(_seat_back(call, party), now)
    out += more
    if party.how == "emergency" and not call.talkers and not _emergency_rings(call):
        out.append(c.Announce(call.id, call.channel, words.files(_language(call), *words.emergency_failed())))
    said = words.transfer_failed() if party.how == "transfer" else ()
    call, last = nobody_left(call, now, rules, demand=party.back, said=said)
    return call, (*out, *last)


def _emergency_rings(call: Call) -> bool:
    return any(p.how == "emergency" for p in pending(call))


def _seat_back(call: Call, party: Party) -> Call:
    """The seat that waited for the party is to be with the caller again, unless it waits for another one."""
    asking = call.leg(party.asking)
    if asking is None or asking.state is not LegState.JOINED or asking.room == TALK or not party.private:
        return call
    others = [p for p in call.parties if p.id != party.id and p.asking == asking.id and p.private
              and p.state in (PartyState.RINGING, PartyState.JOINED)]  # fmt: skip
    if others or any(x.room == SIDE and x.id != asking.id for x in call.talkers):
        return call
    return with_leg(call, asking.id, room=TALK)


def party_joined(call: Call, leg: Leg, now: float) -> Result:
    """It has answered and is with somebody. Of a blind transfer the seat leaves now."""
    party = call.party_of(leg.id)
    out: list[c.Command] = []
    if party is not None:
        if party.demand is not None:
            out.append(c.Withdraw(call.id, party.id))
        call = with_party(call, party.id, state=PartyState.JOINED, offer=None, leg=leg.id, why="")
    call = note(call, now, "party_joined", part=party.id if party is not None else "", who=leg.who)
    if leg.kind != "line" and leg.who is not None:
        out.append(c.SeatTalks(call.id, leg.who, leg.id))
    if call.main_seat is None and leg.kind == "third":
        call = replace(with_leg(call, leg.id, kind="seat"), seat=leg.who)
    if party is not None and party.how == "transfer":
        call, more = seat_leaves(call, party.asking, now)
        out += more
    if party is not None and party.how == "emergency":
        call = _seat_comes_too(call, party)
    return call, tuple(out)


def _seat_comes_too(call: Call, party: Party) -> Call:
    """Caller, seat and emergency line are together (Art. 11), whatever the seat did aside: who is consulted waits in
    the music, and who rings for a consultation comes to all."""
    asking = call.leg(party.asking)
    if asking is None or asking.state is not LegState.JOINED or asking.room == TALK:
        return call
    for other in call.parties:
        if other.how == "consult" and other.asking == asking.id and other.offer is not None:
            call = with_leg(with_party(call, other.id, how="join"), other.offer.leg, room=TALK)
    return with_leg(call, asking.id, room=TALK)


def seat_leaves(call: Call, leg_name: str, now: float) -> Result:
    """A seat's leg is ended because the talk goes on without it."""
    leg = call.leg(leg_name)
    if leg is None or leg.state is not LegState.JOINED or leg.cancelled:
        return call, ()
    return with_leg(call, leg.id, cancelled=True), (c.CancelLeg(call.id, leg.id),)


def party_gone(call: Call, leg: Leg, event: e.LegLeft, now: float) -> Result:
    """A further party that was joined is gone: whoever consulted it is with the caller again."""
    party = call.party_of(leg.id)
    out: list[c.Command] = []
    if leg.kind == "third" and leg.who is not None:
        out.append(c.TalkEnds(call.id, leg.who, wrap_up=False))
    if party is not None:
        call = with_party(call, party.id, state=PartyState.LEFT, leg=None)
        if party.asking and (asking := call.leg(party.asking)) is not None and asking.kind == "via":
            out.append(c.CancelLeg(call.id, asking.id))
    call = note(call, now, "party_left", part=party.id if party is not None else "", who=leg.who)
    call, more = settle(rooms_after(call, leg, now), now)
    return call, (*out, *more)


def _language(call: Call) -> str:
    return call.demand.language if call.demand is not None else "zh"


def nobody_left(
    call: Call, now: float, rules: Rules, demand: Demand | None = None, said: tuple[str, ...] = ()
) -> Result:
    """If a talking caller is with nobody and nobody is on the way: back into the queue, before all who have not
    talked yet; it never sits in music without a place."""
    if call.state is not S.TALKING or call.talkers:
        return call, ()
    if any(p.private or p.how == "emergency" for p in pending(call)):
        return call, ()
    call, company = end_company(call, now)
    wish = demand or call.demand or rules.default_demand
    call = note(call, now, "waiting", why="alone")
    call, more = enqueue(call, now, replace(wish, priority=wish.priority + LOST_SEAT_PRIORITY), rules)
    told = c.Announce(call.id, call.channel, words.files(_language(call), *said))
    return call, (*company, *more, c.InQueue(call.id), told)
