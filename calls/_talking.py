"""Handlers of a talk and of what comes after it."""

from __future__ import annotations

from dataclasses import replace

from routing import LINE_PREFIX, OfferOutcome

from . import _words as words
from . import commands as c
from . import events as e
from ._parties import (
    end_company,
    end_party,
    nobody_left,
    party_gone,
    party_joined,
    party_not_joined,
    party_timer,
    pending,
    with_party,
)
from ._rooms import (
    ALONE,
    arrived_in,
    came_back,
    hear,
    out_of_bridge,
    parted_lately,
    rooms_after,
    settle,
    settle_again,
    unnamed,
)
from ._rules import (
    LOST_SEAT_PRIORITY,
    NORMAL_CLEARING,
    PARTNER_LEFT,
    Result,
    Rules,
    S,
    enqueue,
    give_offer_up,
    leg_gone,
    note,
    with_leg,
)
from .model import MAX_PARTIES, PROBE, SIDE, TALK, TALKERS, Call, Leg, LegState, Party, PartyState

ALONE_SECONDS = 2.0
FOUND_LIMIT = 2 * MAX_PARTIES
"""Legs in one talk beyond which none is taken in that nobody asked for: no switch has them, and each costs the more
the more there are."""
VIA_SECONDS = 1.0
"""From the end of a seat's second line until what it talked with is ended too: a transfer by the phone ends the
line first, and the switch is asked meanwhile who is with whom."""


