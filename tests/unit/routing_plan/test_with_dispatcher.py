"""The plan and the dispatcher together: a province's seats, one clock, who gets the caller when."""

import pytest

from routing import DEFAULT_RULE, Centre, Dispatcher, Facts, Hours, ModeConfig, SeatState, Waiting

from .conftest import SEATS, at, seat, tree
from .test_plan import CUT, WENZHOU, cut, day

NOW = at("2026-11-25 10:00")


class Floor:
    """A dispatcher with all seats of a book signed in and on duty as the book says."""

    def __init__(self, book, busy=(), away=()):
        self.book = book
        self.dispatcher = Dispatcher(book.seats.values())
        for one in book.seats.values():
            if one.id not in away:
                self.dispatcher.ask(one.id, SeatState.AVAILABLE, NOW)
        self.dispatcher.set_duty(book.duty(NOW), NOW)
        for one in busy:
            self.dispatcher.talking(one, f"other-{one}", f"o-{one}", NOW)

    def calls(self, number="13800000000", skills=(), history=None, mode="normal"):
        facts = Facts("12345", number, skills=skills, history=history or {}, now=NOW)
        self.dispatcher.enqueue(Waiting("c", self.book.plan(facts, mode), NOW))

    def offered(self, after):
        matches = self.dispatcher.match(NOW + after, lambda call, seat: f"{call}~{seat}")
        return matches[0].seat if matches else None


WISH = (("wenzhou-wu", 3),)


def test_wenzhou_speech_then_local_knowledge_then_the_province(make):
    book = make(rules=(WENZHOU, DEFAULT_RULE))
    floor = Floor(book, busy=["w1"])
    floor.calls("057788880000", WISH)
    assert floor.offered(0) is None, "the seat that speaks it is busy: it is waited for"
    assert floor.offered(9.9) is None
    assert floor.offered(10) == "w2", "local knowledge, ten seconds later"

    floor = Floor(book, busy=["w1", "w2"])
    floor.calls("057788880000", WISH)
    assert floor.offered(39.9) is None, "the province's seats are free, but not yet meant"
    assert floor.offered(40) in {"p1", "h1", "x1", "x2", "u1"}


def test_a_seat_that_is_free_later_but_fits_an_earlier_step_is_preferred(make):
    floor = Floor(make(rules=(WENZHOU, DEFAULT_RULE)))
    floor.calls("057788880000", WISH)
    assert floor.offered(45) == "w1"


def test_nobody_signed_in_for_the_first_steps_costs_no_waiting(make):
    floor = Floor(make(rules=(WENZHOU, DEFAULT_RULE)), away=["w1", "w2"])
    floor.calls("057788880000", WISH)
    assert floor.offered(0) is not None


def test_a_closed_centre_costs_no_waiting_and_its_seats_are_offered_nobody(make):
    shut = tree(**{"330300": Centre("330300", "温州", "city", "330000", hours=Hours("never"), area_code="0577")})
    floor = Floor(make(tree=shut), busy=[s.id for s in SEATS if s.id not in ("w1", "u1")])
    floor.calls("057788880000")
    assert floor.offered(0) == "u1"


@pytest.mark.parametrize(("busy", "after", "who"), [([], 0, "h1"), (["h1"], 14.9, None), (["h1"], 15, "p1")])
def test_a_cut_off_caller_gets_the_same_seat_or_after_a_while_another(make, busy, after, who):
    floor = Floor(make(modifiers=(CUT,)), busy=busy)
    floor.calls(history=cut("h1"))
    assert floor.offered(after) == who


def test_a_surge_relaxes_at_its_own_pace(make):
    modes = {"normal": ModeConfig("normal"), "surge": ModeConfig("surge", scale=0.5)}
    for mode, after in (("normal", 10), ("surge", 5)):
        floor = Floor(make(modes=modes), busy=["p1"])
        floor.calls(mode=mode)
        assert floor.offered(after - 0.1) is None
        assert floor.offered(after) is not None


def test_on_a_leader_day_the_leader_takes_the_caller_and_with_zero_seconds_nobody_waits(make):
    seats = [*SEATS, seat("l", "330000", "leader"), seat("a", "330000", "assistant")]
    book = make(seats=seats, leader_days=(day(seconds=0.0),))
    floor = Floor(book)
    floor.calls()
    assert floor.offered(0) == "l"
    floor = Floor(book, busy=["l"])
    floor.calls()
    assert floor.offered(0) == "p1"
