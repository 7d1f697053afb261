"""The diagrams and the table in docs/architecture.md, made from the code so that they cannot drift.

    python -m calls.diagram            writes them between their markers
    python -m calls.diagram --check    fails when the document is stale

A table of handlers does not say which state an event leads to: handlers decide. So the real `step` is
walked: from a caller's arrival, every event that could come is given to every call that can be reached
(an offer, and a talk that nobody expected), and what comes out is what is drawn. The seat's diagram is
routing.SEAT_TABLE; its words are the operations of a real Dispatcher that make the change.
"""

from __future__ import annotations

import copy
import sys
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import ivr
from routing import SEAT_TABLE, Demand, Dispatcher, Line, OfferOutcome, Policy, Seat, SeatError, SeatState, Try, Waiting

from . import events as e
from .machine import NORMAL_CLEARING, PARTNER_LEFT, TABLE, Rules, step
from .model import PENDING_PARTY, SIDE, Call, CallState, LegState
from .reconcile import leg_id

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "architecture.md"
Edges = Mapping[tuple[str, str], frozenset[str]]
"""(from, what happens) → states it can lead to, the same state among them."""

_CALL = "call"
_NOW, _LATE = 1000.0, 2000.0
_OFFERS = 1
_LINE = Line("110", "110", (Try("line-police", "110", 10.0, "110", "110"),), emergency=True)
_FLOW = ivr.Flow("any", "0", "", "zh", "", "", {}, {})


class DiagramError(Exception):
    """The document cannot be made or is stale; the message says how to mend it."""


class _AnyFlow:
    """A flow that asks nothing: what is asked never changes a call's state, only where it leads."""

    def flow_of(self, reference: str) -> ivr.Flow | None:
        return _FLOW


# ---------------------------------------------------------------------- calls
def _possible(call: Call) -> Iterator[tuple[e.Event, float]]:
    """Everything that could happen to this call next, likely or not."""
    for plain in (e.FlowStarted, e.Waits, e.VoicemailBegan, e.WentNative):
        yield plain(call.id), _NOW
    yield e.CallerLeft(call.id, NORMAL_CLEARING), _NOW
    yield e.PromptsDone(call.id, call.playing or ""), _NOW
    yield e.DigitPressed(call.id, "0"), _NOW
    for timer in ("offer", "tell", "party:t", "rooms", *(name for name, _ in call.timers)):
        yield e.TimerFired(call.id, timer), _LATE
    if call.offers < _OFFERS:
        seat = f"800{call.offers + 1}"
        leg = leg_id(call.id, seat, call.offers + 1)
        yield e.Offered(call.id, leg, seat, leg, _NOW), _NOW
    causes = (0, NORMAL_CLEARING, PARTNER_LEFT, e.NEVER_RUNG, 17)
    yield e.Told(call.id, ("hotline/zh/all-busy",), "position"), _NOW
    yield e.CallbackAsked(call.id), _NOW
    yield e.CallerAnswered(call.id, "PJSIP/out-1"), _NOW
    if not call.parties:
        asking = call.main_seat.id if call.main_seat is not None else ""
        for how in ("join", "consult", "transfer"):
            yield e.PartyWanted(call.id, "t", how, Demand().json(), asking=asking), _NOW
        yield e.PartyWanted(call.id, "t", "emergency", None, _LINE.json(), asking=asking), _NOW
    yield e.PartyUnwanted(call.id, "t"), _NOW
    yield e.ContextKnown(call.id, {"kind": "help"}), _NOW
    for one in call.talkers:
        for what in ("hold", "resume", "swap", "join", "complete", "return", "leave", "mute"):
            yield e.Arranged(call.id, what, one.id), _NOW
        yield e.Requeued(call.id, Demand().json(), one.id), _NOW
        if not call.parties:
            yield e.Referred(call.id, one.id, "110", "r", None, _LINE.json(), Demand().json()), _NOW
            yield e.Referred(call.id, one.id, "999"), _NOW
        yield e.Spoke(call.id, one.id, 1.0), _NOW
    if call.party("t") is not None and call.offers < _OFFERS + 1:
        leg = leg_id(call.id, "8005", 5)
        yield e.Offered(call.id, leg, "8005", leg, _NOW, part="t"), _NOW
    if call.seat is not None and call.offers < _OFFERS + 1 and not call.parties:
        beside = next((x.id for x in call.legs if x.kind == "seat" and x.state is LegState.JOINED), "")
        for mode in ("listen", "takeover"):
            yield e.ObserverWanted(call.id, "8006", leg_id(call.id, "8006", 6), beside, mode=mode), _NOW
    for known in call.legs:
        yield e.LegReady(call.id, known.id), _NOW
        if known.state is not LegState.GONE:
            yield e.LegJoined(call.id, known.id, known.who or ""), _NOW
        yield e.LegRinging(call.id, known.id), _NOW
        yield from ((e.LegLeft(call.id, known.id, cause), _NOW) for cause in causes)
        if known.who is not None:
            yield e.WrapUpDone(call.id, known.who), _NOW
    # A talk found in the switch that is not in our books (reconciliation).
    if not call.talkers and not call.parties:
        yield e.LegJoined(call.id, leg_id(call.id, "8009", 9), "8009"), _NOW
    yield e.DraftMade(call.id, "ticket"), _NOW


