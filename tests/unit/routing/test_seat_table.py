"""The table of a seat's states: no state without a way out, no change that the table does not have."""

from collections import deque

import pytest

from routing import SEAT_TABLE, Policy, Seat, SeatError, SeatState, move

S = SeatState
POLICY = Policy(reserve=3, ring=15, wrap_up=60, break_limit=3600)


def seat_in(state, **more):
    return Seat("8001", "座席", "330000", state=state, **more)


def reachable(start):
    seen, todo = {start}, deque([start])
    while todo:
        for state in SEAT_TABLE[todo.popleft()] - seen:
            seen.add(state)
            todo.append(state)
    return seen


@pytest.mark.parametrize("state", list(S))
def test_no_state_is_missing_and_each_has_a_way_to_available_and_to_offline(state):
    assert {S.AVAILABLE, S.OFFLINE} <= reachable(state)


@pytest.mark.parametrize("start", list(S))
@pytest.mark.parametrize("to", list(S))
def test_move_makes_exactly_the_changes_of_the_table(start, to):
    if to in SEAT_TABLE[start]:
        assert move(seat_in(start), to, 5.0, POLICY).state is to
        return
    with pytest.raises(SeatError) as caught:
        move(seat_in(start), to, 5.0, POLICY)
    text = str(caught.value)
    assert "8001" in text
    for allowed in SEAT_TABLE[start]:
        assert allowed.value in text, "the message says what may be done instead"


@pytest.mark.parametrize(
    ("start", "to", "deadline"),
    [(S.AVAILABLE, S.OFFERED, 103), (S.OFFERED, S.RINGING, 115), (S.TALKING, S.WRAP_UP, 160),
     (S.AVAILABLE, S.BREAK, 3700), (S.RINGING, S.TALKING, 7300),
     (S.AVAILABLE, S.REST, 400), (S.BREAK, S.AVAILABLE, None)],
)  # fmt: skip
def test_states_that_must_end_have_a_deadline(start, to, deadline):
    assert move(seat_in(start, deadline=1.0), to, 100.0, POLICY).deadline == deadline


def test_a_free_seat_keeps_no_call_and_a_wrap_up_keeps_its_call():
    talking = seat_in(S.TALKING, call="c", offer="o")
    wrapping = move(talking, S.WRAP_UP, 1.0, POLICY)
    assert (wrapping.call, wrapping.offer) == ("c", None)
    assert move(wrapping, S.AVAILABLE, 2.0, POLICY).call is None


def test_idle_time_is_kept_when_the_offer_was_withdrawn_before_it_rang():
    offered = seat_in(S.OFFERED, idle_since=10.0)
    assert move(offered, S.AVAILABLE, 99.0, POLICY).idle_since == 10.0
    assert move(seat_in(S.RINGING, idle_since=10.0), S.AVAILABLE, 99.0, POLICY).idle_since == 99.0


def test_a_talk_ends_the_count_of_missed_offers():
    assert move(seat_in(S.RINGING, missed=1), S.TALKING, 1.0, POLICY).missed == 0
