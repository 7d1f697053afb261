"""Admission control at work: measures how full and how quick the hotline is, answers for each arrival, and tells the
switch how many it may let through (docs/admission.md)."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

import calls
import telephony
from calls import CallState, LegState
from calls.events import Arrived
from routing import SeatState, national, past

from .health import NotWell

log = logging.getLogger(__name__)

TICK = 0.25
CALM = 30.0
"""Seconds without anybody turned away after which it is over."""
FEW = 50
"""Channels that are always allowed."""
ASKS_EVERY = 2
"""Ticks between two questions to the switch."""
SERVING = frozenset({SeatState.AVAILABLE, SeatState.OFFERED, SeatState.RINGING, SeatState.TALKING, SeatState.WRAP_UP})
INSIDE = frozenset({
    CallState.ARRIVED, CallState.IN_FLOW, CallState.WAITING, CallState.OFFERED, CallState.TALKING,
    CallState.VOICEMAIL, CallState.LEAVING, CallState.NATIVE,
})  # fmt: skip
ABOUT_ONE = "caller"
"""The reason that says nothing of the hotline, only of one number."""


class Admission:
    """See the module's text. `gate` is one of the host's gates; `run` measures until it is cancelled.

    Args:
        engine: has the calls.
        host: has the seats, the callback list and the mode.
        doors: one of each Asterisk.
        limits: as configured now.
        language: of a flow's name: which language its callers are spoken to in.
        ping: awaits an answer of the journal's server.
        countless: numbers without a limit of their own (our own test calls).
        clock: unix seconds, as the engine's.
    """

    def __init__(
        self,
        *,
        engine: calls.Engine,
        host: calls.Host,
        doors: Sequence[telephony.Door],
        limits: calls.Limits,
        language: Callable[[str], str],
        ping: Callable[[], Awaitable[object]],
        countless: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine, self._host, self._doors = engine, host, doors
        self._language, self._ping, self._clock = language, ping, clock
        self._countless = frozenset(map(national, countless))
        self.rules = calls.Admission(limits)
        self.turned: Counter[str] = Counter()
        """Reason → callers; "told" and "refused" by the switch alone."""
        self.failures = 0
        self.delays: dict[str, float] = {}
        """Part → the seconds it took to answer lately."""
        self._last = 0.0
        self._since: float | None = None
        self._began: Counter[str] = Counter()
        self._seen: list[tuple[int | None, int | None]] = [(None, None) for _ in doors]
        self._pinging: asyncio.Task[None] | None = None
        self._channels = 0
        """Callers and other legs, as far as we know."""

    # ------------------------------------------------------------------ at the door
    def gate(self, event: Arrived, now: float) -> Arrived:
        """A calls.Gate. A fault of ours lets everybody in."""
        try:
            return self._gate(event, now)
        except Exception:
            self.failures += 1
            log.exception("admission failed for an arrival: it is let in")
            return event

    def _gate(self, event: Arrived, now: float) -> Arrived:
        if not event.origin:
            return event  # found in the switch, not told of as it came: it has been in for long
        if event.pressed:
            return self._away(event, "told", count=False)  # the switch turned it away, and has counted it
        why = self.rules.judge(self._knock(event, now), now)
        return self._away(event, why) if why else event

    def _knock(self, event: Arrived, now: float) -> calls.Knock:
        number, host = national(event.number), self._host
        known = host.callbacks.of_number(event.number)
        always = (
            is_emergency(number, event.dialled, host)
            or "cut_off" in past(event.history, now, host.book.history).marks
            or (known is not None and (known.state == "running" or known.reason == "lost"))
            or event.origin in host.dispatcher.seats
        )
        directory = event.origin.startswith(telephony.LINE_TRUNK)
        limited = directory or event.origin in self.rules.limits.trunks
        return calls.Knock(
            number, event.origin if limited else "", always, directory, number in self._countless
        )

    def _away(self, event: Arrived, why: str, *, count: bool = True) -> Arrived:
        if count:
            self.turned[why] += 1
        if why != ABOUT_ONE and count:
            self._over_capacity(why)
        language = self._language(event.flow)
        if why == ABOUT_ONE:
            return replace(event, turned="rate", turned_words=calls.spoken(language, *calls.too_often()))
        key = self._key(event.number)
        said = calls.spoken(language, *calls.busy(key))
        return replace(event, turned="overload", turned_words=said, turned_key=key)

    def _key(self, number: str) -> str:
        """With which key this number is called back; empty: it cannot be."""
        rules, host = self._host.waiting_rules(), self._host
        offers = rules.callback and host.can_call_out and rules.callback_key.isdigit()
        if not offers or host.callbacks.refusal(number, "queue") is not None:
            return ""
        return rules.callback_key

    # ------------------------------------------------------------------ measuring
    async def run(self) -> None:
        """Measures, tells the switch, and notices when it is over."""
        loop = asyncio.get_running_loop()
        n, due = 0, loop.time()
        try:
            while True:
                due = max(due + TICK, loop.time())
                await asyncio.sleep(due - loop.time())
                self._worst("loop", loop.time() - due)
                n += 1
                if n % ASKS_EVERY == 0:
                    for door in self._doors:
                        door.ask()
                    if self._pinging is None or self._pinging.done():
                        self._pinging = asyncio.create_task(self._asks_journal(), name="admission-ping")
                try:
                    self.look()
                except Exception:
                    self.failures += 1
                    log.exception("admission control could not look around")
        finally:
            if self._pinging is not None:
                self._pinging.cancel()

    def _worst(self, part: str, seconds: float) -> None:
        """The latest, or the worst of the last second fading away."""
        self.delays[part] = max(seconds, self.delays.get(part, 0.0) * 0.8)

    async def _asks_journal(self) -> None:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(2.0):
                await self._ping()
        except Exception:
            return  # the health says so; without it nothing is decided, and the switch does without us
        self._worst("journal", time.perf_counter() - began)

    def look(self) -> None:
        """Counts, decides the rate, tells the switch."""
        now, host = self._clock(), self._host
        for door in self._doors:
            self._worst("switch", door.reply)
        elsewhere = self._turned_by_switch()
        if elsewhere:
            self._over_capacity("switch")
        self.rules.look(self._crowd(), max(self.delays.values(), default=0.0), now, elsewhere)
        up = [door for door in self._doors if door.up]
        plan = self._plan(now, max(1, len(up)))
        for door in self._doors:
            door.tell(plan)
        if self._since is not None and time.monotonic() - self._last > CALM:
            turned = self.turned - self._began
            log.warning("admission control ends", extra={"turned": sum(turned.values()), "mode": host.control.mode})
            self._since = None

    def _crowd(self) -> calls.Crowd:
        host = self._host
        live = turned = greeted = self._channels = 0
        for call in self._engine.calls.values():
            self._channels += sum(x.state is not LegState.GONE for x in call.legs)
            if call.direction == "in" and call.state in INSIDE:
                if call.turned:
                    turned += 1
                else:
                    live += 1
                    greeted += call.state is CallState.ARRIVED
        seats = [s for s in host.dispatcher.seats.values() if s.on_duty and s.kind != "assistant"]
        return calls.Crowd(
            live, host.dispatcher.waiting_count + greeted, sum(s.state is SeatState.AVAILABLE for s in seats),
            sum(s.state in SERVING for s in seats), host.estimator.busy_time(self._clock()), turned, host.control.mode,
        )  # fmt: skip

    def _turned_by_switch(self) -> int:
        """How many the switch has turned away by itself since the last time."""
        fresh = 0
        for i, door in enumerate(self._doors):
            for name, before, now in zip(("told", "refused"), self._seen[i], (door.told, door.refused), strict=True):
                # What was before us is no news. Fewer than before: the switch has begun anew.
                more = 0 if now is None or before is None else now - before if now >= before else now
                self.turned[name] += more
                fresh += more
            self._seen[i] = (door.told, door.refused)
        return fresh

    def _plan(self, now: float, doors: int) -> telephony.DoorPlan:
        limits, host = self.rules.limits, self._host
        if not limits.on:
            return telephony.DoorPlan()
        key = self._key("0")
        # Callers, one leg of each seat, and those who hear their last word, here and there.
        most = limits.most + len(host.dispatcher.seats) + 2 * limits.announcements
        if self.rules.tight:
            # One in for one out, until it is quick again: the rate alone would go on filling a switch that is too full.
            most = min(most, max(FEW, self._channels + limits.announcements))
        return telephony.DoorPlan(
            max(1, round(self.rules.allowance(now) / doors)), most, limits.announcements,
            calls.spoken("zh", *calls.busy(key)), calls.spoken("zh", *calls.busy("")),
            tuple(host.book.emergency_callers), tuple(host.book.emergency_dialled),
        )  # fmt: skip

    # ------------------------------------------------------------------ telling
    @property
    def on(self) -> bool:
        """Whether callers are being turned away."""
        return self._since is not None

    def _over_capacity(self, why: str) -> None:
        self._last = time.monotonic()
        if self._since is None:
            self._since = self._last
            self._began = Counter(self.turned)
            log.warning("admission control begins: more call than can be served", extra={"why": why})

    async def well(self) -> None:
        """For the health: raises NotWell while callers are turned away."""
        if self.on:
            n = sum((self.turned - self._began).values())
            raise NotWell(
                "overload", f"来电超出接听能力, 正在限流 (已婉拒 {n} 个来电并提供回拨)",
                f"more call than can be served: {n} told so, with the offer to be called back",
            )  # fmt: skip

    def collect(self) -> Iterable[Metric]:
        """For Prometheus: no label holds a number or a name."""
        turned = CounterMetricFamily("hotline_admission_turned", "Callers not let in, by reason", labels=["reason"])
        for reason in ("caller", "trunk", "rate", "full", "wait", "told", "refused"):
            turned.add_metric([reason], self.turned[reason])
        yield turned
        rate, all_ = self.rules.bucket.rate, self.rules.arrivals
        yield GaugeMetricFamily("hotline_admission_on", "1: callers are being turned away", value=float(self.on))
        yield GaugeMetricFamily("hotline_admission_rate", "Callers let in a second at most, now", value=rate)
        yield GaugeMetricFamily("hotline_admission_arrivals", "Callers a second, all of them, now", value=all_)
        delays = GaugeMetricFamily("hotline_admission_delay_seconds", "A part's time to answer", labels=["part"])
        for part, seconds in self.delays.items():
            delays.add_metric([part], seconds)
        yield delays
        failures = "Faults of admission control, after each of which the caller was let in"
        yield CounterMetricFamily("hotline_admission_failures", failures, value=self.failures)


_AREA = re.compile(r"0\d{2,3}")


def is_emergency(number: str, dialled: str, host: calls.Host) -> bool:
    """Whether a line of 110, 119 … calls, with or without an area code. A number can be forged: see the document."""
    if dialled in host.book.emergency_dialled or number in host.book.emergency_callers:
        return True
    area = _AREA.match(number)
    return area is not None and any(number[n:] in host.book.emergency_callers for n in (3, 4))
