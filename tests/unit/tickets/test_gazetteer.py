"""The file of places: what ships is right, and mistakes are told with their line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickets import Gazetteer, GazetteerError, Level

GOOD = """\
province: {code: "330000", name: 浙江省}
cities:
  - code: "330300"
    name: 温州市
    counties:
      - {code: "330302", name: 鹿城区}
      - {code: "330382", name: 乐清市, aliases: [乐清县]}
"""


def test_the_shipped_file_has_all_of_zhejiang(gazetteer: Gazetteer) -> None:
    cities = [r for r in gazetteer.regions.values() if r.level is Level.CITY]
    assert len(cities) == 11
    assert len(gazetteer.counties()) == 90
    assert {city.name: len(gazetteer.counties(city.code)) for city in cities} == {
        "杭州市": 13, "宁波市": 10, "温州市": 12, "嘉兴市": 7, "湖州市": 5, "绍兴市": 6,
        "金华市": 9, "衢州市": 6, "舟山市": 4, "台州市": 9, "丽水市": 9,
    }


@pytest.mark.parametrize(("code", "name"), [
    ("330302", "浙江省温州市鹿城区"), ("330383", "浙江省温州市龙港市"), ("330113", "浙江省杭州市临平区"),
    ("331127", "浙江省丽水市景宁畲族自治县"), ("331083", "浙江省台州市玉环市"), ("330300", "浙江省温州市"),
])
def test_a_code_has_its_full_name(gazetteer: Gazetteer, code: str, name: str) -> None:
    assert gazetteer.full_name(code) == name


def test_every_county_lies_in_the_city_of_its_digits(gazetteer: Gazetteer) -> None:
    for county in gazetteer.counties():
        assert county.parent == county.code[:4] + "00"
        assert gazetteer.get(county.parent) is not None


def test_no_two_counties_sound_the_same(gazetteer: Gazetteer) -> None:
    assert [regions for regions in gazetteer.sounds.values() if len(regions) > 1] == []


def test_an_unknown_code_has_no_name(gazetteer: Gazetteer) -> None:
    assert gazetteer.full_name("310107") is None
    assert gazetteer.get("330399") is None
    assert gazetteer.get(None) is None


@pytest.mark.parametrize(("old", "new", "line", "says"), [
    ('"330302"', '"330402"', 6, "does not begin with 3303"),
    ('"330302"', '"33030"', 6, "not six digits"),
    ('"330302"', '"330382"', 7, "used twice: first at line 6"),
    ('"330302"', '"330300"', 6, "not of a county"),
    ('"330300"', '"330301"', 3, "not one of a city"),
    ('"330000"', '"330100"', 1, "not one of a province"),
    ("鹿城区}", "鹿城}", 6, "does not end in"),
    ("鹿城区}", "Lucheng}", 6, "not a Chinese name"),
    ("鹿城区}", "乐清市}", 7, "used twice"),
    ("鹿城区}", "鹿城区, weak: perhaps}", 6, "neither yes nor no"),
    ("鹿城区}", "鹿城区, colour: red}", 6, "unknown field 'colour'"),
    ("鹿城区}", "鹿城区, name: 鹿城区}", 6, "written twice"),
    ("鹿城区}", "鹿城区, pinyin: lu cheng}", 6, "3 syllables"),
    (", name: 鹿城区}", "}", 6, "'name' is missing"),
    ("[乐清县]", "乐清县", 7, "a list was expected"),
    ("    counties:", "    county:", 5, "unknown field 'county'"),
    ("cities:", "towns:", 2, "unknown field 'towns'"),
    ("鹿城区}", "鹿城区", 7, "not YAML"),
])
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    path = tmp_path / "regions.yaml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(GazetteerError) as caught:
        Gazetteer.load(path)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert says in caught.value.problem


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1, 2]", b"null", b"a: &x [*x]", b"\x00"])
def test_what_is_no_file_of_places_is_an_error_not_a_crash(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "regions.yaml"
    path.write_bytes(content)
    with pytest.raises(GazetteerError):
        Gazetteer.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GazetteerError, match=r"nowhere\.yaml:1: cannot be read"):
        Gazetteer.load(tmp_path / "nowhere.yaml")


@settings(deadline=None)
@given(st.text(max_size=200), st.integers(0, len(GOOD)))
def test_any_damage_is_an_error_with_a_place(tmp_path_factory: pytest.TempPathFactory, junk: str, at: int) -> None:
    path = tmp_path_factory.mktemp("g") / "regions.yaml"
    path.write_text(GOOD[:at] + junk + GOOD[at:], encoding="utf-8", errors="replace")
    try:
        Gazetteer.load(path)
    except GazetteerError as error:
        assert error.line >= 1
