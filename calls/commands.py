"""What a step asks for. Commands to the switch say whether they may safely be done twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from routing import Demand, OfferOutcome


@dataclass(frozen=True, slots=True)
class Command:
    """Base. Idempotent: doing it twice equals doing it once."""

    idempotent: ClassVar[bool] = True
    call: str


class ToSwitch(Command):
    """Carried out by telephony, after the journal has the event that caused it."""

    __slots__ = ()


class ToDispatcher(Command):
    """Carried out at once on the dispatcher in memory (it is rebuilt from the same journal)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RingSeat(ToSwitch):
    """Call the seat's phone; when it answers the switch joins it with the waiting caller by itself (or as
    `role` says).

    Not idempotent, but never lost or doubled: the leg's id is fixed in the journal, and the switch
    refuses a second channel of the same id.
    """

    idempotent: ClassVar[bool] = False
    leg: str
    seat: str
    channel: str
    number: str
    name: str
    seconds: float
    phone: str = ""
    """What to dial when it is not the switch's own phone of the seat's id (routing.Seat.phone)."""
    role: str = "seat"
    """seat | callback (waits for the caller to be rung) | join (goes to where the caller is) | beside (joins the leg
    `beside` in private, the caller if that is gone) | listen, whisper (hears the leg `beside`, is heard by it)."""
    beside: str = ""
    anew: bool = False
    """The caller has talked with somebody else before: its recording begins anew before they are joined."""


@dataclass(frozen=True, slots=True)
class RingLine(ToSwitch):
    """Call somebody outside over a trunk of the directory. Not idempotent, never doubled: as RingSeat."""

    idempotent: ClassVar[bool] = False
    leg: str
    channel: str
    trunk: str
    number: str
    shown: str
    """The number the other side sees."""
    seconds: float
    role: str = "join"
    """join | beside, as of RingSeat."""
    beside: str = ""
    anew: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Move(ToSwitch):
    """Bring a leg (or the caller) somewhere else: it leaves the bridge it is in."""

    leg: str
    to: str
    """talk (where the caller is) | beside (the bridge of the leg `beside`) | quiet, ring, music (alone, hearing
    that) | listen, whisper (at `beside`)."""
    beside: str = ""
    channel: str = ""
    """The caller's channel, for talk."""
    anew: bool = False
    """As of RingSeat, for talk."""


@dataclass(frozen=True, slots=True)
class Hold(ToSwitch):
    """Part the caller and the one leg it talks with, at once: the caller to the music, the leg as `Move` says."""

    channel: str
    leg: str
    to: str = "quiet"
    """As of Move; or again: the caller's recording begins anew, then the two are together again."""
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Mute(ToSwitch):
    """Whether the leg is heard by the others."""

    leg: str
    on: bool


@dataclass(frozen=True, slots=True)
class Mark(ToSwitch):
    """Whether the switch tells when the leg speaks (costs it some work: only where more than one other is there)."""

    leg: str
    on: bool


@dataclass(frozen=True, slots=True)
class InQueue(ToSwitch):
    """The caller, in the waiting loop, is a waiting one again: seats that answer may take it."""


@dataclass(frozen=True, slots=True)
class CancelLeg(ToSwitch):
    """End a leg that rings or talks."""

    leg: str
    ringing: bool = field(default=False, compare=False)
    """Only while it rings: should its answer have crossed this on the way, the talk goes on."""


@dataclass(frozen=True, slots=True)
class HangUp(ToSwitch):
    """Release the caller."""

    channel: str
    cause: int = 16


@dataclass(frozen=True, slots=True)
class Play(ToSwitch):
    """Play prompts to a caller in a flow, in order; a key ends them if `barge_in`. `ticket` comes back."""

    idempotent: ClassVar[bool] = False
    channel: str
    prompts: tuple[str, ...]
    barge_in: bool
    ticket: str


@dataclass(frozen=True, slots=True)
class StopPlaying(ToSwitch):
    """Stop what plays now."""

    channel: str


@dataclass(frozen=True, slots=True)
class ToWaiting(ToSwitch):
    """Bring a caller out of a flow into the waiting loop, where it hears `prompts` at once."""

    channel: str
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoLimit(ToSwitch):
    """Take the time limit of a flow from a caller who has left it by itself.

    A renewal that was on its way when the limit ran out would end the talk with a human six seconds later.
    """


@dataclass(frozen=True, slots=True)
class ToVoicemail(ToSwitch):
    """Bring a caller to the beep."""

    channel: str
    seconds: float
    language: str


@dataclass(frozen=True, slots=True)
class Announce(ToSwitch):
    """Play prompts to a waiting caller, who goes on waiting meanwhile and afterwards and can be joined."""

    channel: str
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Farewell(ToSwitch):
    """Play prompts to a caller who waits no longer, then release it."""

    channel: str
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DialCaller(ToSwitch):
    """Ring the caller of an outbound call; when it answers the switch joins it with the seat's leg by itself.

    Not idempotent, never doubled: the channel's id is the call's, fixed in the journal.
    """

    idempotent: ClassVar[bool] = False
    number: str
    dialled: str
    leg: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Enqueue(ToDispatcher):
    """The caller waits for a seat from `since` on."""

    demand: Demand
    since: float
    part: str = ""
    """Empty for the caller's own demand, else the id of a third party's request in this call."""


@dataclass(frozen=True, slots=True)
class Withdraw(ToDispatcher):
    """The caller (or the third party's request `part`) no longer waits."""

    part: str = ""


@dataclass(frozen=True, slots=True)
class SeatRings(ToDispatcher):
    """The seat's phone rings."""

    seat: str
    offer: str


@dataclass(frozen=True, slots=True)
class SeatTalks(ToDispatcher):
    """The seat is joined with the caller."""

    seat: str
    offer: str
    back: bool = False
    """It was not offered (a supervisor): it becomes again what it was."""


@dataclass(frozen=True, slots=True)
class OfferEnds(ToDispatcher):
    """The offer came to nothing."""

    seat: str
    offer: str
    outcome: OfferOutcome


@dataclass(frozen=True, slots=True)
class TalkEnds(ToDispatcher):
    """The seat's talk is over; its wrap-up begins (`wrap_up` False: it is free at once)."""

    seat: str
    wrap_up: bool = True
