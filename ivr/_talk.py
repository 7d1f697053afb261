"""What goes into the interpreter and what comes out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from ._model import PromptRef, RouteTo


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """The caller pressed one key: 0-9, * or #."""

    digit: str


@dataclass(frozen=True, slots=True)
class PromptsDone:
    """The prompts of the last `Play` have ended, by themselves or by a key."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """An armed timer has run out."""

    timer_id: str


@dataclass(frozen=True, slots=True)
class HeardWords:
    """The caller said something. The words never show in a repr."""

    text: str = field(repr=False)


Input = DigitPressed | PromptsDone | TimedOut | HeardWords


@dataclass(frozen=True, slots=True)
class Play:
    """Play these in order; then `PromptsDone` is wanted. A key may end them if `barge_in`."""

    prompts: tuple[PromptRef, ...]
    barge_in: bool


@dataclass(frozen=True, slots=True)
class StopPlaying:
    """Stop what plays now. A `PromptsDone` for it may still come: it is passed over."""


@dataclass(frozen=True, slots=True)
class ArmTimer:
    """Give `TimedOut(timer_id)` after so many seconds. Ids are never used twice in a session."""

    timer_id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """That timer is no longer wanted."""

    timer_id: str


@dataclass(frozen=True, slots=True)
class LeaveVoicemail:
    """The flow has ended; the caller leaves a message after the beep."""

    max_seconds: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """The flow has ended; release the caller. `reason` is a name of the flow's author."""

    reason: str


@dataclass(frozen=True, slots=True)
class RingEmergency:
    """The flow has ended; the caller waits, `entry` of the hotline directory is rung for it at once, and `route`
    is the demand with which a human is looked for meanwhile (the flow's `human`, in the caller's language)."""

    entry: str
    route: RouteTo


Output = Play | StopPlaying | ArmTimer | CancelTimer | RouteTo | LeaveVoicemail | HangUp | RingEmergency
"""RouteTo, LeaveVoicemail, HangUp and RingEmergency end the session."""


class Phase(StrEnum):
    """What a session does at its node. Every phase but `ended` has an armed timer."""

    SAYING = "saying"
    """Prompts of a say node."""
    PROMPTING = "prompting"
    """The prompts of a question."""
    LISTENING = "listening"
    """The question is over; nothing has come yet."""
    DIALLING = "dialling"
    """Some digits of a number are in."""
    LEAVING = "leaving"
    """The last prompts before a human, voicemail or the end."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Session:
    """Where one caller is in one flow version. Plain values; `vars` and digits may be personal data, so
    they do not show in a repr."""

    flow: str
    version: str
    node: str
    phase: Phase
    language: str
    vars: Mapping[str, str] = field(default_factory=dict, repr=False)
    digits: str = field(default="", repr=False)
    """Digits of the number being typed."""
    ahead: str = field(default="", repr=False)
    """Keys typed before anybody asked for them."""
    tries: int = 0
    """How often this question was put again."""
    playing: bool = False
    timer: str | None = None
    """The armed timer; there is never more than one."""
    serial: int = 0
    """Timers armed so far."""
    hash_due: bool = False
    """A number was complete before its #, which people press by habit: it is passed over."""

    @property
    def ended(self) -> bool:
        """Whether the flow has handed the caller on."""
        return self.phase is Phase.ENDED

    def to_json(self) -> str:
        """All of it, personal data too: for the call's store, never for a log."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Session:
        """What `to_json` wrote. Raises ValueError for anything else."""
        try:
            data = json.loads(text)
            return Session(**{**data, "phase": Phase(data["phase"])})
        except (KeyError, TypeError) as e:
            raise ValueError(f"this is no session as to_json writes it ({type(e).__name__})") from None
