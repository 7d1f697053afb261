"""Who may do what: the one table. Everything that hides, shows or refuses asks here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What a token's holder is."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    SEAT = "seat"
    AUDITOR = "auditor"
    PROBE = "probe"


class Right(StrEnum):
    """One thing a role may do."""

    FLOOR = "floor"
    """See calls, seats and waiting callers, with masked numbers."""
    NUMBERS = "numbers"
    """See every caller's full number and name, and the caller's earlier calls (audited)."""
    WORDS = "words"
    """Read every transcript and draft (audited)."""
    RECORDINGS = "recordings"
    """Hear every recording (audited)."""
    OWN_CALL = "own_call"
    """See in full the call offered to or served by one's own seat, bring others into it, transfer it, ring an
    emergency line, rest after it, and set one's own seat's state."""
    SEATS = "seats"
    """Set any seat's state, reset it, force it to rest, and arrange the parties of any call."""
    SUPERVISE = "supervise"
    """Listen to any talk, whisper to its seat, barge in and take over; see who listens (audited)."""
    CALLBACKS = "callbacks"
    """Add to the callback list, and turn a waiting caller into a call back."""
    STEER = "steer"
    """Switch the operating mode, tell known incidents, take entries off the callback list, see all centres."""
    RESTRICTIONS = "restrictions"
    """See the restriction list, with masked numbers unless the role may see numbers."""
    RESTRICT = "restrict"
    """Propose, confirm, review and lift restrictions, and hand out the evidence (audited)."""
    METRICS = "metrics"
    """Read /metrics."""
    DOCUMENT = "document"
    """Read the OpenAPI document."""


RIGHTS: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        Role.ADMIN: frozenset(Right) - {Right.OWN_CALL},
        Role.SUPERVISOR: frozenset(
            {
                Right.FLOOR,
                Right.NUMBERS,
                Right.WORDS,
                Right.RECORDINGS,
                Right.SEATS,
                Right.SUPERVISE,
                Right.CALLBACKS,
                Right.STEER,
                Right.RESTRICTIONS,
                Right.RESTRICT,
                Right.METRICS,
                Right.DOCUMENT,
            }
        ),
        Role.SEAT: frozenset({Right.FLOOR, Right.OWN_CALL, Right.CALLBACKS, Right.DOCUMENT}),
        # An auditor judges how callers were served, not who they were.
        Role.AUDITOR: frozenset(
            {Right.FLOOR, Right.WORDS, Right.RECORDINGS, Right.RESTRICTIONS, Right.DOCUMENT}
        ),
        Role.PROBE: frozenset({Right.METRICS}),
    }
)


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a checked token.

    Attributes:
        role: what the holder is.
        name: shown in the audit; a person's or a machine's name.
        seat: seat id, only and always for role ``seat``.
        issued: unix seconds.
        expires: unix seconds; after it the token is refused and open streams are ended.
    """

    role: Role
    name: str
    seat: str | None
    issued: float
    expires: float

    def may(self, right: Right) -> bool:
        """Whether the role table grants ``right``."""
        return right in RIGHTS[self.role]