def joined(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A leg is in a talk. The switch's word wins, whatever our books said of its offer."""
    assert isinstance(event, e.LegJoined)
    bridge = event.bridge or unnamed(call)
    if bridge == ALONE and (call.leg(event.leg) or call.legs[0]).state is not LegState.JOINED:
        return call, ()
    if event.leg == call.id:
        return _caller_is_in(call, bridge, now, found=event.found)
    leg = call.leg(event.leg)
    out: list[c.Command] = []
    if leg is None:
        if not event.seat or len(call.talkers) >= FOUND_LIMIT:
            return call, ()
        # A talk found in the switch whose offer this process never saw (reconciliation).
        leg = Leg(event.leg, _kind_of(call, event.seat), event.seat, LegState.UP, now, goal=TALK)
        call = replace(call, legs=(*call.legs, leg))
    if leg.kind in ("observer", "via"):
        return call, ()
    if leg.state is LegState.JOINED:
        return _is_in(call, leg, bridge, now, found=event.found)
    if not leg.goal:
        call = with_leg(call, leg.id, goal=TALK)
    # Cancelled too late: its answer was on its way, and the switch lets it talk.
    call = with_leg(call, leg.id, state=LegState.JOINED, joined_at=now, ended_at=None, cause=None, cancelled=False)
    leg = call.leg(leg.id) or leg
    call = _brought(arrived_in(call, leg, bridge, now), leg.id)
    if leg.kind in ("third", "line"):
        call, more = party_joined(call, leg, now)
        out += more
        if call.state is not S.TALKING:
            call, more = _line_first(call, now, rules)
            out += more
    else:
        if call.offer is not None and call.offer.leg != leg.id:
            out += give_offer_up(call, ringing=True)
        call, more = _seat_joined(call, leg, now)
        out += more
    call, more = settle(call, now)
    return call, (*out, *more)


def _kind_of(call: Call, who: str) -> str:
    if who.startswith(LINE_PREFIX):
        return "line"
    return "third" if call.main_seat is not None else "seat"


def _caller_is_in(call: Call, bridge: str, now: float, *, found: bool) -> Result:
    """The caller's own word: it has moved, or the switch was asked."""
    caller = call.leg(call.id)
    assert caller is not None
    if caller.bridge == bridge and caller.moving is None:
        return call, ()
    if found and caller.bridge == unnamed(call) and bridge not in ("", ALONE):
        # Nobody has moved: the bridge's name is known now. A seat that stayed in the nameless one would be sent after
        # its caller, out of the talk that they have.
        named = (replace(x, bridge=bridge, placed_at=now) if x.bridge == caller.bridge else x for x in call.legs)
        call = replace(call, legs=tuple(named))
    call = with_leg(call, call.id, bridge=bridge, moving=None, goal="", placed_at=now)
    for leg in call.talkers:
        if leg.via and leg.bridge == bridge:
            call = with_leg(call, leg.id, via="", room=TALK)  # a phone has brought the caller to it
    return settle(came_back(call, now) if found else call, now)


def _is_in(call: Call, leg: Leg, bridge: str, now: float, *, found: bool) -> Result:
    """A leg that was joined before is in another bridge now."""
    if leg.bridge == bridge and leg.moving is None:
        return call, ()
    if bridge == unnamed(call) and leg.bridge:
        return call, ()  # told without a name; we know it by now
    if leg.bridge == unnamed(call) and bridge != ALONE:
        named = (replace(x, bridge=bridge, placed_at=now) if x.bridge == leg.bridge else x for x in call.legs)
        call = replace(call, legs=tuple(named))  # nobody has moved: the bridge's name is known now
        return settle(call, now)
    if bridge == ALONE:
        call = with_leg(out_of_bridge(call, leg.id, now), leg.id, moving=None, goal="")
        return settle(call, now)
    call = arrived_in(out_of_bridge(call, leg.id, now) if leg.bridge != bridge else call, leg, bridge, now)
    call = _brought(call, leg.id)
    # Told as it happened, it may be older than our last word; only what is found afterwards says that the switch has
    # brought a seat back by itself. Or a seat that stood alone and quiet for long, while nobody was with the caller:
    # nobody else fetches it.
    if not found and leg.goal == "quiet" and not call.legs[0].bridge and not parted_lately(leg, now):
        call, found = with_leg(call, call.id, bridge=bridge, moving=None, placed_at=now), True
    return settle(came_back(call, now) if found else call, now)


def _brought(call: Call, leg_name: str) -> Call:
    """Who was rung from a second line and is with the caller now: a phone has put them together by itself."""
    leg, caller = call.leg(leg_name), call.leg(call.id)
    if leg is None or caller is None or not leg.via or not leg.bridge or leg.bridge != caller.bridge:
        return call
    return with_leg(call, leg.id, via="", room=TALK)


def _talks(call: Call, now: float) -> Call:
    return replace(
        call, state=S.TALKING, session=None, timers=(), called_back=None, tell_at=None,
        joined_at=call.joined_at if call.joined_at is not None else now,
        answered_at=call.answered_at if call.answered_at is not None else now,
    )  # fmt: skip


def _seat_joined(call: Call, leg: Leg, now: float) -> Result:
    assert leg.who is not None
    call = replace(_talks(call, now), seat=leg.who, offer=None)
    return note(call, now, "joined", seat=leg.who), (c.Withdraw(call.id), c.SeatTalks(call.id, leg.who, leg.id))


def _line_first(call: Call, now: float, rules: Rules) -> Result:
    """An emergency line is with a caller whom no seat serves yet: they talk, and a seat is sought as a further
    party; one that rings already becomes that."""
    demand = call.demand or rules.default_demand
    demand = replace(demand, priority=demand.priority + LOST_SEAT_PRIORITY)
    part, offer = f"s{call.offers + 1}", call.offer
    since = call.waiting_since if call.waiting_since is not None else now
    party = Party(part, "join", since, demand, by="emergency", target="seat")
    out: list[c.Command] = [c.Withdraw(call.id)]
    if offer is not None:
        party = replace(party, state=PartyState.RINGING, offer=offer, seat=offer.seat, tried=1)
        call = with_leg(call, offer.leg, kind="third")
    else:
        out.append(c.Enqueue(call.id, demand, since, part))
    call = replace(_talks(call, now), offer=None, demand=call.demand or demand, waiting_since=since)
    call = replace(call, parties=(*call.parties, party))
    return call, (*out, c.Announce(call.id, call.channel, ()))


# ---------------------------------------------------------------------- somebody leaves
def talk_leg_left(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A leg of a talking call is gone."""
    assert isinstance(event, e.LegLeft)
    leg = call.leg(event.leg)
    if leg is None or leg.state is LegState.GONE:
        return call, ()
    if leg.kind == "observer":
        call = note(leg_gone(call, leg.id, now, str(event.cause)), now, "observer_left", seat=leg.who, mode=leg.mode)
        return call, (c.TalkEnds(call.id, leg.who or "", wrap_up=False),)
    if leg.kind == "via":
        return _via_left(leg_gone(call, leg.id, now, str(event.cause)), leg, now)
    if leg.state is not LegState.JOINED:
        return party_not_joined(call, event, leg, now, rules)
    call = leg_gone(out_of_bridge(call, leg.id, now), leg.id, now, str(event.cause))
    call, marks = hear(call, now)
    if leg.kind in ("third", "line"):
        return _further_left(call, leg, event, marks, now, rules)
    return _seat_left(call, leg, event, marks, now, rules)


def _via_left(call: Call, leg: Leg, now: float) -> Result:
    rung = any(p.asking == leg.id for p in pending(call))
    if not rung and not any(x.via == leg.id for x in call.talkers):
        return call, ()
    return replace(call, timers=(*call.timers, (f"via:{leg.id}", now + VIA_SECONDS))), ()


def _further_left(
    call: Call, leg: Leg, event: e.LegLeft, marks: tuple[c.Command, ...], now: float, rules: Rules
) -> Result:
    alone = not call.talkers
    party = call.party_of(leg.id)
    if alone and event.cause == PARTNER_LEFT:
        # The caller's own end follows within milliseconds.
        call = replace(call, timers=(("alone", now + ALONE_SECONDS),))
    call, out = party_gone(call, leg, event, now)
    if not alone or event.cause == PARTNER_LEFT:
        return call, (*marks, *out)
    after = party.line.after if party is not None and party.line is not None else "return"
    if after == "end" and event.cause == NORMAL_CLEARING and not leg.cancelled and not pending(call):
        call, company = end_company(call, now)
        return call, (*marks, *out, *company, c.HangUp(call.id, call.channel))
    call, last = nobody_left(call, now, rules, said=words.party_left())
    return call, (*marks, *out, *last)


def _seat_left(
    call: Call, leg: Leg, event: e.LegLeft, marks: tuple[c.Command, ...], now: float, rules: Rules
) -> Result:
    assert leg.who is not None
    ends = (*marks, c.TalkEnds(call.id, leg.who))
    if call.talkers:
        # The others talk on; a consultation is brought to the caller, as a phone's hang-up does it.
        call = note(call, now, "seat_left", seat=leg.who)
        call = _asked_no_more(call, leg)
        call, more = settle(rooms_after(call, leg, now), now)
        return call, (*ends, *more)
    if event.cause == PARTNER_LEFT:
        # The caller's own end follows within milliseconds. Should it not (the caller was taken out of
        # the talk but lives), it is given back to the queue after a moment.
        return replace(call, timers=(("alone", now + ALONE_SECONDS),)), ends
    on_purpose = event.cause == NORMAL_CLEARING and not leg.cancelled
    if any(p.private or p.how == "emergency" for p in pending(call)):
        # The caller waits in the music for who rings; if nobody comes of it, for another seat.
        call = note(call, now, "seat_left" if on_purpose else "seat_lost", seat=leg.who)
        return _asked_no_more(call, leg), ends
    if on_purpose and leg.room == TALK:
        # The seat hung up. The caller is released by us; should we die before that, the caller is in
        # the waiting loop and reconciliation gives it a human again.
        call, company = end_company(call, now)
        call = note(call, now, "seat_hung_up", seat=leg.who)
        return call, (*ends, *company, c.HangUp(call.id, call.channel))
    call = note(call, now, "seat_lost", seat=leg.who, cause=event.cause)
    # What it was to hear before the talk is not true any more: nobody_left takes it back.
    call, more = nobody_left(call, now, rules)
    return call, (*ends, *more)


def _asked_no_more(call: Call, leg: Leg) -> Call:
    """Who was asked for by a seat that has left is for the caller now."""
    for party in call.parties:
        if party.asking == leg.id and party.how == "consult":
            call = with_party(call, party.id, how="transfer")
    for other in call.legs:
        if other.goal == f"beside:{leg.id}" and other.state is not LegState.GONE:
            call = with_leg(call, other.id, room=TALK)
    return call


def waits_alone(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The caller is in the waiting loop although we thought it talked: found by reconciliation, or because its end
    did not follow the seat's. Also the other timers of a talk."""
    if isinstance(event, e.TimerFired) and event.timer != "alone":
        return _timer(call, event.timer, now, rules)
    call = replace(call, timers=tuple(t for t in call.timers if t[0] != "alone"))
    if call.talkers or any(p.private or p.how == "emergency" for p in pending(call)):
        return call, ()  # held, or waits for who rings
    call, company = end_company(call, now)
    call, more = enqueue(note(call, now, "waiting"), now, call.demand or rules.default_demand, rules)
    return call, (*company, *more, c.InQueue(call.id))


def _timer(call: Call, timer: str, now: float, rules: Rules) -> Result:
    kind, _, which = timer.partition(":")
    if kind == "party":
        return party_timer(call, which, now, rules)
    if kind == "rooms":
        return settle_again(call, now)
    if kind == "via":
        call = replace(call, timers=tuple(t for t in call.timers if t[0] != timer))
        out: list[c.Command] = []
        for leg in call.talkers:
            if leg.via == which and leg.room == SIDE:
                call = with_leg(call, leg.id, cancelled=True)
                out.append(c.CancelLeg(call.id, leg.id))
        for party in pending(call):
            if party.asking == which:
                call, more = _second_line_over(call, party, now)
                out += more
        return call, tuple(out)
    return call, ()


def _second_line_over(call: Call, party: Party, now: float) -> Result:
    """Who still rings for a second line that is over. If its seat is there, it has thought better of it; else its
    phone has transferred the caller before there was an answer: who rings comes to the caller."""
    via = call.leg(party.asking)
    if any(x.kind in ("seat", "third") and via is not None and x.who == via.who for x in call.talkers):
        call, out = end_party(call, party, now, "withdrawn")
        call, more = settle(call, now)
        return call, (*out, *more)
    call = with_party(call, party.id, how="transfer", asking="")
    if party.offer is not None:
        call = with_leg(call, party.offer.leg, room=TALK, via="")
    return call, ()


def caller_left(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The caller's channel is gone, wherever it was."""
    assert isinstance(event, e.CallerLeft)
    out: list[c.Command] = [c.Withdraw(call.id), *give_offer_up(call)]
    if call.offer is not None:
        call = leg_gone(call, call.offer.leg, now, OfferOutcome.WITHDRAWN.value)
    staying = _staying(call)
    call, company = end_company(call, now, "caller_left", keep=staying)
    out += company
    state = S.STAYING if staying else S.ENDED
    talked = call.joined_at is not None
    seat = call.main_seat
    if not staying and seat is not None and seat.who is not None:
        state = S.WRAP_UP
        out += [c.TalkEnds(call.id, seat.who), c.CancelLeg(call.id, seat.id)]
    elif not staying and talked and call.seat is not None and _just_left(call, call.seat):
        state = S.WRAP_UP
        out.append(c.TalkEnds(call.id, call.seat))
    usual = "lost" if event.cause == e.LOST else "served" if talked else "abandoned"
    if call.state is S.IN_FLOW and not talked and call.reason == PROBE:
        usual = PROBE
    special = {S.VOICEMAIL: "voicemail", S.NATIVE: "lost" if event.cause == e.LOST else "native",
               S.LEAVING: "callback" if call.called_back or not call.turned else "turned_away"}  # fmt: skip
    outcome = special.get(call.state, usual)
    for leg in call.legs:
        if leg.kind == "seat" and leg.state is LegState.JOINED and leg.id not in staying:
            call = leg_gone(call, leg.id, now, str(NORMAL_CLEARING))
    call = leg_gone(out_of_bridge(call, call.id, now), call.id, now, str(event.cause))
    call = note(call, now, "caller_left", state=call.state.value, cause=event.cause)
    call = replace(
        call, state=state, ended_at=now, outcome=outcome, offer=None, session=None, timers=(), playing=None,
        tell_at=None,
    )  # fmt: skip
    call, _ = hear(call, now)
    return call, tuple(out)


def _just_left(call: Call, seat: str) -> bool:
    """Whether the seat's own end came first, as it does when the caller hangs up (cause 31): its wrap-up is still
    this call's. A seat that left the talk to others has finished with it."""
    last = next((x for x in reversed(call.legs) if x.who == seat and x.kind == "seat"), None)
    return last is not None and last.state is LegState.GONE and last.cause != "transferred" and not any(
        x.joined_at is not None and x.kind in TALKERS and x.who != seat
        and (x.ended_at or 0.0) > (last.ended_at or 0.0) for x in call.legs
    )  # fmt: skip


def _staying(call: Call) -> frozenset[str]:
    """Legs that talk on without the caller: a seat of ours with somebody else, in one bridge (a seat and 120 after
    the caller's line broke). They are recorded no more: the recording is of the caller's channel."""
    seat = call.main_seat
    if seat is None or not seat.bridge or seat.cancelled:
        return frozenset()
    others = [x for x in call.talkers if x.id != seat.id and x.bridge == seat.bridge and not x.cancelled]
    return frozenset({seat.id, *(x.id for x in others)}) if others else frozenset()


def staying_left(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """One of those who talk on has left: a last one is released, and the seat's wrap-up begins."""
    assert isinstance(event, e.LegLeft)
    leg = call.leg(event.leg)
    if leg is None or leg.state is LegState.GONE:
        return call, ()
    was_joined = leg.state is LegState.JOINED
    call = leg_gone(out_of_bridge(call, leg.id, now), leg.id, now, str(event.cause))
    out: list[c.Command] = []
    if was_joined and leg.kind in ("seat", "third") and leg.who is not None:
        out.append(c.TalkEnds(call.id, leg.who, wrap_up=leg.kind == "seat"))
    if len(call.talkers) > 1 and call.main_seat is not None:
        return call, tuple(out)
    for rest in call.talkers:
        out.append(c.CancelLeg(call.id, rest.id))
        if rest.kind in ("seat", "third") and rest.who is not None:
            out.append(c.TalkEnds(call.id, rest.who, wrap_up=rest.kind == "seat"))
        call = leg_gone(call, rest.id, now, "talk over")
    call, company = end_company(call, now)
    return note(replace(call, state=S.WRAP_UP), now, "talk_over"), (*out, *company)


# ---------------------------------------------------------------------- afterwards
def wrapped_up(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """The seat has finished."""
    assert isinstance(event, e.WrapUpDone)
    if event.seat != call.seat:
        return call, ()  # a seat that was lost earlier in this call; another one has served it since
    return note(replace(call, state=S.ENDED), now, "wrapped_up", seat=event.seat), ()


def draft(call: Call, event: e.Event, now: float, rules: Rules) -> Result:
    """A draft ticket exists."""
    assert isinstance(event, e.DraftMade)
    return note(replace(call, ticket=event.ticket), now, "draft", ticket=event.ticket), ()
