"""The JSON shapes of the floor: seats, the queue, callbacks, the operating mode, centres; and the orders to them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ._schema import Code, Id, Model, Seconds, Text2, Time

SeatState = Literal["offline", "available", "offered", "ringing", "talking", "wrap_up", "break", "rest"]

CodeWord = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
"""A code that a client may send: of our alphabet, never a sentence."""
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
"""One line of a person's words: no line ends, no control characters."""
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{3,20}$")]

# --- Seats -----------------------------------------------------------------------------------------------


class Skill(Model):
    """A language or field, with a level (higher is better)."""

    name: Code
    level: Annotated[int, Field(ge=0, le=100)]


class Seat(Model):
    """A place where a person serves calls. Occupancy is ``busy_seconds`` / time since ``signed_in_at``."""

    id: Id
    name: str
    centre: str = Field(description="code of its centre")
    skills: list[Skill] = Field(default_factory=list)
    state: SeatState
    since: Time
    deadline: Time | None = Field(default=None, description="when this state ends by itself")
    call: Id | None = None
    reason: Code | None = Field(default=None, description="why it is in a break, at rest or offline")
    wanted: SeatState | None = Field(
        default=None, description="ordered while busy: taken when the call and its wrap-up are over"
    )
    kind: Code = Field(default="agent", description="agent, expert, interpreter, leader or assistant")
    on_duty: bool = Field(default=True, description="false: outside its hours, no calls come")
    signed_in_at: Time | None = None
    busy_seconds: Seconds = Field(default=0, description="talk and wrap-up since the sign-in, finished ones")
    taken: Annotated[int, Field(ge=0, description="calls taken since the sign-in")] = 0


class SeatOrder(Model):
    """What a seat shall be. ``available`` also ends the wrap-up; a busy seat takes it when it is free."""

    state: Literal["available", "break", "offline"]
    reason: CodeWord | None = Field(
        default=None, description="break reason; when a break gives none: 'other', or the first one configured"
    )


class RestOrder(Model):
    """A forced rest (after an abusive call)."""

    seconds: Annotated[float, Field(ge=60, le=7200, allow_inf_nan=False)] | None = Field(
        default=None, description="absent: as long as configured"
    )


class BreakReason(Model):
    """One reason for a break that a seat may choose."""

    code: Code
    caption: Text2
    limit: Seconds = Field(description="after so long the seat goes offline by itself")


class SeatList(Model):
    """All seats."""

    items: list[Seat]


# --- The queue -------------------------------------------------------------------------------------------


class Waiting(Model):
    """A caller who waits for a seat, a call back that waits for one, or a talk that waits for a further party."""

    call: Id
    part: Code | None = Field(default=None, description="kind third: which party of the call")
    kind: Literal["live", "callback", "third"] = "live"
    position: Annotated[int, Field(ge=1)] | None = Field(description="null in an event: waits no longer")
    since: Time
    priority: int = Field(description="points; one is worth a minute of waiting")
    demand: str = Field(description="what kind of seat is sought now")
    expected: Seconds | None = Field(
        default=None, description="how long it will still wait; null: not known, or beyond the first 100"
    )
    step: Annotated[int, Field(ge=1)] = Field(default=1, description="the demand's step now open")
    steps: Annotated[int, Field(ge=1)] = 1
    next_step_at: Time | None = Field(default=None, description="when the next step opens")


class WaitingList(Model):
    """All who wait, first in line first."""

    items: list[Waiting]


# --- Callbacks (回拨, 回访) --------------------------------------------------------------------------------


class Callback(Model):
    """One entry of the callback list. ``number`` is masked unless the reader may see it."""

    id: Id
    number: str | None
    masked: bool = False
    reason: Code = Field(
        description="lost: cut off by a failure of ours; queue: asked for while waiting; missed: gave up; visit: 回访"
    )
    also: list[Code] = Field(default_factory=list, description="further reasons, answered by the same call")
    state: Code = Field(description="open, running, done, given_up, cancelled or expired")
    created_at: Time
    since: Time = Field(description="its place in the queue: when the caller began to wait")
    attempts: Annotated[int, Field(ge=0)] = 0
    attempts_limit: Annotated[int, Field(ge=1)] | None = None
    next_try: Time | None = Field(default=None, description="not before; null: when a seat is free, or never again")
    last_outcome: Code | None = None
    expires_at: Time | None = None
    do_not_disturb: bool = Field(default=False, description="the number is not to be called: it will not be")
    origin: Id | None = Field(default=None, description="the call it answers")
    call: Id | None = Field(default=None, description="the call back that runs now")


