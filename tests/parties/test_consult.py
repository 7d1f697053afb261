"""Consultations, holding, talks of many: who hears whom before and after each step, on a real Asterisk by tones."""

import asyncio

import numpy as np
import pytest

from calls import OrderError
from calls import commands as c
from tests.conftest import eventually
from tests.parties.world import NOBODY, floor

pytestmark = pytest.mark.integration


async def consulted(world, talk, name="expert"):
    """An expert in private consultation with the seat."""
    part = world.engine.want_party(talk.id, "consult", entry=name, by="8001")
    talk.voices.add(name, await world.outside[name].answers())
    await talk.party(part, "joined")
    await talk.voices.hear(seat={name}, caller=NOBODY, **{name: {"seat"}})
    return part


async def test_a_word_in_private_is_heard_by_the_caller_or_recorded_on_its_side(bench):
    """And: swap, join, and who leaves leaves the others talking."""
    async with floor(bench) as world:
        talk = await world.talk()
        await consulted(world, talk)
        await talk.voices.music()
        assert talk.call.held
        world.engine.arrange(talk.id, "swap")
        await talk.voices.hear(seat={"caller"}, caller={"seat"}, expert=NOBODY)
        await talk.voices.music("expert")
        world.engine.arrange(talk.id, "swap")
        await talk.voices.hear(seat={"expert"}, caller=NOBODY, expert={"seat"})
        world.engine.arrange(talk.id, "join")
        await talk.voices.all_hear_all()
        await talk.voices["seat"].hang_up()
        await talk.voices.hear(caller={"expert"}, expert={"caller"})
        assert talk.call.state.value == "talking"
        await world.seat_becomes("8001", "available")
        await world.no_surrogates()
        id_, spans = talk.id, next(x for x in talk.call.legs if x.kind == "line").heard
        await talk.voices["caller"].hang_up()
        await world.nobody_left()
        # What was said in private is not in the recording, what was said to all is.
        raw = world.hotline.settings.spool / f"{id_}.raw"
        await eventually(lambda: raw.exists() and raw.stat().st_size > 0, what="the recording")
        assert spans
        heard = tones_in(raw, talk.voices.tone("expert"))
        began = talk.voices.log("caller", "expert")[0].began
        answered = spans[0][0]
        assert heard, "the expert is recorded when all are together"
        assert abs(began - answered) < 2.0


def tones_in(raw, hz, window=0.1):
    """Offsets in seconds of the windows of a stereo recording's right channel in which a tone sounds."""
    samples = np.fromfile(raw, dtype="<i2").reshape(-1, 2)[:, 1].astype(float) / 32768
    size = int(8000 * window)
    found = []
    for i in range(0, len(samples) - size, size):
        part = samples[i : i + size]
        t = np.arange(size) / 8000
        level = abs(np.mean(part * np.exp(-2j * np.pi * hz * t))) * 2
        if level > 0.02:
            found.append(i / 8000)
    return found


async def test_a_ring_taken_back_too_late_ends_a_consultation_that_has_begun(bench):
    """Over a slow link the order to end the ring comes when it has been answered."""
    async with floor(bench) as world:
        talk = await world.talk()
        await consulted(world, talk)
        leg = next(x for x in talk.call.legs if x.kind == "line")
        world.hotline.switch.do(c.CancelLeg(talk.id, leg.id, ringing=True))
        await asyncio.sleep(0.5)
        await talk.voices.hear(seat={"expert"}, caller=NOBODY, expert={"seat"})


async def test_a_consulted_party_that_hangs_up_leaves_seat_and_caller_apart(bench):
    async with floor(bench) as world:
        talk = await world.talk()
        part = await consulted(world, talk)
        await talk.voices["expert"].hang_up()
        await talk.voices.hear(caller={"seat"}, seat={"caller"})
        assert talk.call.party(part).state == "left"
        # The seat goes on to another one, comes back by itself, and nothing of it stays.
        part = await consulted(world, talk)
        world.engine.arrange(talk.id, "return")
        await talk.voices.hear(caller={"seat"}, seat={"caller"})
        await talk.voices["expert"].ended(10)


async def test_a_consultation_that_is_completed_drops_the_caller(bench):
    async with floor(bench) as world:
        talk = await world.talk()
        await consulted(world, talk)
        world.engine.arrange(talk.id, "complete")
        await talk.voices.hear(caller={"expert"}, expert={"caller"})
        await talk.voices["seat"].ended(10)
        await world.seat_becomes("8001", "available")
        # The other side ends it: the caller is no call of nobody, it is served again.
        await talk.voices["expert"].hang_up()
        again = await world.takes("8001")
        talk.voices.add("seat again", again)
        await talk.voices.hear(**{"caller": {"seat again"}, "seat again": {"caller"}})


async def test_a_seat_that_hangs_up_while_it_consults_takes_its_caller_with_it(bench):
    async with floor(bench) as world:
        talk = await world.talk()
        await consulted(world, talk)
        await talk.voices["seat"].hang_up()
        await talk.voices.hear(caller={"expert"}, expert={"caller"})


async def test_six_parties_do_not_all_hear_all_or_a_seventh_comes_in(bench):
    async with floor(bench, seats=("8001", "8002", "8003")) as world:
        talk = await world.talk()
        for name, wish in (("expert", {"entry": "expert"}), ("fire", {"entry": "119"})):
            part = world.engine.want_party(talk.id, "join", **wish)
            talk.voices.add(name, await world.outside[name].answers())
            await talk.party(part, "joined")
        for seat in ("8002", "8003"):
            part = world.engine.want_party(talk.id, "join", seat=seat)
            talk.voices.add(seat, await world.takes(seat))
            await talk.party(part, "joined")
        await talk.voices.all_hear_all()
        with pytest.raises(OrderError) as refused:
            world.engine.want_party(talk.id, "join", entry="120")
        assert refused.value.code == "full"
        await talk.voices["expert"].hang_up()
        await talk.voices["8002"].hang_up()
        await talk.voices.all_hear_all("caller", "seat", "fire", "8003")
        # The seat leaves: another one of ours is in charge, and the others talk on.
        world.engine.arrange(talk.id, "leave")
        await talk.voices.all_hear_all("caller", "fire", "8003")
        assert talk.call.seat == "8003"


async def test_a_held_caller_sits_in_silence_and_a_muted_seat_is_heard(bench):
    async with floor(bench) as world:
        talk = await world.talk()
        world.engine.arrange(talk.id, "hold")
        await talk.voices.music()
        await talk.voices.hear(seat=NOBODY)
        world.engine.arrange(talk.id, "resume")
        await talk.voices.all_hear_all()
        world.engine.arrange(talk.id, "mute")
        await talk.voices.hear(caller=NOBODY, seat={"caller"})
        world.engine.arrange(talk.id, "unmute")
        await talk.voices.all_hear_all()
        # Held, and its seat is lost: the caller is served by somebody else.
        await world.seat("8002")
        world.engine.arrange(talk.id, "hold")
        await talk.voices.music()
        await talk.voices["seat"].hang_up()
        talk.voices.add("other", await world.takes("8002"))
        await talk.voices.hear(caller={"other"}, other={"caller"})
