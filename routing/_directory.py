"""The hotline directory (联动热线名录): other hotlines, utilities and units, and how they are reached. Pure values.

Art. 8 asks for links both ways with 110, 119, 120, 122, the hotlines of the Yangtze delta, utilities and social
hotlines. An entry leads somewhere only when it has a trunk: without one it is known, searched and shown, and disabled.

The order of tries: the main number over the first trunk, over the next trunk …, then the entry's second number in the
same way, then the fallback's tries. A busy or dead trunk so costs one try, and the number people know goes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ._dialable import Dialable
from ._facts import national
from ._hours import ALWAYS, Hours
from ._lines import NUMBER_ENTRY, Line, Try
from ._matters import HERE, Matter
from ._workdays import WorkCalendar

TRUNK_PREFIX = "line-"
"""A trunk's endpoint on the switch is this and its name."""
KINDS = ("emergency", "hotline", "utility", "centre", "unit", "social")
EMERGENCY_RING = 10.0
"""Seconds after which the next trunk of an emergency line is tried (Art. 11: at once)."""
RING = 20.0
OWN_TRIES = 6
"""Of an entry's own; the rest is left for its fallback."""
MOST_TRIES = 8
"""In all: nobody listens to a ringing tone for longer."""
LOOK_AHEAD = 15
"""Days in which a change of hours is looked for: longer than any holiday, short enough for a list of all entries."""
NUMBER_NAME = "外线"
"""What people read for a dialled number: the number itself is nobody's to see without the right."""
_CODES = ("no-entry", "entry-disabled", "entry-closed", "number-not-allowed")
_AREA = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})(?=[0-9]{3,5}$)")


class DirectoryError(ValueError):
    """The line cannot be had; `code` is no-entry | entry-disabled | entry-closed | number-not-allowed.

    The text never holds a dialled number.
    """

    def __init__(self, code: str, text: str) -> None:
        assert code in _CODES
        super().__init__(text)
        self.code, self.text = code, text


@dataclass(frozen=True, slots=True)
class Trunk:
    """A way out of the switch, and who comes in by it."""

    name: str
    contact: str
    """host:port of its SIP over UDP; tls:host:port over TLS."""
    match: tuple[str, ...] = ()
    """Hosts or networks whose calls come in by it; none: outgoing only."""
    origin: str = ""
    """The entry whose calls come in by it; empty: the one that uses it, if it is one alone."""
    qualify: int = 0
    user: str = ""
    """Who we are, if it asks; empty: it knows us by our address."""
    password_file: str = ""
    """Where that user's password is; never the password itself."""
    register: bool = False

    @property
    def endpoint(self) -> str:
        """Name of its endpoint on the switch."""
        return TRUNK_PREFIX + self.name


@dataclass(frozen=True, slots=True)
class Entry:
    """One hotline, utility or unit."""

    id: str
    zh: str
    en: str = ""
    kind: str = "hotline"
    """One of `KINDS`."""
    numbers: tuple[str, ...] = ()
    """Main number first. May be empty while it has no trunk."""
    trunks: tuple[str, ...] = ()
    """Names, first choice first; empty: disabled."""
    hours: Hours = ALWAYS
    hours_text: str = ""
    """The hours as the file has them; empty: always."""
    protocol: str = "none"
    """How the context travels: none | uui (RFC 7433 and a handover)."""
    url: str = ""
    """Base URL under which its handovers are fetched; empty: none are."""
    takes: tuple[Matter, ...] = ()
    refers: tuple[Matter, ...] = ()
    """What it does not take, each with who does."""
    fallback: str = ""
    """The entry tried when this one cannot be reached."""
    caller_id: str = "hotline"
    """Whose number it sees: hotline | caller."""
    ring: float = RING
    after: str = "return"
    """When it hangs up and no seat is there: return | end."""
    region: str = ""
    """GB/T 2260 code."""

    @property
    def emergency(self) -> bool:
        """Whether it is one of the emergency lines (Art. 11)."""
        return self.kind == "emergency"


@dataclass(frozen=True, slots=True)
class Advice:
    """Who takes a matter, and what says so."""

    entry: Entry | None
    """None: this hotline itself."""
    matter: Matter
    by: Entry
    """Whose table says it: the entry's own, or the one that refers to it."""
    words: tuple[str, ...]
    """What was heard, or the catalogue code."""
    score: float

    @property
    def reason(self) -> str:
        """For the seat, in Chinese."""
        heard = f"“{'、'.join(self.words[:4])}”"
        if not self.matter.to:
            return f"{self.by.zh}受理{self.matter.zh} ({heard})"
        who = self.entry.zh if self.entry is not None else "本热线"
        return f"{self.matter.zh}不归{self.by.zh}, 由{who}受理 ({heard})"


