"""The seat's states as a table, and one function per kind of change.

A seat is *offered* a caller (reserved, nobody else gets it), its phone *rings*, it *talks*, it *wraps
up*, and is *available* again. Whoever asks for a break while busy gets it afterwards. The table says
which changes exist at all; `move` refuses the others, so no code path can invent one.
"""

from __future__ import annotations

from dataclasses import replace

from ._model import Policy, Seat, SeatState

S = SeatState

TABLE: dict[SeatState, frozenset[SeatState]] = {
    S.OFFLINE: frozenset({S.AVAILABLE, S.BREAK, S.TALKING}),
    S.AVAILABLE: frozenset({S.OFFERED, S.BREAK, S.OFFLINE, S.TALKING}),
    S.OFFERED: frozenset({S.RINGING, S.TALKING, S.AVAILABLE, S.BREAK, S.OFFLINE}),
    S.RINGING: frozenset({S.TALKING, S.AVAILABLE, S.BREAK, S.OFFLINE}),
    S.TALKING: frozenset({S.WRAP_UP, S.AVAILABLE, S.BREAK, S.OFFLINE}),
    S.WRAP_UP: frozenset({S.AVAILABLE, S.BREAK, S.OFFLINE}),
    S.BREAK: frozenset({S.AVAILABLE, S.OFFLINE, S.BREAK, S.TALKING}),
}
"""State → states it may change to. TALKING from anywhere idle: a call found in the switch after a restart."""

BUSY = frozenset({S.OFFERED, S.RINGING, S.TALKING})


class SeatError(ValueError):
    """A change of state that does not exist; the message says what may be done instead."""


def move(seat: Seat, to: SeatState, now: float, policy: Policy, *, reason: str | None = None) -> Seat:
    """Returns the seat in its new state, with the new state's deadline.

    Raises:
        SeatError: the table has no such change.
    """
    if to not in TABLE[seat.state]:
        allowed = ", ".join(sorted(TABLE[seat.state]))
        raise SeatError(f"seat {seat.id} is {seat.state}: it can become {allowed}, not {to}")
    deadline = {
        S.OFFERED: now + policy.reserve,
        S.RINGING: now + policy.ring,
        S.WRAP_UP: now + policy.wrap_up,
        S.BREAK: now + policy.break_limit,
    }.get(to)
    idle = to in (S.AVAILABLE, S.OFFLINE, S.BREAK, S.WRAP_UP)
    return replace(
        seat,
        state=to,
        since=now,
        deadline=deadline,
        reason=reason,
        call=None if idle and to is not S.WRAP_UP else seat.call,
        offer=None if idle else seat.offer,
        idle_since=now if to is S.AVAILABLE and seat.state is not S.OFFERED else seat.idle_since,
        missed=0 if to is S.TALKING else seat.missed,
    )