def _alike(call: Call) -> Hashable:
    """Calls of one value here behave alike; times, texts and counts are left out."""
    living = [x for x in call.legs if x.state is not LegState.GONE]
    joined = {x.kind for x in living if x.state is LegState.JOINED}
    sought = [p for p in call.parties if p.state in PENDING_PARTY]
    return (call.state, call.offer is not None, frozenset(joined), len(call.talkers) > 1,
            any(x.state is not LegState.JOINED for x in living), any(x.room == SIDE for x in call.talkers),
            any(x.cancelled for x in living), any(p.private for p in sought), any(not p.private for p in sought),
            min(call.offers, 2), call.seat is None, call.session is None, call.joined_at is None, bool(call.timers),
            call.direction, call.answered_at is None)  # fmt: skip


@cache
def call_edges() -> Edges:
    """What each event does in each state of a call, found by walking `step`.

    Raises:
        DiagramError: the table has a pair that no call ever reaches.
    """
    rules = Rules(_AnyFlow(), Demand(), 15.0)
    first, _ = step(None, e.Arrived(_CALL, "PJSIP/trunk-1", "12345", flow="any@0"), _NOW, rules)
    out, _ = step(None, e.CallbackDue(_CALL, "cb", "13800000000", demand=Demand().json()), _NOW, rules)
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    seen, todo = {_alike(first), _alike(out)}, [first, out]
    while todo:
        call = todo.pop()
        for event, now in _possible(call):
            if type(event) not in TABLE[call.state]:
                continue
            after, _ = step(call, event, now, rules)
            found[call.state.value, type(event).__name__].add(after.state.value)
            key = _alike(after)
            if key not in seen:
                seen.add(key)
                todo.append(replace(after, timeline=()))
    rows = {(state.value, event.__name__) for state, row in TABLE.items() for event in row}
    if missing := rows - set(found):
        names = ", ".join(f"{state}/{event}" for state, event in sorted(missing))
        raise DiagramError(f"calls.machine.TABLE: no call ever reaches {names}; remove it, or teach calls.diagram")
    return {key: frozenset(value) for key, value in found.items()}


# ---------------------------------------------------------------------- seats
def _operations() -> dict[str, Callable[[Dispatcher], object]]:
    """What can be done to the one seat of a dispatcher, in the words of the diagram."""
    def offer(d: Dispatcher) -> None:
        d.enqueue(Waiting(_CALL, Demand(), _NOW))
        d.match(_LATE, lambda call, seat: "offer")
        d.withdraw(_CALL)

    def ends(outcome: OfferOutcome) -> Callable[[Dispatcher], object]:
        return lambda d: d.offer_ended("8001", "offer", outcome, _NOW)

    ask = {f"asked {state}": lambda d, s=state: d.ask("8001", s, _NOW)
           for state in (SeatState.AVAILABLE, SeatState.BREAK, SeatState.OFFLINE)}  # fmt: skip
    return {
        "phone up": lambda d: d.phone_up("8001", _NOW),
        "phone down": lambda d: d.phone_down("8001", _NOW),
        **ask,
        "forced rest": lambda d: d.rest("8001", _NOW),
        "a supervisor's break": lambda d: d.ask("8001", SeatState.BREAK, _NOW, force=True),
        "reset": lambda d: d.reset("8001", _NOW),
        "offer": offer,
        "rings": lambda d: d.ringing("8001", "offer", _NOW),
        "joined": lambda d: d.talking("8001", _CALL, "offer", _NOW),
        "withdrawn": ends(OfferOutcome.WITHDRAWN),
        "missed": ends(OfferOutcome.NO_ANSWER),
        "unreachable": ends(OfferOutcome.UNREACHABLE),
        "talk over": lambda d: d.talk_ended("8001", _CALL, _NOW),
        "wrapped up": lambda d: d.wrap_up_done("8001", _NOW),
        "time over": lambda d: d.expire(_NOW + 1e6),
    }


