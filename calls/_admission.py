"""Who is let in when more call than can be served well: counts, buckets, and a rate that gives way. Pure.

    caller    the same number, too often                  the number alone is turned away
    trunk     one trunk brings more than it may            its callers are
    rate      more arrive a second than can be taken       whoever comes now is
    full      as many are in as the switch may hold        likewise
    wait      the wait would be longer than tolerable      likewise

Times are arguments, in seconds of any clock. One that jumps back makes nobody wait: what was counted stays counted, for
at most one window more. Memory is bounded by arguments; what is forgotten is let in.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

MANY_NUMBERS = 20_000
MANY_TRUNKS = 500
LATEST = 4.0
"""How many times later than tolerable counts at most."""
STEP = 2.0
"""Seconds of a pause that count as passed at most: a process that was stopped has learned nothing meanwhile."""


class TokenBucket:
    """Lets through `burst` at once and `rate` a second: never more than burst + rate × w in any w seconds."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, max(1.0, burst)
        self._tokens = self.burst
        self._at: float | None = None

    def left(self, now: float) -> float:
        """Tokens there are now."""
        if self._at is not None and now > self._at:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        return self._tokens

    def take(self, now: float) -> bool:
        """One, if there is one."""
        if self.left(now) < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Windows:
    """At most `most` of each key in any `seconds`; those that were let through count. Keys: the `keys` latest."""

    def __init__(self, most: int, seconds: float, keys: int = MANY_NUMBERS) -> None:
        self.most, self.seconds, self.keys = most, seconds, keys
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._times)

    def full(self, key: str, now: float) -> bool:
        """Whether the key has had its share."""
        times = self._times.get(key)
        if times is None:
            return False
        if times and times[-1] > now:
            # The clock was set back: they count as of now, so that nobody is shut out for longer than a window.
            times = self._times[key] = deque(min(t, now) for t in times)
        while times and times[0] <= now - self.seconds:
            times.popleft()
        return len(times) >= self.most

    def note(self, key: str, now: float) -> None:
        """One more of the key was let through."""
        times = self._times.get(key)
        if times is None:
            times = self._times[key] = deque()
        times.append(now)
        while len(times) > self.most:
            times.popleft()
        self._times.move_to_end(key)
        while len(self._times) > self.keys:
            self._times.popitem(last=False)
        # Whoever has not called for a window needs no memory: the oldest first, two for each that comes.
        for _ in range(2):
            oldest = next(iter(self._times))
            if oldest == key or (times := self._times[oldest])[-1] > now - self.seconds:
                break
            del self._times[oldest]


class Throttle:
    """The admitted rate: gives way by a fifth a second while answers are late and callers press in, by more the later
    they are, and comes back by a twentieth of the most a second. Late answers of a machine whom nobody calls change
    nothing."""

    def __init__(self, most: float, least: float, slow: float) -> None:
        self.most, self.least, self.slow = most, min(least, most), slow
        self.rate = most
        self._at: float | None = None

    def look(self, delay: float, arrivals: float, now: float) -> float:
        """The rate from now on.

        Args:
            delay: seconds that an answer takes now: the worst of what is measured.
            arrivals: callers a second, those turned away too.
            now: seconds.
        """
        passed = min(STEP, max(0.0, now - self._at)) if self._at is not None else 0.0
        self._at = now
        if delay > self.slow:
            if arrivals > self.rate / 4:
                self.rate = max(self.least, self.rate * 0.8 ** (passed * min(LATEST, delay / self.slow)))
        elif delay <= self.slow / 2:
            self.rate = min(self.most, self.rate + self.most / 20 * passed)
        return self.rate


@dataclass(frozen=True, slots=True)
class TrunkLimit:
    """Callers a second, and at once."""

    rate: float = 30.0
    burst: float = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is let in; see docs/admission.md."""

    on: bool = True
    most: int = 1000
    """Callers in at once."""
    rate: float = 50.0
    """Callers a second, when all is quick."""
    burst: float = 100.0
    longest_wait: float = 900.0
    """Seconds: the longest expected wait with which somebody is still let in."""
    waiting_least: int = 50
    """Callers who may always wait, whatever is expected."""
    longer: Mapping[str, float] = field(default_factory=lambda: {"disaster": 4.0})
    """Operating mode → how much longer its queue may be."""
    announcements: int = 100
    """Callers who hear at once that they are not let in."""
    slow: float = 0.25
    """Seconds an answer may take before fewer are let in."""
    caller_calls: int = 12
    caller_seconds: float = 600.0
    caller_except: frozenset[str] = frozenset()
    """Numbers of which many people call (a switchboard); in the national form."""
    trunk: TrunkLimit = TrunkLimit()
    """Of each directory trunk without a limit of its own."""
    trunks: Mapping[str, TrunkLimit] = field(default_factory=dict)
    """Endpoint → its own."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How full it is."""

    live: int = 0
    """Callers in, whatever they do; those turned away not counted."""
    unserved: int = 0
    """Of these: who wait for a seat, or will in a moment."""
    free: int = 0
    serving: int = 0
    """Seats that serve, the free ones too."""
    busy: float = 210.0
    """Seconds a seat is busy with one call."""
    turned: int = 0
    """Callers who hear their last word now."""
    mode: str = "normal"


