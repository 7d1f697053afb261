"""Everything that can happen to a call, from the switch, the dispatcher, a clock or a person.

Events are what the journal holds: a call's state is the fold of its events. Fields are plain JSON
values, so that an entry written by one version can be read by the next: fields are only ever added,
with a default.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from routing import Check, OfferOutcome, checks_of, hold


@dataclass(frozen=True, slots=True)
class Event:
    """Base: `call` is the call's id. The time is given beside the event, never inside."""

    call: str


@dataclass(frozen=True, slots=True)
class Arrived(Event):
    """The switch has answered a new caller and greets it."""

    channel: str
    dialled: str
    number: str = ""
    name: str = ""
    flow: str = ""
    history: Mapping[str, Any] = field(default_factory=dict)
    """What is known of this number's recent calls, put in before the journal (plain JSON values)."""
    origin: str = ""
    """The switch's endpoint it came over, where that is a linked hotline's trunk."""
    case: str = ""
    """X-Hotline-Case, cleaned."""
    uui: str = ""
    """User-to-User, undecoded."""
    turned: str = ""
    """Why it is not let in (calls.host.Gate): "restricted", "rate", "overload"; empty: it is."""
    turned_words: tuple[str, ...] = ()
    """Prompts it hears before its line is released."""
    turned_key: str = ""
    """The key with which it asks to be called back meanwhile; empty: it may not."""
    pressed: str = ""
    """The switch told it that it is not let in (docs/admission.md), and it pressed this key."""
    found: bool = False
    """Found afterwards: the switch has let it in by itself, and no gate turns it away any more."""


@dataclass(frozen=True, slots=True)
class FlowStarted(Event):
    """The switch has put the caller under our control (AsyncAGI)."""


@dataclass(frozen=True, slots=True)
class PromptsDone(Event):
    """What we told the switch to play has ended, by itself or by a key. `ticket` names the command."""

    ticket: str = ""


@dataclass(frozen=True, slots=True)
class DigitPressed(Event):
    """The caller pressed a key."""

    digit: str = ""


@dataclass(frozen=True, slots=True)
class TimerFired(Event):
    """A timer that the state asked for: a flow's timer, or the offer's deadline ("offer")."""

    timer: str = ""


@dataclass(frozen=True, slots=True)
class Waits(Event):
    """The caller is in the waiting loop of the switch: it can be joined from now on.

    `demand` (routing.Demand.json) is what the planner made of the caller at that moment. It is journalled
    with the event, so that a fold by another process, with a newer configuration, gives the same rank.
    """

    demand: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class VoicemailBegan(Event):
    """The caller has heard the beep."""


@dataclass(frozen=True, slots=True)
class WentNative(Event):
    """The switch took the caller into its own queue because the service was silent."""


@dataclass(frozen=True, slots=True)
class Offered(Event):
    """The dispatcher has reserved a seat for the caller."""

    offer: str = ""
    seat: str = ""
    leg: str = ""
    deadline: float = 0.0
    step: int = 0
    why: Mapping[str, Any] = field(default_factory=dict)
    """The dispatcher's reasons (routing.Match.why)."""
    part: str = ""
    """Which demand of the call: empty for the caller's own, else the id of a third party's request."""
    phone: str = ""
    """What to dial when it is not the switch's own phone of the seat's id."""


@dataclass(frozen=True, slots=True)
class LegRinging(Event):
    """A seat's phone rings."""

    leg: str = ""


@dataclass(frozen=True, slots=True)
class LegJoined(Event):
    """A channel has entered the talk: `leg` is a seat's, or the call's own id for the caller."""

    leg: str = ""
    seat: str = ""
    bridge: str = ""
    """Id of the bridge: who is in the caller's is heard by the caller."""
    found: bool = False
    """Found by looking at the switch (reconciliation), not told as it happened."""


@dataclass(frozen=True, slots=True)
class LegLeft(Event):
    """A seat's channel is gone, or could not be made. `cause` is a Q.850 number (0 unknown)."""

    leg: str = ""
    cause: int = 0


@dataclass(frozen=True, slots=True)
class CallerLeft(Event):
    """The caller's channel is gone."""

    cause: int = 0


@dataclass(frozen=True, slots=True)
class WrapUpDone(Event):
    """The seat has finished its work after the call."""

    seat: str = ""


