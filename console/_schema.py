"""The JSON shapes of the API. Every answer is one of these models; the OpenAPI document is made from them.

Times are unix seconds (UTC, fractions allowed). Codes (states, outcomes, reasons) are short ASCII words whose
Chinese and English captions are in ``i18n.yaml``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Call, ticket and seat ids: safe as a file name, never a path ('.' and '..' do not match)."""

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Code = Annotated[str, Field(max_length=256)]
"""A short word of another room's making; one without a caption is shown as it is, never an error."""
Time = Annotated[float, Field(ge=0, allow_inf_nan=False, description="unix seconds, UTC")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False, description="seconds")]

CallState = Literal[
    "arrived", "in_flow", "waiting", "due", "preview", "dialling", "offered", "talking", "voicemail", "leaving",
    "native", "wrap_up", "ended",
]  # fmt: skip
Withheld = Literal["number", "transcript", "recording", "draft"]


class Model(BaseModel):
    """Base of all shapes: frozen, and an unknown field is an error, never silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- Calls -----------------------------------------------------------------------------------------------


class Region(Model):
    """A guess where the caller is."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = Field(
        default=None, description="GB/T 2260 code"
    )
    name: str
    why: Code | None = Field(default=None, description="what the guess rests on, e.g. number, history, dialled")


class Caller(Model):
    """Who rings. ``number`` and ``name`` are masked (138****1234) unless the reader may see them."""

    number: str | None = Field(description="null when the caller's number is not transmitted")
    masked: bool = Field(default=False, description="true: number and name are shortened for this reader")
    name: str | None = None
    region: Region | None = None


class Leg(Model):
    """One party's channel in a call."""

    id: str
    kind: Literal["caller", "seat", "third", "assistant", "expert", "observer", "outside"]
    who: str | None = Field(default=None, description="seat id, or the (masked) number of the party")
    state: Code
    started_at: Time
    answered_at: Time | None = None
    joined_at: Time | None = None
    ended_at: Time | None = None
    cause: Code | None = Field(default=None, description="why the leg ended")


class Moment(Model):
    """One line of a call's timeline."""

    at: Time
    what: Code
    detail: dict[str, JsonValue] = Field(default_factory=dict)


class EarlierCall(Model):
    """An earlier call of the same caller, as the screen pop shows it."""

    id: Id
    at: Time
    outcome: Code | None = None
    title: str | None = Field(default=None, description="title of its draft, if there is one")


class CallSummary(Model):
    """A call as lists show it."""

    id: Id
    state: CallState
    dialled: str
    caller: Caller
    arrived_at: Time
    answered_at: Time | None = None
    joined_at: Time | None = None
    ended_at: Time | None = None
    seat: str | None = Field(default=None, description="the seat it is offered to, talking with or was served by")
    outcome: Code | None = None
    direction: Literal["in", "out"] = Field(default="in", description="out: a call back (回拨) or a visit (回访)")
    legs: list[Leg] = Field(default_factory=list)


class Third(Model):
    """An interpreter or expert asked for in a running talk."""

    skill: Code = Field(description="what is sought")
    state: Literal["waiting", "ringing", "joined"]
    since: Time
    seat: str | None = Field(default=None, description="who is rung or has joined")


class LiveCall(CallSummary):
    """A call as live events carry it: everything but words and recording."""

    timeline: list[Moment] = Field(default_factory=list)
    earlier: list[EarlierCall] = Field(
        default_factory=list, description="earlier calls of this caller; empty where the number is masked"
    )
    third: Third | None = None
    callback: Code | None = Field(default=None, description="the entry of the callback list it works off")


class Word(Model):
    """One recognised word. Times count from the start of the recording."""

    word: str
    start: Seconds
    end: Seconds
    conf: Share


class Segment(Model):
    """What one party said in one go."""

    party: Literal["caller", "seat"]
    seat: str | None = None
    start: Seconds
    end: Seconds
    text: str
    confidence: Share
    words: list[Word] = Field(default_factory=list)


class Transcript(Model):
    """The words of a call, ordered by start."""

    call: Id
    model: str = Field(description="the recogniser's model")
    duration: Seconds
    segments: list[Segment]


class Recording(Model):
    """Manifest of a call's recording; the sound is at ``audio``."""

    audio: str = Field(description="path of the sound on this server")
    format: str = Field(default="flac", description="left = caller, right = what the caller hears")
    duration: Seconds
    rate: Annotated[int, Field(gt=0, description="samples a second")]
    channels: Annotated[int, Field(ge=1)]
    size: Annotated[int, Field(ge=0, description="bytes")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class DraftCaller(Model):
    """The person of a draft."""

    name: str | None = None
    phone: str | None = None
    masked: bool = False


class Doubt(Model):
    """What a draft is not sure of: the seat reads it back."""

    field: Code
    text: str = Field(default="", description="the words in doubt")
    why: Code


class Draft(Model):
    """A ticket draft (it becomes a ticket only when a human confirms it), or the ticket it became."""

    id: Id
    call: Id | None = None
    seat: str | None = None
    state: Code = "draft"
    source: Code = Field(default="call", description="call or voicemail")
    note: Code | None = Field(default=None, description="why there are no words in it")
    kind: str | None = None
    title: str
    content: str
    region: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] | None = Field(
        default=None, description="GB/T 2260 code"
    )
    region_name: str | None = None
    address: str | None = None
    caller: DraftCaller
    handling: Literal["fast", "general"] | None = Field(default=None, description="3 or 7 working days (Art. 15)")
    due: Time | None = None
    unit: str | None = Field(default=None, description="suggested responsible unit")
    catalogue: str | None = None
    uncertain: list[Doubt] = Field(default_factory=list)
    created_at: Time
    updated_at: Time


class Call(LiveCall):
    """A call whole. What this reader may not see is null and named in ``withheld``."""

    transcript: Transcript | None = None
    recording: Recording | None = None
    draft: Draft | None = None
    withheld: list[Withheld] = Field(default_factory=list)


# --- Pages -----------------------------------------------------------------------------------------------


class CallPage(Model):
    """One page of calls, newest first; ``next`` is the cursor of the following page."""

    items: list[CallSummary]
    next: str | None = None


class DraftPage(Model):
    """One page of drafts and tickets, newest first."""

    items: list[Draft]
    next: str | None = None


# --- Health ----------------------------------------------------------------------------------------------


class Text2(Model):
    """A sentence in both languages."""

    zh: str
    en: str


class Probe(Model):
    """The truth about one part (ami, redis, store, recogniser …)."""

    part: Code
    ok: bool
    needed: bool = Field(default=True, description="false: the service is ready without it, but says so")
    reason: Code | None = Field(default=None, description="why it is not ok")
    message: Text2 | None = None
    since: Time | None = None


class Ready(Model):
    """Answer of /readyz: ready when every needed part is ok."""

    ready: bool
    parts: list[Probe]


class Alive(Model):
    """Answer of /healthz: the process answers."""

    status: Literal["ok"] = "ok"


class Problem(Model):
    """The one shape of every error: what happened, where, and how to mend it."""

    status: int
    code: Code
    what: str
    where: str
    mend: str
    message: Text2