@dataclass(frozen=True, slots=True)
class Knock:
    """A caller at the door."""

    number: str = ""
    """National form; empty: unknown."""
    trunk: str = ""
    """The endpoint it comes over, where that has a limit."""
    always: bool = False
    """An emergency line; somebody who was cut off or is being called back: let in, whatever there is."""
    trusted: bool = False
    """Another hotline's caller: only its trunk's limit counts."""
    countless: bool = False
    """Its number has no limit (our own test calls)."""


class Admission:
    """See the module's text. `judge` for each arrival, `look` now and then with what was measured."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.crowd = Crowd()
        self._added = 0
        self._knocks = 0
        self.arrivals = 0.0
        """Callers a second at our door, lately."""
        self._looked: float | None = None
        self.tight = False
        """Answers are late although fewer are let in already: nobody more than there are now."""
        self.configure(limits or Limits())

    def configure(self, limits: Limits) -> None:
        """New limits; what was counted before is forgotten where its limit has changed."""
        before: Limits | None = getattr(self, "limits", None)
        self.limits = limits
        if before is None or (before.rate, before.burst, before.slow) != (limits.rate, limits.burst, limits.slow):
            self.bucket = TokenBucket(limits.rate, limits.burst)
            self.throttle = Throttle(limits.rate, max(1.0, limits.rate / 10), limits.slow)
        known = before and (before.caller_calls, before.caller_seconds)
        if known != (limits.caller_calls, limits.caller_seconds):
            self.callers = Windows(limits.caller_calls, limits.caller_seconds)
        if before is None or (before.trunk, before.trunks) != (limits.trunk, limits.trunks):
            self._trunks: OrderedDict[str, TokenBucket] = OrderedDict()

    # ------------------------------------------------------------------ what is measured
    def look(self, crowd: Crowd, delay: float, now: float, elsewhere: int = 0) -> None:
        """What is there now.

        Args:
            crowd: counted now: whom `judge` let in since is in it.
            delay: seconds the slowest part took to answer lately.
            now: seconds.
            elsewhere: arrivals since the last look that never came to us (the switch turned them away).
        """
        passed = now - self._looked if self._looked is not None else 0.0
        if self._looked is None or passed < 0:
            self._looked = now
        elif passed > 0:
            fresh = (self._knocks + elsewhere) / max(passed, 0.05)
            self.arrivals += (fresh - self.arrivals) * min(1.0, passed)
            self._knocks, self._looked = 0, now
        self.crowd, self._added = crowd, 0
        if crowd.turned >= self.limits.announcements:
            delay = max(delay, 2 * self.limits.slow)  # more last words than lines for them: fewer in, by the switch
        self.bucket.left(now)
        self.bucket.rate = self.throttle.look(delay, self.arrivals, now)
        self.tight = delay > self.limits.slow and self.throttle.rate < 0.8 * self.throttle.most

    @property
    def room(self) -> float:
        """How many may stand before a seat for whom no seat is free now."""
        limits, crowd = self.limits, self.crowd
        longer = limits.longer.get(crowd.mode, 1.0)
        served = limits.longest_wait * crowd.serving / max(1.0, crowd.busy)
        return longer * max(float(limits.waiting_least), served)

    def allowance(self, now: float) -> float:
        """How many the switch may let through in the second that begins: the rate, or what is left of the burst.

        No more, although the rate goes on filling it: the switch lets them in at the second's beginning, all at once.
        """
        return max(self.bucket.rate, self.bucket.left(now))

    # ------------------------------------------------------------------ at the door
    def judge(self, knock: Knock, now: float) -> str:
        """Why it is not let in (see the module's text); empty: it is, and counts from now on."""
        self._knocks += 1
        why = "" if knock.always or not self.limits.on else self._why(knock, now)
        if not why:
            self._added += 1
            self._count(knock, now)
        return why

    def _why(self, knock: Knock, now: float) -> str:
        if knock.number and self._counts(knock) and self.callers.full(knock.number, now):
            return "caller"
        trunk = self._trunk(knock.trunk)
        if trunk is not None and trunk.left(now) < 1.0:
            return "trunk"
        if knock.trusted:
            return ""
        crowd = self.crowd
        if crowd.live + self._added >= self.limits.most:
            return "full"
        if crowd.unserved + self._added >= crowd.free + self.room:
            return "wait"
        return "" if self.bucket.left(now) >= 1.0 else "rate"

    def _counts(self, knock: Knock) -> bool:
        return not knock.trusted and not knock.countless and knock.number not in self.limits.caller_except

    def _count(self, knock: Knock, now: float) -> None:
        self.bucket.take(now)
        trunk = self._trunk(knock.trunk)
        if trunk is not None:
            trunk.take(now)
        if knock.number and self._counts(knock):
            self.callers.note(knock.number, now)

    def _trunk(self, name: str) -> TokenBucket | None:
        if not name:
            return None
        bucket = self._trunks.get(name)
        if bucket is None:
            limit = self.limits.trunks.get(name, self.limits.trunk)
            bucket = self._trunks[name] = TokenBucket(limit.rate, limit.burst)
            if len(self._trunks) > MANY_TRUNKS:
                self._trunks.popitem(last=False)
        return bucket