@dataclass(frozen=True, slots=True)
class DraftMade(Event):
    """A draft ticket exists for the call."""

    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Told(Event):
    """The caller, still waiting, is to hear something: position and expected wait, a known incident.

    Decided by the engine's host (calls.host) and journalled, so that a fold says the same.
    """

    prompts: tuple[str, ...] = ()
    """Files of prompts, in order."""
    what: str = ""
    """position | incident | callback_offer | nobody: for the timeline."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    again: float = 0.0
    """Seconds until the next time; 0: the usual ones."""
    callback: bool = False
    """From now on the caller may ask, by key, to be called back at its rank."""


@dataclass(frozen=True, slots=True)
class CallbackAsked(Event):
    """The waiting caller, or a seat for it, wants a call back instead of waiting on. Its rank is kept."""

    prompts: tuple[str, ...] = ()
    by: str = "key"
    """key | console."""


@dataclass(frozen=True, slots=True)
class CallbackDue(Event):
    """Begins an outbound call (回拨, 回访): it waits in the queue without a caller's channel until a seat
    is found; the caller is rung when the seat is ready. `call` will be the id of the caller's channel."""

    callback: str = ""
    """Id of the entry in the callback list."""
    number: str = ""
    name: str = ""
    dialled: str = ""
    """The hotline's number that the caller sees."""
    reason: str = "missed"
    """queue | missed | visit."""
    origin: str | None = None
    """The call it answers."""
    since: float = 0.0
    """Where it stands in the queue."""
    demand: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LegReady(Event):
    """A seat has taken an outbound call: now the caller may be rung."""

    leg: str = ""


@dataclass(frozen=True, slots=True)
class CallerAnswered(Event):
    """The caller of an outbound call has answered."""

    channel: str = ""


@dataclass(frozen=True, slots=True)
class PartyWanted(Event):
    """A further party is wanted: a seat of ours (`demand`) or a line to the outside (`line`)."""

    part: str = ""
    how: str = "join"
    """join | consult | transfer | emergency (model.Party)."""
    demand: Mapping[str, Any] | None = None
    line: Mapping[str, Any] | None = None
    by: str = ""
    asking: str = ""
    """The seat's leg that asked."""
    target: str = ""
    until: float | None = None
    key: str = ""
    via: str = ""
    """The seat has dialled by itself: the channel of that second line, with which the party is joined."""


@dataclass(frozen=True, slots=True)
class PartyUnwanted(Event):
    """The party is not wanted any more: withdrawn from the queue, its leg ended."""

    part: str = ""
    by: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Arranged(Event):
    """A person arranges who is with whom (see `_arrange`)."""

    what: str = ""
    """join | swap | complete | return | hold | resume | mute | unmute | leave."""
    leg: str = ""
    """Whose leg."""
    by: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Requeued(Event):
    """A seat hands the caller back to the queue with another demand (blind transfer to a skill or centre)."""

    demand: Mapping[str, Any] = field(default_factory=dict)
    leg: str = ""
    by: str = ""
    target: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class ObserverWanted(Event):
    """Somebody is to hear the talk: a supervisor, a leader's assistant (Art. 10). Its phone is rung, or it changes
    its mode if it is there."""

    seat: str = ""
    leg: str = ""
    beside: str = ""
    """The leg it listens at, and whispers to."""
    phone: str = ""
    mode: str = "whisper"
    """listen | whisper | barge | takeover | stop."""
    by: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Referred(Event):
    """A seat's phone has transferred the caller by itself (SIP REFER): the caller is in the waiting loop.

    `line` and `demand` are put in before the journal (calls.host); without either the target is none of ours.
    """

    leg: str = ""
    to: str = ""
    part: str = ""
    demand: Mapping[str, Any] | None = None
    line: Mapping[str, Any] | None = None
    back: Mapping[str, Any] = field(default_factory=dict)
    """The demand that brings the caller back to the seat that referred it."""


@dataclass(frozen=True, slots=True)
class Spoke(Event):
    """The switch's talk detector: this leg has spoken for `seconds` until now."""

    leg: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ContextKnown(Event):
    """What the hotline that the call came from tells of its case."""

    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeatDialled(Event):
    """A seat's phone dials somebody while it talks. `call` is that second line's own channel: no call."""

    seat: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Transferred(Event):
    """A phone has completed an attended transfer by itself: who is with whom is to be asked of the switch."""


