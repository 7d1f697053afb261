"""The places of a province by GB/T 2260 code, as loaded from `config/regions.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from pypinyin import lazy_pinyin


class Level(StrEnum):
    """The three levels of hotline organisations (Art. 5)."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


@dataclass(frozen=True, slots=True)
class Region:
    """One division. `code` is its six-digit GB/T 2260 code, `parent` the code above it (None: the province).

    `short` is what people say; `weak` tells that `short` is also an ordinary word; `aliases` are other full
    names; `elsewhere` are places outside the province with a division of this name; `sound` is the full name's
    syllables without tones; `places` are its towns, streets and landmarks that people name instead of it.
    """

    code: str
    name: str
    short: str
    level: Level
    parent: str | None
    sound: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    weak: bool = False
    places: tuple[str, ...] = ()

    @property
    def city(self) -> str | None:
        """The code of the city this is or lies in; None for the province."""
        if self.level is Level.CITY:
            return self.code
        return self.parent if self.level is Level.COUNTY else None


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """All regions by code; build it with `Gazetteer.load`."""

    regions: Mapping[str, Region]
    names: Mapping[str, Region] = field(init=False)
    """Full names and aliases → region."""
    shorts: Mapping[str, Region] = field(init=False)
    """Short names of cities and counties → region."""
    sounds: Mapping[tuple[str, ...], tuple[Region, ...]] = field(init=False)
    """Toneless syllables of the counties' full names → regions of that sound."""
    sounds_from: Mapping[str, tuple[tuple[str, ...], ...]] = field(init=False)
    """First syllable → all sounds that begin with it."""
    short_sounds: Mapping[tuple[str, ...], tuple[Region, ...]] = field(init=False)
    """Toneless syllables of the short names of cities and counties → regions of that sound."""
    latin: Mapping[str, Region] = field(init=False)
    """Names as written in pinyin ("yiwu", "xihu") → region; a county's wins over a city's."""
    latin_places: Mapping[str, tuple[Region, ...]] = field(init=False)
    """Towns and landmarks as written in pinyin ("wuzhen") → their regions."""

    places: Mapping[str, tuple[Region, ...]] = field(init=False)
    """Towns, streets and landmarks → the regions that have one of that name."""

    def __post_init__(self) -> None:
        places: dict[str, tuple[Region, ...]] = {}
        names: dict[str, Region] = {}
        shorts: dict[str, Region] = {}
        sounds: dict[tuple[str, ...], tuple[Region, ...]] = {}
        for region in self.regions.values():
            for name in (region.name, *region.aliases):
                names[name] = region
            if region.level is not Level.PROVINCE:
                shorts[region.short] = region
            for place in region.places:
                places[place] = (*places.get(place, ()), region)
            if region.level is Level.COUNTY and region.sound:
                sounds[region.sound] = (*sounds.get(region.sound, ()), region)
        short_sounds: dict[tuple[str, ...], tuple[Region, ...]] = {}
        latin: dict[str, Region] = {}
        for region in self.regions.values():
            if region.level is not Level.PROVINCE and len(region.sound) >= len(region.short):
                sound = region.sound[:len(region.short)]
                short_sounds[sound] = (*short_sounds.get(sound, ()), region)
                latin["".join(sound)] = region
        object.__setattr__(self, "short_sounds", MappingProxyType(short_sounds))
        object.__setattr__(self, "latin", MappingProxyType(latin))
        object.__setattr__(self, "latin_places", MappingProxyType(_in_latin(places)))
        firsts: dict[str, tuple[tuple[str, ...], ...]] = {}
        for sound in sounds:
            firsts[sound[0]] = (*firsts.get(sound[0], ()), sound)
        object.__setattr__(self, "sounds_from", MappingProxyType(firsts))
        object.__setattr__(self, "names", MappingProxyType(names))
        object.__setattr__(self, "shorts", MappingProxyType(shorts))
        object.__setattr__(self, "places", MappingProxyType(places))
        object.__setattr__(self, "sounds", MappingProxyType(sounds))

    @classmethod
    def load(cls, path: str | Path) -> Gazetteer:
        """Reads and checks a file of places.

        Raises:
            GazetteerError: the file cannot be read or breaks a rule; the text names file, line and rule.
        """
        from ._gazetteer_file import read_regions  # here, so that the values above need no YAML

        return cls(MappingProxyType({region.code: region for region in read_regions(Path(path))}))

    def get(self, code: str | None) -> Region | None:
        """The region of a code, None when the code is None or unknown."""
        return None if code is None else self.regions.get(code)

    def full_name(self, code: str) -> str | None:
        """The full Chinese name from the province down ("浙江省温州市鹿城区"); None when unknown."""
        region = self.regions.get(code)
        if region is None:
            return None
        above = self.full_name(region.parent) if region.parent is not None else None
        return f"{above or ''}{region.name}"

    def counties(self, city: str | None = None) -> tuple[Region, ...]:
        """All counties, or those of one city (by its six-digit code), by code."""
        return tuple(
            region for region in self.regions.values()
            if region.level is Level.COUNTY and city in (None, region.parent)
        )


def _in_latin(places: Mapping[str, tuple[Region, ...]]) -> dict[str, tuple[Region, ...]]:
    """Places under their pinyin; a town also without 镇 or 街道."""
    found: dict[str, tuple[Region, ...]] = {}
    for name, regions in places.items():
        bare = name.removesuffix("街道")
        bare = bare.removesuffix("镇") if len(bare) > 2 else bare
        for one in {name, bare}:
            if len(one) >= 2:
                found["".join(lazy_pinyin(one))] = regions
    return found
