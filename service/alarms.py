"""Alarms: parts that are not well, from the second look on until they are well again. One place for all of them.

Each is told once at its beginning and once at its end in the log, shown on the page as long as it lasts, and is
`hotline_alarm{name}` in the metrics.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import console

log = logging.getLogger(__name__)
EVERY = 2.0
SURE = 2
"""Looks in a row that must agree: one slow answer is no alarm."""
KEPT = 100


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. `name` is the part's, `code` why; times in unix seconds, `until` None while it lasts."""

    name: str
    code: str
    severity: str
    zh: str
    en: str
    since: float
    until: float | None = None


class Alarms(Collector):
    """Looks at all parts again and again.

    Args:
        look: the parts as they are now (`Health.look`).
        told: gets the probe of each part whose alarm begins, changes or ends.
        clock: unix seconds.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[Sequence[console.Probe]]],
        told: Callable[[console.Probe], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.live: dict[str, Alarm] = {}
        self.past: deque[Alarm] = deque(maxlen=KEPT)
        """The last ones that ended, the newest last."""
        self._look, self._told, self._clock = look, told, clock
        self._names: set[str] = set()
        self._row: dict[str, int] = {}
        self._begun: Counter[str] = Counter()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                self.note(await self._look())
            except Exception as error:
                log.error("alarms: %s", type(error).__name__)  # noqa: TRY400 - the parts' texts may hold anything
            await asyncio.sleep(EVERY)

    def note(self, probes: Sequence[console.Probe]) -> None:
        """One look at all parts."""
        now = self._clock()
        for probe in probes:
            self._names.add(probe.part)
            before = self.live.get(probe.part)
            if probe.ok == (before is None):
                self._row.pop(probe.part, None)
                if before is not None and (probe.reason, probe.severity) != (before.code, before.severity):
                    self._change(before, probe)
                continue
            self._row[probe.part] = self._row.get(probe.part, 0) + 1
            if self._row[probe.part] < SURE:
                continue
            del self._row[probe.part]
            if before is None:
                self._begin(probe, now)
            else:
                self._end(before, probe, now)

    def _begin(self, probe: console.Probe, now: float) -> None:
        alarm = _alarm(probe, probe.since or now)
        self.live[alarm.name] = alarm
        self._begun[alarm.name] += 1
        self._say("alarm begins", alarm)
        self._told(probe)

    def _change(self, before: Alarm, probe: console.Probe) -> None:
        """The same part, for another reason, or worse."""
        alarm = _alarm(probe, before.since)
        self.live[alarm.name] = alarm
        self._say("alarm changes", alarm)
        self._told(probe)

    def _end(self, before: Alarm, probe: console.Probe, now: float) -> None:
        del self.live[before.name]
        self.past.append(replace(before, until=now))
        log.warning(
            "alarm ends", extra={"alarm": before.name, "code": before.code, "seconds": round(now - before.since, 1)}
        )
        self._told(probe)

    def _say(self, event: str, alarm: Alarm) -> None:
        about = {"alarm": alarm.name, "code": alarm.code, "severity": alarm.severity, "what": alarm.en}
        log.log(logging.ERROR if alarm.severity == "critical" else logging.WARNING, event, extra=about)

    def collect(self) -> Iterable[Metric]:
        """Called by the registry at each scrape."""
        now = GaugeMetricFamily("hotline_alarm", "1 while the part is not well", labels=["name"])
        begun = CounterMetricFamily("hotline_alarms_begun", "Alarms that began since the start", labels=["name"])
        for name in sorted(self._names):
            now.add_metric([name], float(name in self.live))
            begun.add_metric([name], self._begun[name])
        yield now
        yield begun


def _alarm(probe: console.Probe, since: float) -> Alarm:
    text = probe.message
    return Alarm(
        probe.part, probe.reason or "error", probe.severity or "warning", text.zh if text is not None else "",
        text.en if text is not None else "", since,
    )  # fmt: skip
