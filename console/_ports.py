"""What the console needs of the rest: the desk. The service provides it over engine, store and vault.

The desk gives everything in full; hiding what a reader may not see is the console's work (``_view``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from ._messages import Event, Snapshot
from ._schema import Call, CallPage, Draft, DraftPage, LiveCall, Party, Probe
from ._schema_floor import (
    Callback,
    CallbackPage,
    Centre,
    Choices,
    Incident,
    IncidentOrder,
    Mode,
    ModeOrder,
    Seat,
    SeatOrder,
    Waiting,
)
from ._schema_handovers import Handover
from ._schema_parties import Directory, PartyOrder
from ._schema_restrictions import Restriction, RestrictionOrder, RestrictionPage


class Look(StrEnum):
    """What an audit entry says was seen or done."""

    NUMBER = "number"
    TRANSCRIPT = "transcript"
    DRAFT = "draft"
    RECORDING = "recording"
    SEAT_STATE = "seat_state"
    CALLBACK = "callback"
    PARTY = "party"
    EMERGENCY = "emergency"
    SUPERVISE = "supervise"
    CONTEXT = "context"
    HANDOVER = "handover"
    MODE = "mode"
    INCIDENT = "incident"
    RESTRICTION = "restriction"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One look or command, written before the answer leaves (Art. 19, 25).

    Attributes:
        at: unix seconds.
        who: name in the token.
        role: role in the token.
        seat: the reader's own seat, if any.
        what: what was seen or done.
        calls: ids of the calls concerned (several for a list).
        where: path of the request, without its query.
        detail: for commands: what was ordered of what, in short words.
    """

    at: float
    who: str
    role: str
    seat: str | None
    what: Look
    calls: tuple[str, ...]
    where: str
    detail: str = ""


class RefusedError(Exception):
    """The desk refuses a command in the present state; ``code`` says why (captions: ``problem.<code>``)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class UnknownCursorError(Exception):
    """The cursor given to a page belongs to no page (any more)."""


class UnavailableError(Exception):
    """A part the desk needs for this answer does not work just now; ``part`` is e.g. ``redis``."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


