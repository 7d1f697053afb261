"""Each way to bring somebody in × each way it can fail, on a real Asterisk with a tone for each party: the caller is
never dropped and never alone, seat and caller are together again, the reason is shown."""

import asyncio

import pytest

from demo import Manner
from tests.conftest import eventually
from tests.parties.world import NOBODY, floor

pytestmark = pytest.mark.integration

EXPERT = {"name": "专家外线", "kind": "unit", "numbers": "057188880001", "trunks": "expert"}
FAILURES = {
    "busy": (Manner(refuses=486), "busy"),
    "refused": (Manner(refuses=603), "refused"),
    "wrong number": (Manner(refuses=404), "wrong_number"),
    "unreachable": (Manner(refuses=503), "unreachable"),
    "no answer": (Manner(after=None), "no_answer"),
}


@pytest.mark.parametrize("how", ["join", "consult", "transfer"])
async def test_a_line_that_cannot_be_had_parts_seat_and_caller_for_good(bench, how):
    async with floor(bench, entries={"expert": EXPERT | {"ring": 3}}) as world:
        talk = await world.talk()
        expert = world.outside["expert"]
        for failure, (manner, why) in FAILURES.items():
            expert.takes(manner)
            part = world.engine.want_party(talk.id, how, entry="expert")
            party = await talk.party(part, "failed")
            failed_at = next(m.at for m in reversed(talk.call.timeline) if m.what == "party_failed")
            assert party.why == why, failure
            await talk.voices.all_hear_all("caller", "seat")
            if how != "join":
                gap = gaps(talk)[-1]
                # 100 ms from the signal until they hear each other: what of it is the detector's is 20 ms.
                print(f"{how}, {failure}: together {1000 * (gap - failed_at):.0f} ms after the signal")
            assert talk.call.state.value == "talking" and not talk.call.held
        assert len(expert.seen) == len(FAILURES), "one order, one call"
        await world.no_surrogates()


def gaps(talk):
    """When the caller began to hear its seat, each time."""
    return [span.began for span in talk.voices.log("caller", "seat", shortest=0.05)]


async def test_a_trunk_where_nobody_is_swallows_the_transfer(bench):
    """No answer to the INVITE at all: the entry's ring time ends it."""
    async with floor(bench, entries={"expert": EXPERT | {"ring": 3}}) as world:
        talk = await world.talk()
        await world.outside["expert"].phone.__aexit__(None, None, None)
        part = world.engine.want_party(talk.id, "transfer", entry="expert")
        party = await talk.party(part, "failed")
        assert party.why in ("no_answer", "unreachable")
        await talk.voices.all_hear_all("caller", "seat")


@pytest.mark.parametrize("to", ["seat", "line"])
async def test_a_blind_transfer_that_is_answered_keeps_the_seat_or_loses_the_caller(bench, to):
    async with floor(bench, seats=("8001", "8002")) as world:
        talk = await world.talk()
        if to == "seat":
            part = world.engine.want_party(talk.id, "transfer", seat="8002")
            ringing = await world.seats["8002"].incoming(15)
            await talk.voices.music()
            await ringing.answer()
            talk.voices.add("other", ringing)
        else:
            world.outside["expert"].takes(Manner(after=0.5))
            part = world.engine.want_party(talk.id, "transfer", number="057128880001")
            talk.voices.add("other", await world.outside["expert"].answers())
        await talk.voices.hear(caller={"other"}, other={"caller"})
        await talk.voices["seat"].ended(10)
        await talk.party(part, "joined")
        assert talk.call.seat == ("8002" if to == "seat" else "8001")
        await world.seat_becomes("8001", "available")
        if to == "seat":
            await talk.voices["caller"].hang_up()
            await world.seat_becomes("8002", "available")


async def test_a_transfer_to_a_skill_or_centre_loses_the_rank_or_the_caller(bench):
    async with floor(bench, seats=("8001", "8006")) as world:
        talk = await world.talk()
        rank = talk.call.waiting_since
        world.engine.want_party(talk.id, "transfer", skill="en")
        await talk.voices["seat"].ended(10)
        taken = await world.takes("8006")
        talk.voices.add("interpreter", taken)
        await talk.voices.hear(caller={"interpreter"}, interpreter={"caller"})
        assert talk.call.waiting_since == rank and talk.call.seat == "8006"


@pytest.mark.parametrize("how", ["join", "consult", "transfer", "emergency"])
async def test_a_caller_who_hangs_up_meanwhile_leaves_phones_ringing(bench, how):
    async with floor(bench) as world:
        talk = await world.talk()
        trunk, entry = ("police", "110") if how == "emergency" else ("expert", "expert")
        world.outside[trunk].takes(Manner(after=None))
        world.engine.want_party(talk.id, how, entry=entry)
        ringing = await world.outside[trunk].rings()
        await talk.voices["caller"].hang_up()
        await ringing.ended(10)
        await talk.voices["seat"].ended(10)
        await world.seat_becomes("8001", "available")


@pytest.mark.parametrize("how", ["consult", "transfer", "emergency"])
@pytest.mark.parametrize("then", ["answered", "busy"])
async def test_a_seat_that_hangs_up_meanwhile_leaves_the_caller_to_nobody(bench, how, then):
    police = {"name": "110", "kind": "emergency", "numbers": "110", "trunks": "police", "ring": 8}
    async with floor(bench, entries={"110": police}) as world:
        talk = await world.talk()
        trunk, entry = ("police", "110") if how == "emergency" else ("expert", "expert")
        world.outside[trunk].takes(Manner(after=None))
        world.engine.want_party(talk.id, how, entry=entry)
        ringing = await world.outside[trunk].rings()
        await talk.voices["seat"].hang_up()
        await talk.voices.music()
        assert talk.call.state.value == "talking"
        if then == "answered":
            await ringing.answer()
            talk.voices.add("other", ringing)
            await talk.voices.hear(caller={"other"}, other={"caller"})
        else:
            await ringing.reject(486)
            talk.voices.add("again", await world.takes("8001"))
            await talk.voices.hear(caller={"again"}, again={"caller"})


async def test_an_order_that_comes_too_late_does_something(bench):
    from calls import OrderError

    async with floor(bench) as world:
        talk = await world.talk()
        world.outside["expert"].takes(Manner(after=None))
        part = world.engine.want_party(talk.id, "transfer", entry="expert", key="k1")
        await world.outside["expert"].rings()
        assert world.engine.want_party(talk.id, "transfer", entry="expert", key="k1") == part, "the same order again"
        world.engine.drop_party(talk.id, part)
        await talk.party(part, "withdrawn")
        await talk.voices.all_hear_all("caller", "seat")
        for late in (
            lambda: world.engine.drop_party(talk.id, part),
            lambda: world.engine.arrange(talk.id, "join"),
            lambda: world.engine.arrange(talk.id, "resume"),
            lambda: world.engine.want_party(talk.id, "transfer", entry="closed"),
            lambda: world.engine.want_party(talk.id, "transfer", entry="12348"),
            lambda: world.engine.want_party(talk.id, "transfer", number="13900000000"),
            lambda: world.engine.want_party(talk.id, "transfer", seat="8002"),
        ):
            with pytest.raises(OrderError):
                late()
        assert len(world.outside["expert"].seen) == 1
        await talk.voices["caller"].hang_up()
        await eventually(lambda: talk.id not in world.engine.calls or talk.call.ended_at is not None)
        with pytest.raises(OrderError) as refused:
            world.engine.want_party(talk.id, "join", entry="expert")
        assert refused.value.code in ("too-late", "no-such-call")
        await asyncio.sleep(0)


__all__ = ["NOBODY"]
