"""Circles around a home centre; hours and limits."""

import datetime as dt

import pytest

from routing import ALWAYS, Centre, CentreLimit, CentreTree, Hours, WorkCalendar, kind_of, parent_of, parse_spans

from .conftest import at, seat, tree

PROVINCE = {"330000", "330100", "330106", "330109", "330300", "330302", "330500", "330502"}


@pytest.mark.parametrize(
    ("home", "circle", "codes"),
    [
        ("330106", "home", {"330106"}),
        ("330106", "city", {"330100", "330106", "330109"}),
        ("330100", "city", {"330100", "330106", "330109"}),
        ("330000", "city", {"330000"}),
        ("330106", "siblings", {"330109"}),
        ("330302", "siblings", set()),
        ("330100", "siblings", {"330500", "330502"}),
        ("330300", "siblings", set()),
        ("330106", "up", {"330100"}),
        ("330100", "up", {"330000"}),
        ("330000", "up", set()),
        ("330106", "province", PROVINCE),
        ("330000", "province", PROVINCE),
        ("330000-tax", "home", {"330000-tax"}),
        ("330000-tax", "up", {"330000"}),
        ("330000-tax", "province", PROVINCE),
        ("330106", "330500", {"330500"}),
        ("330106", "330500+", {"330500", "330502"}),
        ("330106", "330000-tax", {"330000-tax"}),
        ("999999", "city", {"999999"}),
        ("999999", "province", {"999999"}),
        ("999999", "siblings", set()),
    ],
)
def test_circles(home, circle, codes):
    assert tree().circle(home, circle) == codes


def test_any_is_no_limit_and_a_sub_centre_is_in_no_circle_but_its_own():
    assert tree().circle("330106", "any") is None
    assert all("330000-tax" not in (tree().circle("330000", c) or ()) for c in ("city", "province", "siblings"))


def test_a_code_says_its_kind_and_parent():
    got = {c: (kind_of(c), parent_of(c)) for c in ("330000", "330300", "330302", "330000-tax")}
    assert got == {
        "330000": ("province", None),
        "330300": ("city", "330000"),
        "330302": ("county", "330300"),
        "330000-tax": ("sub", "330000"),
    }


def test_a_circle_in_the_tree_ends():
    looped = CentreTree.of([Centre("330100", "a", "city", "330300"), Centre("330300", "b", "city", "330100")])
    assert [c.code for c in looped.up("330100")] == ["330100", "330300"]
    assert looped.circle("330100", "province")


def test_the_longest_area_code_wins():
    found = CentreTree.of([Centre("a", "a", area_code="057"), Centre("b", "b", area_code="0577")])
    assert found.home_of_area("05778888") == "b"
    assert found.home_of_area("0578") == "a"
    assert found.home_of_area("010") is None
    assert found.home_of_area("") is None


def test_limits_are_those_that_are_set(make):
    limited = tree(**{"330300": Centre("330300", "温州", "city", "330000", capacity=9, foreign=2)})
    assert make(tree=limited).limits() == {"330300": CentreLimit(9, 2)}


# ---------------------------------------------------------------------- hours
CALENDAR = WorkCalendar(
    {dt.date(2026, 10, 1): "国庆节"},
    {dt.date(2026, 10, 10): "国庆节"},
    frozenset({2026}),
)
OFFICE = Hours("office", workdays=parse_spans("08:30-12:00, 13:30-17:30"))


@pytest.mark.parametrize(
    ("time", "is_open"),
    [
        ("2026-11-25 08:29:59", False),
        ("2026-11-25 08:30", True),
        ("2026-11-25 11:59", True),
        ("2026-11-25 12:00", False),
        ("2026-11-25 17:30", False),
        ("2026-11-28 10:00", False),  # Saturday
        ("2026-10-01 10:00", False),  # Thursday, a holiday
        ("2026-10-10 10:00", True),  # Saturday, worked for it
    ],
)
def test_office_hours_follow_the_working_day_calendar(time, is_open):
    assert OFFICE.is_open(at(time), CALENDAR) is is_open


