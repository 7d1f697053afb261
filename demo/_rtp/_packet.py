"""RTP packets (RFC 3550 §5.1) and telephone events (RFC 4733 §2.3) as bytes."""

import struct
from dataclasses import dataclass

KEYS = "0123456789*#ABCD"


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet; `timestamp` counts 8000 a second."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def __bytes__(self) -> bytes:
        second = self.payload_type | (0x80 if self.marker else 0)
        head = struct.pack(">BBHII", 0x80, second, self.sequence, self.timestamp, self.ssrc)
        return head + self.payload


def parse(data: bytes) -> Packet | None:
    """One datagram as a packet; None when it is anything else (RTCP, STUN, noise)."""
    if len(data) < 12 or data[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, ssrc = struct.unpack_from(">BBHII", data)
    if 72 <= second & 0x7F <= 76:  # RTCP that came to the RTP port (RFC 5761 §4)
        return None
    start, end = 12 + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if end < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & 0x20 and end > start:
        end -= data[-1]
    if start > end:
        return None
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))


def event(key: str, duration: int, *, end: bool, volume: int = 10) -> bytes:
    """Payload of a telephone event; `duration` in samples so far, `volume` in -dBm0."""
    return struct.pack(">BBH", KEYS.index(key), (0x80 if end else 0) | volume, min(duration, 0xFFFF))


def read_event(payload: bytes) -> tuple[str, int, bool] | None:
    """(key, duration in samples, end) of an event payload; None when it is not one of the 16 keys."""
    if len(payload) < 4 or payload[0] >= len(KEYS):
        return None
    return KEYS[payload[0]], int.from_bytes(payload[2:4], "big"), bool(payload[1] & 0x80)
