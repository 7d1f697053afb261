"""Reading the file of places, with the line of every mistake."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from pypinyin import lazy_pinyin

from ._errors import GazetteerError
from ._gazetteer import Level, Region
from ._nodes import NodeReader

_CODE = re.compile(r"[0-9]{6}")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_SUFFIXES = ("畲族自治县", "自治县", "区", "县", "市", "省")
_COUNTY_ENDS = ("区", "县", "市")


def read_regions(path: Path) -> list[Region]:
    """All regions of the file, the province first, each city before its counties."""
    reader = _Reader(path)
    return reader.regions(reader.compose(path))


class _Reader(NodeReader):
    error = GazetteerError
    what = "places"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.codes: dict[str, int] = {}
        self.names: dict[str, int] = {}

    def regions(self, root: yaml.Node | None) -> list[Region]:
        top = self.fields(root, required={"province", "cities"}, optional=set())
        province = self.region(top["province"], Level.PROVINCE, None, None)
        found = [province]
        for node in self.items(top["cities"], "cities"):
            city = self.region(node, Level.CITY, province, "counties")
            found.append(city)
            counties = self.fields(node, required=set(), optional=None).get("counties")
            found += [self.region(inner, Level.COUNTY, city, None) for inner in self.items(counties, "counties")]
        return found

    def region(self, node: yaml.Node, level: Level, above: Region | None, inner: str | None) -> Region:
        optional = {"short", "weak", "aliases", "elsewhere", "pinyin", "places"} | ({inner} if inner else set())
        got = self.fields(node, required={"code", "name"}, optional=optional)
        code = self.code(got["code"], level, above)
        name = self.name(got["name"], "name")
        if level is Level.COUNTY and not name.endswith(_COUNTY_ENDS):
            raise self.wrong(got["name"], f"county {name} does not end in 区, 县 or 市: write its full name")
        short = self.name(got["short"], "short") if "short" in got else _shorten(name)
        if len(short) < 2:
            raise self.wrong(node, f"the short name of {name} has less than two characters: give `short`")
        aliases = tuple(self.name(one, "aliases") for one in self.items(got.get("aliases"), "aliases"))
        for word, where in ((name, got["name"]), *((a, got["aliases"]) for a in aliases)):
            self.once(self.names, word, where, "name")
        if short != name:
            self.once(self.names, short, got.get("short", got["name"]), "short name")
        return Region(
            code=code,
            name=name,
            short=short,
            level=level,
            parent=None if above is None else above.code,
            sound=self.sound(got.get("pinyin"), name),
            aliases=aliases,
            elsewhere=tuple(self.name(one, "elsewhere") for one in self.items(got.get("elsewhere"), "elsewhere")),
            weak=self.flag(got.get("weak")),
            places=tuple(self.name(one, "places") for one in self.items(got.get("places"), "places")),
        )

    def code(self, node: yaml.Node, level: Level, above: Region | None) -> str:
        code = self.text(node, "code")
        if not _CODE.fullmatch(code):
            raise self.wrong(node, f"code {code!r} is not six digits (GB/T 2260)")
        prefix = {Level.PROVINCE: "", Level.CITY: code[:2], Level.COUNTY: code[:4]}[level]
        if above is not None and not above.code.startswith(prefix):
            digits = above.code[:len(prefix)]
            raise self.wrong(node, f"code {code} does not begin with {digits}, the digits of {above.name}")
        ends = {Level.PROVINCE: "0000", Level.CITY: "00", Level.COUNTY: ""}[level]
        if not code.endswith(ends) or (level is not Level.PROVINCE and code[2:4] == "00"):
            raise self.wrong(node, f"code {code} is not one of a {level.value}")
        if level is Level.COUNTY and code.endswith("00"):
            raise self.wrong(node, f"code {code} is one of a city, not of a county")
        self.once(self.codes, code, node, "code")
        return code

    def name(self, node: yaml.Node, what: str) -> str:
        word = self.text(node, what)
        if not _HAN.fullmatch(word):
            raise self.wrong(node, f"{what}: {word!r} is not a Chinese name")
        return word

    def flag(self, node: yaml.Node | None) -> bool:
        word = "no" if node is None else self.text(node, "weak").lower()
        if word not in {"yes", "no", "true", "false"}:
            raise self.wrong(node, f"weak: {word!r} is neither yes nor no")
        return word in {"yes", "true"}

    def sound(self, node: yaml.Node | None, name: str) -> tuple[str, ...]:
        if node is None:
            return tuple(lazy_pinyin(name))
        syllables = tuple(self.text(node, "pinyin").split())
        if len(syllables) != len(name) or not all(one.isascii() and one.islower() for one in syllables):
            raise self.wrong(node, f"pinyin: {len(name)} syllables without tones were expected for {name}")
        return syllables


def _shorten(name: str) -> str:
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name
