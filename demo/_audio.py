"""The audio half of a call: speaking, pressing keys, and hearing."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ._hearing import loud_span, rms, tones_in
from ._rtp import KEYS, RATE, Pcm, RtpSession
from ._tones import ToneSpan, kind_of, tone_spans

LOUD = 300.0
"""RMS from which a block counts as sound: speech is ten times louder, coded silence far below."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended.

    Attributes:
        reason: "hung-up", "cancelled", "busy", "refused", "no-answer" or "failed".
        by: "local" or "remote".
        status: SIP status that ended it, None for a BYE.
        q850: Cause from the peer's Reason header (16 = normal clearing), None without one.
    """

    reason: str
    by: str
    status: int | None = None
    q850: int | None = None


class CallEnded(Exception):  # noqa: N818 - what happened, and no fault of anybody
    """The call is over, so what was asked cannot happen. `end` says how it ended."""

    def __init__(self, end: Ended) -> None:
        super().__init__(f"the call has ended: {end.reason} by {end.by} ({end.status})")
        self.end = end


class Audio:
    """Speaking and hearing. All audio is int16, 8000 samples/s, one channel."""

    def __init__(self) -> None:
        self._rtp: RtpSession | None = None
        self._end: Ended | None = None

    def _media(self) -> RtpSession:
        if self._rtp is None:
            raise CallEnded(self._end) if self._end else RuntimeError("no audio yet: answer the call first")
        return self._rtp

    def _alive(self) -> None:
        if self._end is not None:
            raise CallEnded(self._end)

    # -- speaking ----------------------------------------------------------------------------------

    def play(self, pcm: Pcm) -> asyncio.Future[bool]:
        """Say `pcm` behind what is queued. The future is true when all was sent, false when stopped."""
        self._alive()
        return self._media().sender.play(pcm)

    def tone(self, frequency: float, level: float = 0.25) -> None:
        """Sound a tone (Hz) until `stop`; speech goes before it."""
        self._media().sender.tone(frequency, level)

    def stop(self) -> None:
        """Fall silent: drops queued speech and the tone."""
        self._media().sender.stop()

    async def press(self, keys: str, *, seconds: float = 0.16, pause: float = 0.12) -> None:
        """Press keys (0-9 * # A-D) as telephone events, one after another.

        Raises:
            ValueError: Not a key.
            CallEnded: The call ended before all were sent, or the other side takes no events.
        """
        self._alive()
        if bad := set(keys) - set(KEYS):
            raise ValueError(f"{len(bad)} of the keys are not among {KEYS}")
        pressed = [self._media().sender.press(key, seconds, pause) for key in keys]
        if not all([await one for one in pressed]):
            raise CallEnded(self._end or Ended("failed", "remote"))

    # -- hearing -----------------------------------------------------------------------------------

    def heard(self, start: int = 0) -> Pcm:
        """All audio received so far (from sample `start` on), gaps as silence.

        Sample 0 arrived at `heard_since`; sample n was meant for n / 8000 s later, by the sender's clock.
        """
        return self._rtp.receiver.pcm(start) if self._rtp else np.zeros(0, np.int16)

    @property
    def heard_since(self) -> float | None:
        """Unix seconds (the kernel's) at which the first audio packet arrived; None before."""
        return self._rtp.receiver.started_at if self._rtp else None

    @property
    def heard_samples(self) -> int:
        """How many samples were received so far, gaps included."""
        return self._rtp.receiver.end if self._rtp else 0

    @property
    def digits(self) -> str:
        """Keys that the other side has pressed so far."""
        return "".join(one.key for one in self._rtp.receiver.digits) if self._rtp else ""

    @property
    def lost_packets(self) -> int:
        """Audio packets that never arrived."""
        return self._rtp.receiver.lost if self._rtp else 0

    def tones_heard(self, frequencies: Iterable[float], window: float = 0.2) -> frozenset[float]:
        """Which of `frequencies` (Hz) sound now: in the last `window` seconds; none when no packets come."""
        if self._rtp is None or time.time() - self._rtp.receiver.last_at > window + 0.3:
            return frozenset()
        return tones_in(self.heard(max(self.heard_samples - round(window * RATE), 0)), frequencies)

    def heard_lately(self, seconds: float) -> Pcm:
        """What came in the last `seconds` by our clock; silence where no packets came."""
        if self._rtp is None:
            return np.zeros(round(seconds * RATE), np.int16)
        self._rtp.catch_up()
        late = time.time() - self._rtp.receiver.last_at - 0.06  # 60 ms: the jitter of a busy machine
        missing = round(max(late, 0.0) * RATE)
        kept = max(round(seconds * RATE) - missing, 0)
        heard = self.heard(max(self.heard_samples - kept, 0)) if kept else np.zeros(0, np.int16)
        return np.concatenate([heard, np.zeros(round(seconds * RATE) - len(heard), np.int16)])

    def heard_level(self, seconds: float = 0.5) -> float:
        """RMS (0..32768) of the last `seconds`; no packets are silence."""
        return rms(self.heard_lately(seconds))

    def heard_kind(self, seconds: float = 0.5, tones: Sequence[float] = ()) -> str:
        """What sounded in the last `seconds`: "silence", "ringing", "tones" (none but the given) or "sound"."""
        return kind_of(self.heard_lately(seconds), tones)

    def tone_log(self, frequencies: Iterable[float], since: float = 0.0, shortest: float = 0.06) -> list[ToneSpan]:
        """When each of `frequencies` (Hz, 100 Hz apart) was to be heard; spans that ended before `since` are left out.

        Spans and gaps shorter than `shortest` and 0.03 s are none. Speech may look like a tone for up to 0.2 s.

        Times are unix seconds at which the audio arrived here, by the kernel's clock; edges are true to 10 ms, and
        later by what their packet was late.
        """
        if self._rtp is None:
            return []
        self._rtp.catch_up()
        heard = self._rtp.receiver
        # Nothing for 300 ms: the tone is over even when no silence came after it.
        goes_on = self._end is None and time.time() - heard.last_at < 0.3
        spans = [
            ToneSpan(
                frequency, heard.when(begin),
                None if end >= heard.end and goes_on else heard.when(end - 1) + 1 / RATE,
            )
            for frequency, begin, end in tone_spans(heard.view(), frequencies, shortest=shortest)
        ]  # fmt: skip
        return [span for span in spans if span.ended is None or span.ended >= since]

    async def wait_for_kind(
        self, kind: str, timeout: float = 10.0, *, seconds: float = 0.5, tones: Sequence[float] = ()
    ) -> None:
        """Wait until `seconds` of new audio are of a kind (`heard_kind`). Raises TimeoutError or CallEnded."""
        begin = time.time()
        await self.until(
            lambda: time.time() - begin >= seconds and self.heard_kind(seconds, tones) == kind, timeout, every=0.05
        )

    async def wait_for_digits(self, count: int, timeout: float) -> str:
        """Wait until `count` keys in all have come, and return all so far."""
        await self.until(lambda: len(self.digits) >= count, timeout)
        return self.digits

    async def wait_for_audio(self, min_rms: float = LOUD, timeout: float = 5.0, window: float = 0.1) -> float:
        """Wait until `window` seconds of new audio are at least `min_rms` loud; returns their RMS.

        Raises:
            TimeoutError: It stayed quiet.
            CallEnded: The call ended first.
        """
        start, size = self.heard_samples, round(window * RATE)

        def loudness() -> float:
            enough = self.heard_samples - start >= size
            return rms(self._media().receiver.view(self.heard_samples - size)) if enough else 0.0

        await self.until(lambda: loudness() >= min_rms, timeout)
        return loudness()

    async def wait_for_tone(self, frequency: float, timeout: float = 5.0, window: float = 0.2) -> None:
        """Wait until `frequency` (Hz) sounds in `window` seconds of new audio (errors: `wait_for_audio`)."""
        start, size = self.heard_samples, round(window * RATE)
        await self.until(
            lambda: self.heard_samples - start >= size and bool(self.tones_heard([frequency], window)), timeout
        )

    async def listen(
        self, since: int | None = None, *, quiet: float = 1.0, timeout: float = 30.0, min_rms: float = LOUD
    ) -> int:
        """Wait until the other side has spoken and then been silent for `quiet` seconds.

        Args:
            since: Sample from which speech counts; None for now.
            quiet: Seconds of silence that end a turn.
            timeout: Seconds before giving up.
            min_rms: What counts as sound.

        Returns:
            The sample behind the last sound.

        Raises:
            TimeoutError: Nothing was said, or it never ended.
            CallEnded: The call ended first.
        """
        begin = self.heard_samples if since is None else since
        said = 0

        def over() -> bool:
            nonlocal said
            loud, said = loud_span(self._media().receiver.view(begin), min_rms)
            receiver = self._media().receiver
            # By the sender's clock; when it sends nothing at all (a switch that waits), by ours.
            silent = (receiver.end - begin - said) / RATE + max(time.time() - receiver.last_at - 0.1, 0)
            return loud >= 640 and silent >= quiet  # 80 ms of sound in all: a click is not a turn

        await self.until(over, timeout, every=0.1)
        return begin + said

    async def until(self, true: Callable[[], bool], timeout: float, every: float | None = None) -> None:
        """Wait until `true`: looked at with each packet, or `every` so many seconds."""
        loop, media = asyncio.get_running_loop(), self._media()
        deadline, look_at = loop.time() + timeout, 0.0
        while True:
            self._alive()
            now = loop.time()
            if now >= look_at:
                look_at = now + (every or 0.0)
                if true():
                    return
            if now >= deadline:
                raise TimeoutError(f"not heard within {timeout} s")
            await media.more(min(deadline, look_at if every else deadline) - now)
