"""Tickets and their drafts as plain values. Pure: no clock, no I/O.

A *draft* is what the machine made of a call; it becomes a *ticket* (工单) only when a human confirms it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar


class Kind(StrEnum):
    """What a caller wants (Art. 2: 咨询求助 / 投诉举报 / 意见建议 / 其他, told apart as on real tickets)."""

    CONSULT = "consult"
    HELP = "help"
    COMPLAINT = "complaint"
    REPORT = "report"
    SUGGESTION = "suggestion"
    OTHER = "other"

    @property
    def zh(self) -> str:
        """The kind's Chinese name, as written on tickets."""
        return _KIND_ZH[self]


_KIND_ZH: Mapping[Kind, str] = MappingProxyType({
    Kind.CONSULT: "咨询",
    Kind.HELP: "求助",
    Kind.COMPLAINT: "投诉",
    Kind.REPORT: "举报",
    Kind.SUGGESTION: "意见建议",
    Kind.OTHER: "其他",
})


class TicketStatus(StrEnum):
    """How far a ticket has come. Only a human moves it on from `draft`."""

    DRAFT = "draft"
    CONFIRMED = "confirmed"
    DISCARDED = "discarded"


class Note(StrEnum):
    """Why a draft has no words."""

    NONE = ""
    NO_SPEECH = "no_speech"
    """The caller said nothing that the recogniser understood."""
    NO_TRANSCRIPT = "no_transcript"
    """Transcription failed or is switched off (no model)."""
    FAILED = "failed"
    """The draft could not be made, several times over: someone should look at the log."""
    WAITING = "waiting"
    """Its words are late: they are put in when they come."""


class Why(StrEnum):
    """Why a field of a draft is uncertain."""

    LOW_CONFIDENCE = "low_confidence"
    """The recogniser was not sure of these words."""
    HOMOPHONE = "homophone"
    """Taken from words of the same sound."""
    SEVERAL = "several"
    """Several answers fit."""
    DEFAULT = "default"
    """The caller did not say: this is the place of the centre that was dialled."""
    WEAK = "weak"
    """Guessed from a few general words."""
    INCOMPLETE = "incomplete"
    """Digits are missing (a telephone number without its area code, or broken off)."""
    AMOUNT = "amount"
    """A sum of money: always read back (70 has been heard as 1400)."""
    PROVISIONAL = "provisional"
    """The working days of that year are not published yet."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that the seat should read back to the caller.

    `field` is a field of `Draft`; `heard` the words or names in question (may be empty).
    """

    field: str
    why: Why
    heard: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a call besides its words.

    `centre` is the GB/T 2260 code of the hotline organisation that took it; `source` is "call" or "voicemail";
    `ended_at` when the caller left (unix seconds).
    """

    call_id: str
    caller_number: str = ""
    dialled: str = ""
    centre: str | None = None
    seat: str | None = None
    source: str = "call"
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """An earlier ticket of this caller that is like the new one: its order number, likeness (0..1) and state."""

    ticket: str
    likeness: float
    status: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What the machine proposes for the ticket of one call.

    `region` is a six-digit GB/T 2260 code or None for "not sure"; `region_name` its full Chinese name;
    `content` what the caller said, in order; `made_at` unix seconds; `note` is empty when there were words.

    `emergency` is "110", "119", "120", "122" or None; `channel` a lawful channel (`CHANNELS`); `handling` "fast" or
    "general"; `due` the last day for it (YYYY-MM-DD in Zhejiang, Art. 15); `catalogue` the entry's code, `unit` who is
    proposed and `reason` why; `phone` where the caller wants to be called back; `amounts` in yuan; `language` "zh" or
    "en"; `secret` that the caller wants his name kept from those concerned; `again` that he says he has called about
    this before, `repeats` earlier tickets that are like this one (Art. 12: a human decides). `late`: its words came
    so many seconds after the caller had left; None when they came in time, or not at all.
    """

    kind: Kind = Kind.OTHER
    region: str | None = None
    region_name: str | None = None
    title: str = ""
    content: str = ""
    address: str | None = None
    caller_number: str = ""
    source: str = "call"
    uncertain: tuple[Doubt, ...] = ()
    note: Note = Note.NONE
    made_at: float = 0.0
    emergency: str | None = None
    channel: str | None = None
    handling: str | None = None
    due: str | None = None
    catalogue: str | None = None
    unit: str | None = None
    reason: str = ""
    surname: str | None = None
    phone: str | None = None
    amounts: tuple[float, ...] = ()
    language: str = "zh"
    secret: bool = False
    urgent: bool = False
    again: bool = False
    repeats: tuple[Repeat, ...] = ()
    late: float | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A draft or ticket as stored.

    `id` is the order number (yyMMddHHmmss in Asia/Shanghai + 6 digits); `edited` tells that a human has changed
    it, after which no machine writes to it; `revision` counts changes from 1; times are unix seconds.
    """

    id: str
    call_id: str | None
    status: TicketStatus
    draft: Draft
    edited: bool
    revision: int
    created_at: float
    updated_at: float


class TranscriptStatus(StrEnum):
    """How far a call's transcription has come."""

    NONE = "none"
    PENDING = "pending"
    OK = "ok"
    FAILED = "failed"


Json = Mapping[str, object]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call as the books keep it. All times are unix seconds; None where it never happened.

    `updated_at` is the time of the last journal entry folded in: an older record never replaces a newer one.
    `timeline`, `legs` and `recording` (the recording's manifest) are plain JSON. `case_id` is the case that the call
    came with from another hotline; None for a call that began with us.
    """

    call_id: str
    arrived_at: float
    updated_at: float
    state: str = ""
    dialled: str = ""
    caller_number: str = ""
    centre: str | None = None
    answered_at: float | None = None
    joined_at: float | None = None
    ended_at: float | None = None
    seat: str | None = None
    outcome: str | None = None
    timeline: tuple[Json, ...] = ()
    legs: tuple[Json, ...] = ()
    recording: Json | None = None
    transcript: TranscriptStatus = TranscriptStatus.NONE
    case_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who looked at or changed what, and why (Art. 19, 25). `at` in unix seconds."""

    id: int
    at: float
    who: str
    role: str
    what: str
    object_id: str
    why: str = ""
    extra: Json = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing, newest first. Give `next` as `before` to get the one after; None at the end."""

    items: tuple[T, ...]
    next: str | None = None
