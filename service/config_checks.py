"""What one file says of another: names that must exist, trees without cycles, steps that can open.

Each check adds its faults; nothing stops at the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import routing

from .config_book import Parts, callbacks_of, parent_of, restrictions_of, step_of
from .config_files import Faults, Source, near
from .config_routing import StepEntry, WhenEntry
from .errors import ConfigError
from .yaml_file import load_yaml

Place = tuple[int | str, ...]
NEW_YEAR = 190
"""Days from the middle of a year within which its holidays lie."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where each part was read."""

    hotline: Source
    routing: Source
    centres: Source
    workdays: Source


class Checker:
    """All checks across the files."""

    def __init__(self, parts: Parts, sources: Sources, flows: Collection[str] | None, prompts: Path) -> None:
        self.parts, self.sources, self.flows = parts, sources, flows
        self.found = Faults()
        self.seats = {s.id: s for s in parts.hotline.seats}
        self.hours = {"always", *parts.routing.hours}
        self.skills = {
            *parts.routing.skills,
            *parts.hotline.default_skills,
            *(name for s in parts.hotline.seats for name in s.skills),
        }
        self.centres = set(parts.centres.centres) or {
            parts.hotline.centre.code, *(s.centre for s in parts.hotline.seats if s.centre)
        }  # fmt: skip
        self._prompts = prompts

    def run(self) -> Faults:
        """Everything."""
        self._hotline()
        self._centres()
        self._routing()
        self._modes()
        self._leaders()
        self._workdays()
        return self.found

    # ------------------------------------------------------------------ one name
    def _known(self, source: Source, loc: Place, what: str, name: str, known: Iterable[str]) -> bool:
        known = set(known)
        if name in known:
            return True
        self.found.add(source, loc, f"no {what} '{name}'{near(name, known)}")
        return False

    def _circle(self, source: Source, loc: Place, name: str) -> None:
        if name in routing.CIRCLES:
            return
        code = name.removesuffix("+")
        if code not in self.centres:
            known = self.centres if code[:1].isdigit() else routing.CIRCLES
            self.found.add(source, loc, f"no centre or circle '{name}'{near(code, known)}")

    # ------------------------------------------------------------------ hotline.yaml
    def _hotline(self) -> None:
        source, file = self.sources.hotline, self.parts.hotline
        for number, entry in file.numbers.items():
            at: Place = ("numbers", number)
            if self.flows is not None:
                self._known(source, (*at, "flow"), "flow", entry.flow, self.flows)
            if entry.centre is not None:
                self._known(source, (*at, "centre"), "centre", entry.centre, self.centres)
            if entry.rule is not None:
                self._known(source, (*at, "rule"), "rule", entry.rule, [r.name for r in self.parts.routing.rules])
        if self.parts.centres.centres:
            self._known(source, ("centre", "code"), "centre", file.centre.code, self.centres)
        for i, seat in enumerate(file.seats):
            if seat.centre is not None and self.parts.centres.centres:
                self._known(source, ("seats", i, "centre"), "centre", seat.centre, self.centres)
            if seat.hours is not None:
                self._known(source, ("seats", i, "hours"), "hours", seat.hours, self.hours)
            for name in seat.skills:
                if self.parts.routing.skills and name not in self.parts.routing.skills:
                    reason = f"'{name}' is not in routing.yaml's skills{near(name, self.parts.routing.skills)}"
                    self.found.warn(source, ("seats", i, "skills", name), reason)

    # ------------------------------------------------------------------ centres.yaml
    def _centres(self) -> None:
        source, centres = self.sources.centres, self.parts.centres.centres
        areas: dict[str, str] = {}
        for code, entry in centres.items():
            at: Place = ("centres", code)
            parent = parent_of(self.parts, code)
            if parent is not None and self._known(source, (*at, "parent"), "centre above", parent, centres):
                self._no_cycle(code)
            for i, other in enumerate(entry.neighbours):
                if self._known(source, (*at, "neighbours", i), "centre", other, centres) and other == code:
                    self.found.add(source, (*at, "neighbours", i), "a centre is no neighbour of itself")
            if entry.hours is not None:
                self._known(source, (*at, "hours"), "hours", entry.hours, self.hours)
            if entry.area_code is not None:
                if entry.area_code in areas:
                    reason = f"{entry.area_code} is {areas[entry.area_code]}'s already"
                    self.found.add(source, (*at, "area_code"), reason)
                areas[entry.area_code] = code
            if entry.capacity is not None and entry.foreign is not None and entry.foreign > entry.capacity:
                reason = f"{entry.foreign} is more than the capacity of {entry.capacity}"
                self.found.add(source, (*at, "foreign"), reason)

    # ------------------------------------------------------------------ workdays.yaml
    def _workdays(self) -> None:
        """Each day once, and in its year (a New Year's holiday may reach into the year beside it)."""
        seen: dict[date, str] = {}
        for year, entries in self.parts.workdays.years.items():
            for i, entry in enumerate(entries):
                for day in [*entry.days(), *entry.work]:
                    at: Place = ("years", year, i)
                    if day in seen:
                        self.found.add(self.sources.workdays, at, f"{day} is there twice: {seen[day]} and {entry.name}")
                    elif day.year != year and abs((day - date(year, 7, 2)).days) > NEW_YEAR:
                        self.found.add(self.sources.workdays, at, f"{day} ({entry.name}) is not of {year}")
                    seen[day] = entry.name

    def _no_cycle(self, code: str) -> None:
        seen = [code]
        at = parent_of(self.parts, code)
        while at is not None and at in self.parts.centres.centres:
            if at == code:
                way = " → ".join([*seen, code])
                self.found.add(self.sources.centres, ("centres", code, "parent"), f"the tree runs in a circle: {way}")
                return
            if at in seen:
                return  # a circle further up: told there
            seen.append(at)
            at = parent_of(self.parts, at)

    # ------------------------------------------------------------------ routing.yaml
    def _routing(self) -> None:
        source, file = self.sources.routing, self.parts.routing
        self._once(source, "rules", [r.name for r in file.rules])
        self._once(source, "modifiers", [m.name for m in file.modifiers])
        self._once(source, "breaks", [b.code for b in file.breaks])
        self._once(source, "incidents", [i.id for i in file.incidents])
        named = {e.rule for e in self.parts.hotline.numbers.values()}
        for i, rule in enumerate(file.rules):
            at: Place = ("rules", i)
            self._when(source, (*at, "when"), rule.when)
            self._steps(source, (*at, "steps"), rule.steps)
            if rule.name == routing.DEFAULT_RULE.name and i != len(file.rules) - 1:
                self.found.add(source, (*at, "name"), "the rule 'default' must be the last one")
            if not rule.by_name and rule.when == WhenEntry() and i < len(file.rules) - 1:
                self.found.warn(source, at, f"rule '{rule.name}' holds for every caller: the rules after it never hold")
            if rule.by_name and rule.name not in named:
                self.found.warn(source, at, f"rule '{rule.name}' is only taken by name, and no number names it")
            if not any(self._fits_somebody(rule.when, step) for step in rule.steps):
                reason = f"rule '{rule.name}' fits no seat at all: its callers wait in vain"
                self.found.warn(source, (*at, "steps"), reason)
        for i, modifier in enumerate(file.modifiers):
            at = ("modifiers", i)
            self._when(source, (*at, "when"), modifier.when)
            self._seats(source, (*at, "seats"), modifier.seats)
        for kind, name in file.kinds.items():
            self._known(source, ("kinds", kind), "hours", name, self.hours)
        for i, number in enumerate(file.emergency.dialled):
            self._known(source, ("emergency", "dialled", i), "dialled number", number, self.parts.hotline.numbers)
        if file.third.steps is not None:
            self._steps(source, ("third", "steps"), file.third.steps)
        for name in file.fairness.keep_free:
            self._known(source, ("fairness", "keep_free", name), "skill", name, self.skills)
        try:
            callbacks_of(file.callbacks)
        except ValueError as error:
            self.found.add(source, ("callbacks",), str(error))
        try:
            restrictions_of(file.restrictions)
        except ValueError as error:
            self.found.add(source, ("restrictions",), str(error))
        for i, incident in enumerate(file.incidents):
            for n, region in enumerate(incident.regions):
                self._known(source, ("incidents", i, "regions", n), "centre", region, self.centres)
            if incident.prompt is not None:
                self._prompt(("incidents", i, "prompt"), incident.prompt)

    def _once(self, source: Source, key: str, names: Sequence[str]) -> None:
        for i, name in enumerate(names):
            if name in names[:i]:
                self.found.add(source, (key, i), f"'{name}' is there twice; give each its own name")

    def _when(self, source: Source, at: Place, when: WhenEntry) -> None:
        for i, number in enumerate(when.dialled):
            self._known(source, (*at, "dialled", i), "dialled number", number, self.parts.hotline.numbers)
        for i, name in enumerate(when.skills):
            self._known(source, (*at, "skills", i), "skill", name, self.skills)
        for i, centre in enumerate(when.centre):
            self._known(source, (*at, "centre", i), "centre", centre.removesuffix("+"), self.centres)
        for key in ("hours", "outside"):
            for i, name in enumerate(getattr(when, key)):
                self._known(source, (*at, key, i), "hours", name, self.hours)

    def _seats(self, source: Source, at: Place, seats: Sequence[str] | None) -> None:
        for i, seat in enumerate(seats or ()):
            if self._known(source, (*at, i), "seat", seat, self.seats) and self.seats[seat].kind == "assistant":
                self.found.add(source, (*at, i), f"seat {seat} is an assistant: it is never offered a caller")

    def _steps(self, source: Source, at: Place, steps: Sequence[StepEntry]) -> None:
        for i, step in enumerate(steps):
            if step.seconds is None and i < len(steps) - 1:
                self.found.add(source, (*at, i), "has no 'seconds', so the steps after it never open; give it some")
            self._step(source, (*at, i), step)

    def _step(self, source: Source, at: Place, step: StepEntry) -> None:
        skills: Mapping[str, int] = step.skills if isinstance(step.skills, dict) else {}
        for key, names in (("skills", skills), ("add", step.add)):
            for name in names:
                self._known(source, (*at, key, name), "skill", name, self.skills)
        for n, circle in enumerate(step.centres):
            self._circle(source, (*at, "centres", n), circle)
        self._seats(source, (*at, "seats"), step.seats)
        if step.kinds is not None and "assistant" in step.kinds:
            self.found.add(source, (*at, "kinds"), "an assistant is never offered a caller")

    def _fits_somebody(self, when: WhenEntry, entry: StepEntry) -> bool:
        """Whether a configured seat fits a step, wherever the caller is at home."""
        rule = step_of(entry)
        explicit = frozenset(c.removesuffix("+") for c in rule.centres if c not in routing.CIRCLES)
        for wanted in when.skills or [""]:
            least = dict(rule.skills or ())
            if rule.skills is None:
                least = dict([(wanted, 1)] if wanted else self.parts.hotline.default_skills.items()) | dict(rule.add)
            step = routing.Step(tuple(least.items()), None, rule.seats, kinds=rule.kinds)
            for s in self.parts.hotline.seats:
                centre = s.centre or self.parts.hotline.centre.code
                near_enough = len(explicit) < len(rule.centres) or any(centre[:2] == c[:2] for c in explicit)
                if near_enough and step.fits(routing.Seat(s.id, s.name, centre, s.skills, kind=s.kind)):
                    return True
        return False

    # ------------------------------------------------------------------ modes, leader days
    def _modes(self) -> None:
        source = self.sources.routing
        for name, mode in self.parts.routing.modes.items():
            at: Place = ("modes", name)
            for i, step in enumerate(mode.extra):
                if step.seconds is None and i < len(mode.extra) - 1:
                    self.found.add(
                        source, (*at, "extra", i), "has no 'seconds', so the steps after it never open; give it some"
                    )
                self._step(source, (*at, "extra", i), step)
            for i, prompt in enumerate(mode.announce):
                self._prompt((*at, "announce", i), prompt)
            enter, leave = mode.enter.model_dump(), mode.leave.model_dump()
            if name == routing.NORMAL and any(v is not None for v in (*enter.values(), *leave.values())):
                self.found.add(source, at, "'normal' has no thresholds: it holds when no other mode does")
            for key, limit in leave.items():
                worse = limit is not None and enter[key] is not None and (
                    limit < enter[key] if key in ("present", "answered") else limit > enter[key]
                )  # fmt: skip
                if worse:
                    self.found.add(
                        source, (*at, "leave", key),
                        f"{limit:g} is beyond the limit {enter[key]:g} at which the mode is entered: it would flap",
                    )  # fmt: skip

    def _prompt(self, at: Place, name: str) -> None:
        known = self._prompt_ids()
        if known is not None:
            self._known(self.sources.routing, at, "prompt", name, known)

    def _prompt_ids(self) -> set[str] | None:
        """Ids in config/prompts/prompts.yaml; None when there is no good file: it is told elsewhere."""
        try:
            data = load_yaml(self._prompts).data
        except ConfigError:
            return None
        prompts = data.get("prompts") if isinstance(data, dict) else None
        return set(prompts) if isinstance(prompts, dict) else None

    def _leaders(self) -> None:
        source = self.sources.routing
        for i, entry in enumerate(self.parts.routing.leader_days):
            at: Place = ("leader_days", i)
            if self._known(source, (*at, "leader"), "seat", entry.leader, self.seats):
                kind = self.seats[entry.leader].kind
                if kind in ("assistant", "interpreter"):
                    self.found.add(
                        source, (*at, "leader"),
                        f"seat {entry.leader} is an {kind}; a leader's seat has kind: leader in hotline.yaml",
                    )  # fmt: skip
            if entry.assistant is not None and self._known(
                source, (*at, "assistant"), "seat", entry.assistant, self.seats
            ):
                kind = self.seats[entry.assistant].kind
                if kind != "assistant":
                    self.found.add(
                        source, (*at, "assistant"),
                        f"seat {entry.assistant} is of kind {kind} and would be offered callers while it listens; "
                        "give it kind: assistant in hotline.yaml",
                    )  # fmt: skip
            for n, number in enumerate(entry.dialled):
                self._known(source, (*at, "dialled", n), "dialled number", number, self.parts.hotline.numbers)
            for n, centre in enumerate(entry.centres):
                self._circle(source, (*at, "centres", n), centre)
