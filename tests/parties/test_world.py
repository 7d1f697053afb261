"""The harness itself: it sees who hears whom, and says so when it is not as expected."""

from itertools import pairwise

import pytest

from demo import Manner
from tests.parties.world import NOBODY, floor

pytestmark = pytest.mark.integration


async def test_a_party_of_the_directory_joins_and_the_matrix_says_who_hears_whom(bench):
    async with floor(bench) as world:
        talk = await world.talk()
        expert = world.outside["expert"]
        expert.takes(Manner(after=0.3))
        part = world.engine.want_party(talk.id, "join", entry="expert")
        talk.voices.add("expert", await expert.answers())
        await talk.party(part, "joined")
        await talk.voices.all_hear_all()
        await world.no_surrogates()
        with pytest.raises(AssertionError, match=r"caller hears \{'(seat|expert)', '(seat|expert)'\} and not"):
            await talk.voices.hear(2, caller={"seat"}, seat={"caller", "expert"})
        assert talk.voices.log("caller", "expert")[-1].ended is None, "it is to be heard still"


async def test_a_busy_line_leads_to_the_next_trunk_and_a_line_that_is_closed_to_none(bench):
    async with floor(bench) as world:
        talk = await world.talk()
        world.outside["police"].takes(Manner(refuses=486))
        part = world.engine.emergency(talk.id, "110")
        talk.voices.add("110", await world.outside["police-2"].answers())
        await talk.party(part, "joined")
        await talk.voices.all_hear_all()
        assert len(world.outside["police"].seen) == 1
        with pytest.raises(Exception, match="out of hours"):
            world.engine.want_party(talk.id, "join", entry="closed")


async def test_a_caller_on_hold_hears_music(bench):
    async with floor(bench) as world:
        talk = await world.talk()
        world.engine.arrange(talk.id, "hold")
        await talk.voices.music()
        await talk.voices.hear(seat=NOBODY)
        world.engine.arrange(talk.id, "resume")
        await talk.voices.all_hear_all()
        first, *_, last = talk.voices.log("caller", "seat")
        assert first.ended is not None and last.ended is None
        silent = max(b.began - a.ended for a, b in pairwise(talk.voices.log("caller", "seat")))
        assert silent > 0.2, "the hold is to be seen in what was heard"


async def test_a_seats_own_phone_consults_and_transfers(bench):
    async with floor(bench) as world:
        talk = await world.talk()
        await world.seat("8002")
        await talk.seat.hold()
        await talk.voices.music()
        consult = await world.seats["8001"].dial("8002")
        other = await world.takes("8002")
        await consult.answered(10)
        talk.voices.add("second line", consult)
        talk.voices.add("expert", other)
        await talk.voices.hear(**{"second line": {"expert"}, "expert": {"second line"}, "caller": NOBODY})
        assert await talk.seat.refer_to(consult) == 200
        await talk.voices.all_hear_all("caller", "expert")
