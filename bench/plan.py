"""What is compared, and the shape of one call: the same for every variant."""

from __future__ import annotations

from dataclasses import dataclass

SEATS = 500
"""So many that nobody ever queues: the path is measured, not the lack of people."""
PROMPT_SECONDS = 0.9
RING_MS = 500
HOLD_MS = 4200
"""A caller hangs up so long after the 200. Without RTP from the caller, Asterisk waits 0.5 s at the answer
for media; then 0.9 s prompt and 0.5 s ringing: about 2.2 s of talk."""
NATIVE_NUMBER = "12300"
BARE_NUMBER = "12301"
SERVICE_NUMBER = "12345"
FIRST_SEAT = 2001
LINE = "outside"
"""The trunk to phones outside, where a rig has one."""
UNIT, EMERGENCY = "unit", "110"
"""Entries of the directory behind it."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to get a caller to a seat."""

    name: str
    title: str
    service: bool
    """False: the switch's own app_queue."""
    record: bool
    number: str
    """What its callers dial."""


VARIANTS = (
    Variant("a1", "native: Answer + Playback + Queue", service=False, record=False, number=NATIVE_NUMBER),
    Variant("b1", "service: engine + Redis journal", service=True, record=False, number=SERVICE_NUMBER),
    Variant("a2", "native + MixMonitor (stereo raw)", service=False, record=True, number=NATIVE_NUMBER),
    Variant("b2", "service + journal + MixMonitor", service=True, record=True, number=SERVICE_NUMBER),
    # Nobody decides, nothing is shared: the least this switch can spend on such a call.
    Variant("d1", "bare: Answer + Playback + Dial of the next number", service=False, record=False, number=BARE_NUMBER),
)


def seat_ids(count: int = SEATS) -> list[str]:
    """SIP users of the seats."""
    return [str(FIRST_SEAT + i) for i in range(count)]
