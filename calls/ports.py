"""What the heart needs of the outside: a switch and a journal. Telephony and Redis provide them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from .commands import ToSwitch
from .events import Event


class Place(StrEnum):
    """Where a channel is in the switch."""

    GREETING = "greeting"
    FLOW = "flow"
    WAITING = "waiting"
    VOICEMAIL = "voicemail"
    LEAVING = "leaving"
    """Hears a last word."""
    CALLBACK = "callback"
    """An outbound call's caller: rung, or just answered."""
    NATIVE = "native"
    SEAT = "seat"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ChannelView:
    """One channel as the switch reports it."""

    id: str
    name: str
    place: Place
    bridge: str | None = None
    """Id of the bridge it is in, i.e. it talks."""
    number: str = field(default="", repr=False)
    caller_name: str = field(default="", repr=False)
    dialled: str = ""
    age: float = 0.0
    """Seconds since it was made."""
    seat: str = ""
    """Whose phone's channel it is, where the switch has made it by itself."""
    rings: bool = False
    """Such a channel: the switch's own queue rings that phone now."""
    hears: bool = False
    """In a flow: a prompt plays just now."""


@dataclass(frozen=True, slots=True)
class Tale:
    """What the switch wrote down of one call while no process was there."""

    call: str
    events: tuple[tuple[float, Event], ...]
    """(When, what): Arrived, WentNative, LegJoined, CallerLeft; whole seconds, in their order."""
    touched: float
    """Last sign of life of the call: when it, or its recording, was last written."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The switch's channels and the seats whose phones are registered, asked for at `asked_at`."""

    asked_at: float
    channels: Sequence[ChannelView]
    phones: frozenset[str]
    born: Mapping[str, float] = field(default_factory=dict)
    """System name → when this run of that switch was first seen by any process of ours, unix seconds: it has no call
    that is older, whatever the books say. Under the empty name: of the only switch."""
    covers: Callable[[str], bool] = lambda _: True
    """Whether a call (or leg) of this id is of a switch that was asked; of others nothing is said."""
    tales: Sequence[Tale] = ()
    """Read before the channels were asked for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How the switch begins a call to one dialled number."""

    flow: str
    """name@version"""
    prompts: tuple[str, ...]
    """The constant beginning; empty: the service speaks from the first moment."""


class Switch(Protocol):
    """Commands go out in the order given; nothing here waits for the network except `snapshot`."""

    @property
    def up(self) -> bool:
        """Whether the link is logged in."""

    def do(self, command: ToSwitch) -> None:
        """Carries a command out. Failures come back as events (a leg that cannot be made: LegLeft)."""

    def beat(self, now: float) -> None:
        """Tells the switch that the service lives."""

    def renew(self, call: str) -> None:
        """Gives a caller whom we lead through a flow some more seconds before the switch takes it to a human."""

    def announce(self, entries: Mapping[str, Entry]) -> None:
        """Tells the switch how to begin calls to each dialled number."""

    def reaches(self, call: str) -> bool:
        """Whether the switch that has this call can be told something."""

    async def snapshot(self, name: str = "") -> Snapshot:
        """Asks for all channels and phones, of one switch or of all. Raises an OSError-like error when the link is
        down."""


@dataclass(slots=True)
class Batch:
    """What one turn of the engine writes, all or nothing."""

    entries: list[tuple[Event, float]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    seats: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    """Recording jobs of callers who left."""
    finished: list[dict[str, Any]] = field(default_factory=list)
    """Calls for the book of calls, as JSON values."""
    rows: list[tuple[str, str, dict[str, Any] | None]] = field(default_factory=list)
    """(table, key, row): rows of further tables (`callbacks`, `control` …), None takes the row away."""

    def __bool__(self) -> bool:
        return bool(self.entries or self.seats or self.rows)


class Journal(Protocol):
    """Durable, ordered. `append` returns when the batch is as safe as the journal can make it."""

    async def append(self, batch: Batch) -> None:
        """Writes the whole batch or nothing. Raises JournalError; then nothing was written."""

    def replay(self) -> AsyncIterator[tuple[Event, float]]:
        """All entries of calls that are still live, oldest first."""

    async def seats(self) -> Mapping[str, dict[str, Any]]:
        """The last snapshot of every seat."""

    async def rows(self, table: str) -> Mapping[str, dict[str, Any]]:
        """Key → row of a further table, as written with `Batch.rows`."""


class JournalError(Exception):
    """The journal cannot be written or read now."""


class Fenced(JournalError):  # noqa: N818 - reads as what happened
    """Another process decides now: nothing was written, and nothing of this process ever will be again."""
