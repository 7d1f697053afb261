"""The corpus is what its README says: well formed, varied, and its held-out part like the rest."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.corpus.load import CALLS, HELD_OUT, Entry, is_held_out, load, topics
from tickets import Gazetteer, Kind

PLACES = Gazetteer.load(Path(__file__).resolve().parents[3] / "config" / "regions.yaml")
OPEN = load(CALLS)
HELD = load(HELD_OUT)
ALL = (*OPEN, *HELD)
LINES = {"110", "119", "120", "122"}
CHANNELS = {"litigation", "arbitration", "discipline", "reconsideration", "disclosure", "petition"}
TAGS = {"near_emergency", "near_channel", "errors"}
PHONE = re.compile(r"1[3-9]\d{9}|0\d{2,3}[2-8]\d{6,7}")

each = pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.id)


def count(entries: Iterable[Entry], test: Callable[[Entry], object]) -> int:
    return sum(1 for entry in entries if test(entry))


def test_there_are_enough_and_a_fifth_is_held_out() -> None:
    assert len(ALL) >= 240
    assert len(HELD) * 5 >= len(ALL)


def test_ids_are_unique_and_say_which_part() -> None:
    assert [name for name, times in Counter(entry.id for entry in ALL).items() if times > 1] == []
    assert [entry.id for entry in ALL if is_held_out(entry.id) is not entry.held_out] == []


def test_no_call_stands_twice() -> None:
    assert len({entry.transcript for entry in ALL}) == len(ALL)


@pytest.mark.parametrize(("feature", "least"), [
    (lambda entry: entry.expect.emergency, 24),
    (lambda entry: "near_emergency" in entry.tags, 24),
    (lambda entry: entry.expect.lawful_channel, 24),
    (lambda entry: "near_channel" in entry.tags, 10),
    (lambda entry: entry.expect.language == "en", 12),
    (lambda entry: entry.expect.phone, 50),
    (lambda entry: entry.expect.amounts, 60),
    (lambda entry: entry.expect.address, 100),
    (lambda entry: entry.expect.repeat, 12),
    (lambda entry: entry.expect.secret, 15),
    (lambda entry: entry.expect.handling == "fast", 60),
    (lambda entry: "errors" in entry.tags, 50),
], ids=["emergency", "near emergency", "channel", "near channel", "English", "phone", "amounts", "address", "repeat",
        "secret", "fast", "errors"])
def test_every_feature_is_there_and_held_out_in_proportion(feature: Callable[[Entry], object], least: int) -> None:
    there = count(ALL, feature)
    assert there >= least
    assert 0.12 <= count(HELD, feature) / there <= 0.30


def test_all_kinds_lines_and_channels_are_in_both_parts() -> None:
    for part in (OPEN, HELD):
        assert {entry.expect.kind for entry in part} >= {"consult", "help", "complaint", "report", "suggestion"}
        assert {entry.expect.emergency for entry in part} == {None, *LINES}
        assert {entry.expect.lawful_channel for entry in part} == {None, *CHANNELS}


def test_all_cities_are_in_both_parts_and_most_counties_somewhere() -> None:
    cities = {code[:4] for code in PLACES.regions if code != "330000"}
    for part in (OPEN, HELD):
        assert {entry.expect.region[:4] for entry in part if entry.expect.region} == cities
    assert len({entry.expect.region for entry in ALL if entry.expect.region and entry.expect.region[4:] != "00"}) >= 80


@each
def test_an_entry_has_known_values(entry: Entry) -> None:
    expect = entry.expect
    assert expect.kind in set(Kind)
    assert set(expect.kind_also) <= set(Kind) - {expect.kind}
    assert expect.region is None or expect.region in PLACES.regions
    assert expect.handling in {"fast", "general"}
    assert expect.emergency in {None, *LINES}
    assert set(expect.emergency_also) <= LINES - {expect.emergency}
    assert expect.emergency or not expect.emergency_also
    assert expect.lawful_channel in {None, *CHANNELS}
    assert expect.catalogue is None or expect.catalogue in topics()
    assert expect.language in {"zh", "en"}
    assert all(amount > 0 for amount in expect.amounts)
    assert set(entry.tags) <= TAGS
    assert entry.date.utcoffset() is not None


@each
def test_what_excludes_one_another(entry: Entry) -> None:
    expect = entry.expect
    assert not (expect.emergency and "near_emergency" in entry.tags)
    assert not (expect.lawful_channel and "near_channel" in entry.tags)
    if expect.emergency:
        assert expect.handling == "fast"
    if expect.lawful_channel or expect.kind == "suggestion":
        assert expect.handling == "general"


@each
def test_words_are_as_a_recogniser_writes_them(entry: Entry) -> None:
    allowed = " '" if entry.expect.language == "en" else " "
    for turn in entry.turns:
        assert turn.text
        odd = [char for char in turn.text if char not in allowed and unicodedata.category(char)[0] != "L"]
        assert odd == []  # no punctuation, no digits
    assert any(turn.who == "caller" for turn in entry.turns)


@each
def test_phones_are_well_formed(entry: Entry) -> None:
    for number in (entry.expect.phone, entry.caller_number):
        assert not number or PHONE.fullmatch(number)


@each
def test_a_name_and_an_address_were_said(entry: Entry) -> None:
    said = "".join(turn.text for turn in entry.turns if turn.who == "caller")
    if entry.expect.surname:
        assert entry.expect.surname.lower() in said.lower()
    if entry.expect.address:
        words = re.split(r"\d+", entry.expect.address)
        assert all(word in said.replace(" ", "") for word in words)
