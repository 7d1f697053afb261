"""The switch's truth against ours, after a reconnect, a restart, and now and then for certain.

Pure: calls and a snapshot in, events out. The events go the ordinary way (journal, step), so that a
reconciled call looks like any other. What began after the snapshot was asked for is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from . import events as e
from ._rooms import ALONE
from .model import LIVE, OUTBOUND, TALKERS, Call, CallState, LegState
from .ports import ChannelView, Place, Snapshot

S = CallState
GREETED = 4.0
"""Seconds that a greeting takes, about."""
MARGIN = 0.5
"""Seconds before the request within which our newer knowledge wins."""
Bridges = dict[str, list[ChannelView]]
"""Bridge → who is in it: with thousands waiting, looking through all channels for each would take a second."""


OUT = "out-"
"""Begins the id of an outbound call."""
_LEG_FIRST = "leg-"


def split_leg(leg_id: str) -> tuple[str, str] | None:
    """A seat leg's id is "<call>~<seat>~<n>": (call, seat), or None for other channels."""
    parts = leg_id.removeprefix(_LEG_FIRST).split("~")
    return (parts[0], parts[1]) if len(parts) == 3 else None


def leg_id(call: str, seat: str, n: int) -> str:
    """The id of the n-th seat leg of a call: also the id of its offer.

    Asterisk takes a new channel's id for used when it is the beginning of another one's. Of an outbound call
    the seat's leg is made first: so its id must not begin with the call's.
    """
    return f"{_LEG_FIRST if call.startswith(OUT) else ''}{call}~{seat}~{n}"


def reconcile(
    calls: Mapping[str, Call], snapshot: Snapshot, ended: Collection[str] = (), *, after_gap: bool = False
) -> tuple[list[e.Event], list[str]]:
    """Returns events that bring our calls to the switch's truth, and orphan legs to be hung up.

    Args:
        calls: ours, by id.
        snapshot: the switch's.
        ended: calls that ended lately: their channels may still be in the snapshot.
        after_gap: what we know is all older than the snapshot, and events have been missed. Only a leg that was just
            asked for, and of which nothing has been heard, may not be there yet.
    """
    views = {v.id: v for v in snapshot.channels}
    bridges: Bridges = {}
    for view in snapshot.channels:
        if view.bridge is not None:
            bridges.setdefault(view.bridge, []).append(view)
    before = snapshot.asked_at - MARGIN
    out: list[e.Event] = []
    for call in calls.values():
        if not snapshot.covers(call.id) or (call.arrived_at >= before and not after_gap):
            continue
        if call.arrived_at >= snapshot.asked_at:
            continue  # it came while the answer was on its way: nothing is said of it
        if call.state in OUTBOUND:
            out += _outbound(call, views, bridges, before)
        elif call.state is S.STAYING:
            gone = (x for x in call.legs if x.state is not LegState.GONE and x.id not in views)
            out += (e.LegLeft(call.id, x.id, 0) for x in gone)
        elif call.state in LIVE:
            out += _known(call, views, bridges, before, after_gap, cause_of_end(snapshot, call.id, call.arrived_at))
    out += _unknown(calls, views, bridges, ended)
    orphans = _orphans(calls, views, ended)
    return out, orphans


def _born(snapshot: Snapshot, call: str) -> float:
    """When the run of the call's switch began, as far as we know."""
    names = [x for x in snapshot.born if not x or call.startswith(f"{x}-") or call.endswith(f".{x}")]
    return snapshot.born[max(names, key=len)] if names else 0.0


def cause_of_end(snapshot: Snapshot, call: str, arrived_at: float) -> int:
    """Why a caller's channel is not there: a switch that began after the call came has none of the calls of the one
    before."""
    return e.LOST if arrived_at < _born(snapshot, call) else 0


