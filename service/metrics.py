"""Prometheus metrics, read from the rooms' own counters when they are asked for: no cost in between.

Each figure says what is counted and from when. No label ever holds a number, a name or a word.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

import calls
from routing import SeatState

WAIT_ERROR_BUCKETS = (-600, -300, -120, -60, -30, -15, 0, 15, 30, 60, 120, 300, 600)
ANSWER_BUCKETS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300)


class Metrics:
    """One registry an instance (several may live in one process: tests)."""

    def __init__(self, engine: calls.Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._sources: list[tuple[str, str, Any]] = []
        self.registry = CollectorRegistry()
        self.answer = Histogram(
            "hotline_answer_seconds",
            "From the end of the greeting (the caller begins to wait) until joined with a seat (GB/T 33358: 15 s)",
            buckets=ANSWER_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.talk = Histogram(
            "hotline_talk_seconds", "From joined until the caller left",
            buckets=(10, 30, 60, 120, 300, 600, 1800, 4800), registry=self.registry,
        )  # fmt: skip
        self.wait_error = Histogram(
            "hotline_expected_wait_error_seconds",
            "Expected wait as told − the wait that came, of callers who were told one and reached a seat; "
            "below 0: it took longer than told",
            buckets=WAIT_ERROR_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.abandoned = Histogram(
            "hotline_abandoned_seconds", "From the beginning of the wait until a caller who reached nobody left",
            buckets=ANSWER_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.outcomes: Counter[str] = Counter()
        self.rejects: Counter[str] = Counter()
        self.registry.register(self)

    def count_from(self, prefix: str, text: str, counters: Any) -> None:
        """Shows every number of a dataclass of counters as <prefix>_<field>_total."""
        self._sources.append((prefix, text, counters))

    def refused_configuration(self, faults: int) -> None:
        """Faults found in configuration files while running."""
        self.rejects["configuration"] += faults

    def on_change(self, change: calls.Change) -> None:
        """The engine's observer."""
        by_id = {call.id: call for call in change.calls}
        for event, _ in change.events:
            call = by_id.get(event.call)
            if call is None:
                continue
            if isinstance(event, calls.events.LegJoined) and call.joined_at is not None:
                if call.waiting_since is not None and call.timeline[-1].what == "joined":
                    self.answer.observe(max(0.0, call.joined_at - call.waiting_since))
            elif isinstance(event, calls.events.CallerLeft) and call.outcome not in (None, "probe"):
                self.outcomes[call.outcome] += 1
                if call.outcome in ("abandoned", "callback") and call.waiting_since is not None and call.ended_at:
                    self.abandoned.observe(max(0.0, call.ended_at - call.waiting_since))
                if call.joined_at is not None and call.ended_at is not None:
                    self.talk.observe(call.ended_at - call.joined_at)

    def collect(self) -> Iterable[Metric]:
        """Called by the registry at each scrape."""
        engine = self._engine
        live = GaugeMetricFamily("hotline_calls", "Calls by state, now", labels=["state"])
        states = Counter(call.state.value for call in engine.calls.values())
        for state in calls.CallState:
            if state is not calls.CallState.ENDED:
                live.add_metric([state.value], states[state.value])
        yield live
        seats = GaugeMetricFamily("hotline_seats", "Seats by state, now", labels=["state"])
        seat_states = Counter(seat.state.value for seat in engine.dispatcher.seats.values())
        for seat_state in SeatState:
            seats.add_metric([seat_state.value], seat_states[seat_state.value])
        yield seats
        waiting = engine.dispatcher.waiting()
        yield GaugeMetricFamily("hotline_waiting", "Callers in the queue, now", value=len(waiting))
        longest = max((self._clock() - w.since for w in waiting), default=0.0)
        yield GaugeMetricFamily("hotline_longest_wait_seconds", "Longest present wait", value=longest)
        with contextlib.suppress(RuntimeError):  # asked from another thread
            yield GaugeMetricFamily("hotline_tasks", "asyncio tasks of this process", value=len(asyncio.all_tasks()))
        yield GaugeMetricFamily("hotline_journal_ok", "1: the journal takes entries", value=float(engine.journal_ok))
        if engine.host is not None:
            yield from self._hosted(engine.host)
        outcomes = CounterMetricFamily("hotline_calls_ended", "Callers who left, by outcome", labels=["outcome"])
        for outcome, count in self.outcomes.items():
            outcomes.add_metric([outcome], count)
        yield outcomes
        rejects = CounterMetricFamily("hotline_bad_input", "Input refused at an edge, by edge", labels=["edge"])
        for edge, count in self.rejects.items():
            rejects.add_metric([edge], count)
        yield rejects
        for prefix, text, counters in self._sources:
            if is_dataclass(counters):
                for field in fields(counters):
                    value = getattr(counters, field.name)
                    if isinstance(value, int | float):
                        yield CounterMetricFamily(f"{prefix}_{field.name}", f"{text}: {field.name}", value=value)

    def _hosted(self, host: calls.Host) -> Iterable[Metric]:
        while host.counters.errors:
            self.wait_error.observe(host.counters.errors.popleft())
        mode = GaugeMetricFamily("hotline_mode", "1 for the present operating mode (Art. 29)", labels=["mode"])
        for name in host.book.modes:
            mode.add_metric([name], float(name == host.control.mode))
        yield mode
        entries = GaugeMetricFamily("hotline_callbacks", "Entries of the callback list", labels=["reason", "state"])
        for (reason, state), count in host.callbacks.counts().items():
            entries.add_metric([reason, state], count)
        yield entries
        listed = GaugeMetricFamily("hotline_restrictions", "Entries of the restriction list", labels=["state"])
        for state, count in host.restrictions.counts(self._clock()).items():
            listed.add_metric([state], count)
        yield listed
        met = CounterMetricFamily("hotline_restricted_calls", "Calls that met the restriction list", labels=["variant"])
        for variant, count in host.restrictions.met.items():
            met.add_metric([variant], count)
        yield met
        yield CounterMetricFamily("hotline_told", "Announcements to waiting callers", value=host.counters.told)
        yield CounterMetricFamily(
            "hotline_callbacks_made", "Entries made by callers who left", value=host.counters.callbacks_made
        )
        yield CounterMetricFamily(
            "hotline_callbacks_refused", "Callers who cannot be called back (no number …)",
            value=host.counters.callbacks_refused,
        )  # fmt: skip

    def text(self) -> str:
        """The exposition text."""
        return generate_latest(self.registry).decode()
