"""The calendar: holidays, make-up workdays, years not yet published."""

import datetime as dt

from routing import Day, WorkCalendar

D = dt.date
CALENDAR = WorkCalendar({D(2026, 2, 17): "春节"}, {D(2026, 2, 28): "春节"}, frozenset({2026}))


def test_days():
    assert CALENDAR.day(D(2026, 2, 17)) == Day(False, "春节")
    assert CALENDAR.day(D(2026, 2, 28)) == Day(True, "春节"), "a Saturday that is worked"
    assert CALENDAR.day(D(2026, 3, 7)) == Day(False)
    assert CALENDAR.day(D(2026, 3, 6)) == Day(True)
    assert CALENDAR.day(D(2027, 3, 5)) == Day(True, "", provisional=True)
    assert CALENDAR.day(D(2027, 3, 6)) == Day(False, "", provisional=True)


def test_workdays_after_a_day():
    assert CALENDAR.after(D(2026, 2, 16), 1) == (D(2026, 2, 18), False)
    assert CALENDAR.after(D(2026, 2, 27), 1) == (D(2026, 2, 28), False)
    assert CALENDAR.after(D(2026, 2, 27), 0) == (D(2026, 2, 27), False)
    assert CALENDAR.after(D(2026, 12, 30), 3) == (D(2027, 1, 4), True)
