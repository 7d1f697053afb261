"""The routing book: everything configured about who may serve whom, and the planner that makes a demand of a
caller. Pure: the same facts, mode and book give the same demand, whichever process asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ._callback_rules import CallbackRules
from ._centres import CentreTree
from ._demand import Demand, Skills, Step
from ._facts import EMERGENCY, Facts, HistoryRules, Past, national, past
from ._hours import ALWAYS, Hours
from ._leader import LeaderDay
from ._model import CentreLimit, Seat
from ._modes import NORMAL, Incident, ModeConfig
from ._restriction_rules import RestrictionRules
from ._rules import DEFAULT_RULE, Modifier, Rule, Seen, StepRule
from ._waiting import BreakReason, WaitingRules
from ._workdays import WorkCalendar

DAY = 86400.0
LEADER = "leader"
THIRD_STEPS = (
    StepRule(centres=("home",), kinds=frozenset({"interpreter", "expert"}), seconds=5.0),
    StepRule(centres=("any",), kinds=frozenset({"interpreter", "expert"}), seconds=20.0),
    StepRule(centres=("any",)),
)


@dataclass(frozen=True, slots=True)
class NumberRule:
    """A dialled number: its own centre, its own rule."""

    centre: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill (技能) as people read it."""

    name: str
    zh: str = ""
    en: str = ""
    kind: str = "field"
    """language | dialect | field."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A demand, and how it came about: for `hotline route explain` and the timeline."""

    demand: Demand
    rule: Rule
    home: str
    home_by: str
    """How the home centre is known: flow | number | area | default."""
    past: Past
    emergency: bool
    modifiers: tuple[Modifier, ...]
    leader: LeaderDay | None
    closed: tuple[str, ...]
    """Centres of the steps that are closed now."""
    left_out: tuple[str, ...]
    """Names of steps left out: they bring nobody whom an earlier step has not."""


