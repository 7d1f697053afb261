"""The seat's states as a table, and one function per kind of change.

A seat is *offered* a caller (reserved, nobody else gets it), its phone *rings*, it *talks*, it *wraps
up*, and is *available* again. Whoever asks for a break while busy gets it afterwards, and whoever must
rest after an abusive call (Art. 28) as well. Every state but offline and available has a deadline. The
table says which changes exist at all; `move` refuses the others, so no code path can invent one.
"""

from __future__ import annotations

from dataclasses import replace

from ._model import Policy, Seat, SeatState

S = SeatState

TABLE: dict[SeatState, frozenset[SeatState]] = {
    S.OFFLINE: frozenset({S.AVAILABLE, S.BREAK, S.TALKING}),
    S.AVAILABLE: frozenset({S.OFFERED, S.BREAK, S.REST, S.OFFLINE, S.TALKING}),
    S.OFFERED: frozenset({S.RINGING, S.TALKING, S.AVAILABLE, S.BREAK, S.REST, S.OFFLINE}),
    S.RINGING: frozenset({S.TALKING, S.AVAILABLE, S.BREAK, S.REST, S.OFFLINE}),
    S.TALKING: frozenset({S.WRAP_UP, S.AVAILABLE, S.BREAK, S.REST, S.OFFLINE}),
    S.WRAP_UP: frozenset({S.AVAILABLE, S.BREAK, S.REST, S.OFFLINE}),
    S.BREAK: frozenset({S.AVAILABLE, S.OFFLINE, S.BREAK, S.TALKING}),
    S.REST: frozenset({S.AVAILABLE, S.OFFLINE, S.BREAK, S.REST, S.TALKING}),
}
"""State → states it may change to. TALKING from anywhere idle: a call found in the switch after a restart."""

BUSY = frozenset({S.OFFERED, S.RINGING, S.TALKING})

PHONE_GONE = frozenset({"phone unregistered", "phone unreachable"})
"""Reasons of an offline seat that its phone, not a person, may end."""
SAME_SIGN_IN = 300.0
"""A phone away for less than so many seconds (it rebooted) does not begin a new sign-in."""


class SeatError(ValueError):
    """A change of state that does not exist; the message says what may be done instead."""


def move(
    seat: Seat, to: SeatState, now: float, policy: Policy, *, reason: str | None = None, limit: float | None = None
) -> Seat:
    """Returns the seat in its new state, with the new state's deadline.

    Args:
        seat: as it is.
        to: the new state.
        now: unix seconds.
        policy: says how long a state may last.
        reason: why, for people.
        limit: seconds that a break or rest may last, instead of the policy's.

    Raises:
        SeatError: the table has no such change.
    """
    if to not in TABLE[seat.state]:
        allowed = ", ".join(sorted(TABLE[seat.state]))
        raise SeatError(f"seat {seat.id} is {seat.state}: it can become {allowed}, not {to}")
    lasts = {
        S.OFFERED: policy.reserve,
        S.RINGING: policy.ring,
        S.TALKING: policy.talk_check,
        S.WRAP_UP: policy.wrap_up,
        S.BREAK: policy.break_limit if limit is None else limit,
        S.REST: policy.rest if limit is None else limit,
    }.get(to)
    idle = to not in BUSY
    signed_in_at, busy, taken = seat.signed_in_at, seat.busy_seconds, seat.taken
    if seat.state in (S.TALKING, S.WRAP_UP):
        busy += max(0.0, now - seat.since)
        taken += seat.state is S.TALKING
    elif seat.state is S.OFFLINE and not (seat.reason in PHONE_GONE and now - seat.since < SAME_SIGN_IN):
        signed_in_at, busy, taken = now, 0.0, 0
    return replace(
        seat,
        state=to,
        since=now,
        deadline=None if lasts is None else now + lasts,
        reason=reason,
        call=None if idle and to is not S.WRAP_UP else seat.call,
        offer=None if idle else seat.offer,
        idle_since=now if to is S.AVAILABLE and seat.state is not S.OFFERED else seat.idle_since,
        missed=0 if to is S.TALKING else seat.missed,
        signed_in_at=signed_in_at,
        busy_seconds=busy,
        taken=taken,
        foreign=seat.foreign and not idle,
    )
