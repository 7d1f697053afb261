"""What is said: one RTP stream without gaps, packet by packet. No I/O and no clock."""

import asyncio
import math
import secrets
from collections import deque
from dataclasses import dataclass

import numpy as np

from ._codec import FRAME, PCMA, RATE, SILENCE, Pcm, encode
from ._packet import KEYS, Packet, event

_SHORTEST = 2  # frames: 40 ms, the shortest event that receivers must notice


@dataclass(slots=True)
class _Speech:
    pcm: Pcm
    done: asyncio.Future[bool]
    at: int = 0


@dataclass(slots=True)
class _Press:
    key: str
    frames: int
    done: asyncio.Future[bool]
    sent: int = 0
    stamp: int = 0
    pause: int = 0


def _finish(done: asyncio.Future[bool], value: bool) -> None:
    if not done.done():
        done.set_result(value)


class Sender:
    """Makes the packets of each 20 ms: a key press, else speech, else a tone, else silence.

    Attributes:
        codec: Payload type for audio, 8 (A-law) or 0 (µ-law).
        dtmf: Payload type for telephone events, None when the other side takes none.
    """

    def __init__(self) -> None:
        self.codec = PCMA
        self.dtmf: int | None = None
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(16)
        self._stamp = secrets.randbits(32)
        self._speech: deque[_Speech] = deque()
        self._presses: deque[_Press] = deque()
        self._tone: tuple[float, float] | None = None
        self._phase = 0.0
        self._talking = False

    @property
    def speaking(self) -> bool:
        """True while speech is queued."""
        return bool(self._speech)

    def play(self, pcm: Pcm) -> asyncio.Future[bool]:
        """Queue speech; the future is true when all was sent, false when it was stopped."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._speech.append(_Speech(np.ascontiguousarray(pcm, np.int16), done))
        return done

    def tone(self, frequency: float, level: float = 0.25) -> None:
        """Sound a tone (Hz; level 0..1 of full scale) whenever there is no speech."""
        if not 0 < frequency < RATE / 2 or not 0 < level <= 1:
            raise ValueError("a tone lies between 0 and 4000 Hz and has a level above 0, at most 1")
        self._tone = (frequency, level)

    def press(self, key: str, seconds: float, pause: float) -> asyncio.Future[bool]:
        """Queue a key press (RFC 4733) followed by a pause."""
        if len(key) != 1 or key not in KEYS:
            raise ValueError(f"a key is one of {KEYS}")
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        frames = min(max(round(seconds * 50), _SHORTEST), 400)  # longer would overflow the duration field
        self._presses.append(_Press(key, frames, done, pause=max(round(pause * 50), 1)))
        return done

    def stop(self) -> None:
        """Drop speech and tone; a key press that has begun ends properly."""
        self._tone = None
        while self._speech:
            _finish(self._speech.popleft().done, False)

    def close(self) -> None:
        """Drop everything and free whoever waits."""
        self.stop()
        while self._presses:
            _finish(self._presses.popleft().done, False)

    def packets(self) -> list[Packet]:
        """The packets of the next 20 ms: one, or three at the end of a key press."""
        made = self._key() if self._presses else None
        if made is None:
            made = [self._packet(self.codec, self._stamp, self._audio(), False)]
        self._stamp = (self._stamp + FRAME) & 0xFFFFFFFF
        return made

    def skip(self) -> None:
        """Let 20 ms pass without a packet (on hold): the clock of the stream runs on."""
        self._stamp = (self._stamp + FRAME) & 0xFFFFFFFF
        self._talking = False

    def _packet(self, kind: int, stamp: int, payload: bytes, marker: bool) -> Packet:
        self._sequence = (self._sequence + 1) & 0xFFFF
        if kind == self.codec:  # the first packet after a silence carries the marker (RFC 3551 §4.1)
            marker, self._talking = not self._talking, True
        return Packet(kind, self._sequence, stamp, self._ssrc, payload, marker)

    def _key(self) -> list[Packet] | None:
        press = self._presses[0]
        if self.dtmf is None:
            _finish(self._presses.popleft().done, False)
            return None
        if press.sent >= press.frames:  # the pause between two keys carries audio
            press.pause -= 1
            if press.pause < 0:
                _finish(self._presses.popleft().done, True)
                return self._key() if self._presses else None
            return None
        if not press.sent:
            press.stamp = self._stamp
        press.sent += 1
        end = press.sent == press.frames
        payload = event(press.key, press.sent * FRAME, end=end)
        # The end is what counts and there is nothing behind it to mend a loss: three times.
        return [
            self._packet(self.dtmf, press.stamp, payload, press.sent == 1 and not again)
            for again in range(3 if end else 1)
        ]

    def _audio(self) -> bytes:
        while self._speech and self._speech[0].at >= len(self._speech[0].pcm):
            _finish(self._speech.popleft().done, True)
        if self._speech:
            speech = self._speech[0]
            frame = speech.pcm[speech.at : speech.at + FRAME]
            speech.at += FRAME
            return encode(frame, self.codec).ljust(FRAME, SILENCE[self.codec])
        if self._tone is None:
            return SILENCE[self.codec] * FRAME
        frequency, level = self._tone
        turn = 2 * math.pi * frequency / RATE
        wave = np.sin(self._phase + turn * np.arange(FRAME)) * (level * 32_767)
        self._phase = math.fmod(self._phase + turn * FRAME, 2 * math.pi)
        return encode(np.rint(wave).astype(np.int16), self.codec)
