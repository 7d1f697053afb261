"""Choosing the one region of a matter from all places named. "Not sure" is an answer: a wrong one costs more."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ._gazetteer import Gazetteer, Level, Region
from ._heard import CALLER, Line
from ._mentions import How, Mention, mentions
from ._model import Doubt, Why

_YES = re.compile(r"(?:对|是(?!不是)|嗯|没错|好的?|正确)")
_NO = re.compile(r"(?:不是|不对|不在|错了|没有)")
_Rule = Callable[[list[Mention]], list[Mention]]


@dataclass(frozen=True, slots=True)
class Choice:
    """The region of the matter (None: not sure) and what to read back.

    `said` is every place that the caller named; `named` tells whether the region is one of them, or was
    confirmed by the caller, and not just the centre's.
    """

    region: Region | None
    said: tuple[Mention, ...] = ()
    named: bool = False
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class _ReadBack:
    region: Region
    line: int
    answer: bool | None


def choose_region(lines: list[Line], gazetteer: Gazetteer, centre: Region | None) -> Choice:
    """The region of the matter.

    Only the caller's words name it; the seat's words count as a read-back that the caller confirms or denies.
    """
    named = mentions(lines, gazetteer, centre)
    back = _read_backs(lines, named)
    said = [m for m in named if lines[m.line].party == CALLER]
    denied = {one.region.code for one in back if one.answer is False}
    said = [m for m in said if m.region.code not in denied]
    everything = tuple(said)
    counties = [m for m in said if m.region.level is Level.COUNTY]

    confirmed = [one for one in back if one.answer and one.region.level is Level.COUNTY]
    if confirmed:
        last = confirmed[-1]
        later = [m for m in counties if m.line > last.line + 1 and m.how is How.FULL and m.region != last.region]
        if not later:
            return Choice(last.region, everything, named=True)
        counties = later

    if counties:
        return _settle(counties, said, {one.region.code for one in back})
    cities = _distinct(said)
    if len(cities) == 1:
        return Choice(cities[0], everything, named=True)
    if cities:
        return Choice(None, everything, doubts=(Doubt("region", Why.SEVERAL, _names(cities)),))
    if centre is not None and centre.level is not Level.PROVINCE:
        return Choice(centre, doubts=(Doubt("region", Why.DEFAULT, centre.name),))
    return Choice(None)


def _settle(counties: list[Mention], said: list[Mention], read_back: set[str]) -> Choice:
    """The county, from at least one mention of a county."""
    best = counties
    rules = (
        _in_said_county(said), _clearest, _of_the_matter, _in_named_city(said), _by_name, _in_full, _first_place,
    )  # fmt: skip
    for rule in rules:
        best = rule(best) or best
        if len(_distinct(best)) == 1:
            break
    regions = _distinct(best)
    if len(regions) > 1:
        return Choice(None, tuple(said), doubts=(Doubt("region", Why.SEVERAL, _names(regions)),))
    region = regions[0]
    mine = [m for m in counties if m.region == region]
    doubts: tuple[Doubt, ...] = ()
    if region.code in read_back:
        pass
    elif all(m.how is How.SOUND for m in mine):
        doubts = (Doubt("region", Why.HOMOPHONE, region.name),)
    elif not any(m.sure for m in mine):
        doubts = (Doubt("region", Why.LOW_CONFIDENCE, region.name),)
    return Choice(region, tuple(said), named=True, doubts=doubts)


def _clearest(found: list[Mention]) -> list[Mention]:
    """A name said in words beats one that only sounds like it."""
    return [m for m in found if m.how > How.SOUND]


def _of_the_matter(found: list[Mention]) -> list[Mention]:
    """Where the matter is beats where the caller is from."""
    return [m for m in found if not m.home]


def _in_named_city(said: list[Mention]) -> _Rule:
    cities = {m.region.code for m in said if m.region.level is Level.CITY}

    def rule(found: list[Mention]) -> list[Mention]:
        """A county of the city that was named beats one elsewhere."""
        return [m for m in found if m.region.city in cities]

    return rule


def _in_said_county(said: list[Mention]) -> _Rule:
    """A town of several counties is the one of a county that was named too."""
    named = {m.region.code for m in said if m.region.level is Level.COUNTY and m.how is not How.PLACE}
    alone = {(m.line, m.begin) for m in said if m.how is How.PLACE}

    def rule(found: list[Mention]) -> list[Mention]:
        same = {(m.line, m.begin) for m in found if m.how is How.PLACE and m.region.code in named}
        return [m for m in found if (m.line, m.begin) not in same & alone or m.region.code in named]

    return rule


def _by_name(found: list[Mention]) -> list[Mention]:
    """A county's name beats one of its towns or landmarks."""
    return [m for m in found if m.how > How.PLACE]


def _first_place(found: list[Mention]) -> list[Mention]:
    """Of towns alone, the first one named."""
    if any(m.how is not How.PLACE for m in found):
        return []
    first = min((m.line, m.begin) for m in found)
    return [m for m in found if (m.line, m.begin) == first]


def _in_full(found: list[Mention]) -> list[Mention]:
    """A full name beats a short one."""
    return [m for m in found if m.how is How.FULL]


def _read_backs(lines: list[Line], named: list[Mention]) -> list[_ReadBack]:
    """What the seat repeated, and what the caller answered to it."""
    found = []
    for n, line in enumerate(lines):
        if line.party == CALLER:
            continue
        here = _distinct([m for m in named if m.line == n and m.how is not How.SOUND])
        counties = [region for region in here if region.level is Level.COUNTY]
        if len(counties) != 1:
            continue
        answer = lines[n + 1].text if n + 1 < len(lines) and lines[n + 1].party == CALLER else ""
        no, yes = _NO.match(answer), _YES.match(answer)
        found.append(_ReadBack(counties[0], n, False if no else True if yes else None))
    return found


def _distinct(found: list[Mention]) -> list[Region]:
    return list({m.region.code: m.region for m in found}.values())


def _names(regions: list[Region]) -> str:
    return "、".join(region.name for region in regions)
