"""Listening to callers nobody serves yet: who speaks gets a stream of the recogniser, the others wait their turn.

The loop of the listening process (`recordings.ear`), without clock and pipes, so that it can be tested step by step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from ._gate import Gate, Samples
from ._recognizer import LiveRecognizer, SpeechStream, Utterance
from ._tail import RATE, Tail
from .errors import RecordingError

_BLOCK = RATE // 5
"""Samples fed at a time; Vosk looks for the end of an utterance once a block."""
_IDLE = 2.5
"""Seconds without new sound (the switch writes once a second) after which others may have a caller's stream."""
_PARTIAL = 0.4
"""Seconds of speech between two partial results that are told."""
_AGAIN = 0.8
"""Seconds of speech after which an unchanged partial result is told again: it has settled."""


@dataclass(slots=True)
class EarStats:
    """Figures of one listening process. Sums count from its start."""

    callers: int = 0
    streams: int = 0
    """Streams of the recogniser in use."""
    waiting: int = 0
    """Callers who speak and wait for a stream."""
    lag: float = 0.0
    """Seconds since the oldest sound came that nobody has listened to yet."""
    seconds: float = 0.0
    """Speech recognised."""
    dropped: float = 0.0
    """Seconds of speech left out, because the recogniser could not keep up."""
    unreadable: int = 0
    """Files that could not be followed."""
    refused: int = 0
    """Streams that the recogniser refused."""


@dataclass(slots=True)
class _Caller:
    call: str
    tail: Tail
    gate: Gate
    pending: deque[tuple[float, float, Samples, bool]] = field(default_factory=deque)
    """(when it came, its place in the recording, samples, the turn is over after it)"""
    length: int = 0
    """Samples pending."""
    stream: SpeechStream | None = None
    began: float = 0.0
    """Place of the stream's first sample in the recording."""
    fed: float = 0.0
    """Seconds fed to the stream."""
    last: float = 0.0
    """When it was fed last."""
    told: tuple[str, ...] = ()
    told_at: float = 0.0

    @property
    def since(self) -> float:
        return self.pending[0][0]


class Ear:
    """Follows files, opens and closes streams, tells what it hears.

    Args:
        recognizer: one model for all streams.
        tell: takes {"call", "at", "over", "words": [[word, start, end, confidence], …]}; `at` and the times in seconds
            from the start of the recording; while not `over` (a partial result) times and confidence are 0.
        clock: seconds, monotonic.
        streams: at most so many callers at once; the next is who has waited longest.
        hold: see `Gate`.
        turn: seconds of speech after which a stream is given back while others wait, pause or not.
        most: seconds of speech kept for a caller who waits; the oldest goes first.
    """

    def __init__(
        self,
        recognizer: LiveRecognizer,
        tell: Callable[[dict[str, Any]], None],
        clock: Callable[[], float],
        *,
        streams: int = 8,
        hold: float = 0.5,
        turn: float = 12.0,
        most: float = 20.0,
    ) -> None:
        self._recognizer, self._tell, self._clock = recognizer, tell, clock
        self._streams, self._hold, self._turn, self._most = streams, hold, turn, most
        self._callers: dict[str, _Caller] = {}
        self.stats = EarStats()

    # ------------------------------------------------------------------ orders
    def listen(self, call: str, path: str, since: float | None = None) -> None:
        """Begin to follow a call's file; one that is followed already goes on.

        Args:
            call, path: the call and its raw file.
            since: seconds of the clock from which on; None: from the file's beginning.
        """
        behind = None if since is None else max(0.0, self._clock() - since)
        if call not in self._callers:
            self._callers[call] = _Caller(call, Tail(path, behind), Gate(self._hold))

    def forget(self, call: str) -> None:
        """Stop: somebody serves the caller, or it has left."""
        caller = self._callers.pop(call, None)
        if caller is not None:
            caller.tail.close()

    # ------------------------------------------------------------------ the loop
    def poll(self) -> None:
        """Take what the switch has written since the last time through the gates."""
        now = self._clock()
        for caller in list(self._callers.values()):
            try:
                samples = caller.tail.read()
            except OSError:
                self.stats.unreadable += 1
                self.forget(caller.call)
                continue
            if not len(samples):
                continue
            for heard in caller.gate.feed(samples):
                at = heard.at + caller.tail.skipped
                caller.pending.append((now, at, heard.samples, heard.over))
                caller.length += len(heard.samples)
            while caller.length > self._most * RATE and len(caller.pending) > 1:
                lost = len(caller.pending.popleft()[2])
                caller.length -= lost
                self.stats.dropped += lost / RATE

    def work(self) -> bool:
        """One block of one caller: of those with a stream (or next to get one) whose sound is the oldest.

        Returns:
            False: there is nothing to do until more sound comes.
        """
        speaking = [c for c in self._callers.values() if c.pending]
        taken = sum(c.stream is not None for c in self._callers.values())
        waiting = sum(c.stream is None for c in speaking)
        self.stats.callers, self.stats.streams, self.stats.waiting = len(self._callers), taken, waiting
        self.stats.lag = round(self._clock() - min(c.since for c in speaking), 3) if speaking else 0.0
        able = speaking if taken < self._streams else [c for c in speaking if c.stream is not None]
        if not able:
            return bool(waiting) and self._reclaim()
        caller = min(able, key=lambda c: c.since)
        try:
            self._one(caller, others=waiting > 0)
        except RecordingError:
            self.stats.refused += 1
            self._close(caller)
        return True

    def _reclaim(self) -> bool:
        """Give back streams whose files have stopped growing in mid-sentence."""
        idle = [c for c in self._callers.values() if c.stream is not None and self._clock() - c.last >= _IDLE]
        for caller in idle:
            self._finish(caller)
        return bool(idle)

    def _one(self, caller: _Caller, *, others: bool) -> None:
        came, at, samples, over = caller.pending.popleft()
        block, rest = samples[:_BLOCK], samples[_BLOCK:]
        if len(rest):
            caller.pending.appendleft((came, at + len(block) / RATE, rest, over))
        caller.length -= len(block)
        if caller.stream is None:
            caller.stream = self._recognizer.open(RATE)
            caller.began, caller.fed = at, 0.0
        caller.fed += len(block) / RATE
        caller.last = self._clock()
        self.stats.seconds += len(block) / RATE
        if found := caller.stream.accept(block.astype("<i2").tobytes()):
            self._say(caller, found, over=True)
        if (over and not len(rest)) or (others and caller.fed >= self._turn):
            self._finish(caller)
        elif so_far := caller.stream.partial():
            words = tuple(w.word for w in so_far.words)
            if caller.fed - caller.told_at >= (_PARTIAL if words != caller.told else _AGAIN):
                self._say(caller, so_far, over=False)
                caller.told, caller.told_at = words, caller.fed

    def _finish(self, caller: _Caller) -> None:
        if caller.stream is not None and (found := caller.stream.finish()):
            self._say(caller, found, over=True)
        self._close(caller)

    def _close(self, caller: _Caller) -> None:
        caller.stream, caller.told, caller.told_at = None, (), 0.0

    def _say(self, caller: _Caller, found: Utterance, *, over: bool) -> None:
        begin = caller.began if over else 0.0
        words = [[w.word, round(begin + w.start, 3), round(begin + w.end, 3), w.conf] for w in found.words]
        self._tell({"call": caller.call, "at": round(caller.began + caller.fed, 3), "over": over, "words": words})
        if over:
            caller.told, caller.told_at = (), caller.fed

    def figures(self) -> dict[str, Any]:
        """The statistics as JSON values."""
        return asdict(self.stats)
