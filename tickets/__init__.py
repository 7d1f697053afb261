"""From words to a draft ticket, and the store of calls, tickets and the audit trail."""

from ._draft import empty_draft, make_draft
from ._errors import (
    BadCursor,
    GazetteerError,
    NoSuchTicket,
    RevisionConflict,
    SchemaError,
    StoreError,
    StoreUnavailable,
    StoreUrlError,
    TicketsError,
    TranscriptError,
)
from ._gazetteer import Gazetteer, Level, Region
from ._maker import DraftMaker, MakerCounts, MakerPolicy
from ._model import (
    AuditEntry,
    CallRecord,
    Doubt,
    Draft,
    Facts,
    Kind,
    Note,
    Page,
    Ticket,
    TicketStatus,
    TranscriptStatus,
    Why,
)
from ._store import Store
from ._transcript import Segment, SegmentLike, Transcript, TranscriptLike, Word, WordLike

__all__ = [
    "AuditEntry",
    "BadCursor",
    "CallRecord",
    "Doubt",
    "Draft",
    "DraftMaker",
    "Facts",
    "Gazetteer",
    "GazetteerError",
    "Kind",
    "Level",
    "MakerCounts",
    "MakerPolicy",
    "NoSuchTicket",
    "Note",
    "Page",
    "Region",
    "RevisionConflict",
    "SchemaError",
    "Segment",
    "SegmentLike",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "StoreUrlError",
    "Ticket",
    "TicketStatus",
    "TicketsError",
    "Transcript",
    "TranscriptError",
    "TranscriptLike",
    "TranscriptStatus",
    "Why",
    "Word",
    "WordLike",
    "empty_draft",
    "make_draft",
]
