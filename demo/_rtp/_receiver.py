"""What was heard: packets placed by their timestamps into one growing recording. No I/O."""

from array import array
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from ._codec import PCMA, PCMU, RATE, Pcm, decode
from ._packet import parse, read_event

LIMIT = 2 * 3600 * RATE
"""Samples kept at most: two hours (the longest talks last 79 minutes)."""
_JUMP = RATE
_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Digit:
    """A key that the other side pressed; `at` is unix seconds of its first packet."""

    key: str
    at: float


def _signed(difference: int) -> int:
    """Difference of two 32-bit timestamps, across their wrap."""
    difference &= _MASK
    return difference - (1 << 32) if difference & 0x80000000 else difference


class Receiver:
    """One call's incoming audio.

    A packet belongs where its timestamp says. When a stream changes (new SSRC) or its timestamps jump
    by more than a second against the clock, it goes on where the clock says, never over older audio.

    Attributes:
        dtmf: Payload type of telephone events, or None.
        started_at: Unix seconds at which the first packet arrived, None before.
        last_at: Unix seconds at which the last packet arrived.
        digits: Keys heard, in order.
        packets: Audio packets taken.
        lost: Sequence numbers that never came (late ones are taken off again).
    """

    def __init__(self) -> None:
        self.dtmf: int | None = None
        self.started_at: float | None = None
        self.last_at = 0.0
        self.digits: list[Digit] = []
        self.packets = 0
        self.lost = 0
        self._pcm: Pcm = np.zeros(RATE * 4, np.int16)
        self._end = 0
        self._ssrc = -1
        self._place = 0  # where the packet with timestamp _stamp belongs
        self._stamp = 0
        self._sequence = 0
        self._arrived = 0.0
        self._event: tuple[int, int] | None = None
        # Where packets were placed and when they came: 16 bytes a packet, and no objects.
        self._places, self._times = array("q"), array("d")

    @property
    def end(self) -> int:
        """Number of samples heard so far."""
        return self._end

    def pcm(self, start: int = 0) -> Pcm:
        """A copy of what was heard from sample `start` on; gaps are silence."""
        return self._pcm[max(start, 0) : self._end].copy()

    def view(self, start: int = 0) -> Pcm:
        """As `pcm`, without the copy: for reading at once only."""
        return self._pcm[max(start, 0) : self._end]

    def when(self, sample: int) -> float:
        """Unix seconds at which the packet with `sample` arrived, plus how far into it the sample is.

        In a gap: counted on from the packet before it. 0 when nothing has come.
        """
        if not self._places:
            return 0.0
        at = max(bisect_right(self._places, sample) - 1, 0)
        return self._times[at] + (sample - self._places[at]) / RATE

    def packet(self, data: bytes, at: float) -> bool:
        """Take a datagram that arrived `at` (unix seconds); true when it was audio or a new key."""
        packet = parse(data)
        if packet is None:
            return False
        if packet.payload_type == self.dtmf:
            return self._key(packet.ssrc, packet.timestamp, packet.payload, at)
        if packet.payload_type not in {PCMA, PCMU} or not 0 < len(packet.payload) <= 4 * RATE // 10:
            return False
        place = self._where(packet.ssrc, packet.timestamp, packet.sequence, at)
        self._write(place, decode(packet.payload, packet.payload_type))
        self.packets += 1
        self.last_at = at
        return True

    def _where(self, ssrc: int, stamp: int, sequence: int, at: float) -> int:
        if self.started_at is None:
            self.started_at = at
            self._follow(ssrc, stamp, sequence, 0, at)
            return 0
        by_clock = max(self._end, round((at - self.started_at) * RATE))
        if ssrc != self._ssrc:
            self._follow(ssrc, stamp, sequence, by_clock, at)
            return by_clock
        step = _signed(stamp - self._stamp)
        waited = (at - self._arrived) * RATE
        if step < -_JUMP or (step > _JUMP and abs(step - waited) > _JUMP):
            self._follow(ssrc, stamp, sequence, by_clock, at)
            return by_clock
        place = self._place + step
        if step > 0:
            self.lost += max(((sequence - self._sequence) & 0xFFFF) - 1, 0)
            self._follow(ssrc, stamp, sequence, place, at)
        elif step < 0:
            self.lost = max(self.lost - 1, 0)
        return place

    def _follow(self, ssrc: int, stamp: int, sequence: int, place: int, at: float) -> None:
        self._ssrc, self._stamp, self._sequence = ssrc, stamp, sequence
        self._place, self._arrived = place, at
        self._places.append(place)
        self._times.append(at)

    def _write(self, place: int, pcm: Pcm) -> None:
        if place < 0:  # sent before the first packet that came: nothing to place it against
            return
        end = place + len(pcm)
        if end > LIMIT:
            return
        if end > len(self._pcm):
            grown: Pcm = np.zeros(min(max(end, 2 * len(self._pcm)), LIMIT), np.int16)
            grown[: self._end] = self._pcm[: self._end]
            self._pcm = grown
        self._pcm[place:end] = pcm
        self._end = max(self._end, end)

    def _key(self, ssrc: int, stamp: int, payload: bytes, at: float) -> bool:
        read = read_event(payload)
        # All packets of one key press share a timestamp; any of them may be the first to arrive.
        if read is None or self._event == (ssrc, stamp):
            return False
        self._event = (ssrc, stamp)
        self.digits.append(Digit(read[0], at))
        return True
