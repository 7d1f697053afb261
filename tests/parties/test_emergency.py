"""Emergency lines on a real Asterisk (Art. 11): each test is named by what would go wrong for the caller."""

import asyncio
import contextlib
import time
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from demo import Manner
from tests.conftest import PROMPTS, eventually
from tests.parties.world import NOBODY, PATIENCE, Talk, Voices, floor

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
LONGEST_GAP = 0.1
"""Seconds for which caller and seat may be parted by an emergency line that comes, fails or leaves."""
SILENT = 60.0
RINGS_ON = Manner(after=None)


# ---------------------------------------------------------------------- what is heard
@pytest.fixture(autouse=True)
async def late():
    """How late this process was at the most, in seconds: its phones' gaps are not the switch's."""
    worst = [0.0]

    async def watches():
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.01)
            worst[0] = max(worst[0], loop.time() - before - 0.01)

    task = asyncio.create_task(watches())
    yield worst
    task.cancel()


def together(talk, since, late):
    """Caller and seat have heard each other all the time. Raises AssertionError."""
    for listener, voice in (("caller", "seat"), ("seat", "caller")):
        spans = talk.voices.log(listener, voice, since, shortest=0.06)
        assert spans and spans[0].began <= since, f"{listener} did not hear {voice} at first"
        assert spans[-1].ended is None, f"{listener} does not hear {voice} any more"
        gaps = [round(after.began - (before.ended or 0.0), 3) for before, after in pairwise(spans)]
        worst = max(gaps, default=0.0)
        assert worst <= LONGEST_GAP + late[0], f"{listener} heard {voice} with gaps of {gaps} s, phones {late[0]:.3f} s"


@contextlib.asynccontextmanager
async def never_silent(call, seconds=1.0):
    """A caller hears words, music or somebody, the whole time: no stretch of `seconds` is silent."""
    silent = []

    async def listens():
        while True:
            await asyncio.sleep(seconds / 10)
            if call.end is None and call.heard_level(seconds) < SILENT:
                silent.append(call.heard_samples / 8000)

    await eventually(lambda: call.heard_level(0.2) >= SILENT, PATIENCE, "the caller hears something")
    await asyncio.sleep(seconds)
    task = asyncio.create_task(listens())
    try:
        yield
    finally:
        task.cancel()
    assert not silent, f"the caller heard nothing for {seconds} s, at {silent} s of its call"


def heard_words(call, prompt, language="zh"):
    """How far a prompt's audio (0 to 1) is in what a phone has heard: its loudest second, wherever it was played."""
    words, rate = soundfile.read(PROMPTS / language / f"{prompt}.wav", dtype="float64")
    assert rate == 8000
    loudest = int(np.argmax(np.convolve(np.square(words), np.ones(8000), "valid")))
    part = words[loudest : loudest + 8000]
    audio = call.heard().astype(np.float64)
    if len(audio) < len(part):
        return 0.0
    size, last = 1 << (len(audio) + len(part)).bit_length(), len(audio) - len(part) + 1
    alike = np.fft.irfft(np.fft.rfft(audio, size) * np.conj(np.fft.rfft(part, size)), size)[:last]
    sums = np.concatenate([[0.0], np.cumsum(np.square(audio))])
    power = sums[len(part) :] - sums[: -len(part)]
    return float(np.max(alike / np.sqrt(np.maximum(power, 1.0) * np.sum(np.square(part)))))


async def hears_words(call, prompt):
    await eventually(lambda: heard_words(call, prompt) > 0.7, PATIENCE, f"the caller hears {prompt}")


def steps(call, *what):
    """The call's timeline, as far as it is of one of `what`: (what, reason or trunk's name)."""
    return [(m.what, dict(m.detail).get("why", "")) for m in call.timeline if m.what in what]


async def waits(world, number="13800001234"):
    """A caller whom nobody serves."""
    id_, caller = await world.dials(number)
    talk = Talk(world, id_, caller, None, Voices(caller=caller))
    await talk.state("waiting")
    return talk


def told_at_once(when, ringing, what):
    """Measured, and judged by nobody: milliseconds from the order to the INVITE at the line's phone."""
    print(f"{what}: INVITE after {1000 * (ringing.invite_received_at - when):.0f} ms")


# ---------------------------------------------------------------------- the seat's key
async def test_caller_and_seat_are_parted_while_the_emergency_line_rings_or_when_it_leaves(bench, late):
    async with floor(bench) as world:
        talk = await world.talk()
        since = time.time()
        police = world.outside["police"]
        police.takes(Manner(after=1.5))
        part = world.engine.emergency(talk.id, "110", by="8001")
        again = world.engine.emergency(talk.id, "110", by="8001")
        assert again == part, "pressed twice it is one line"
        ringing = await police.rings()
        told_at_once(since, ringing, "a seat's key")
        assert ringing.caller == "13800001234", "the emergency line sees the caller's number"
        assert talk.call.party(part).state == "ringing" and not talk.call.held
        await talk.voices.hear(caller={"seat"}, seat={"caller"})
        talk.voices.add("110", await police.answers())
        await talk.voices.all_hear_all()
        await talk.party(part, "joined")
        together(talk, since, late)
        await talk.voices["110"].hang_up()
        await talk.party(part, "left")
        await talk.voices.hear(caller={"seat"}, seat={"caller"})
        together(talk, since, late)
        assert len(police.seen) == 1
        await world.no_surrogates()


