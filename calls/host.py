"""Who looks after callers beyond one call: plans their demand, tells them how long they wait, remembers whom
to call back, minds the operating mode and the duty roster.

The engine asks it at fixed places and journals what it says as events and rows; it does no I/O itself.
What it learns by watching (handling times, who called lately) is rebuilt or rows of the journal:

    callbacks   the callback list                       must never be lost: in the batch of what caused it
    restrictions  the list of restricted callers        likewise
    control     operating mode, known incidents         likewise
    callers     a number's last calls                   a lost one costs nobody a place
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from routing import (
    CallbackBook,
    CallbackError,
    Demand,
    Dispatcher,
    Estimator,
    Facts,
    Incident,
    Load,
    ModeControl,
    Policy,
    RestrictionBook,
    RoutingBook,
    Seat,
    SeatState,
    Step,
    WaitingRules,
)

from . import _words as words
from . import events as e
from ._memory import CallerMemory
from ._outside import Outside
from ._restricted import last_in_line, restricted
from .model import PROBE, Call, CallState
from .reconcile import OUT

log = logging.getLogger(__name__)
S = CallState
THRESHOLDS = "thresholds"
GOOD_WAIT = 15.0
"""GB/T 33358: answered by a human within 15 s."""
LOAD_WINDOW = 300.0
MANY = 500
"""Callers in the queue beyond which each is told less often."""
TICK = 1.0
TIDY = 60.0
"""Seconds between looks for restrictions that are over. None holds a moment longer for it."""
MODE_KEY = "mode"
SAME_SEAT = 20.0
"""Seconds for which the seat that talked with a caller whom we cut off is tried alone."""
REACHED = frozenset({"served", "voicemail", "native"})
NOT_REACHED = frozenset({"busy", "no_answer", "unreachable", "cancelled"})


Gate = Callable[[e.Arrived, float], e.Arrived]
"""Lets a caller in, or gives it back with `turned` (restriction list, limits, admission). Must not raise."""


class HostCounters:
    """For the metrics; see service.metrics."""

    def __init__(self) -> None:
        self.told = 0
        self.callbacks_made = 0
        self.callbacks_refused = 0
        self.errors: deque[float] = deque(maxlen=10_000)
        """Estimate − actual, seconds, of callers who were told one; taken by the metrics."""


class Host:
    """See the module's text. One owner: the engine."""

    def __init__(self, dispatcher: Dispatcher, book: RoutingBook, *, can_call_out: bool = False) -> None:
        self.dispatcher = dispatcher
        self.can_call_out = can_call_out
        self.estimator = Estimator()
        self.memory = CallerMemory()
        self.callbacks = CallbackBook(book.callbacks)
        self.restrictions = RestrictionBook(book.restrictions)
        self.control = ModeControl(book.modes)
        self.outside = Outside()
        self.counters = HostCounters()
        self.out_suffix: Callable[[], str] = lambda: ""
        """Ends the id of a call that we make: ".<system name>" of the switch that rings, where there are several."""
        self.gates: list[Gate] = [self._restricted]
        """Asked in their order for each arrival, until one does not let it in."""
        self.incident_prompts: dict[tuple[str, str], str] = {}
        """(incident, language) → prompt file, where its words have been made into sound (by the service)."""
        self._answers: deque[tuple[float, bool]] = deque()
        self._offered_at: dict[str, float] = {}
        self._duty_at = 0.0
        self._ticked = 0.0
        self._tidied = 0.0
        self._policy = dispatcher.policy
        """As configured; a mode may shorten the wrap-up."""
        self._control_changed = False
        self._rows: list[tuple[str, str, dict[str, Any] | None]] = []
        self.book = book
        self._roster(0.0)

    # ------------------------------------------------------------------ configuration and recovery
    def configure(self, book: RoutingBook, now: float, policy: Policy | None = None) -> None:
        """New configuration; mode, incidents and open callbacks stay."""
        self.book = book
        self._policy = policy or self._policy
        self.callbacks.replace_rules(book.callbacks, now)
        self.restrictions.rules = book.restrictions
        self.control.modes = book.modes
        self._roster(now)
        self._obey()

    def recover(self, tables: Mapping[str, Mapping[str, Mapping[str, Any]]], calls: Iterable[Call], now: float) -> None:
        """Takes the rows of earlier processes. Entries that ran without a call are open again."""
        self.callbacks = CallbackBook(self.book.callbacks, tables.get("callbacks", {}).values())
        if self.callbacks.broken:
            log.error("callback list: %d rows cannot be read; they stay in the journal", self.callbacks.broken)
        self.restrictions = RestrictionBook(self.book.restrictions, tables.get("restrictions", {}).values())
        if self.restrictions.broken:
            log.error("restriction list: %d rows cannot be read; they restrict nobody", self.restrictions.broken)
        row = tables.get("control", {}).get(MODE_KEY)
        if row is not None:
            self.control = ModeControl.from_json(row, self.book.modes)
        running = {c.callback for c in calls if c.callback is not None}
        self.callbacks.only_running({i for i in running if i is not None}, now)
        self._roster(now)
        self._obey()

    def _obey(self) -> None:
        """The mode's shorter wrap-up, for those that begin from now on."""
        short = self.control.config.wrap_up
        policy = self._policy
        if short is not None and short < policy.wrap_up:
            policy = replace(policy, wrap_up=short)
        if policy != self.dispatcher.policy:
            self.dispatcher.policy = policy

    def _roster(self, now: float) -> None:
        self.dispatcher.set_centre_limits(self.book.limits())
        if now > 0:
            self.dispatcher.set_duty(self.book.duty(now), now)
            self._duty_at = self.book.next_duty_change(now)

    def take_rows(self) -> list[tuple[str, str, dict[str, Any] | None]]:
        """What is to be written with the batch at hand."""
        rows, self._rows = self._rows, []
        rows += [("callbacks", key, row) for key, row in self.callbacks.take_changes()]
        rows += [("restrictions", key, row) for key, row in self.restrictions.take_changes()]
        rows += [("callers", key, row) for key, row in self.memory.take_changes()]
        if self.outside.handovers is not None:
            rows += [("handovers", key, row) for key, row in self.outside.handovers.take_changes()]
        if self._control_changed:
            self._control_changed = False
            rows.append(("control", MODE_KEY, self.control.json()))
        return rows

    # ------------------------------------------------------------------ arriving
    def greet(self, event: e.Arrived, now: float) -> e.Arrived:
        """The arrival with what is known of the number, and with the gates' word whether it is let in."""
        if event.found and event.call.startswith(OUT):
            # The switch shows the number that the caller was shown. Whom it was, the list knows; else nobody does.
            entry = self.callbacks.get("-".join(event.call.removeprefix(OUT).split("-")[:2]))
            event = replace(event, number=entry.number if entry is not None else "")
        history = self.memory.of(event.number, now)
        if history:
            event = replace(event, history=history)
        for gate in self.gates:
            if not event.turned and not event.found:
                event = gate(event, now)
        return event

    def _restricted(self, event: e.Arrived, now: float) -> e.Arrived:
        digits, safe = self.outside.directory.emergency_digits, self.book.emergency_dialled
        return restricted(self.restrictions, digits, safe, event, now)

    def facts(self, call: Call, wish: Demand | None, now: float) -> Facts:
        """The caller as the planner sees it; `wish`: what its flow asked for."""
        if wish is None:
            return Facts(call.dialled, call.caller_number, history=call.history, now=now)
        return Facts(
            call.dialled, call.caller_number, wish.language, wish.skills, wish.centre, wish.priority, call.history, now
        )

    def plan(self, call: Call, wish: Demand | None, now: float) -> Demand:
        """What the caller needs of a seat."""
        demand = self.book.plan(self.facts(call, wish, now), self.control.mode)
        return last_in_line(self.restrictions, call, demand, now)

    def welcome(self, call: Call, now: float) -> list[e.Told]:
        """What a caller hears as soon as it waits: a known incident of its region, the mode's word.

        "We know, it is being mended": whoever called about it may hang up content; the others keep their place.
        """
        demand = call.demand
        if demand is None:
            return []
        prompts: list[str] = []
        told: list[str] = []
        config = self.control.config
        language = demand.language
        prompts += words.files(language, *config.announce)
        told += [f"mode:{config.name}"] if config.announce else []
        if self.waiting_rules().incidents:
            facts = self.facts(call, demand, now)
            for incident in self.book.incidents_for(facts, self.control.incidents(now)):
                spoken = self.incident_prompt(incident, language)
                if spoken is not None:
                    prompts.append(spoken)
                    told.append(f"incident:{incident.id}")
        if not prompts:
            return []
        self.counters.told += 1
        return [e.Told(call.id, tuple(prompts), "incident", {"why": " ".join(told)})]

    def incident_prompt(self, incident: Incident, language: str) -> str | None:
        """The file that says it, if there is one yet."""
        if incident.prompt:
            return words.files(language, incident.prompt)[0]
        return self.incident_prompts.get((incident.id, language)) or self.incident_prompts.get((incident.id, "zh"))

    def waiting_rules(self) -> WaitingRules:
        """As the present mode has them."""
        return self.book.waiting_rules(self.control.mode)

    # ------------------------------------------------------------------ waiting
    def tell(self, call: Call, now: float) -> e.Told:
        """What this waiting caller hears now; without prompts: nothing, and when to ask again."""
        demand, rules = call.demand, self.waiting_rules()
        if demand is None or call.waiting_since is None:
            return e.Told(call.id, again=rules.tell_every)
        waited = now - call.waiting_since
        serving = self.dispatcher.serving(demand)
        if serving == 0:
            return self._nobody(call, waited, rules)
        # Callers ahead count by the share of their seats that are this caller's too: a fraction.
        before = self.dispatcher.ahead(call.id, now)
        ahead = round(before)
        seconds = self.estimator.estimate(before, serving, now, self._class(demand))
        said: list[str] = []
        offer = self._may_offer_callback(call, rules) and (
            waited >= rules.callback_after or (seconds is not None and seconds >= rules.callback_wait)
        )
        long = seconds is not None and seconds >= rules.long_wait
        if long and seconds is not None:
            said += words.position(ahead)
            said += words.expected(seconds, rules.longest_told)
        if offer:
            said += words.callback_offer(rules.callback_key)
        # With very many waiting, words for all of them would cost the switch more than the music.
        again = rules.tell_every * max(1.0, self.dispatcher.waiting_count / MANY)
        if not said:
            # Short by all we know: music, and another look when the next thing might be said.
            if waited < rules.callback_after:
                again = min(again, max(1.0, rules.callback_after - waited))
            return e.Told(call.id, again=again)
        detail: dict[str, Any] = {"position": ahead + 1, "waited": round(waited, 1)}
        if long and seconds is not None:
            detail["seconds"] = round(seconds)
            self.estimator.told(call.id, seconds, now, self._class(demand))
        self.counters.told += 1
        what = "position" if long else "callback_offer"
        return e.Told(call.id, words.files(demand.language, *said), what, detail, again, callback=bool(offer))

    def _nobody(self, call: Call, waited: float, rules: WaitingRules) -> e.Told:
        """No seat is signed in that could ever serve: a message is better than music."""
        if not rules.voicemail or self.control.mode == "disaster":
            return e.Told(call.id, again=rules.tell_every)
        if waited < rules.voicemail_after:
            return e.Told(call.id, again=max(1.0, rules.voicemail_after - waited))
        language = call.demand.language if call.demand is not None else "zh"
        detail = {"waited": round(waited, 1), "seconds": 120.0}
        self.counters.told += 1
        return e.Told(call.id, words.files(language, "nobody-now"), "voicemail", detail)

    def _may_offer_callback(self, call: Call, rules: WaitingRules) -> bool:
        return (
            rules.callback
            and self.can_call_out
            and call.direction == "in"
            and self.callbacks.refusal(call.caller_number, "queue") is None
            and bool(words.callback_offer(rules.callback_key))
        )

    def estimate(self, call: str, demand: Demand, now: float) -> float | None:
        """The expected wait as it would be told now, seconds; None: nobody serves."""
        ahead = self.dispatcher.ahead(call, now)
        return self.estimator.estimate(ahead, self.dispatcher.serving(demand), now, self._class(demand))

    def asks_callback(self, call: Call, digit: str, now: float) -> e.CallbackAsked | None:
        """Whether this key is the wish to be called back."""
        rules = self.waiting_rules()
        if not call.callback_offered or digit != rules.callback_key or not self._may_offer_callback(call, rules):
            return None
        return self.callback_asked(call, "key")

    def callback_asked(self, call: Call, by: str) -> e.CallbackAsked:
        """The event that lets a waiting caller go, its rank kept."""
        language = call.demand.language if call.demand is not None else "zh"
        return e.CallbackAsked(call.id, words.files(language, "callback-confirmed"), by)

    @staticmethod
    def _class(demand: Demand) -> str:
        """Callers of one class compete for the same seats, more or less."""
        first = demand.circles()[0]
        return ",".join(name for name, _ in (first.skills or demand.skills)) or "any"

    # ------------------------------------------------------------------ watching
    def saw(self, event: e.Event, old: Call | None, call: Call, now: float) -> None:
        """After each event of a call: learns, and notes whom to call back, in the batch at hand."""
        if isinstance(event, e.Offered) and not event.part:
            self._offered_at[event.seat] = now
            if call.waiting_since is not None and call.direction == "in" and call.demand is not None:
                self.estimator.matched(now - call.waiting_since, now, self._class(call.demand))
        elif isinstance(event, e.LegJoined) and call.joined_at == now and (old is None or old.joined_at is None):
            self._served(call, now)
        if (old is None or old.ended_at is None) and call.ended_at is not None:
            self._over(event, call, now)

    def _served(self, call: Call, now: float) -> None:
        since = call.waiting_since
        if call.direction == "in" and since is not None:
            self._answers.append((now, now - since <= GOOD_WAIT))
            error = self.estimator.answered(call.id, now)
            if error is not None:
                self.counters.errors.append(error)
        if call.direction == "in" and call.caller_number:
            self.callbacks.served(call.caller_number, now)

    def _over(self, event: e.Event, call: Call, now: float) -> None:
        cause = event.cause if isinstance(event, e.CallerLeft) else 16
        waited = now - call.waiting_since if call.waiting_since is not None else 0.0
        self.estimator.forget(call.id)
        if call.callback is not None:
            self.callbacks.finished(call.callback, self._outcome(call), now)
            return
        if call.outcome == PROBE:
            return
        self.memory.note(call, cause)
        if call.outcome == "callback":
            self._list(call, "queue", now)
        elif call.outcome == "lost":
            self._list(call, "lost", now)
        elif call.outcome in ("abandoned", "native") and call.waiting_since is not None:
            self._answers.append((now, False))
            if call.demand is not None:
                self.estimator.left(waited, now, self._class(call.demand))
            # A cause that is no hang-up: lost by the network or by us.
            if self.callbacks.rules.is_missed(waited, failed=cause not in (16, 0)):
                self._list(call, "missed", now)
        elif call.outcome == "served" and call.waiting_since_talk:
            self._list(call, "missed", now)  # its seat was lost, and it gave up waiting for another

    @staticmethod
    def _outcome(call: Call) -> str:
        if call.outcome in REACHED:
            return "reached"
        return call.outcome if call.outcome in NOT_REACHED else "interrupted"

    def _list(self, call: Call, reason: str, now: float) -> None:
        demand = call.demand
        if demand is None and call.turned:
            demand = self.plan(call, None, now)  # it never came as far as the queue, where that is done
        if reason == "lost" and call.seat is not None and call.joined_at is not None:
            # Who talked with it knows the matter: it is tried first.
            before = demand or Demand()
            same = Step(seats=frozenset({call.seat}), seconds=SAME_SEAT, name="talked with it")
            demand = replace(before, steps=(same, *before.circles()))
        try:
            self.callbacks.add(
                call.caller_number, reason, now, demand=demand, since=call.waiting_since, origin=call.id,
                name=call.caller_name, dialled=call.dialled,
            )  # fmt: skip
            self.counters.callbacks_made += 1
        except CallbackError as error:
            self.counters.callbacks_refused += 1
            log.info("a caller cannot be called back (%s)", error.code, extra={"call": call.id})

    def seats_changed(self, seats: Iterable[Seat], now: float) -> None:
        """Learns how long a seat is busy with a call: from the offer until it is free again."""
        for seat in seats:
            if seat.state in (SeatState.AVAILABLE, SeatState.BREAK, SeatState.OFFLINE, SeatState.REST):
                began = self._offered_at.pop(seat.id, None)
                if began is not None and seat.missed == 0:
                    self.estimator.handled(now - began, now)

    # ------------------------------------------------------------------ from time to time
    def next_tick(self) -> float:
        """When `tick` may have something to do."""
        return self._ticked + TICK

    def tick(self, now: float, calls: Mapping[str, Call]) -> list[e.Event]:
        """Duty roster, thresholds, callback list. Returns the events that follow."""
        self._ticked = now
        if now >= self._duty_at:
            self._roster(now)
        if now - self._tidied >= TIDY:
            self._tidied = now
            self.restrictions.tick(now)
        self._judge(now)
        if not self.can_call_out:
            return []
        return self._due(now, calls)

    def load(self, now: float) -> Load:
        """How busy the hotline is."""
        while self._answers and self._answers[0][0] < now - LOAD_WINDOW:
            self._answers.popleft()
        seats = [s for s in self.dispatcher.seats.values() if s.on_duty and s.kind != "assistant"]
        signed_in = [s for s in seats if s.state is not SeatState.OFFLINE]
        free = sum(s.state is SeatState.AVAILABLE for s in signed_in)
        live = [w for w in self.dispatcher.waiting() if w.demand.kind == "live"]
        answered = None
        if len(self._answers) >= 20:
            answered = sum(good for _, good in self._answers) / len(self._answers)
        return Load(
            waiting=len(live),
            longest=max((now - w.since for w in live), default=0.0),
            busy=1 - free / len(signed_in) if signed_in else 1.0,
            present=len(signed_in) / len(seats) if seats else 1.0,
            answered=answered,
        )

    def _judge(self, now: float) -> None:
        load = self.load(now)
        wanted = self.control.judge(load, now)
        if wanted is not None:
            self.set_mode(wanted, THRESHOLDS, self.control.reason(load), now)

    def set_mode(self, mode: str, by: str, reason: str, now: float, auto: bool | None = None) -> bool:
        """Switches the operating mode. Raises ValueError for one that is not configured."""
        changed = self.control.set_mode(mode, by, reason, now, auto=auto)
        if changed:
            self._control_changed = True
            self._obey()
            log.warning("operating mode: %s", mode, extra={"by_thresholds": by == THRESHOLDS})
        return changed

    def set_auto(self, auto: bool, by: str) -> None:
        """Whether thresholds may switch."""
        self.control.set_auto(auto, by)
        self._control_changed = True

    def add_incident(self, incident: Incident) -> None:
        """A known incident from now on."""
        self.control.add_incident(incident)
        self._control_changed = True

    def end_incident(self, incident_id: str) -> bool:
        """It is over. False if there is none."""
        ended = self.control.end_incident(incident_id)
        self._control_changed = self._control_changed or ended
        return ended

    def _due(self, now: float, calls: Mapping[str, Call]) -> list[e.Event]:
        waiting = self.dispatcher.waiting()
        due = sum(w.demand.kind == "callback" for w in waiting)
        free = sum(s.state is SeatState.AVAILABLE and s.on_duty for s in self.dispatcher.seats.values()) - due
        live = sum(w.demand.kind == "live" for w in waiting)
        out: list[e.Event] = []
        for call in calls.values():
            if call.direction == "out" and call.state in (CallState.DUE, CallState.PREVIEW):
                known = self.callbacks.get(call.callback or "")
                if known is not None and known.state == "done":
                    out.append(e.CallerLeft(call.id, 0))  # it has rung in meanwhile, and was served
                elif call.state is S.DUE and known is not None and not self.callbacks.may_ring(known.id, now):
                    out.append(e.CallerLeft(call.id, e.NEVER_RUNG))  # the hours are over: tomorrow, uncounted
        for entry in self.callbacks.take_due(now, free_seats=max(0, free), waiting_live=live):
            call_id = f"{OUT}{entry.id}-{int(now * 1000):x}{self.out_suffix()}"
            out.append(
                e.CallbackDue(
                    call_id, entry.id, entry.number, entry.name, entry.dialled or self._own_number(), entry.reason,
                    entry.origin, entry.rank_since, entry.demand.json(),
                )
            )  # fmt: skip
        return out

    def _own_number(self) -> str:
        return next(iter(self.book.numbers), "12345")
