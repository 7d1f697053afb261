"""The recording begins anew for another partner: never while somebody else is on the way to the two."""

import pytest

from calls import commands as c
from tests.unit.calls.party_world import CALL, SEATS, World


@pytest.fixture
def world():
    return World()


async def test_an_observer_takes_over_with_a_line_in_the_talk_and_caller_line_and_seat_part_for_ever(world):
    """The old seat leaves while the new one is on its way: the line that is left alone with the caller for that moment
    must not be parted from it for the recording's sake, or each of the two fetches the caller in turn, without end."""
    await world.caller()
    world.engine.supervise(CALL, "whisper", SEATS[5])
    await world.rest()
    await world.answer()
    world.engine.want_party(CALL, "join", entry="water")
    await world.rest()
    await world.answer()
    world.engine.supervise(CALL, "takeover", SEATS[5])
    await world.rest()
    assert world.who_hears() == {SEATS[5], "line.water"}
    assert not [x for x in world.switch.commands if isinstance(x, c.Hold)]