@dataclass(frozen=True)
class RoutingBook:
    """All that the planner knows. Made by the configuration; never changed, only replaced."""

    tree: CentreTree
    home: str
    """Centre of callers of whom nothing else is known."""
    seats: Mapping[str, Seat] = field(default_factory=dict)
    seat_hours: Mapping[str, Hours] = field(default_factory=dict)
    """Office hours of seats that have any (experts), beside those of their centre."""
    calendar: WorkCalendar = field(default_factory=WorkCalendar)
    rules: tuple[Rule, ...] = (DEFAULT_RULE,)
    """The first that holds is taken; `DEFAULT_RULE` stands behind them."""
    modifiers: tuple[Modifier, ...] = ()
    numbers: Mapping[str, NumberRule] = field(default_factory=dict)
    default_skills: Skills = ()
    home_by_area_code: bool = True
    emergency_callers: tuple[str, ...] = EMERGENCY
    """Lines whose calls are emergencies; with a centre's area code before them, too."""
    emergency_dialled: frozenset[str] = frozenset()
    """Dialled numbers that only the trunks of emergency lines use."""
    history: HistoryRules = field(default_factory=HistoryRules)
    leader_days: tuple[LeaderDay, ...] = ()
    third_steps: tuple[StepRule, ...] = THIRD_STEPS
    third_priority: float = 5.0
    modes: Mapping[str, ModeConfig] = field(default_factory=lambda: {NORMAL: ModeConfig(NORMAL)})
    incidents: tuple[Incident, ...] = ()
    waiting: WaitingRules = field(default_factory=WaitingRules)
    callbacks: CallbackRules = field(default_factory=CallbackRules)
    restrictions: RestrictionRules = field(default_factory=RestrictionRules)
    breaks: tuple[BreakReason, ...] = ()
    skills: Mapping[str, Skill] = field(default_factory=dict)
    _circles: dict[tuple[str, tuple[str, ...]], frozenset[str] | None] = field(
        default_factory=dict, compare=False, repr=False
    )

    # ------------------------------------------------------------------ planning
    def plan(self, facts: Facts, mode: str = NORMAL) -> Demand:
        """What this caller needs of a seat, as steps that relax with time."""
        return self.explain(facts, mode).demand

    def explain(self, facts: Facts, mode: str = NORMAL) -> Plan:
        """`plan`, with everything that led to it."""
        config = self.modes.get(mode) or ModeConfig(mode)
        home, home_by = self.home_of(facts)
        before = past(facts.history, facts.now, self.history)
        number = national(facts.number)
        emergency = self._is_emergency(facts.dialled, number)
        seen = Seen(
            facts.dialled, number, facts.language, frozenset(n for n, _ in facts.skills),
            frozenset(c.code for c in self.tree.up(home)) | {home}, home, before.marks, mode, emergency,
            lambda hours: hours.is_open(facts.now, self.calendar),
        )  # fmt: skip
        rule = self._rule(facts.dialled, seen)
        modifiers = tuple(m for m in self.modifiers if m.when.holds(seen))
        leader = next((d for d in self.leader_days if d.on(facts.now) and d.takes(facts.dialled, home)), None)
        why = [f"rule:{rule.name}"]
        first = self._first_steps(modifiers, before, why)
        if leader is not None:
            why.append(f"leader-day:{leader.leader}")
            first.append(Step(seats=frozenset({leader.leader}), seconds=leader.seconds, name="leader"))
        ordinary = list(rule.steps)
        if config.extra:
            ordinary[-1] = replace(ordinary[-1], seconds=config.extra_after)
            ordinary += config.extra
        if mode != NORMAL:
            why.append(f"mode:{mode}")
        wanted = facts.skills or self.default_skills
        steps, left_out, closed = self._steps(first, ordinary, wanted, home, config.scale, facts.now)
        why += [f"closed:{code}" for code in closed if code == home]
        demand = Demand(
            skills=next((s.skills for s in steps if s.skills), wanted),
            priority=facts.priority + rule.priority + sum(m.priority for m in modifiers),
            centre=home, language=facts.language, steps=steps, why=tuple(why),
        )  # fmt: skip
        return Plan(demand, rule, home, home_by, before, emergency, modifiers, leader, closed, left_out)

    def third(
        self, wanted: str | Mapping[str, int] | Skills, home: str | None = None, seat: str | None = None
    ) -> Demand:
        """A third party for a running talk: an interpreter, an expert.

        Args:
            wanted: a skill's name, or skills with levels.
            home: the call's home centre; those nearest are asked first.
            seat: only this one.
        """
        if isinstance(wanted, str):
            skills: Skills = ((wanted, 1),) if wanted else ()
        else:
            skills = tuple(sorted(wanted.items() if isinstance(wanted, Mapping) else wanted))
        home = home if home in self.tree else self.home
        if seat is not None:
            steps: tuple[Step, ...] = (Step(seats=frozenset({seat}), name=f"seat {seat}"),)
        else:
            steps, _, _ = self._steps([], self.third_steps, skills, home or self.home, 1.0, None)
        return Demand(skills, self.third_priority, home, steps=steps, why=("third",), kind="third")

    def home_of(self, facts: Facts) -> tuple[str, str]:
        """The caller's home centre, and how it is known (flow | number | area | default)."""
        if facts.centre is not None and facts.centre in self.tree:
            return facts.centre, "flow"
        own = self.numbers.get(facts.dialled)
        if own is not None and own.centre is not None:
            return own.centre, "number"
        if self.home_by_area_code and (code := self.tree.home_of_area(national(facts.number))) is not None:
            return code, "area"
        return self.home, "default"

    def _rule(self, dialled: str, seen: Seen) -> Rule:
        named = self.numbers[dialled].rule if dialled in self.numbers else None
        for rule in self.rules:
            if rule.name == named if named is not None else not rule.by_name and rule.when.holds(seen):
                return rule
        return DEFAULT_RULE

    def _is_emergency(self, dialled: str, number: str) -> bool:
        if dialled in self.emergency_dialled or number in self.emergency_callers:
            return True
        # An area code may stand before it, with or without its 0 (+86577110).
        areas = (a for c in self.tree if c.area_code for a in (c.area_code, c.area_code[1:]))
        return any(number.startswith(a) and number[len(a) :] in self.emergency_callers for a in areas)

    def _first_steps(self, modifiers: Iterable[Modifier], before: Past, why: list[str]) -> list[Step]:
        """The steps that modifiers put first; also writes their reasons."""
        steps: list[Step] = []
        for m in modifiers:
            reason = m.name
            if m.same_seat is not None and before.seat in self.seats:
                assert before.seat is not None
                reason += ":same-seat"
                steps.append(Step(seats=frozenset({before.seat}), seconds=m.same_seat, name="same seat"))
            elif "repeat" in m.when.history:
                reason += f":{before.calls}"
            if m.seats:
                steps.append(Step(seats=m.seats, seconds=m.seconds, name=m.name))
            why.append(reason)
        return steps

    def _steps(
        self, first: list[Step], rules: Iterable[StepRule], wanted: Skills, home: str, scale: float, now: float | None
    ) -> tuple[tuple[Step, ...], tuple[str, ...], tuple[str, ...]]:
        """Steps, names of the steps left out, codes of closed centres."""
        steps, left_out, closed = list(first), [], dict[str, None]()
        for rule in rules:
            step = self._step(rule, wanted, home)
            if step.centres == frozenset() or any(_covers(s, step) for s in steps[len(first) :]):
                left_out.append(step.name)
                continue
            if now is not None and step.centres:
                shut = [c for c in sorted(step.centres) if not self.is_open(c, now)]
                closed |= dict.fromkeys(shut)
                if len(shut) == len(step.centres):
                    step = replace(step, seconds=0.0)  # passed over: what it would wait for is closed
            steps.append(replace(step, seconds=None if step.seconds is None else step.seconds * scale))
        # "Every staffed centre" is written as any: a hundred codes in each call's journal say no more.
        steps = [replace(s, centres=None) if s.centres == self._staffed() else s for s in steps]
        if len(steps) == len(first):  # nobody anywhere: wait for whoever comes
            steps.append(Step(wanted, name="any"))
        steps[-1] = replace(steps[-1], seconds=None)
        return tuple(steps), tuple(left_out), tuple(closed)

    def _step(self, rule: StepRule, wanted: Skills, home: str) -> Step:
        skills = rule.skills
        if skills is None:
            least = dict(wanted)
            for name, level in rule.add:
                least[name] = max(level, least.get(name, 0))
            skills = tuple(sorted(least.items()))
        name = rule.name or _named(skills, rule, home)
        return Step(skills, self.circle(home, rule.centres), rule.seats, rule.seconds, name, rule.kinds)

    def circle(self, home: str, names: tuple[str, ...]) -> frozenset[str] | None:
        """The staffed centres of some circles together; None: any. Centres without seats are left out, so
        that a demand stays small: it is written into the journal."""
        key = (home, names)
        if key not in self._circles:
            parts = [self.tree.circle(home, name) for name in names]
            whole = None if None in parts else frozenset[str]().union(*(p for p in parts if p is not None))
            self._circles[key] = whole & self._staffed() if whole is not None and self.seats else whole
        return self._circles[key]

    def _staffed(self) -> frozenset[str]:
        """The centres that have seats."""
        known = self._circles.get(_STAFFED)
        if known is None:
            known = self._circles[_STAFFED] = frozenset(s.centre for s in self.seats.values())
        return known

    # ------------------------------------------------------------------ hours
    def is_open(self, centre: str, now: float) -> bool:
        """Whether a centre is open. One without hours, or unknown, is."""
        one = self.tree.centres.get(centre)
        return one is None or one.hours is None or one.hours.is_open(now, self.calendar)

    def duty(self, now: float) -> dict[str, bool]:
        """Seat → whether it is on duty: its centre is open and it is within its own office hours. A leader is
        on duty only by the schedule."""
        known: dict[int, bool] = {}

        def is_open(hours: Hours | None) -> bool:
            if hours is None or hours is ALWAYS:
                return True
            if id(hours) not in known:
                known[id(hours)] = hours.is_open(now, self.calendar)
            return known[id(hours)]

        leaders = {d.leader for d in self.leader_days if d.on(now)}
        return {
            s.id: is_open(self._hours_of(s.centre))
            and is_open(self.seat_hours.get(s.id))
            and (s.kind != LEADER or s.id in leaders)
            for s in self.seats.values()
        }

    def next_duty_change(self, now: float) -> float:
        """When `duty` may next give another answer (unix seconds): at most a day ahead."""
        hours = {id(h): h for h in self._all_hours() if h is not ALWAYS}.values()
        times = [t for h in hours if (t := h.next_change(now, self.calendar, days=2)) is not None]
        times += [edge for d in self.leader_days for edge in d.edges() if edge > now]
        return min([*times, now + DAY])

    def _hours_of(self, centre: str) -> Hours | None:
        one = self.tree.centres.get(centre)
        return one.hours if one is not None else None

    def _all_hours(self) -> Iterable[Hours]:
        for s in self.seats.values():
            for hours in (self._hours_of(s.centre), self.seat_hours.get(s.id)):
                if hours is not None:
                    yield hours

    # ------------------------------------------------------------------ the rest
    def limits(self) -> dict[str, CentreLimit]:
        """Centre → what its seats may carry, for those that have a limit."""
        return {
            c.code: CentreLimit(c.capacity, c.foreign)
            for c in self.tree
            if c.capacity is not None or c.foreign is not None
        }

    def assistant_of(self, seat: str, now: float) -> str | None:
        """The assistant who listens beside a leader's seat now, if there is one."""
        return next((d.assistant for d in self.leader_days if d.leader == seat and d.on(now)), None)

    def waiting_rules(self, mode: str) -> WaitingRules:
        """What holds for waiting callers in a mode."""
        return self.modes[mode].waiting if mode in self.modes else self.waiting

    def incidents_for(self, facts: Facts, added: Iterable[Incident] = ()) -> tuple[Incident, ...]:
        """Known incidents that a caller should hear of: configured ones and those `added` at run time.

        A caller is meant when its home lies in the region, or its home city has the region in it.
        """
        home, _ = self.home_of(facts)
        above = {c.code for c in self.tree.up(home)} | {home}
        below = self.tree.below(home) if home in self.tree and home != self.home else frozenset()
        unknown = home == self.home
        return tuple(
            i
            for i in {i.id: i for i in (*self.incidents, *added)}.values()
            if i.live(facts.now) and (not i.regions.isdisjoint(above | below) or (i.unknown and unknown))
        )


_STAFFED: tuple[str, tuple[str, ...]] = ("", ())
"""Key of all staffed centres among the circles: no home is called so."""


def _covers(earlier: Step, later: Step) -> bool:
    """Whether every seat that fits `later` fits `earlier` too."""
    if earlier.seats is not None and (later.seats is None or not later.seats <= earlier.seats):
        return False
    if earlier.centres is not None and (later.centres is None or not later.centres <= earlier.centres):
        return False
    if earlier.kinds != later.kinds:
        return False
    least = dict(later.skills)
    return all(least.get(name, 0) >= level for name, level in earlier.skills)


def _named(skills: Skills, rule: StepRule, home: str) -> str:
    """A step in short: "wenzhou-wu 3 @home 330300"."""
    need = ", ".join(f"{n} {v}" if v > 1 else n for n, v in skills) or "any"
    if rule.seats:
        return f"{need} @{', '.join(sorted(rule.seats))}"
    kinds = f" ({', '.join(sorted(rule.kinds))})" if rule.kinds else ""
    places = "+".join(f"{c} {home}" if c == "home" else c for c in rule.centres)
    return f"{need}{kinds} @{places}"
