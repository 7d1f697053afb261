"""A province's seats and callers, made up from one seed: 102 centres, 60 skills, demands with steps.

The shares follow what hotlines publish: most callers speak Putonghua and want anybody near; some speak a
dialect, want a field (社保, 公积金 …) or a foreign language. Each demand relaxes with time, from the caller's
county over its city to the province.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from routing import Demand, Seat, Step, Waiting

PROVINCE = "330000"
COUNTIES = (13, 10, 12, 7, 5, 6, 9, 6, 4, 9, 9)
"""Counties of each of the eleven cities 3301 … 3311."""
DIALECTS = tuple(f"dialect-{i:02}" for i in range(15))
LANGUAGES = ("en", "ja", "ko", "fr", "ar", "ru", "es", "de", "it", "pt")
FIELDS = tuple(f"field-{i:02}" for i in range(34))
SKILLS = ("putonghua", *DIALECTS, *LANGUAGES, *FIELDS)


@dataclass(slots=True)
class Province:
    """Makes seats and callers. The same seed makes the same ones."""

    seed: int = 12345
    rng: random.Random = field(init=False)
    counties: list[str] = field(init=False)
    made: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.counties = [f"33{c:02}{n:02}" for c, many in enumerate(COUNTIES, 1) for n in range(1, many + 1)]

    def _place(self) -> str:
        """A centre: 1 in 10 the province's, 3 a city's, 6 a county's."""
        where, county = self.rng.random(), self.rng.choice(self.counties)
        return PROVINCE if where < 0.1 else county[:4] + "00" if where < 0.4 else county

    def _field(self) -> str:
        """The first fields are asked for, and known, far more often than the last."""
        return FIELDS[min(len(FIELDS) - 1, int(self.rng.paretovariate(0.7)) - 1)]

    def seats(self, count: int) -> list[Seat]:
        """All speak Putonghua; a third a dialect too, one in sixteen a foreign language; most know a field or more."""
        rng, out = self.rng, []
        for i in range(count):
            centre = self._place()
            skills = {"putonghua": rng.randint(3, 5)}
            if rng.random() < 0.35:
                skills[DIALECTS[(int(centre[2:4]) + rng.randint(0, 1)) % len(DIALECTS)]] = rng.randint(2, 5)
            if rng.random() < 0.06:
                skills[LANGUAGES[min(9, int(rng.paretovariate(1.0)) - 1)]] = rng.randint(3, 5)
            for _ in range(rng.randint(0, 3)):
                skills[self._field()] = rng.randint(1, 5)
            out.append(Seat(f"{10000 + i}", f"{10000 + i}", centre, skills))
        return out

    def plain(self) -> Demand:
        """Anybody: of the county, after 10 s of the city, after 20 s of the province."""
        return _demand(self._place(), [((), 10.0), ((), 10.0), ((), None)], self._points())

    def scarce(self) -> Demand:
        """A dialect, a field or a language. Each has its own rule, and holds on for 20 s to 5 minutes."""
        kind, place = self.rng.random(), self._place()
        if kind < 0.5:
            skill = DIALECTS[(int(place[2:4]) + self.rng.randint(0, 1)) % len(DIALECTS)]
            steps = [(((skill, 3),), _hold(skill)), (((skill, 2),), 20.0), ((), None)]
        elif kind < 0.85:
            skill = self._field()
            steps = [(((skill, 4),), _hold(skill)), (((skill, 3),), 20.0), ((), None)]
        else:
            skill = LANGUAGES[min(9, int(self.rng.paretovariate(1.0)) - 1)]
            steps = [(((skill, 4),), _hold(skill)), (((skill, 3),), None)]
        return _demand(place, steps, self._points())

    def mixed(self) -> Demand:
        """Seven in ten plain."""
        return self.plain() if self.rng.random() < 0.7 else self.scarce()

    def caller(self, demand: Demand, since: float) -> Waiting:
        """A caller with an id like the switch's."""
        self.made += 1
        return Waiting(f"{int(since)}.{self.made}", demand, since)

    def _points(self) -> float:
        """Most have none; cut-off and repeat callers some, emergency lines many."""
        return self.rng.choices((0.0, 2.0, 5.0, 10.0), (94, 3, 2, 1))[0]


def _hold(skill: str) -> float:
    """The seconds of a rule's first step, the same for all callers of the rule."""
    return 20.0 + 20.0 * (SKILLS.index(skill) % 15)


def _demand(place: str, wants: list[tuple[tuple[tuple[str, int], ...], float | None]], points: float) -> Demand:
    """Every step asks for Putonghua where nothing else is asked; circles widen from the county outwards."""
    circles = [frozenset({place}), frozenset({place, place[:4] + "00"}), None, None]
    steps = tuple(
        Step(skills or (("putonghua", 3),), circles[min(i, 2)], seconds=seconds, name=f"{i}")
        for i, (skills, seconds) in enumerate(wants)
    )
    return Demand(priority=points, centre=place, steps=steps)
