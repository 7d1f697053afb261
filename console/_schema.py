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
    "arrived", "in_flow", "waiting", "due", "preview", "dialling", "offered", "talking", "staying", "voicemail",
    "leaving", "native", "wrap_up", "ended",
]  # fmt: skip
Withheld = Literal["number", "transcript", "recording", "draft"]
How = Literal["join", "consult", "transfer", "emergency"]
PartyState = Literal["queued", "ringing", "joined", "left", "failed", "withdrawn"]
TargetKind = Literal["seat", "skill", "centre", "entry", "number"]


class Model(BaseModel):
    """Base of all shapes: frozen, and an unknown field is an error, never silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text2(Model):
    """A sentence in both languages."""

    zh: str
    en: str


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
    kind: Literal["caller", "seat", "third", "line", "observer", "via", "assistant"] = Field(
        description="third: a seat of ours as a further party; line: outside; observer: a supervisor, or a leader's "
        "assistant (assistant: the same in old calls); via: a seat's second line, that it dialled by itself"
    )
    who: str | None = Field(
        default=None, description="seat id; of a line: line.<directory entry>; of the caller: its (masked) number"
    )
    state: Code
    started_at: Time
    answered_at: Time | None = None
    joined_at: Time | None = None
    ended_at: Time | None = None
    cause: Code | None = Field(default=None, description="why the leg ended")
    room: Literal["talk", "side"] | None = Field(
        default=None, description="talk: with the caller; side: in private consultation, not heard by the caller"
    )
    muted: bool = False
    mode: Code | None = Field(default=None, description="of an observer: listen, whisper (to the seat), barge …")


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


class Target(Model):
    """What was asked for. ``id``: of the seat, skill, centre or directory entry; the number (masked, see Party)."""

    kind: TargetKind
    id: Code


class Party(Model):
    """A further party that somebody asked for. Who has left or failed stays in the list, with the reason."""

    id: Id
    how: How = Field(
        description="join: rings, then joins all; consult: the caller hears music, seat and party talk in private; "
        "transfer: the seat leaves when it answers; emergency: as join, next trunk after 10 s, then the fallback"
    )
    state: PartyState
    why: Code | None = Field(
        default=None,
        description="how the last attempt, or the whole, ended: busy, no_answer, refused, unreachable, wrong_number, "
        "withdrawn, nobody, caller_left, seat_left",
    )
    target: Target
    label: Text2 = Field(description="a name to show: of the entry, seat, skill or centre; the (masked) number")
    masked: bool = Field(default=False, description="true: a dialled number is shortened for this reader")
    since: Time
    seat: str | None = Field(default=None, description="our seat that is rung or has joined")
    leg: str | None = Field(default=None, description="its leg, once it rings")
    asked_by: str | None = Field(default=None, description="the seat that asked; null: a supervisor, or the caller")
    tried: Annotated[int, Field(ge=0, description="attempts begun")] = 0
    tries: Annotated[int, Field(ge=0, description="attempts there are on outside lines; 0: seats are looked for")] = 0
    trying: Text2 | None = Field(default=None, description="name of the entry tried now: the fallback's differs")
    deadline: Time | None = Field(default=None, description="when the present attempt is given up")
    emergency: bool = False


class Origin(Model):
    """The linked hotline a call came in from, with or without context."""

    id: Code | None = Field(default=None, description="its entry of the directory; null: it has none")
    label: Text2
    by: Literal["trunk", "number"] = Field(
        default="trunk", description="how it is known; a shown number can be forged: a mark, never a proof"
    )


class Context(Model):
    """What the other hotline told of the case, so that nobody tells the story twice (a handover, JSON).

    A reader who sees masked numbers gets no words: ``title``, ``summary``, ``address`` are null then.
    """

    hotline: str | None = Field(default=None, description="who sent it, by its own word")
    issued_at: Time | None = None
    caller: Caller
    kind: Code | None = None
    title: str | None = None
    summary: str | None = None
    region: Region | None = Field(default=None, description="where the matter is")
    address: str | None = None
    language: Code | None = None
    urgent: bool = False
    emergency: Code | None = Field(default=None, description="the emergency service its words point to: 110 …")
    callback: bool = Field(default=False, description="the caller wishes to be called back")
    callback_number: str | None = Field(default=None, description="where, if not at its own number (masked likewise)")
    earlier: Annotated[int, Field(ge=0, description="earlier calls of the case")] = 0


class LiveCall(CallSummary):
    """A call as live events carry it: everything but words and recording."""

    timeline: list[Moment] = Field(default_factory=list)
    earlier: list[EarlierCall] = Field(
        default_factory=list, description="earlier calls of this caller; empty where the number is masked"
    )
    parties: list[Party] = Field(
        default_factory=list, description="everybody asked for beside the seat, in the order of asking"
    )
    held: bool = Field(default=False, description="the caller hears music: nobody is in the talk with it just now")
    held_since: Time | None = None
    case: str | None = Field(default=None, description="case id; it goes with the call from hotline to hotline")
    origin: Origin | None = Field(default=None, description="null: straight from the public network")
    context: Context | None = None
    callback: Code | None = Field(default=None, description="the entry of the callback list it works off")


class Word(Model):
    """One recognised word. Times count from the start of the recording."""

    word: str
    start: Seconds
    end: Seconds
    conf: Share


class Segment(Model):
    """What one party said in one go."""

    party: Literal["caller", "seat"] = Field(description="channel: the caller, or whoever the caller heard")
    seat: str | None = None
    who: str | None = Field(
        default=None, description="seat id or line.<directory entry>; null: the caller, or not known who of several"
    )
    kind: Literal["seat", "third", "line"] | None = None
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
    note: Code | None = Field(default=None, description="why there are no words in it (waiting: they come later)")
    late: Seconds | None = Field(default=None, description="its words came so many seconds after the caller had left")
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


class Probe(Model):
    """The truth about one part (ami, redis, store, recogniser …)."""

    part: Code
    ok: bool
    needed: bool = Field(default=True, description="false: the service is ready without it, but says so")
    reason: Code | None = Field(default=None, description="why it is not ok")
    severity: Literal["warning", "critical"] | None = Field(default=None, description="of a part that is not ok")
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
