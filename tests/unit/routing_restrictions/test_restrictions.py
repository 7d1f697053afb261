"""The restriction list: one person alone never restricts anybody, and everything ends by itself."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from routing import Restriction, RestrictionBook, RestrictionError, RestrictionRules

NUMBER = "13800001234"
NOW = 1_795_564_800.0
DAY = 86400.0


@pytest.fixture
def book() -> RestrictionBook:
    return RestrictionBook(RestrictionRules(area_code="0577"))


def proposed(book: RestrictionBook, number: str = NUMBER, **more) -> str:
    return book.propose(number, "abuse", NOW, **{"by": "甲", "role": "supervisor", "note": "反复辱骂", **more}).id


def in_force(book: RestrictionBook, number: str = NUMBER, **more) -> str:
    return book.confirm(proposed(book, number, **more), NOW, by="乙", role="supervisor").id


def refused(code: str):
    return pytest.raises(RestrictionError, match=code)


def test_a_proposal_restricts_nobody_and_its_proposer_cannot_confirm_it(book):
    entry = proposed(book)
    assert book.of_number(NUMBER, NOW) is None
    for same in ("甲", " 甲 ", "甲\u3000"):
        with refused("second-person"):
            book.confirm(entry, NOW, by=same)
        with refused("second-person"):
            book.reject(entry, NOW, by=same, note="不需要")
    book.confirm(entry, NOW, by="乙")
    assert book.of_number(NUMBER, NOW) is not None
    with refused("not-proposed"):
        book.confirm(entry, NOW, by="丙")


@pytest.mark.parametrize(("one", "other"), [("Li Wei", "liwei"), ("Ｌｉ", "li"), ("李 伟", "李伟")])
def test_another_spelling_is_no_second_person(book, one, other):
    with refused("second-person"):
        book.confirm(proposed(book, by=one), NOW, by=other)


@pytest.mark.parametrize(
    "number", ["+8613800001234", "008613800001234", "8613800001234", "013800001234", "138 0000 1234"]
)
def test_a_number_is_one_however_the_line_writes_it(book, number):
    in_force(book)
    assert book.of_number(number, NOW) is not None


@pytest.mark.parametrize("number", ["057788001234", "88001234", "+8657788001234", "0086 577 88001234"])
def test_a_city_number_is_one_with_and_without_its_area_code(book, number):
    in_force(book, "057788001234")
    assert book.of_number(number, NOW) is not None
    assert book.of_number("057188001234", NOW) is None


@pytest.mark.parametrize("number", ["", "anonymous", "unavailable", "+", "匿名"])
def test_who_shows_no_number_cannot_be_restricted(book, number):
    with refused("no-number"):
        proposed(book, number)
    in_force(book)
    assert book.of_number(number, NOW) is None


@pytest.mark.parametrize("number", ["110", "12345", "95598", "057712345678"])
def test_services_and_linked_hotlines_cannot_be_restricted(book, number):
    with refused("not-restrictable"):
        proposed(book, number, protected={"057712345678"})


def test_it_ends_by_itself_to_the_second(book):
    entry = in_force(book, days=2)
    assert book.of_number(NUMBER, NOW + 2 * DAY - 1) is not None
    assert book.of_number(NUMBER, NOW + 2 * DAY) is None, "before anybody has tidied up"
    assert book.of_number(NUMBER, NOW - 1) is None, "nor before it began"
    book.tick(NOW + 2 * DAY)
    over = book.get(entry)
    assert (over.state, over.ended_at, over.marks[-1].who) == ("expired", NOW + 2 * DAY, "")
    with refused("restriction-over"):
        book.lift(entry, NOW + 3 * DAY, by="甲", note="x")


@pytest.mark.parametrize("days", [0, -1, 30.1, float("inf"), float("nan")])
def test_none_is_longer_than_the_longest(book, days):
    with refused("too-long"):
        proposed(book, days=days)


def test_a_proposal_nobody_looks_at_is_void(book):
    entry = proposed(book)
    with refused("restriction-over"):
        book.confirm(entry, NOW + 3 * DAY, by="乙")
    assert book.get(entry).state == "lapsed"


def test_to_go_on_is_a_new_proposal_with_its_own_two_persons(book):
    old = in_force(book, days=7)
    new = book.propose(NUMBER, "threat", NOW + DAY, by="乙", note="又来", days=30)
    assert book.of_number(NUMBER, NOW + DAY).id == old, "the old one holds meanwhile"
    with refused("already-proposed"):
        book.propose(NUMBER, "abuse", NOW + DAY, by="丙")
    book.confirm(new.id, NOW + 2 * DAY, by="甲")
    assert book.of_number(NUMBER, NOW + 2 * DAY).id == new.id
    assert book.get(old).state == "replaced"
    assert book.get(new.id).until == NOW + 32 * DAY


def test_it_is_lifted_by_anybody_with_a_reason_and_at_once(book):
    entry = in_force(book)
    with refused("note-missing"):
        book.lift(entry, NOW, by="甲", note="  ")
    assert book.lift(entry, NOW + 1, by="甲", note="误认").state == "lifted"
    assert book.of_number(NUMBER, NOW + 1) is None
    assert book.lift(proposed(book), NOW, by="甲", note="不用了").state == "withdrawn"
    assert book.reject(proposed(book), NOW, by="乙", note="不够").state == "rejected"


def test_it_is_looked_at_again_before_its_end_and_when_there_is_an_appeal(book):
    entry = in_force(book, days=7)
    assert not book.get(entry).review_due(NOW + 5 * DAY - 1) and book.get(entry).review_due(NOW + 5 * DAY)
    assert in_force(book, "13900000000", days=1) and book.of_number("13900000000", NOW).review_at == NOW + DAY / 2
    book.appeal(entry, NOW + DAY, by="甲", note="来信申诉")
    assert book.get(entry).review_due(NOW + DAY)
    with refused("second-person"):
        book.review(entry, NOW + DAY, by="甲", note="维持")
    book.review(entry, NOW + DAY, by="乙", note="维持")
    assert not book.get(entry).review_due(NOW + DAY) and book.get(entry).review_due(NOW + 5 * DAY)
    book.review(entry, NOW + 5 * DAY, by="丙", note="维持")
    assert not book.get(entry).review_due(NOW + 6 * DAY)
    assert [m.what for m in book.get(entry).marks] == ["proposed", "confirmed", "appealed", "kept", "kept"]
    with refused("not-in-force"):
        book.review(proposed(book, "13700000000"), NOW, by="乙", note="x")


def test_calls_that_met_it_are_counted_and_the_last_are_kept(book):
    entry = in_force(book)
    for n in range(150):
        book.hit("+86" + NUMBER, f"c{n}", NOW + n)
    assert book.hit("13900001111", "x", NOW) is None
    got = book.get(entry)
    assert (got.hits, got.last_hit, len(got.turned), got.turned[-1]) == (150, NOW + 149, 100, "c149")


def test_a_full_history_still_takes_the_end(book):
    entry = in_force(book)
    for n in range(498):
        book.appeal(entry, NOW + n, by="甲", note="申诉")
    with refused("history-full"):
        book.appeal(entry, NOW, by="甲", note="申诉")
    with refused("history-full"):
        book.bundled(entry, NOW, by="甲")
    assert book.lift(entry, NOW, by="甲", note="算了").state == "lifted"


def test_the_list_is_bounded_and_forgets_what_was_kept_long_enough():
    book = RestrictionBook(RestrictionRules(max_entries=2, keep_days=1))
    first = in_force(book, "13800000001")
    in_force(book, "13800000002")
    with refused("restrictions-full"):
        proposed(book, "13800000003")
    book.lift(first, NOW, by="甲", note="x")
    book.take_changes()
    book.tick(NOW + DAY + 1)
    assert book.get(first) is None and (first, None) in book.take_changes()


def test_rows_make_the_same_list(book):
    in_force(book, calls=("c1", "c2"), variant="queue-last")
    proposed(book, "13900000000")
    rows = json.loads(json.dumps(dict(book.take_changes()), ensure_ascii=False))
    again = RestrictionBook(book.rules, rows.values())
    assert again.entries() == book.entries() and again.take_changes() == [] and again.broken == 0


def spoilt():
    good = RestrictionBook()
    row = good.get(in_force(good)).json()
    for change in (
        {"until": 1e14}, {"until": "later"}, {"state": "for ever"}, {"number": ""}, {"number": 7}, {"marks": [[1]]},
        {"marks": 3}, {"calls": [1]}, {"variant": "beat"}, {"hits": "many"}, {"begins_at": None},
        {"marks": [[1, 2, 3, 4, 5]]},
    ):
        yield {**row, **change}
    yield {}
    yield {k: v for k, v in row.items() if k != "number"}


@pytest.mark.parametrize("row", list(spoilt()))
def test_a_row_that_is_spoilt_restricts_nobody(row):
    book = RestrictionBook(None, [row])
    assert (book.broken, book.entries(), book.of_number(NUMBER, NOW)) == (1, [], None)


def test_a_row_of_a_newer_version_is_read(book):
    entry = book.get(in_force(book))
    assert Restriction.from_json({**entry.json(), "mood": "new"}) == entry


def test_two_rows_in_force_for_one_number_are_never_two(book):
    entry = book.get(in_force(book))
    again = RestrictionBook(None, [entry.json(), replace(entry, id="x", until=entry.until - 1).json()])
    assert again.broken == 1 and again.of_number(NUMBER, NOW).id == entry.id


@pytest.mark.parametrize(
    "wrong", [{"default_days": 40}, {"longest_days": 400}, {"default_days": 0}, {"max_entries": 0}]
)
def test_rules_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValueError, match=r"days|max_entries"):
        RestrictionRules(**wrong)
