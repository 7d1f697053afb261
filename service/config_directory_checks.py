"""What config/directory.yaml says of itself and of the other files: names that must exist, fallbacks without a circle,
numbers and addresses that belong to one alone."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

import ivr
import routing

from .config_book import Parts
from .config_directory import DirectoryFile, LinkedEntry, MatterEntry, hours_for
from .config_files import Faults, Loc, Source, near


class DirectoryChecker:
    """All checks of the directory; adds to `found` and stops at nothing."""

    def __init__(self, file: DirectoryFile, source: Source, parts: Parts, catalogue: Path, found: Faults) -> None:
        self.file, self.source, self.parts, self.found = file, source, parts, found
        self._hours = {"always": routing.ALWAYS} | dict.fromkeys(parts.routing.hours, routing.ALWAYS)
        self._catalogue = catalogue
        self._codes_known: set[str] | None = None

    def run(self) -> None:
        """Everything."""
        self._trunks()
        for id_, entry in self.file.entries.items():
            self._entry(id_, entry)
        self._numbers()
        self._circles()
        for digit, id_ in self.file.emergency_digits.items():
            self._digit(digit, id_)
        for i, rule in enumerate(self.file.dialable):
            self._trunk_names(("dialable", i, "trunks"), rule.trunks)
            if routing.Dialable(rule.pattern).may_begin("00"):
                self._warn(("dialable", i, "pattern"), f"'{rule.pattern}' allows calls abroad (00 …)")

    def _fault(self, at: Loc, reason: str) -> None:
        self.found.add(self.source, at, reason)

    def _warn(self, at: Loc, reason: str) -> None:
        self.found.warn(self.source, at, reason)

    def _entry_known(self, at: Loc, name: str, *more: str) -> bool:
        known = [*self.file.entries, *more]
        if name not in known:
            self._fault(at, f"no entry '{name}'{near(name, known)}")
        return name in self.file.entries

    def _trunk_names(self, at: Loc, names: Iterable[str]) -> None:
        seen: set[str] = set()
        for i, name in enumerate(names):
            if name not in self.file.trunks:
                hint = near(name, self.file.trunks) if self.file.trunks else "; describe it under trunks: first"
                self._fault((*at, i), f"no trunk '{name}'{hint}")
            elif name in seen:
                self._fault((*at, i), f"'{name}' is there twice: a busy trunk would be tried again at once")
            seen.add(name)

    # ------------------------------------------------------------------ trunks
    def _trunks(self) -> None:
        seats = {s.id for s in self.parts.hotline.seats}
        used = {t for e in self.file.entries.values() for t in e.trunks} | {
            t for d in self.file.dialable for t in d.trunks
        }
        for name, trunk in self.file.trunks.items():
            endpoint = routing.TRUNK_PREFIX + name
            if endpoint in seats:
                self._fault(("trunks", name), f"a seat of hotline.yaml is called {endpoint}; give one another name")
            if trunk.origin is not None:
                self._entry_known(("trunks", name, "origin"), trunk.origin)
            elif name not in used:
                self._warn(("trunks", name), f"nothing uses trunk '{name}': name it under an entry's trunks")
        hosts = [(n, i, h) for n, t in self.file.trunks.items() for i, h in enumerate(t.match)]
        for (n1, _, h1), (n2, i, h2) in combinations(hosts, 2):
            if _overlap(h1, h2):
                reason = f"'{h2}' is in '{h1}' of trunk '{n1}' already: a call would be of one or the other by chance"
                self._fault(("trunks", n2, "match", i), reason)

    # ------------------------------------------------------------------ entries
    def _entry(self, id_: str, e: LinkedEntry) -> None:
        at: tuple[str, str] = ("entries", id_)
        self._trunk_names((*at, "trunks"), e.trunks)
        self._entry_hours(at, e)
        if e.trunks and not e.numbers:
            self._fault((*at, "numbers"), "has trunks and no number to dial over them; give it one, or take them out")
        if (n := len(e.numbers) * len(e.trunks)) > routing.OWN_TRIES:
            self._warn(at, f"numbers times trunks are {n} tries; only the first {routing.OWN_TRIES} are made")
        if e.fallback is not None and self._entry_known((*at, "fallback"), e.fallback):
            behind = self.file.entries[e.fallback]
            if behind.trunks and not e.trunks:
                self._warn((*at, "fallback"), f"never tried: {id_} has no trunk of its own and is disabled")
        if e.kind == "emergency":
            self._emergency(id_, e)
        if e.url is not None and e.url.startswith("http:") and not _loopback(e.url):
            self._warn((*at, "url"), "what is said of callers travels in the clear; write https://")
        for key, table in (("takes", e.matters.takes), ("not", e.matters.refers)):
            for i, matter in enumerate(table):
                self._matter((*at, "matters", key, i), id_, matter)

    def _entry_hours(self, at: tuple[str, str], e: LinkedEntry) -> None:
        if e.hours is None:
            return
        if e.kind == "emergency":
            self._fault((*at, "hours"), "an emergency line is always open (Art. 11); take the hours out")
        try:
            hours_for(e.hours, self._hours)
        except ValueError as error:
            if re.fullmatch(r"[a-z][a-z0-9-]*", e.hours):
                hint = near(e.hours, self._hours)
                self._fault((*at, "hours"), f"no hours '{e.hours}' in routing.yaml{hint}; or write 08:30-17:30")
            else:
                self._fault((*at, "hours"), str(error))

    def _emergency(self, id_: str, e: LinkedEntry) -> None:
        at = ("entries", id_)
        if e.ring is not None and e.ring > routing.EMERGENCY_RING:
            self._warn((*at, "ring"), f"the next trunk waits {e.ring:g} s; {routing.EMERGENCY_RING:g} s are meant")
        if len(e.trunks) == 1 and e.fallback is None:
            self._warn((*at, "trunks"), "one trunk and no fallback: when it is busy or dead there is no other way")

    def _matter(self, at: Loc, id_: str, m: MatterEntry) -> None:
        if not m.words and not m.codes:
            self._fault(at, "has neither words nor codes: nothing would ever point to it")
        refers = at[-2] == "not"
        if refers and m.to is None:
            self._fault(at, "who takes it? write to: an entry's id, or 12345 for this hotline")
        elif not refers and m.to is not None:
            self._fault((*at, "to"), "stands under not: only; what it takes itself goes to nobody else")
        elif m.to is not None and self._entry_known((*at, "to"), m.to, routing.HERE) and m.to == id_:
            self._fault((*at, "to"), f"{id_} refers it to itself; put it under takes:")
        for i, code in enumerate(m.codes):
            known = self._codes()
            if known and code not in known:
                self._fault((*at, "codes", i), f"no code {code} in catalogue.yaml{near(code, known)}")

    def _codes(self) -> set[str]:
        """Codes of the catalogue; none when it cannot be read: that is told elsewhere."""
        if self._codes_known is None:
            try:
                text = self._catalogue.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                text = ""
            self._codes_known = set(re.findall(r"\bcode:\s*[\"']?([A-Z][0-9]{3})\b", text))
        return self._codes_known

    def _numbers(self) -> None:
        owner: dict[str, str] = {}
        for id_, e in self.file.entries.items():
            for i, number in enumerate(e.numbers):
                at = ("entries", id_, "numbers", i)
                plain = routing.national(number)
                if plain in owner:
                    self._fault(at, f"this number is {owner[plain]}'s already; a number leads to one entry")
                elif number in self.file.entries and number != id_:
                    self._fault(at, f"'{number}' is the id of another entry: who dials it means that one")
                elif e.trunks and number in self.parts.hotline.numbers:
                    self._warn(at, "is a number of hotline.yaml, answered here: the call would come back to us")
                owner.setdefault(plain, id_)

    def _circles(self) -> None:
        told: set[str] = set()
        for start in self.file.entries:
            way = [start]
            while (nxt := self._fallback(way[-1])) is not None and nxt not in way:
                way.append(nxt)
            if nxt == start and not told & set(way):
                told |= set(way)
                text = " → ".join([*way, start])
                self._fault(("entries", start, "fallback"), f"fallbacks run in a circle: {text}")

    def _fallback(self, id_: str) -> str | None:
        entry = self.file.entries.get(id_)
        return entry.fallback if entry is not None and entry.fallback in self.file.entries else None

    # ------------------------------------------------------------------ digits
    def _digit(self, digit: str, id_: str) -> None:
        at = ("emergency_digits", digit)
        if self._entry_known(at, id_) and self.file.entries[id_].kind != "emergency":
            self._fault(at, f"'{id_}' is no emergency line; one of kind: emergency may be reached by a digit alone")
        usual = self.parts.routing.waiting.callback_key or routing.WaitingRules().callback_key
        if digit in {usual, *(m.waiting.callback_key for m in self.parts.routing.modes.values())}:
            self._fault(at, f"'{digit}' asks for a call back (routing.yaml, callback_key); choose another digit")


def _overlap(one: str, two: str) -> bool:
    try:
        return ipaddress.IPv4Network(one).overlaps(ipaddress.IPv4Network(two))
    except ValueError:  # a host name: the same, or nobody knows
        return one.lower() == two.lower()


def _loopback(url: str) -> bool:
    return re.match(r"http://(localhost|127\.[0-9.]+)([:/]|$)", url) is not None


def flow_faults(directory: routing.Directory, flows: Iterable[ivr.Flow]) -> Iterator[str]:
    """What the flows want of the directory and it has not: their callers would get a seat instead of the line."""
    emergencies = [e.id for e in directory.entries if e.emergency]
    for flow in flows:
        for name, node in flow.nodes.items():
            at = f"flow '{flow.name}', node '{name}'"
            if isinstance(node, ivr.Emergency):
                entry = directory.get(node.entry)
                if entry is None:
                    yield f"{at}: no entry '{node.entry}' in directory.yaml{near(node.entry, emergencies)}"
                elif not entry.emergency:
                    yield f"{at}: '{node.entry}' is no emergency line{near(node.entry, emergencies)}"
            keys = getattr(node, "keys", None) or {}
            for digit, waiting in directory.emergency_digits.items():
                target = flow.nodes.get(keys.get(digit, ""))
                if isinstance(target, ivr.Emergency) and target.entry != waiting:
                    yield f"{at}: key {digit} rings {target.entry} here and {waiting} while waiting (emergency_digits)"