@pytest.mark.parametrize(
    ("now", "change"),
    [
        ("2026-11-25 10:00", "2026-11-25 12:00"),
        ("2026-11-25 12:00", "2026-11-25 13:30"),
        ("2026-11-25 18:00", "2026-11-26 08:30"),
        ("2026-11-27 18:00", "2026-11-30 08:30"),
        ("2026-09-30 18:00", "2026-10-02 08:30"),
        ("2026-10-09 17:30", "2026-10-10 08:30"),
    ],
)
def test_the_next_change_is_found_over_holidays(now, change):
    assert OFFICE.next_change(at(now), CALENDAR) == at(change)


def test_midnight_is_no_change_when_a_night_is_two_spans():
    night = Hours("night", ((((0, 360), (1320, 1440))),) * 7)
    assert night.next_change(at("2026-11-25 23:00"), CALENDAR) == at("2026-11-26 06:00")
    assert ALWAYS.next_change(at("2026-11-25 23:00"), CALENDAR) is None


def test_dates_go_before_holidays_before_the_week():
    week = tuple(parse_spans("09:00-17:00") for _ in range(7))
    hours = Hours("x", week, holidays=(), dates={dt.date(2026, 10, 1): parse_spans("10:00-11:00")})
    assert hours.is_open(at("2026-10-01 10:30"), CALENDAR)
    assert not hours.is_open(at("2026-10-01 12:00"), CALENDAR)
    assert Hours("x", week, holidays=()).is_open(at("2026-10-10 12:00"), CALENDAR), "a make-up workday is no holiday"
    assert not Hours("x", week, holidays=()).is_open(at("2026-10-01 12:00"), CALENDAR)
    assert Hours("x", restdays=parse_spans("always")).is_open(at("2026-10-01 12:00"), CALENDAR)


@pytest.mark.parametrize("now", [float("nan"), float("inf"), 1e300, -1e300])
def test_a_time_beyond_the_calendar_is_closed(now):
    assert OFFICE.is_open(now, CALENDAR) is False
    assert OFFICE.next_change(now, CALENDAR) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("8-12", "no span"),
        ("08:30-25:00", "no time"),
        ("08:60-09:00", "no time"),
        ("12:00-08:00", "ends before"),
        ("08:00-10:00, 09:00-11:00", "overlaps"),
    ],
)
def test_wrong_hours_are_told(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_spans(text)


# ---------------------------------------------------------------------- duty
def test_a_closed_centre_and_an_experts_office_hours_take_seats_off_duty(make):
    seats = [seat("p1", "330000"), seat("w1", "330300"), seat("e1", "330000", "expert"), seat("e2", "330300", "expert")]
    closed = tree(**{"330300": Centre("330300", "温州", "city", "330000", hours=Hours("day", workdays=((480, 1080),)))})
    book = make(tree=closed, seats=seats, seat_hours={"e1": OFFICE, "e2": OFFICE}, calendar=CALENDAR)
    assert book.duty(at("2026-11-25 10:00")) == {"p1": True, "w1": True, "e1": True, "e2": True}
    assert book.duty(at("2026-11-25 12:30")) == {"p1": True, "w1": True, "e1": False, "e2": False}
    assert book.duty(at("2026-11-25 19:00")) == {"p1": True, "w1": False, "e1": False, "e2": False}


def test_duty_never_changes_before_it_is_said_to(make):
    seats = [seat("p1", "330000"), seat("e1", "330300", "expert")]
    closed = tree(**{"330300": Centre("330300", "温州", "city", "330000", hours=Hours("day", workdays=((480, 1080),)))})
    book = make(tree=closed, seats=seats, seat_hours={"e1": OFFICE}, calendar=CALENDAR)
    now = start = at("2026-09-30 00:00")
    changes = 0
    while now < start + 12 * 86400:
        until = book.next_duty_change(now)
        assert now < until <= now + 86400
        before = book.duty(now)
        for step in range(1, 24):
            assert book.duty(now + (until - now) * step / 24.01) == before
        changes += book.duty(until) != before
        now = until
    assert changes == 4 * sum(CALENDAR.day(dt.date(2026, 9, 30) + dt.timedelta(n)).workday for n in range(12))