@dataclass(frozen=True, slots=True)
class SeatCode(Event):
    """A code dialled at a seat's phone (sign in, sign out, break …). `call` is the phone's own channel: no call."""

    seat: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class PhoneUp:
    """A seat's phone has registered. Not a call's event: the dispatcher's."""

    seat: str


@dataclass(frozen=True, slots=True)
class PhoneDown:
    """A seat's phone is no longer registered."""

    seat: str


@dataclass(frozen=True, slots=True)
class Past:
    """An event that is heard of late: it is taken, and journalled, with the time when it happened."""

    event: Event
    at: float


Input = Event | PhoneUp | PhoneDown | Past  # SeatCode is an Event for the translation only: it is never journalled
"""What telephony feeds to the engine."""

KINDS: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        Arrived, FlowStarted, PromptsDone, DigitPressed, TimerFired, Waits, VoicemailBegan, WentNative,
        Offered, LegRinging, LegJoined, LegLeft, CallerLeft, WrapUpDone, DraftMade,
        Told, CallbackAsked, CallbackDue, LegReady, CallerAnswered,
        PartyWanted, PartyUnwanted, Arranged, Requeued, ObserverWanted, Referred, Spoke, ContextKnown,
    )
}  # fmt: skip
OLD_KINDS: dict[str, type[Event]] = {
    "ThirdWanted": PartyWanted, "ThirdUnwanted": PartyUnwanted, "AssistantWanted": ObserverWanted,
}  # fmt: skip
"""Names that version 0.2 wrote; their fields are a part of today's."""


class Codec:
    """Event ⇄ JSON text. Unknown fields of a newer version are passed over, unknown kinds refused."""

    _names: ClassVar[dict[type[Event], tuple[str, ...]]] = {
        cls: tuple(f.name for f in fields(cls)) for cls in KINDS.values()
    }
    _checks: ClassVar[dict[type[Event], Mapping[str, Check]]] = {cls: checks_of(cls) for cls in KINDS.values()}
    _tuples: ClassVar[dict[type[Event], tuple[str, ...]]] = {
        cls: tuple(f.name for f in fields(cls) if str(f.type).startswith("tuple")) for cls in KINDS.values()
    }
    """Fields that JSON gives back as lists."""
    _encode = staticmethod(json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode)

    @classmethod
    def encode(cls, event: Event) -> str:
        """One event as compact JSON with its kind under "e"."""
        kind = type(event)
        data: dict[str, Any] = {"e": kind.__name__}
        for name in cls._names[kind]:
            data[name] = getattr(event, name)
        return cls._encode(data)

    @classmethod
    def decode(cls, text: str | bytes) -> Event:
        """Raises ValueError for what is no event of ours."""
        try:
            data = json.loads(text)
        except RecursionError:
            raise ValueError("nested deeper than anything of ours") from None
        name = data.get("e", "") if isinstance(data, dict) else ""
        kind = (KINDS.get(name) or OLD_KINDS.get(name)) if isinstance(name, str) else None
        if kind is None:
            raise ValueError("no event kind of this version; was the journal written by a newer one?")
        try:
            values = {n: data[n] for n in cls._names[kind] if n in data}
            hold(values, cls._checks[kind])
            for n in cls._tuples[kind]:
                if n in values:
                    values[n] = tuple(values[n])
            return kind(**values)
        except TypeError as e:
            raise ValueError(f"{kind.__name__}: {e}") from None


NEVER_RUNG = -1
"""Cause of a leg that we decided not to make after all: no fault of the seat's."""

LOST = -2
"""Cause of a caller's end that is the switch's: it died with all its calls. The caller is on the callback list."""

OUTCOME_OF_CAUSE: dict[int, OfferOutcome] = {
    NEVER_RUNG: OfferOutcome.WITHDRAWN,
    LOST: OfferOutcome.WITHDRAWN,
    16: OfferOutcome.NO_ANSWER,  # cancelled by us after the deadline
    17: OfferOutcome.REFUSED,
    18: OfferOutcome.NO_ANSWER,
    19: OfferOutcome.NO_ANSWER,
    21: OfferOutcome.REFUSED,
    31: OfferOutcome.WITHDRAWN,  # our dialplan: the caller was no longer waiting when the seat answered
}
"""Q.850 cause of a seat's leg that never joined → how the offer ended; others: unreachable."""
