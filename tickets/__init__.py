"""From words to a draft ticket, and the store of calls, tickets and the audit trail."""

from ._catalogue import Catalogue, Channel, Entry, Field, Handling
from ._channel import CHANNELS
from ._draft import empty_draft, make_draft
from ._draft_json import draft_json
from ._emergency import Alarm, find_emergency
from ._errors import (
    BadCursor,
    CatalogueError,
    FileError,
    GazetteerError,
    NoSuchTicket,
    RevisionConflict,
    SchemaError,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
    StoreUrlError,
    TicketsError,
    TranscriptError,
)
from ._gazetteer import Gazetteer, Level, Region
from ._guide import Guide
from ._heard import Line, lines_of
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
    Repeat,
    Ticket,
    TicketStatus,
    TranscriptStatus,
    Why,
)
from ._outbox import Message, OutboxFigures
from ._outbox_http import HttpPlatform, NeverSo, NotNow, Platform
from ._outbox_worker import Outbox, OutboxCounts, OutboxPolicy
from ._repeat import Earlier, find_repeats, likeness
from ._store import Store
from ._talk import read_talk
from ._transcript import Segment, SegmentLike, Transcript, TranscriptLike, Word, WordLike

__all__ = [
    "CHANNELS",
    "Alarm",
    "AuditEntry",
    "BadCursor",
    "CallRecord",
    "Catalogue",
    "CatalogueError",
    "Channel",
    "Doubt",
    "Draft",
    "DraftMaker",
    "Earlier",
    "Entry",
    "Facts",
    "Field",
    "FileError",
    "Gazetteer",
    "GazetteerError",
    "Guide",
    "Handling",
    "HttpPlatform",
    "Kind",
    "Level",
    "Line",
    "MakerCounts",
    "MakerPolicy",
    "Message",
    "NeverSo",
    "NoSuchTicket",
    "NotNow",
    "Note",
    "Outbox",
    "OutboxCounts",
    "OutboxFigures",
    "OutboxPolicy",
    "Page",
    "Platform",
    "Region",
    "Repeat",
    "RevisionConflict",
    "SchemaError",
    "Segment",
    "SegmentLike",
    "Store",
    "StoreDamaged",
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
    "draft_json",
    "empty_draft",
    "find_emergency",
    "find_repeats",
    "likeness",
    "lines_of",
    "make_draft",
    "read_talk",
]
