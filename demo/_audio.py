"""The audio half of a call: speaking, pressing keys, and hearing."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ._hearing import loud_span, rms, tones_in
from ._rtp import KEYS, RATE, Pcm, RtpSession

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

    async def wait_for_digits(self, count: int, timeout: float) -> str:
        """Wait until `count` keys in all have come, and return all so far."""
        await self._until(lambda: len(self.digits) >= count, timeout)
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

        await self._until(lambda: loudness() >= min_rms, timeout)
        return loudness()

    async def wait_for_tone(self, frequency: float, timeout: float = 5.0, window: float = 0.2) -> None:
        """Wait until `frequency` (Hz) sounds in `window` seconds of new audio (errors: `wait_for_audio`)."""
        start, size = self.heard_samples, round(window * RATE)
        await self._until(
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

        await self._until(over, timeout, every=0.1)
        return begin + said

    async def _until(self, true: Callable[[], bool], timeout: float, every: float | None = None) -> None:
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