def _known(
    call: Call, views: Mapping[str, ChannelView], bridges: Bridges, before: float, after_gap: bool, ended: int = 0
) -> Iterable[e.Event]:
    caller = views.get(call.id)
    if caller is None:
        own = call.leg(call.id)
        # A caller who is called back has a younger channel than the call: the list may be of before.
        if call.direction != "out" or own is None or own.started_at < before:
            yield e.CallerLeft(call.id, ended)
        return
    joined = False
    for leg in call.legs:
        if leg.kind == "caller":
            continue
        if leg.kind == "via":
            if leg.state is not LegState.GONE and leg.id not in views and leg.started_at < before:
                yield e.LegLeft(call.id, leg.id, 0)
            continue
        # Not what was heard after the switch was asked: its answer may be of before the leg was made.
        told = max(leg.started_at, leg.placed_at)
        heard = after_gap and leg.state is not LegState.DIALLING and told < before + MARGIN
        if leg.state is LegState.GONE or (leg.started_at >= before and not heard):
            joined = joined or (leg.kind in TALKERS and leg.state is LegState.JOINED)
            continue
        view = views.get(leg.id)
        if view is not None and leg.state is LegState.JOINED and leg.placed_at >= before:
            joined = True
            continue
        if view is None:
            # We do not know why it ended. A talk's end is a lost seat: the caller gets another human. A
            # leg that never joined may never have been made (killed before the command): no seat's fault.
            cause = 0 if leg.state is LegState.JOINED else e.NEVER_RUNG
            yield e.LegLeft(call.id, leg.id, cause)
        elif leg.kind == "observer":
            continue  # listens: is in no bridge with anybody
        elif view.bridge is not None and len(bridges[view.bridge]) > 1:
            # In a talk: with the caller or aside. Which, is the bridge's word.
            joined = True
            if leg.state is not LegState.JOINED or leg.bridge != view.bridge:
                yield e.LegJoined(call.id, leg.id, leg.who or "", view.bridge, found=True)
        elif leg.state is LegState.JOINED:
            joined = True  # alone in the music: what is to become of it is the rooms' matter
            if leg.bridge:
                yield e.LegJoined(call.id, leg.id, leg.who or "", ALONE)
    own = call.leg(call.id)
    if call.state is S.TALKING and _has_company(caller, bridges) and own is not None and own.bridge != caller.bridge:
        yield e.LegJoined(call.id, call.id, "", caller.bridge or "", found=True)
    native = caller.place is Place.NATIVE
    if caller.bridge is not None and (native or not joined):
        yield from _talk_not_in_the_books(call, bridges[caller.bridge], before, native=native)
    if native:
        # With somebody, or held by its seat: it comes back by itself when the four seconds in that queue are over.
        if call.state is not S.NATIVE and not joined and not _has_company(caller, bridges):
            yield e.WentNative(call.id)
    elif caller.place is Place.WAITING and not joined and not _has_company(caller, bridges):
        if call.state not in (S.WAITING, S.OFFERED) and not _just_told(call, before):
            yield e.Waits(call.id)
    elif caller.place is Place.VOICEMAIL and call.state is not S.VOICEMAIL:
        yield e.VoicemailBegan(call.id)
    elif caller.place is Place.FLOW and call.state is S.ARRIVED:
        yield e.FlowStarted(call.id)
    elif caller.place is Place.FLOW and call.state is S.IN_FLOW and after_gap and call.playing and not caller.hears:
        # Its prompt ended while nobody listened, or was never begun: the flow goes on from there.
        yield e.PromptsDone(call.id, call.playing)


def _outbound(call: Call, views: Mapping[str, ChannelView], bridges: Bridges, before: float) -> Iterable[e.Event]:
    """A call that we make, until its talk. A channel that is not there was never made, or ended unseen: no
    attempt is counted. A caller who has answered is somebody who waits."""
    for leg in call.legs:
        if leg.kind == "seat" and leg.state is not LegState.GONE and leg.started_at < before and leg.id not in views:
            yield e.LegLeft(call.id, leg.id, e.NEVER_RUNG)
    caller = call.leg(call.id)
    if call.state is not S.DIALLING or caller is None or caller.started_at >= before:
        return
    view = views.get(call.id)
    if view is None:
        yield e.CallerLeft(call.id, e.NEVER_RUNG)
    elif view.place is Place.NATIVE:
        yield e.WentNative(call.id)
    elif view.bridge is not None and _has_company(view, bridges):
        found = _seats_in(bridges[view.bridge], call.id)
        yield from (e.LegJoined(call.id, v.id, who, view.bridge) for v, who in found)
    elif view.place is Place.WAITING:
        yield e.Waits(call.id)


def _seats_in(
    together: Iterable[ChannelView], call: str, *, native: bool = False
) -> Iterable[tuple[ChannelView, str]]:
    """The seats' channels among those of a bridge; `native`: also those that the switch's own queue has made."""
    for view in together:
        names = split_leg(view.id)
        if names is not None and names[0] == call:
            yield view, names[1]
        elif native and view.seat and view.id != call:
            yield view, view.seat