class Desk(Protocol):
    """Everything the console asks for. Any method may raise :class:`UnavailableError`."""

    async def snapshot(self) -> Snapshot:
        """Live calls (wrap-up included), all seats, waiting callers, open drafts, health."""
        ...

    async def calls(self, *, live: bool | None, limit: int, cursor: str | None) -> CallPage:
        """A page of calls, newest first. ``live`` None: all; else only (not) live ones.

        Raises:
            UnknownCursorError: ``cursor`` is none of ours.
        """
        ...

    async def call(self, call_id: str) -> Call | None:
        """One call whole, live or not; None if there is none."""
        ...

    async def live_call(self, call_id: str) -> LiveCall | None:
        """One call that goes on, without words; None if there is none. Needs no store: orders must not wait for it."""
        ...

    async def seats(self) -> Sequence[Seat]:
        """All seats, in the order to show them."""
        ...

    async def waiting(self) -> Sequence[Waiting]:
        """All waiting callers, first in line first."""
        ...

    async def tickets(self, *, seat: str | None, limit: int, cursor: str | None) -> DraftPage:
        """A page of drafts and tickets, newest first; ``seat``: only those of calls this seat served.

        Raises:
            UnknownCursorError: ``cursor`` is none of ours.
        """
        ...

    async def ticket(self, ticket_id: str) -> Draft | None:
        """One draft or ticket; None if there is none."""
        ...

    async def recording(self, call_id: str) -> Path | None:
        """The FLAC file of a call's recording; None if there is none."""
        ...

    async def order_seat(self, seat_id: str, order: SeatOrder, *, force: bool = False) -> Seat | None:
        """Set a seat's state and give the seat as it then is; None if there is no such seat.

        Args:
            seat_id: whose state.
            order: which state.
            force: ordered by a supervisor, who may also end a forced rest.

        Raises:
            RefusedError: not in its present state: ``seat-busy``, ``must-rest``.
        """
        ...

    async def rest_seat(self, seat_id: str, seconds: float | None) -> Seat | None:
        """Force a seat to rest, now or when its call is over; None if there is no such seat.

        Raises:
            RefusedError: ``rests-already``: it is on a break or offline.
        """
        ...

    async def reset_seat(self, seat_id: str) -> Seat | None:
        """Bring a seat out of whatever state it is in; None if there is no such seat.

        Raises:
            RefusedError: ``seat-talking``: a talk that is true is not torn apart.
        """
        ...

    async def choices(self) -> Choices:
        """What may be chosen: break reasons, modes, centres, skills of further parties."""
        ...

    async def call_back_waiting(self, call_id: str) -> bool:
        """Turn a waiting caller into a call back at its rank; False if there is no such call.

        Raises:
            RefusedError: ``not-waiting``, or ``no-number`` to call back.
        """
        ...

    # Orders to a call with several parties. ``by``: the person's name. ``key``: an order with a key the call has
    # seen already does nothing and answers as the first time; empty: none was given.

    async def want_party(self, call_id: str, order: PartyOrder, *, asking: str, by: str, key: str) -> Party | None:
        """Bring somebody into a running talk, or consult or transfer; None if there is no such call.

        Args:
            call_id: which call.
            order: whom, and how.
            asking: the seat that asks; empty: the call's own (a supervisor asks).
            by: see above.
            key: see above.

        Raises:
            RefusedError: ``not-talking``, ``too-late``, ``full``, ``no-entry``, ``entry-disabled``, ``entry-closed``,
                ``number-not-allowed``, ``no-such-seat``, ``seat-busy``, ``nobody-has-skill``, ``key-used`` …
        """
        ...

    async def drop_party(self, call_id: str, part: str, *, by: str, key: str) -> bool:
        """Let a party go, whether it rings or talks; False if there is no such call.

        Raises:
            RefusedError: ``no-party``, ``too-late``.
        """
        ...

    async def arrange(self, call_id: str, what: str, *, seat: str, by: str, key: str) -> bool:
        """Who is with whom from now on (see Arrangement); False if there is no such call.

        Args:
            call_id: which call.
            what: join, swap, complete, return, hold, resume, mute, unmute or leave.
            seat: whose leg it is about; empty: the call's own seat.
            by: see above.
            key: see above.

        Raises:
            RefusedError: ``not-talking``, ``not-in-consult``, ``nothing-held``, ``not-joined``, ``too-late`` …
        """
        ...

    async def emergency(self, call_id: str, entry: str, *, by: str, key: str, note: str = "") -> Party | None:
        """Ring an emergency line at once, in whatever state the call is; None if there is no such call.

        Args:
            call_id: which call.
            entry: which line.
            by: see above.
            key: see above.
            note: see EmergencyOrder; like a PartyOrder's it is told to the next hotline and kept nowhere else.

        Raises:
            RefusedError: ``no-caller`` (it has left), ``no-entry``, ``entry-disabled`` …
        """
        ...

    async def supervise(self, call_id: str, mode: str, seat: str, *, by: str, key: str) -> bool:
        """Listen, whisper, barge in, take over or stop; False if there is no such call.

        Args:
            call_id: which call.
            mode: see SuperviseOrder.
            seat: the supervisor's own phone, by its seat id.
            by: see above.
            key: see above.

        Raises:
            RefusedError: ``not-talking``, ``supervisor-busy``, ``no-such-seat``, ``not-joined`` …
        """
        ...

    async def directory(self) -> Directory:
        """The hotline directory as it is now: what is open, what has a line."""
        ...

    async def callbacks(self, *, open_only: bool | None, limit: int, cursor: str | None) -> CallbackPage:
        """A page of the callback list, to be tried next first; ``open_only`` None: all, False: finished ones.

        Raises:
            UnknownCursorError: ``cursor`` is none of ours.
        """
        ...

    async def callback(self, entry_id: str) -> Callback | None:
        """One entry; None if there is none."""
        ...

    async def add_callback(self, number: str, reason: str, by: str) -> Callback:
        """Add a number, or give the entry that it has already.

        Raises:
            RefusedError: e.g. ``do-not-disturb``.
        """
        ...

    async def cancel_callback(self, entry_id: str, by: str) -> Callback | None:
        """Take an entry off the list; None if there is none.

        Raises:
            RefusedError: ``callback-running``, ``callback-over``.
        """
        ...

    async def reopen_callback(self, entry_id: str, by: str) -> Callback | None:
        """Put a cancelled entry back at its rank; None if there is none.

        Raises:
            RefusedError: ``callback-over``: done, or too old.
        """
        ...

    async def mode(self) -> Mode:
        """The operating mode with the known incidents."""
        ...

    async def set_mode(self, order: ModeOrder, by: str) -> Mode:
        """Switch the mode, or the thresholds on or off.

        Raises:
            RefusedError: ``no-such-mode``.
        """
        ...

    async def add_incident(self, order: IncidentOrder, by: str) -> Incident:
        """A known incident, told to callers of its regions from now on.

        Raises:
            RefusedError: ``no-such-centre``.
        """
        ...

    async def end_incident(self, incident_id: str, by: str) -> bool:
        """It is mended; False if there is no such incident.

        Raises:
            RefusedError: ``incident-configured``: it stands in the configuration and ends there.
        """
        ...

    async def centres(self) -> Sequence[Centre]:
        """All centres with their figures, parents before their children."""
        ...

    async def restrictions(self, *, open_only: bool | None, limit: int, cursor: str | None) -> RestrictionPage:
        """A page of the restriction list, newest first; ``open_only`` None: all, False: those that are over.

        Raises:
            UnknownCursorError: ``cursor`` is none of ours.
        """
        ...

    async def restriction(self, entry_id: str) -> Restriction | None:
        """One entry, with the calls of its number that the books know; None if there is none."""
        ...

    async def restrict(
        self, order: RestrictionOrder, number: str, calls: Sequence[str], *, by: str, role: str
    ) -> Restriction:
        """A first person proposes.

        Args:
            order: reason, note, length, variant.
            number: whom; empty: the call showed none.
            calls: the evidence.
            by: the person's name.
            role: the person's role.

        Raises:
            RefusedError: ``number-withheld``, ``not-restrictable``, ``already-proposed``, ``too-long`` …
        """
        ...

    async def restriction_act(
        self, entry_id: str, what: str, note: str, *, by: str, role: str
    ) -> Restriction | None:
        """confirm, reject, keep, appeal or lift; None if there is no such entry.

        Raises:
            RefusedError: ``second-person``, ``not-proposed``, ``restriction-over``, ``note-missing`` …
        """
        ...

    async def bundle(
        self, entry_id: str, calls: Sequence[str], *, by: str, role: str
    ) -> AsyncIterator[bytes] | None:
        """The evidence about an entry as a .zip, piece by piece; None if there is no such entry.

        Raises:
            RefusedError: ``not-its-call``: a call of another number.
        """
        ...

    async def handover(
        self, handover_id: str, token: str, audit: Callable[[str, str], Awaitable[None]]
    ) -> Handover:
        """The case behind a one-time token, which is used up by it.

        Args:
            handover_id: as in the User-to-User header of the call.
            token: likewise.
            audit: awaited with the call's id and the directory's entry it went to when the token is right, before
                anything is used up; what it raises goes on, and the token stays good.

        Raises:
            RefusedError: ``no-handover`` (there is none, or another token), ``handover-gone`` (used or expired).
        """
        ...

    def events(self, since: int | None) -> AsyncIterator[Event]:
        """Live events after event ``since`` (None: from now on), ids growing strictly and below 2**53.

        A Redis Stream id serves as ``milliseconds * 1000 + sequence``. Events no longer kept are skipped.
        Ends or raises when the source is lost: it is then asked again with the last id seen.
        """
        ...

    async def health(self) -> Sequence[Probe]:
        """The truth about every part, from fresh looks, within about a second."""
        ...

    async def metrics(self) -> str:
        """Prometheus text (version 0.0.4)."""
        ...

    async def audit(self, entry: AuditEntry) -> None:
        """Write ``entry`` where it lasts. If this raises, what was asked for is not shown."""
        ...
