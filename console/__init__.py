"""The web: REST with a true OpenAPI document, live events over a WebSocket, the page for seats and supervisors.

The service gives a :class:`Desk` and a :class:`TokenBook` to :func:`build_app`; ``console.testing`` ships a desk
in memory for tests and for work on the page.
"""

from ._app import build_app, stream_stats
from ._hub import Stats
from ._messages import CallEvent, DraftEvent, Event, HealthEvent, SeatEvent, Snapshot, WaitingEvent
from ._ports import AuditEntry, Desk, Look, RefusedError, UnavailableError, UnknownCursorError
from ._roles import RIGHTS, Principal, Right, Role
from ._schema import (
    Call,
    Caller,
    CallPage,
    CallSummary,
    Doubt,
    Draft,
    DraftCaller,
    DraftPage,
    EarlierCall,
    Leg,
    LiveCall,
    Moment,
    Probe,
    Recording,
    Region,
    Seat,
    SeatOrder,
    Segment,
    Skill,
    Transcript,
    Waiting,
    Word,
)
from ._settings import Settings
from ._tokens import TokenBook, TokenRefusedError
from ._view import mask_name, mask_number

__all__ = [
    "RIGHTS",
    "AuditEntry",
    "Call",
    "CallEvent",
    "CallPage",
    "CallSummary",
    "Caller",
    "Desk",
    "Doubt",
    "Draft",
    "DraftCaller",
    "DraftEvent",
    "DraftPage",
    "EarlierCall",
    "Event",
    "HealthEvent",
    "Leg",
    "LiveCall",
    "Look",
    "Moment",
    "Principal",
    "Probe",
    "Recording",
    "RefusedError",
    "Region",
    "Right",
    "Role",
    "Seat",
    "SeatEvent",
    "SeatOrder",
    "Segment",
    "Settings",
    "Skill",
    "Snapshot",
    "Stats",
    "TokenBook",
    "TokenRefusedError",
    "Transcript",
    "UnavailableError",
    "UnknownCursorError",
    "Waiting",
    "WaitingEvent",
    "Word",
    "build_app",
    "mask_name",
    "mask_number",
    "stream_stats",
]
