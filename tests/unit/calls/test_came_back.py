"""Seats that the switch has brought back to their caller while no process was there."""

from dataclasses import replace

from calls import Call, CallState, Leg, LegState
from calls._rooms import SILENT, came_back
from calls.model import SIDE, TALK


def held(seat_bridge, caller_bridge, since, **seat):
    legs = (
        Leg("c", "caller", None, LegState.JOINED, 0.0, bridge=caller_bridge),
        replace(
            Leg("c~8001~1", "seat", "8001", LegState.JOINED, 1.0, room=SIDE, goal="quiet", bridge=seat_bridge,
                heard=((1.0, since),)), **seat,
        ),
    )  # fmt: skip
    return Call("c", CallState.TALKING, "PJSIP/c", "12345", "1", "", "", 0.0, legs=legs)


def test_a_seat_found_with_its_caller_long_after_it_left_is_torn_away_again():
    back = came_back(held("b", "b", 100.0), 100.0 + SILENT)
    assert back.legs[1].room == TALK and back.legs[1].goal == ""
    assert [m.what for m in back.timeline] == ["resumed"]


def test_an_order_of_a_process_that_died_before_it_could_send_it_is_forgotten():
    call = held("b", "b", 100.0)
    assert came_back(call, 100.0 + SILENT - 0.1) == call


def test_a_seat_in_private_or_alone_is_taken_for_one_that_came_back():
    for call in (held("a", "b", 1.0), held("", "", 1.0), held("b", "b", 1.0, goal="beside:x"),
                 held("b", "b", None)):  # fmt: skip
        assert came_back(call, 200.0) == call
