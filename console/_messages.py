"""The messages of the event stream: hello first, then events, beats between them, bye last."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ._schema import Draft, LiveCall, Model, Probe, Problem, Seconds, Time
from ._schema_floor import Callback, Choices, Mode, Seat, Waiting


class Snapshot(Model):
    """The whole live picture, true as of event ``last_event_id``."""

    last_event_id: Annotated[int, Field(ge=0, le=2**53)]
    calls: list[LiveCall]
    seats: list[Seat]
    waiting: list[Waiting]
    drafts: list[Draft] = Field(default_factory=list)
    health: list[Probe] = Field(default_factory=list)
    mode: Mode | None = None


class _Event(Model):
    id: Annotated[int, Field(ge=0, le=2**53, description="grows strictly; give it back as ?since= to resume")]
    at: Time


class CallEvent(_Event):
    """A call is new or has changed."""

    type: Literal["call"] = "call"
    data: LiveCall


class SeatEvent(_Event):
    """A seat has changed."""

    type: Literal["seat"] = "seat"
    data: Seat


class WaitingEvent(_Event):
    """A caller waits, has moved or sees a step open, or (position null) waits no longer."""

    type: Literal["waiting"] = "waiting"
    data: Waiting


class DraftEvent(_Event):
    """A draft is new or has changed."""

    type: Literal["draft"] = "draft"
    data: Draft


class HealthEvent(_Event):
    """A part of the service went up or down."""

    type: Literal["health"] = "health"
    data: Probe


class CallbackEvent(_Event):
    """An entry of the callback list is new or has changed."""

    type: Literal["callback"] = "callback"
    data: Callback


class ModeEvent(_Event):
    """The operating mode or the known incidents have changed."""

    type: Literal["mode"] = "mode"
    data: Mode


Event = CallEvent | SeatEvent | WaitingEvent | DraftEvent | HealthEvent | CallbackEvent | ModeEvent


class You(Model):
    """Whom the token names, and what it may do."""

    role: str
    name: str
    seat: str | None = None
    rights: list[str]
    expires_at: Time


class HelloData(Model):
    """First message: who you are, and the whole picture unless the stream was resumed."""

    you: You
    resumed: bool = Field(description="true: the events missed since ?since= follow, and snapshot is null")
    snapshot: Snapshot | None
    heartbeat: Seconds = Field(description="a beat comes at least this often; silence means a dead line")
    choices: Choices


class Hello(_Event):
    """What /api/v1/events says first (and, asked without a WebSocket, the only thing it says)."""

    type: Literal["hello"] = "hello"
    data: HelloData


class Beat(_Event):
    """Nothing happened; the line is alive."""

    type: Literal["beat"] = "beat"


class Bye(_Event):
    """The server ends the stream and says why."""

    type: Literal["bye"] = "bye"
    data: Problem
