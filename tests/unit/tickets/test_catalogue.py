"""The dispatch catalogue: the shipped one, finding in it, and its mistakes with their lines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tickets import CHANNELS, Catalogue, CatalogueError, Field, read_talk
from tickets._heard import lines_of

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "catalogue.yaml"
CHANNEL_LINES = "".join(f"  {code}: {{zh: 请走法定途径, en: use it}}\n" for code in CHANNELS)
ENTRY = (
    "  - {code: P405, zh: 路灯, en: lamps, field: service, strong: [路灯], unit: 城管, handling: fast, "
    "kind: help}\n"
)
GOOD = f"channels:\n{CHANNEL_LINES}entries:\n{ENTRY}"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load(SHIPPED)


def test_the_shipped_one_has_all_five_fields_and_all_channels(catalogue: Catalogue) -> None:
    fields = Counter(entry.field for entry in catalogue.entries.values())
    assert len(catalogue.entries) >= 140
    assert set(fields) == set(Field)
    assert min(fields.values()) >= 15
    assert set(catalogue.channels) == set(CHANNELS)


@pytest.mark.parametrize(("said", "code"), [
    ("府前街的路灯不亮了", "P405"),
    ("老板拖欠工资半年了", "S324"),
    ("饭店油烟太大", "N504"),
    ("公积金怎么提取", "P422"),
    ("the street light is broken", "P405"),
])
def test_a_matter_is_found_by_its_words(catalogue: Catalogue, said: str, code: str) -> None:
    found = catalogue.find(lines_of(read_talk(said)))
    assert found is not None
    assert found.entry.code == code
    assert found.entry.unit in found.reason


@pytest.mark.parametrize("said", ["你好我想问一下", "seat: 路灯坏了吗", "parent"])
def test_too_little_proposes_nothing(catalogue: Catalogue, said: str) -> None:
    assert catalogue.find(lines_of(read_talk(said))) is None


@pytest.mark.parametrize(("old", "new", "line", "problem"), [
    ("code: P405", "code: X1", 9, "not a capital letter"),
    ("field: service", "field: weather", 9, "'weather' is none of economy"),
    ("handling: fast", "handling: soon", 9, "none of fast, general"),
    ("strong: [路灯]", "strong: []", 9, "no word"),
    ("strong: [路灯]", "strong: [路灯+]", 9, "empty part"),
    ("unit: 城管", "unit: ''", 9, "unit: is empty"),
    ("unit: 城管, ", "", 9, "'unit' is missing"),
    ("kind: help}", "kind: help, colour: red}", 9, "unknown field 'colour'"),
    (ENTRY, ENTRY + ENTRY, 10, "used twice"),
    ("  petition:", "  petitions:", 7, "unknown field 'petitions'"),
])
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, problem: str) -> None:
    assert old in GOOD
    path = tmp_path / "catalogue.yaml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(CatalogueError, match=problem) as caught:
        Catalogue.load(path)
    assert caught.value.line == line