class CallbackPage(Model):
    """One page of the callback list, those to be tried next first; ``next`` is the cursor of the following page."""

    items: list[Callback]
    next: str | None = None
    open: Annotated[int, Field(ge=0, description="entries still to be worked off, on all pages")] = 0


class CallbackOrder(Model):
    """A number to call back. A number that is in the list already keeps its one entry."""

    number: Number
    reason: Literal["visit", "missed"] = "visit"


# --- Operating mode (Art. 29) ----------------------------------------------------------------------------


class Place(Model):
    """A region or centre by code, with its name."""

    code: Id
    name: str


class Incident(Model):
    """What callers of some regions are told at once: we know, it is being mended."""

    id: Id
    regions: list[Place]
    text: Text2
    since: Time
    until: Time | None = None
    by: str | None = None
    fixed: bool = Field(default=False, description="stands in the configuration, and ends there")


class Mode(Model):
    """The operating mode, since when, by whom and why; with the known incidents."""

    mode: Code
    since: Time
    by: str | None = Field(default=None, description="a person, or thresholds; null: since the beginning")
    reason: str | None = None
    automatic: bool = Field(default=False, description="whether the thresholds may switch it")
    incidents: list[Incident] = Field(default_factory=list)


class ModeOrder(Model):
    """Switch the mode, or the thresholds on or off; what is absent stays."""

    mode: CodeWord | None = None
    automatic: Annotated[bool, Field(strict=True)] | None = None
    reason: Line = Field(description="for the record; no personal data")


class IncidentOrder(Model):
    """A known incident."""

    regions: Annotated[list[Id], Field(min_length=1, max_length=50, description="codes of centres")]
    zh: Line
    en: Line | None = None
    until: Annotated[float, Field(ge=0, le=2**40, allow_inf_nan=False)] | None = Field(
        default=None, description="unix seconds; absent: until somebody ends it"
    )


class IncidentList(Model):
    """All known incidents."""

    items: list[Incident]


# --- Centres ---------------------------------------------------------------------------------------------


class Centre(Model):
    """A centre (热线工作机构) at a glance."""

    code: Id
    name: str
    parent: str | None = None
    seats: Annotated[int, Field(ge=0)] = 0
    signed_in: Annotated[int, Field(ge=0)] = 0
    free: Annotated[int, Field(ge=0)] = 0
    talking: Annotated[int, Field(ge=0)] = 0
    waiting: Annotated[int, Field(ge=0)] = 0
    longest: Time | None = Field(default=None, description="since when its first caller waits")
    overflow_in: Annotated[int, Field(ge=0)] = Field(default=0, description="callers of other centres at its seats now")
    overflow_out: Annotated[int, Field(ge=0)] = Field(default=0, description="its callers at other centres' seats now")
    capacity: Annotated[int, Field(ge=0)] | None = None


class CentreList(Model):
    """All centres, parents before their children."""

    items: list[Centre]


class Choices(Model):
    """What may be chosen on this floor: the configuration's part of every menu."""

    breaks: list[BreakReason] = Field(default_factory=list)
    modes: list[Code] = Field(default_factory=list)
    centres: list[Place] = Field(default_factory=list)
    third: list[Code] = Field(default_factory=list, description="skills of interpreters and experts")
    rest: Seconds = Field(default=300, description="a forced rest's length")
    captions: dict[str, Text2] = Field(
        default_factory=dict, description="configured names: skill.<code>, rule.<name> …; an empty one has none"
    )


class Done(Model):
    """The order is taken (asked twice it is still one)."""

    status: Literal["done"] = "done"
