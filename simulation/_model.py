"""What is simulated, as plain values: arrivals, callers, seats, and the rules of both worlds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from routing import Demand, ModeConfig, Policy

from ._law import NEVER, Law, constant

HOUR = 3600.0
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls come as a Poisson stream at this rate. Times in seconds since the start of the run."""

    begin: float
    end: float
    per_second: float


@dataclass(frozen=True, slots=True)
class CallerClass:
    """Callers who need the same."""

    name: str
    share: float
    """Parts of all callers; the shares of all classes need not add up to one."""
    demand: Demand
    talk: Law | None = None
    """None: as everybody."""
    patience: Law | None = None
    hasty: Demand | None = None
    """What the hotline's own rules make of it in the surge mode; None: the same steps, scaled by the mode."""


@dataclass(frozen=True, slots=True)
class SeatGroup:
    """Seats with the same skills and hours."""

    name: str
    count: int
    skills: Mapping[str, int]
    centre: str = ""
    shifts: tuple[tuple[float, float], ...] = ()
    """(begin, end) in seconds of the day; end may be past midnight. Empty: always on duty."""


@dataclass(frozen=True, slots=True)
class Members:
    """Who is a member of a queue, and at which penalty: the first rule of a queue that a seat fits counts."""

    skills: tuple[tuple[str, int], ...] = ()
    penalty: int = 0


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue of app_queue."""

    name: str
    classes: tuple[str, ...]
    members: tuple[Members, ...]
    weight: int = 0
    penalties: tuple[tuple[float, int], ...] = ()
    """(after so many seconds, members up to this penalty): what queuerules.conf can say. Empty: everybody."""
    timeout: float | None = None
    """Queue()'s timeout: after so many seconds the dialplan sends the caller on …"""
    then: str | None = None
    """… to this queue, at its end."""


@dataclass(frozen=True, slots=True)
class AppQueue:
    """A way to set up app_queue for the same seats. Times in seconds."""

    name: str
    queues: tuple[Queue, ...]
    strategy: str = "leastrecent"
    """ringall | leastrecent | fewestcalls | rrmemory | linear | random"""
    timeout: float = 15.0
    """How long a member's phone rings."""
    retry: float = 5.0
    """Pause after nobody answered, or nobody could be rung."""
    autofill: bool = True
    autopause: bool = False
    """Who did not answer is offered nobody until he says that he is back."""


@dataclass(frozen=True, slots=True)
class Surge:
    """The surge mode (Art. 29), switched by the real `routing.ModeControl`."""

    mode: ModeConfig
    """Its `wrap_up` holds here while somebody waits (in the service for every wrap-up in the mode: more, not less);
    what is cut off is made up for after a later call, once the surge is over."""


@dataclass(frozen=True, slots=True)
class Absences:
    """Seats' people walk away without saying so, and do not answer until they are back."""

    per_hour: float = 0.0
    """How often, for each seat."""
    length: Law = field(default_factory=lambda: constant(0.0))
    noticed: float = 10.0
    """A seat that was taken out (break, pause) is available again so long after its person is back."""


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that one run needs."""

    name: str
    rates: tuple[Rate, ...]
    """One day's (or one run's) rates."""
    classes: tuple[CallerClass, ...]
    seats: tuple[SeatGroup, ...]
    duration: float = DAY
    talk: Law = field(default_factory=lambda: constant(150.0))
    wrap_up: Law = field(default_factory=lambda: constant(0.0))
    patience: Law = NEVER
    answer: Law = field(default_factory=lambda: constant(0.0))
    """From ringing until the seat answers."""
    absences: Absences = field(default_factory=Absences)
    decide: float = 0.0
    """From the decision until the phone rings (ours only: measured, docs/benchmarks.md)."""
    lines: int | None = None
    """Callers who may be in the house at once, waiting and talking; more get the busy tone."""
    policy: Policy = field(default_factory=lambda: Policy(wrap_up=0.0))
    surge: Surge | None = None
    app_queues: tuple[AppQueue, ...] = ()
    threshold: float = 15.0
    """Seconds of the service level."""
    warm_up: float = 0.0
    """What begins before is simulated and not counted."""


def all_seats(model: Model) -> list[SeatGroup]:
    """Each seat's group, in the order of the seats' numbers."""
    return [group for group in model.seats for _ in range(group.count)]
