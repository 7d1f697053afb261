"""Where places are named in a line: by full name, by short name in context, by sound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from pypinyin import Style, pinyin

from ._gazetteer import Gazetteer, Level, Region
from ._heard import Line


class How(IntEnum):
    """How a place was named; a higher one is better evidence."""

    CITY_ONLY = 0
    SOUND = 1
    SHORT = 2
    FULL = 3


@dataclass(frozen=True, slots=True)
class Mention:
    """A region named at line.text[begin:end]; `home` if said of where the caller is from, not of the matter."""

    region: Region
    how: How
    line: int
    begin: int
    end: int
    sure: bool
    home: bool = False


_NOT_A_PLACE = re.compile(r"(?:东|西|南|北|中)?(?:路|街(?!道)|大道|大街|巷|弄|江|湖|河|桥|高速|银行|牌|火腿)")
_PLACE_TAIL = re.compile(r"(?:人|这边|那边|这里|那里|这儿|市区|县城|城区|本地|境内|[东南西北]部)")
_LOCATIVE = re.compile(r"(?:在|到|去|从|来自|位于|是|回|往|住)$")
_DENIED = re.compile(r"(?:不是|不在|不属于|并非|没在)(?:说|指|讲)?(?:我们)?$")
_HOME_BEFORE = re.compile(r"(?:户口|户籍|老家|籍贯|家)(?:是|在|都是)?$|(?:我|我们)(?:本人)?(?:是|来自)$")
_HOME_AFTER = re.compile(r"(?:人|的(?:人|居民|村民|市民|户口))")
_COUNTY_ENDS = "区县市"


def mentions(lines: list[Line], gazetteer: Gazetteer, centre: Region | None = None) -> list[Mention]:
    """All places named in the lines, in order. Denied ones ("不是鹿城区") are left out.

    `centre` is the place of the centre that took the call: short names of its own city need less context.
    """
    found: list[Mention] = []
    cities = {centre.city} if centre is not None else set()
    cities |= {
        gazetteer.names[name].city for line in lines for name in gazetteer.names
        if name in line.text and gazetteer.names[name].level is Level.CITY
    } | {
        region.city for line in lines for short, region in gazetteer.shorts.items()
        if region.level is Level.CITY and short in line.text
    }
    for n, line in enumerate(lines):
        finder = _Finder(n, line, gazetteer, cities - {None})
        found += finder.all()
    return found


class _Finder:
    def __init__(self, n: int, line: Line, gazetteer: Gazetteer, cities: set[str | None]) -> None:
        self.n = n
        self.line = line
        self.gazetteer = gazetteer
        self.cities = cities
        self.taken = [False] * len(line.text)

    def all(self) -> list[Mention]:
        found = [*self.full(), *self.short(), *self.sound()]
        return sorted(found, key=lambda m: m.begin)

    def full(self) -> Iterator[Mention]:
        for name in sorted(self.gazetteer.names, key=len, reverse=True):
            region = self.gazetteer.names[name]
            if region.level is Level.PROVINCE:
                continue
            for begin in self.places(name):
                if self.abroad(region, begin):
                    self.take(begin, begin + len(name))
                    continue
                how = How.CITY_ONLY if region.level is Level.CITY else How.FULL
                yield from self.mention(region, how, begin, begin + len(name))

    def short(self) -> Iterator[Mention]:
        for short, region in self.gazetteer.shorts.items():
            for begin in self.places(short):
                end = begin + len(short)
                if self.cuts_word(begin, end) or self.abroad(region, begin):
                    continue
                if region.level is Level.CITY:
                    if not _NOT_A_PLACE.match(self.line.text, end):
                        yield from self.mention(region, How.CITY_ONLY, begin, end)
                elif self.fits(region, begin, end):
                    yield from self.mention(region, How.SHORT, begin, end)

    def fits(self, region: Region, begin: int, end: int) -> bool:
        """Whether the words around a county's short name make it a place."""
        text = self.line.text
        if _NOT_A_PLACE.match(text, end):
            return False
        if self.after_city(region, begin) or _PLACE_TAIL.match(text, end):
            return True
        if region.weak:
            return False
        return region.city in self.cities or _LOCATIVE.search(text, 0, begin) is not None or begin == 0

    def sound(self) -> Iterator[Mention]:
        text = self.line.text
        if len(text) < 3:
            return
        readings = [_readings(ch) for ch in text]
        for begin, first in enumerate(readings):
            for sound in (one for syllable in first for one in self.gazetteer.sounds_from.get(syllable, ())):
                end = begin + len(sound)
                if end > len(text) or any(self.taken[begin:end]):
                    continue
                if not all(syllable in readings[begin + k] for k, syllable in enumerate(sound)):
                    continue
                for region in self.gazetteer.sounds[sound]:
                    # 去 (qù) sounds like 区 (qū), 是 like 市: the last character must be right, or the city named
                    if text[end - 1] == region.name[-1] or self.after_city(region, begin):
                        yield from self.mention(region, How.SOUND, begin, end, taking=False)

    def mention(self, region: Region, how: How, begin: int, end: int, *, taking: bool = True) -> Iterator[Mention]:
        if taking:
            self.take(begin, end)
        text = self.line.text
        if _DENIED.search(text, 0, begin):
            return
        home = _HOME_AFTER.match(text, end) is not None or (
            _HOME_BEFORE.search(text, 0, begin) is not None and not text.startswith(("这边", "那边", "这里"), end)
        )
        yield Mention(region, how, self.n, begin, end, self.line.sure(begin, end), home)

    def after_city(self, region: Region, begin: int) -> bool:
        city = self.gazetteer.get(region.city)
        if city is None:
            return False
        return self.line.text.endswith((city.name, city.short), 0, begin)

    def abroad(self, region: Region, begin: int) -> bool:
        return any(
            self.line.text.endswith((place, place + "市"), 0, begin) for place in region.elsewhere
        )

    def cuts_word(self, begin: int, end: int) -> bool:
        """Whether the recogniser's word boundaries say that this is only a part of words ("海|宁愿")."""
        starts, text = self.line.starts, self.line.text
        if not starts or begin in starts:
            # the name begins a word: it may be that word's head (鹿城|区 or 鹿城那边), never a part of two words
            later = [s for s in starts if begin < s < end]
            return bool(later) and end < len(text) and end not in starts and text[end] not in _COUNTY_ENDS
        return True

    def places(self, name: str) -> Iterator[int]:
        begin = self.line.text.find(name)
        while begin >= 0:
            if not any(self.taken[begin:begin + len(name)]):
                yield begin
            begin = self.line.text.find(name, begin + 1)

    def take(self, begin: int, end: int) -> None:
        self.taken[begin:end] = [True] * (end - begin)


@cache
def _readings(ch: str) -> frozenset[str]:
    """All syllables without tone that a character may stand for; none when it is no Chinese one.

    All of them, since a recogniser's wrong characters make no words from which the reading could be told.
    """
    if not "\u4e00" <= ch <= "\u9fff":
        return frozenset()
    return frozenset(pinyin(ch, style=Style.NORMAL, heteronym=True)[0])