def seat_edges() -> Edges:
    """Changes of a seat's state and the operations that make them, found by driving a dispatcher.

    Raises:
        DiagramError: a change of routing.SEAT_TABLE that no operation makes.
    """
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    # With and without a wrap-up: a centre may have none.
    for policy in (Policy(), Policy(wrap_up=0.0)):
        first = Dispatcher([Seat("8001", "", "330000")], policy)
        seen, todo = {_seat_alike(first)}, [first]
        while todo:
            dispatcher = todo.pop()
            for name, act in _operations().items():
                after = copy.deepcopy(dispatcher)
                try:
                    act(after)
                except SeatError:
                    continue
                after.take_changes()
                found[dispatcher.seat("8001").state.value, name].add(after.seat("8001").state.value)
                key = _seat_alike(after)
                if key not in seen:
                    seen.add(key)
                    todo.append(after)
    # A seat in its wrap-up that is found talking takes two steps at once, by way of available.
    found = {k: {new for new in news if new == k[0] or new in SEAT_TABLE[SeatState(k[0])]} for k, news in found.items()}
    made = {(old, new) for (old, _), news in found.items() for new in news if new != old}
    table = {(old.value, new.value) for old, row in SEAT_TABLE.items() for new in row if new != old}
    if missing := table - made:
        names = ", ".join(f"{old} to {new}" for old, new in sorted(missing))
        raise DiagramError(f"routing.SEAT_TABLE: nothing ever makes {names}; remove it, or teach calls.diagram")
    return {key: frozenset(value) for key, value in found.items()}


def _seat_alike(dispatcher: Dispatcher) -> Hashable:
    seat = dispatcher.seat("8001")
    phone = "phone" in (seat.reason or "")
    return seat.state, seat.call, seat.offer, seat.wanted, min(seat.missed, 2), phone, seat.phone_gone


# ---------------------------------------------------------------------- texts
def state_diagram(edges: Edges, start: str, begins: str = "", end: str | None = None) -> str:
    """Mermaid: one arrow for each pair of states, with everything that leads along it."""
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (old, what), news in edges.items():
        for new in sorted(news - {old}):
            arrows[old, new].append(what)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {start}" + (f": {begins}" if begins else "")]
    lines += [f"    {old} --> {new}: {'<br/>'.join(sorted(whats))}" for (old, new), whats in sorted(arrows.items())]
    if end is not None:
        lines.append(f"    {end} --> [*]")
    return "\n".join([*lines, "```"])


def table_text(edges: Edges) -> str:
    """Markdown: state, event, what becomes of the call."""
    lines = ["| state | event | becomes |", "|---|---|---|"]
    for state in CallState:
        for event in sorted(kind.__name__ for kind in TABLE[state]):
            news = edges[state.value, event]
            words = [f"**{s.value}**" if s is not state else "stays" for s in CallState if s.value in news]
            lines.append(f"| {state.value} | {event} | {' or '.join(words)} |")
    return "\n".join(lines)


def parts() -> dict[str, str]:
    """Marker → generated text."""
    calls = call_edges()
    return {
        "call-states": state_diagram(calls, CallState.ARRIVED.value, "Arrived", CallState.ENDED.value),
        "call-table": table_text(calls),
        "seat-states": state_diagram(seat_edges(), SeatState.OFFLINE.value),
    }


def renewed(text: str) -> str:
    """A document with its generated parts made anew. Raises DiagramError when a marker is missing."""
    for name, made in parts().items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise DiagramError(f"no markers '{begin}' … '{end}': put them where the diagram belongs")
        text = f"{before}{begin}\n{made}\n{end}{after}"
    return text


def main(arguments: list[str], document: Path = DOCUMENT) -> int:
    """Writes or checks the document; returns the exit code."""
    old = document.read_text(encoding="utf-8")
    try:
        new = renewed(old)
    except DiagramError as error:
        print(f"{document.name}: {error}", file=sys.stderr)
        return 1
    if "--check" in arguments:
        if new != old:
            print(f"{document.name} is stale: run python -m calls.diagram and commit it", file=sys.stderr)
            return 1
        return 0
    document.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