async def test_a_busy_or_silent_trunk_is_the_end_of_an_emergency_or_costs_the_talk(bench, late):
    """Busy, then unanswered, then the fallback; afterwards all of them fail. The seat sees each step."""
    async with floor(bench) as world:
        talk = await world.talk()
        since = time.time()
        seen = []
        world.engine.observe(lambda change: seen.extend(
            (p.tried, str(p.state), p.why, p.label) for c in change.calls for p in c.parties if p.how == "emergency"))
        world.outside["police"].takes(Manner(refuses=486))
        world.outside["police-2"].takes(RINGS_ON)
        part = world.engine.emergency(talk.id, "110", by="8001")
        ringing = await world.outside["police-2"].rings()
        talk.voices.add("119", await world.outside["fire"].answers())
        assert (await ringing.ended(5)).by == "remote", "a line that rang for nothing is released"
        party = await talk.party(part, "joined")
        await talk.voices.all_hear_all()
        assert party.tried == 3
        told = list(dict.fromkeys(seen))
        assert [(tried, state, why) for tried, state, why, _ in told] == [
            (1, "ringing", ""), (2, "ringing", "busy"), (3, "ringing", "no_answer"), (3, "joined", ""),
        ]  # fmt: skip
        assert "119" in told[-1][3] and "110" in told[0][3], "the seat sees which line rings"
        assert steps(talk.call, "line_rung", "try_failed", "party_joined") == [
            ("line_rung", ""), ("try_failed", "busy"), ("line_rung", ""), ("try_failed", "no_answer"),
            ("line_rung", ""), ("party_joined", ""),
        ]  # fmt: skip
        together(talk, since, late)
        await talk.voices["119"].hang_up()
        await talk.party(part, "left")
        # And now nobody can be reached: the talk goes on, and the seat is told why.
        for trunk, status in (("police", 503), ("police-2", 480), ("fire", 603)):
            world.outside[trunk].takes(Manner(refuses=status))
        part = world.engine.emergency(talk.id, "110", by="8001")
        party = await talk.party(part, "failed")
        assert party.tried == 3 and party.why == "refused"
        assert [why for what, why in steps(talk.call, "try_failed")][2:] == ["unreachable", "no_answer", "refused"]
        assert steps(talk.call, "party_failed") == [("party_failed", "refused")]
        await talk.voices.hear(caller={"seat"}, seat={"caller"})
        together(talk, since, late)


async def joined(world, talk, entry, trunk, name=None):
    """The seat's key, and the line that answers is in the talk."""
    part = world.engine.emergency(talk.id, entry, by="8001")
    line = talk.voices.add(name or trunk, await world.outside[trunk].answers())
    await talk.party(part, "joined")
    return line


async def test_a_seat_that_is_aside_cannot_call_for_help_or_leaves_its_caller_alone_with_the_line(bench):
    """It holds the caller, consults, has somebody else rung: the line rings, and caller, seat and line are together."""
    async with floor(bench) as world:
        talk = await world.talk()
        world.engine.arrange(talk.id, "hold")
        await talk.voices.music()
        line = await joined(world, talk, "119", "fire")
        await talk.voices.all_hear_all()
        await line.hang_up()
        await talk.voices.all_hear_all("caller", "seat")
        # In a private consultation; who was consulted waits in the music and can be brought in.
        part = world.engine.want_party(talk.id, "consult", entry="expert")
        expert = talk.voices.add("expert", await world.outside["expert"].answers())
        await talk.party(part, "joined")
        await talk.voices.hear(seat={"expert"}, expert={"seat"}, caller=NOBODY)
        line = await joined(world, talk, "120", "medical")
        await talk.voices.all_hear_all("caller", "seat", "medical")
        await talk.voices.music("expert")
        world.engine.arrange(talk.id, "join")
        await talk.voices.all_hear_all("caller", "seat", "medical", "expert")
        await expert.hang_up()
        await line.hang_up()
        await talk.voices.all_hear_all("caller", "seat")
        # While the one it consults still rings: who answers then comes to all, and hears nothing it should not.
        world.outside["expert"].takes(RINGS_ON)
        part = world.engine.want_party(talk.id, "consult", entry="expert")
        waiting = await world.outside["expert"].rings()
        await talk.voices.music()
        line = await joined(world, talk, "119", "fire", "fire again")
        await talk.voices.all_hear_all("caller", "seat", "fire again")
        assert (await talk.party(part, "failed")).why == "no_answer"
        assert waiting.end is not None
        await talk.voices.all_hear_all("caller", "seat", "fire again")
        await world.no_surrogates()
