"""Centres (热线工作机构) as a tree: province, cities, counties, provincial sub-centres.

Codes are those of GB/T 2260; a sub-centre has its parent's code and a word ("330000-customs"). Circles are
told relative to a caller's home centre, so that one rule serves the whole province.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ._hours import Hours

CIRCLES: Mapping[str, str] = {
    "home": "本中心 · the home centre",
    "city": "本市及所辖县市区 · the city and its counties",
    "siblings": "同级相邻 · sideways: counties of the same city, or a city's neighbours",
    "up": "上一级 · the centre above",
    "province": "全省各级 (不含分中心) · all of the province but its sub-centres",
    "any": "不限 · any",
}


def kind_of(code: str) -> str:
    """province | city | county | sub, by the code's shape."""
    if "-" in code:
        return "sub"
    return "province" if code.endswith("0000") else "city" if code.endswith("00") else "county"


def parent_of(code: str) -> str | None:
    """The code above, by the code's shape; None for a province."""
    match kind_of(code):
        case "sub":
            return code.partition("-")[0]
        case "county":
            return code[:4] + "00"
        case "city":
            return code[:2] + "0000"
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Centre:
    """One hotline organisation."""

    code: str
    name: str
    kind: str = "province"
    parent: str | None = None
    numbers: tuple[str, ...] = ()
    """Dialled numbers of its own."""
    hours: Hours | None = None
    """None: always open."""
    capacity: int | None = None
    """Callers at once; None: as many as there are seats."""
    foreign: int | None = None
    """Of those, callers of other centres."""
    area_code: str = ""
    """Callers from fixed lines with this area code are at home here."""
    neighbours: tuple[str, ...] = ()
    """Centres that help it sideways."""


@dataclass(frozen=True)
class CentreTree:
    """All centres. Made once from the configuration; parents are known to exist and to have no cycle."""

    centres: Mapping[str, Centre]
    _below: dict[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, centres: Iterable[Centre]) -> CentreTree:
        """From the centres, in any order."""
        return cls({c.code: c for c in centres})

    def __contains__(self, code: object) -> bool:
        return code in self.centres

    def __iter__(self) -> Iterator[Centre]:
        return iter(self.centres.values())

    def up(self, code: str) -> Iterator[Centre]:
        """A centre and all above it, itself first."""
        at: str | None = code
        seen: set[str] = set()
        while at is not None and at not in seen and (centre := self.centres.get(at)) is not None:
            seen.add(at)
            yield centre
            at = centre.parent

    def below(self, code: str) -> frozenset[str]:
        """A centre and all below it but sub-centres (a sub-centre itself is below itself)."""
        known = self._below.get(code)
        if known is None:
            known = frozenset({code}) | {
                c.code for c in self if c.kind != "sub" and any(a.code == code for a in self.up(c.code))
            }
            self._below[code] = known
        return known

    def circle(self, home: str, name: str) -> frozenset[str] | None:
        """The centres of a circle: a name of `CIRCLES`, a code, or a code with + (it and all below).

        An unknown home is alone: only its own code, and the explicit ones. None: any centre.
        """
        match name:
            case "any":
                return None
            case "home":
                return frozenset({home})
            case "city":
                city = next((c.code for c in self.up(home) if c.kind == "city"), None)
                return self.below(city) if city is not None else frozenset({home})
            case "siblings":
                return self._siblings(home)
            case "up":
                parent = self.centres[home].parent if home in self.centres else None
                return frozenset({parent}) if parent is not None else _NONE
            case "province":
                return self.below([home, *(c.code for c in self.up(home))][-1])
            case _:
                return self.below(name[:-1]) if name.endswith("+") else frozenset({name})

    def _siblings(self, home: str) -> frozenset[str]:
        centre = self.centres.get(home)
        if centre is None:
            return _NONE
        if centre.neighbours:
            return frozenset().union(*(self.below(code) for code in centre.neighbours)) - {home}
        if centre.kind != "county":
            return _NONE  # a city has eleven sisters: which of them help is for the configuration to say
        return frozenset(c.code for c in self if c.parent == centre.parent and c.kind == "county") - {home}

    def home_of_area(self, number: str) -> str | None:
        """The centre of a fixed line's area code, the longest that fits; `number` in the national form (0577…)."""
        best = ""
        code: str | None = None
        for centre in self:
            if centre.area_code and len(centre.area_code) > len(best) and number.startswith(centre.area_code):
                best, code = centre.area_code, centre.code
        return code


_NONE: frozenset[str] = frozenset()
