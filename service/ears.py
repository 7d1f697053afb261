"""An emergency that a caller speaks of before anybody serves it (Art. 11): the line is rung at once.

Only callers without a human are listened to: over the greeting, in a flow, while waiting, at the voicemail. What is an
emergency `tickets` decides, the same as for drafts; who is rung and how, the engine.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

import calls
import recordings
import tickets

log = logging.getLogger(__name__)
S = calls.CallState

UNSERVED = frozenset({S.ARRIVED, S.IN_FLOW, S.WAITING, S.OFFERED, S.VOICEMAIL})
"""States in which nobody would hear a caller's cry for help."""
LINES = ("110", "119", "120", "122")
FRESH = 3.0
"""A call that was answered so many seconds ago is listened to from its first word."""


class EmergencyDesk(Protocol):
    """What is needed of the engine."""

    @property
    def calls(self) -> Mapping[str, calls.Call]: ...

    def emergency(self, call_id: str, entry: str, *, by: str = "", key: str = "") -> str: ...


def unserved(call: calls.Call) -> bool:
    """Whether a caller is answered, and alone with machines."""
    return (
        call.state in UNSERVED
        and call.answered_at is not None
        and call.ended_at is None
        and not any(x.state is calls.LegState.JOINED and x.kind not in ("caller", "observer") for x in call.legs)
    )


def detect(turn: Sequence[Sequence[recordings.Word]]) -> recordings.Sign | None:
    """The emergency in a caller's turn: `tickets.find_emergency`, with the recogniser's confidence in its words.

    Args:
        turn: utterances; the pauses between them become commas, so that each is judged in the frame of those before.
    """
    words: list[tickets.Word] = []
    for utterance in turn:
        if words:
            words.append(tickets.Word("，", utterance[0].start, utterance[0].start, 1.0))
        words += [tickets.Word(w.word, w.start, w.end, w.conf) for w in utterance]
    if not words:
        return None
    text = " ".join(w.word for w in words)
    said = tickets.Segment("caller", text, words[0].start, words[-1].end, 1.0, tuple(words))
    lines = tickets.lines_of(tickets.Transcript("", (said,)))
    alarm = tickets.find_emergency(lines)
    if alarm is None:
        return None
    line = lines[alarm.line]
    at = line.text.rfind(alarm.words)
    sure = line.conf[at : at + len(alarm.words)] if at >= 0 else line.conf
    return recordings.Sign(alarm.number, sum(sure) / len(sure))


class Ears:
    """Tells the listener whom to follow, and the engine what was heard.

    Args:
        engine: has the calls, and rings.
        raw_path: where the switch writes a call's recording.
        listener: makes the listener from (detector, what to call when it hears something).
        clock: unix seconds.
    """

    def __init__(
        self,
        engine: EmergencyDesk,
        raw_path: Callable[[str], str],
        listener: Callable[[recordings.Detector, Callable[[str, str, float], None]], recordings.Listener],
        clock: Callable[[], float],
    ) -> None:
        self._engine, self._raw_path, self._clock = engine, raw_path, clock
        self._following: set[str] = set()
        self.heard: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.listener = listener(detect, self._on_heard)

    def start(self) -> None:
        """Begins to listen, also to calls that are there already (after a restart)."""
        self.listener.start()
        for call in self._engine.calls.values():
            self._look(call)

    async def stop(self) -> None:
        """Listens to nobody any more."""
        self._following.clear()
        await self.listener.stop()

    def on_change(self, change: calls.Change) -> None:
        """The engine's observer."""
        for call in change.calls:
            self._look(call)

    def _look(self, call: calls.Call) -> None:
        if not unserved(call):
            if call.id in self._following:
                self._following.discard(call.id)
                self.listener.forget(call.id)
        elif call.id not in self._following:
            self._following.add(call.id)
            fresh = call.answered_at is not None and self._clock() - call.answered_at < FRESH
            self.listener.listen(call.id, self._raw_path(call.id), fresh=fresh)

    def _on_heard(self, call_id: str, line: str, confidence: float) -> None:
        call = self._engine.calls.get(call_id)
        if call is None or not unserved(call):
            return  # a human has it meanwhile, and hears for itself
        self.heard[line] += 1
        # The key: a listener that hears the same again after a takeover rings nobody twice.
        try:
            self._engine.emergency(call_id, line, by="spoken", key=f"spoken-{line}")
        except calls.OrderError as error:
            self.refused[error.code] += 1
            log.warning("spoken-emergency-refused", extra={"call": call_id, "line": line, "code": error.code})
        else:
            log.info("spoken-emergency", extra={"call": call_id, "line": line, "confidence": round(confidence, 2)})

    # ------------------------------------------------------------------ metrics
    def collect(self) -> Iterable[Metric]:
        """For the registry of metrics."""
        figures = self.listener.figures
        yield _gauge("up", "1: callers nobody serves yet are listened to for emergencies", float(bool(figures)))
        for name, key, text in (
            ("callers", "callers", "Callers followed, now"),
            ("streams", "streams", "Callers who speak and have a stream of the recogniser, now"),
            ("waiting", "waiting", "Callers who speak and wait for a stream, now"),
            ("lag_seconds", "lag", "Age of the oldest sound nobody has listened to yet"),
            ("dropped_seconds", "dropped", "Speech left out by the present process, which could not keep up"),
            ("speech_seconds", "seconds", "Speech recognised by the present process"),
            ("cpu_seconds", "cpu", "CPU time of the present process"),
        ):
            yield _gauge(name, text, figures.get(key, 0.0))
        heard = CounterMetricFamily("hotline_ears_heard", "Emergencies heard, by line", labels=["line"])
        for line in LINES:
            heard.add_metric([line], self.heard[line])
        yield heard
        refused = CounterMetricFamily("hotline_ears_refused", "Emergencies the engine refused", labels=["code"])
        for code, count in self.refused.items():
            refused.add_metric([code], count)
        yield refused
        deaths = self.listener.counters.deaths
        yield CounterMetricFamily("hotline_ears_deaths", "Listening processes that died or hung", value=deaths)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"hotline_ears_{name}", text, value=value)


__all__ = ["Ears", "detect", "unserved"]