@dataclass(frozen=True, slots=True)
class Directory:
    """All entries, trunks and what may be dialled besides. Without arguments: nothing leads anywhere."""

    entries: tuple[Entry, ...] = ()
    trunks: Mapping[str, Trunk] = field(default_factory=dict)
    emergency_digits: Mapping[str, str] = field(default_factory=dict)
    """Digit a caller presses → id of an emergency entry."""
    dialable: tuple[Dialable, ...] = ()
    calendar: WorkCalendar = field(default_factory=WorkCalendar)
    _by_id: Mapping[str, Entry] = field(default_factory=dict, init=False, repr=False, compare=False)
    _by_number: Mapping[str, Entry] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", MappingProxyType({e.id: e for e in self.entries}))
        numbers = {national(n): e for e in reversed(self.entries) for n in reversed(e.numbers)}
        object.__setattr__(self, "_by_number", MappingProxyType(numbers))

    # ------------------------------------------------------------------ entries
    def get(self, entry_id: str) -> Entry | None:
        """An entry, or None."""
        return self._by_id.get(entry_id)

    def is_open(self, entry: Entry, now: float) -> bool:
        """Whether it is in its hours; emergency lines always are."""
        return entry.emergency or entry.hours.is_open(now, self.calendar)

    def next_change(self, entry: Entry, now: float) -> float | None:
        """When it opens or closes next (unix seconds); None: not within `LOOK_AHEAD` days."""
        if entry.emergency or entry.hours is ALWAYS:
            return None
        return entry.hours.next_change(now, self.calendar, LOOK_AHEAD)

    def state(self, entry: Entry, now: float) -> str:
        """ready | no-trunk | closed."""
        if not next(self._own_tries(entry), None):
            return "no-trunk"
        return "ready" if self.is_open(entry, now) else "closed"

    def search(self, text: str) -> tuple[Entry, ...]:
        """Entries with all the words in id, names, numbers, region or matters; an exact id or number first."""
        words = text.lower().split()
        exact = [e for e in self.entries if text.strip() in (e.id, *e.numbers)]
        found = [e for e in self.entries if e not in exact and all(w in _searched(e) for w in words)]
        return (*exact, *found)

    def for_matter(self, text: str) -> tuple[Advice, ...]:
        """Who takes a matter, best first: emergency lines (Art. 11: at once), then who says so itself, then the rest.

        Args:
            text: what was said, or a code of the dispatch catalogue.
        """
        text = text.lower()
        best: dict[str, Advice] = {}
        for advice in self._advices(text):
            key = advice.entry.id if advice.entry is not None else HERE
            if key not in best or _weight(advice) > _weight(best[key]):
                best[key] = advice
        order = {e.id: i for i, e in enumerate(self.entries)}

        def rank(a: Advice) -> tuple[bool, bool, float, int]:
            urgent = a.entry is not None and a.entry.emergency
            return not urgent, a.matter.to != "", -a.score, order[a.entry.id] if a.entry else -1

        return tuple(sorted(best.values(), key=rank))

    def _advices(self, text: str) -> Iterator[Advice]:
        for entry in self.entries:
            refused = max((m.score(text) for m in entry.refers), default=0.0)
            for matter in entry.takes:
                if (score := matter.score(text)) > refused:
                    yield Advice(entry, matter, entry, matter.hits(text), score)
            for matter in entry.refers:
                target = self._by_id.get(matter.to)
                if (score := matter.score(text)) > 0 and (target is not None or matter.to == HERE):
                    yield Advice(target, matter, entry, matter.hits(text), score)

    # ------------------------------------------------------------------ lines
    def line(self, entry_id: str, now: float, *, number: str = "") -> Line:
        """How an entry is reached now.

        Args:
            entry_id: its id.
            now: unix seconds.
            number: one of its numbers, to try that one alone; left out: all.

        Raises:
            DirectoryError: it is unknown, has no trunk, is closed, or the number is none of its own.
        """
        entry = self._by_id.get(entry_id)
        if entry is None:
            raise DirectoryError("no-entry", "no such entry in the hotline directory")
        if number and number not in entry.numbers:
            raise DirectoryError("number-not-allowed", f"not a number of {entry.id}")
        state = self.state(entry, now)
        if state == "no-trunk":
            raise DirectoryError("entry-disabled", f"{entry.id} has no trunk in config/directory.yaml")
        if state == "closed":
            raise DirectoryError("entry-closed", f"{entry.id} is out of hours{self._instead(entry, now)}")
        own = list(self._own_tries(entry, number))[:OWN_TRIES]
        tries = [*own, *self._fallback_tries(entry, now)][:MOST_TRIES]
        return Line(entry.id, entry.zh, tuple(tries), entry.after, entry.emergency)

    def number_line(self, number: str, now: float) -> Line:
        """How a number outside the directory is reached: over the trunks of the first pattern that allows it.

        Raises:
            DirectoryError: number-not-allowed, when no pattern does.
        """
        del now  # such numbers have no hours
        for rule in self.dialable:
            trunks = self._endpoints(rule.trunks)
            if trunks and rule.allows(number):
                tries = (Try(t, number, RING, NUMBER_ENTRY, NUMBER_NAME) for t in trunks[:OWN_TRIES])
                return Line(NUMBER_ENTRY, NUMBER_NAME, tuple(tries))
        raise DirectoryError("number-not-allowed", "no pattern of `dialable` in config/directory.yaml allows it")

    def _endpoints(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(self.trunks[n].endpoint for n in names if n in self.trunks)

    def _own_tries(self, entry: Entry, number: str = "") -> Iterator[Try]:
        for one in (number,) if number else entry.numbers:
            for trunk in self._endpoints(entry.trunks):
                yield Try(trunk, one, entry.ring, entry.id, entry.zh, entry.caller_id, entry.protocol)

    def _fallback_tries(self, entry: Entry, now: float) -> Iterator[Try]:
        """Of the fallback and its own one, as far as they are ready: one that is closed is passed over."""
        seen = {entry.id}
        while (nxt := self._by_id.get(entry.fallback)) is not None and nxt.id not in seen:
            seen.add(nxt.id)
            entry = nxt
            if self.state(entry, now) == "ready":
                yield from list(self._own_tries(entry))[:OWN_TRIES]

    def _instead(self, entry: Entry, now: float) -> str:
        tries = next(self._fallback_tries(entry, now), None)
        return f"; {tries.entry} takes its calls now" if tries is not None else ""

    # ------------------------------------------------------------------ who it was
    def by_trunk(self, endpoint: str) -> Entry | None:
        """Whose calls come in by an endpoint: the trunk's `origin`, or the only entry that uses it."""
        trunk = self.trunks.get(endpoint.removeprefix(TRUNK_PREFIX)) if endpoint.startswith(TRUNK_PREFIX) else None
        if trunk is None:
            return None
        if trunk.origin:
            return self._by_id.get(trunk.origin)
        users = [e for e in self.entries if trunk.name in e.trunks]
        return users[0] if len(users) == 1 else None

    def by_number(self, number: str) -> Entry | None:
        """Which entry a caller's number is of; an area code may stand before a short one (0571110).

        A shown number can be forged: good for a mark on the screen, never for trust.
        """
        plain = national(number)
        if not plain:
            return None
        forms = [plain, "0" + plain] if number.startswith(("+86", "0086")) else [plain]
        shorts = [_AREA.sub("", form) for form in forms]
        return next((e for form in (*forms, *shorts) if (e := self._by_number.get(form)) is not None), None)

    def resolve(self, dialled: str) -> tuple[str, str] | None:
        """What a seat's phone dialled or referred to: ("entry", id), ("number", digits), or None: nothing of ours."""
        if dialled in self._by_id:
            return "entry", dialled
        entry = next((e for e in self.entries if dialled in e.numbers), None)
        if entry is not None:
            return "entry", entry.id
        if any(r.allows(dialled) for r in self.dialable):
            return "number", dialled
        return None


def _weight(advice: Advice) -> tuple[bool, float]:
    """A hotline's own table tells more than another one's word of it."""
    return not advice.matter.to, advice.score


def _searched(entry: Entry) -> str:
    matters = [x for m in entry.takes for x in (m.zh, m.en, *m.codes)]
    return "\n".join([entry.id, entry.zh, entry.en, entry.region, *entry.numbers, *matters]).lower()
