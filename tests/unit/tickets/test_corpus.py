"""The corpus is what its README says: well formed, varied, and its held-out part like the rest."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
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
KINDS = {str(kind) for kind in Kind}
TOPICS = topics()
TAGS = {"near_emergency", "near_channel", "errors"}
PHONE = re.compile(r"1[3-9]\d{9}|0\d{2,3}[2-8]\d{6,7}")

DIGITS = str.maketrans("零幺么要腰妖一二三四五六七八九", "011111123456789")
ENGLISH = {word: str(digit) for digit, word in enumerate(
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
)}


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


def test_an_entry_has_known_values() -> None:
    assert [(entry.id, name) for entry in ALL for name in unknown(entry)] == []


def unknown(entry: Entry) -> Iterator[str]:
    expect = entry.expect
    known: Mapping[str, bool] = {
        "kind": expect.kind in KINDS and set(expect.kind_also) <= KINDS - {expect.kind},
        "region": expect.region is None or expect.region in PLACES.regions,
        "handling": expect.handling in {"fast", "general"},
        "emergency": expect.emergency in {None, *LINES},
        "emergency_also": set(expect.emergency_also) <= (LINES - {expect.emergency} if expect.emergency else set()),
        "lawful_channel": expect.lawful_channel in {None, *CHANNELS},
        "catalogue": expect.catalogue is None or expect.catalogue in TOPICS,
        "language": expect.language in {"zh", "en"},
        "amounts": all(amount > 0 for amount in expect.amounts),
        "tags": set(entry.tags) <= TAGS,
        "date": entry.date.utcoffset() is not None,
    }
    yield from (name for name, right in known.items() if not right)


def test_what_excludes_one_another() -> None:
    def clash(entry: Entry) -> bool:
        expect = entry.expect
        return bool(
            (expect.emergency and ("near_emergency" in entry.tags or expect.handling != "fast"))
            or (expect.lawful_channel and ("near_channel" in entry.tags or expect.emergency))
            or ((expect.lawful_channel or expect.kind == "suggestion") and expect.handling != "general")
        )

    assert [entry.id for entry in ALL if clash(entry)] == []


def test_words_are_as_a_recogniser_writes_them() -> None:
    def odd(entry: Entry) -> list[str]:
        allowed = " '" if entry.expect.language == "en" else " "
        said = "".join(turn.text for turn in entry.turns)
        return [char for char in said if char not in allowed and unicodedata.category(char)[0] != "L"]

    assert [(entry.id, odd(entry)) for entry in ALL if odd(entry)] == []  # no punctuation, no digits
    assert [entry.id for entry in ALL if not all(turn.text for turn in entry.turns) or not said_by_caller(entry)] == []


def test_phones_are_well_formed() -> None:
    numbers = [(entry.id, number) for entry in ALL for number in (entry.expect.phone, entry.caller_number) if number]
    assert [(name, number) for name, number in numbers if not PHONE.fullmatch(number)] == []


def test_the_expected_words_were_said() -> None:
    def unsaid(entry: Entry) -> list[str]:
        words = [entry.expect.surname or "", *re.split(r"\d+", entry.expect.address or "")]
        return [word for word in words if word.lower() not in said_by_caller(entry)]

    assert [(entry.id, unsaid(entry)) for entry in ALL if unsaid(entry)] == []


def test_a_phone_was_said_or_is_the_callers_number() -> None:
    def unheard(entry: Entry) -> bool:
        phone = entry.expect.phone
        words = said_by_caller(entry, apart=" " if entry.expect.language == "en" else "")
        return bool(phone and phone != entry.caller_number and phone not in spoken_digits(words))

    assert [entry.id for entry in ALL if unheard(entry)] == []


def said_by_caller(entry: Entry, apart: str = "") -> str:
    said = " ".join(turn.text for turn in entry.turns if turn.who == "caller")
    return said.replace(" ", apart).lower()


def spoken_digits(words: str) -> str:
    """The digits of the words run together, read as plainly as may be: 幺 and what is heard for it are 1."""
    for word, digit in ENGLISH.items():
        words = re.sub(rf"\b{word}\b", digit, words)
    words = re.sub(r"三个(.)", r"\1\1\1", words).replace(" ", "").replace("然后是", "")
    return words.translate(DIGITS)