def _just_told(call: Call, before: float) -> bool:
    """A last word that was ordered just now: the snapshot may be older than its being heard."""
    return call.state is S.LEAVING and bool(call.timeline) and call.timeline[-1].at >= before


def _has_company(caller: ChannelView, bridges: Bridges) -> bool:
    """Whether anybody else is in the caller's bridge. A waiting caller is alone in a holding bridge."""
    return caller.bridge is not None and any(v.id != caller.id for v in bridges[caller.bridge])


def _talk_not_in_the_books(
    call: Call, together: Iterable[ChannelView], before: float, *, native: bool = False
) -> Iterable[e.Event]:
    """A seat talks with the caller over a leg that we never had (lost with the journal's last second) or
    had given up: without this the caller stays in the queue and other seats are rung for it."""
    for view, who in _seats_in(together, call.id, native=native):
        leg = call.leg(view.id)
        if leg is None or (leg.state is LegState.GONE and (leg.ended_at is None or leg.ended_at < before)):
            yield e.LegJoined(call.id, view.id, who, view.bridge or "")


def _unknown(
    calls: Mapping[str, Call], views: Mapping[str, ChannelView], bridges: Bridges, ended: Collection[str]
) -> Iterable[e.Event]:
    """Callers whose arrival we did not see: into our books, from where they are now, who came first first."""
    # A seat's channel that the switch's own queue has made has an id as a caller's; wherever it is, it is a leg.
    known = {*calls, *ended, *(leg.id for call in calls.values() for leg in call.legs)}
    for view in sorted(views.values(), key=_age):
        if view.place in (Place.SEAT, Place.CALLBACK, Place.OTHER) or view.id in known:
            continue
        yield e.Arrived(view.id, view.name, view.dialled, view.number, view.caller_name, found=True)
        if view.place is Place.NATIVE:
            yield e.WentNative(view.id)
            for other, who in _seats_in(bridges.get(view.bridge or "", ()), view.id, native=True):
                yield e.LegJoined(view.id, other.id, who, view.bridge or "")
        elif view.place is Place.WAITING:
            together = bridges.get(view.bridge or "", ())
            partner = next((v for v in together if v.place is Place.SEAT), None)
            names = split_leg(partner.id) if partner is not None else None
            if partner is not None and names is not None:
                yield e.LegJoined(view.id, partner.id, names[1], view.bridge or "")
            else:
                yield e.Waits(view.id)
        elif view.place is Place.VOICEMAIL:
            yield e.VoicemailBegan(view.id)
        elif view.place is Place.FLOW:
            yield e.FlowStarted(view.id)


def _age(view: ChannelView) -> tuple[float, int]:
    """Who came first first; within one second by the number at the end of its id."""
    number = view.id.rpartition(".")[2]
    return -view.age, int(number) if number.isdecimal() else 0


def dated(events: Iterable[e.Event], snapshot: Snapshot, calls: Mapping[str, Call]) -> Iterable[e.Input]:
    """Arrivals that are found with the time when they were: the beginning of their recording. Who is found waiting and
    was not known to wait has done so since its greeting: that is its rank, not the moment at which we looked."""
    ages = {v.id: v.age for v in snapshot.channels}
    for n, event in enumerate(events):
        known = calls.get(event.call)
        arrived = snapshot.asked_at - ages.get(event.call, 0.0) if known is None else known.arrived_at
        if type(event) is e.Arrived:
            yield e.Past(event, arrived + n * 1e-6)
        elif type(event) is e.Waits and (known is None or known.state is S.ARRIVED):
            yield e.Past(event, min(snapshot.asked_at, arrived + GREETED) + n * 1e-6)
        else:
            yield event


def _orphans(calls: Mapping[str, Call], views: Mapping[str, ChannelView], ended: Collection[str]) -> list[str]:
    """Seat legs that no call of ours has, or that it gave up, and that talk to nobody."""
    out = []
    count: dict[str, int] = {}
    for view in views.values():
        if view.bridge is not None:
            count[view.bridge] = count.get(view.bridge, 0) + 1
    crowded = {bridge for bridge, n in count.items() if n > 1}
    for view in views.values():
        names = split_leg(view.id)
        # One that waits for its partner is alone in a holding bridge.
        if names is None or view.age < 2.0 or (view.bridge is not None and view.bridge in crowded):
            continue
        call = calls.get(names[0])
        leg = call.leg(view.id) if call is not None else None
        if leg is None or leg.state is LegState.GONE:
            out.append(view.id)
    return out
