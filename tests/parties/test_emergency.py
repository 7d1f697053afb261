"""Emergency lines on a real Asterisk (Art. 11): each test is named by what would go wrong for the caller."""

import asyncio
import contextlib
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from demo import Manner
from routing import SeatState
from tests.conftest import eventually
from tests.parties.world import NOBODY, PATIENCE, Talk, Voices, floor
from tests.words import heard_words

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
LONGEST_GAP = 0.1
"""Seconds for which caller and seat may be parted by an emergency line that comes, fails or leaves."""
SILENT = 60.0
RINGS_ON = Manner(after=None)
POLICE = {
    "name": {"zh": "110 公安报警", "en": "110 police"}, "kind": "emergency", "numbers": "110",
    "trunks": ["police", "police-2"], "fallback": "119",
}  # fmt: skip


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
        until = spans[-1].ended or time.time()
        assert time.time() - until < 0.5 + late[0], f"{listener} does not hear {voice} any more"
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


async def hears_words(call, prompt):
    await eventually(lambda: heard_words(call, prompt) > 0.7, PATIENCE, f"the caller hears {prompt}")


def steps(call, *what):
    """The call's timeline, as far as it is of one of `what`: (what, reason or trunk's name)."""
    return [(m.what, dict(m.detail).get("why", "")) for m in call.timeline if m.what in what]


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
        assert (await ringing.ended(20)).by == "remote", "a line that rang for nothing is released"
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


# ---------------------------------------------------------------------- the caller's digit
def quick(world, **waiting):
    """The same rules of waiting with short times."""
    book = world.engine.host.book
    rules = replace(book.waiting, **waiting)
    modes = {name: replace(mode, waiting=rules) for name, mode in book.modes.items()}
    world.engine.set_book(replace(book, waiting=rules, modes=modes))
    world.engine.rules = replace(world.engine.rules, tell_after=rules.tell_after, tell_every=rules.tell_every)


async def rung_by(talk, line, what):
    """The line's phone rings after the caller's key; the caller is told so, and both talk when it answers."""
    ringing = await line.rings()
    told_at_once(talk.pressed_at, ringing, what)
    assert ringing.caller == talk.call.caller_number
    talk.voices.add("110", await line.answers())
    await talk.state("talking")
    await talk.voices.all_hear_all("caller", "110")


class Waiting(Talk):
    """A caller with nobody; `pressed_at`: when it pressed its key."""

    pressed_at = 0.0

    async def presses(self, key="9"):
        self.pressed_at = time.time()
        await self.caller.press(key)


async def away(world, seat="8001"):
    """A seat that is signed in and takes nobody now."""
    await world.seat(seat)
    world.engine.ask_seat(seat, SeatState.BREAK)
    await world.seat_becomes(seat, "break")


async def comes(world, seat="8001"):
    """It is back, and takes whoever is offered to it first."""
    world.engine.ask_seat(seat, SeatState.AVAILABLE)
    return await world.takes(seat)


async def caller_of(world, number="13800001234", state="waiting"):
    """A caller whom nobody serves; in the queue, a key over the greeting has brought it there."""
    id_, caller = await world.dials(number)
    talk = Waiting(world, id_, caller, None, Voices(caller=caller))
    await talk.state("arrived" if state == "waiting" else state)
    if state == "waiting":
        await caller.press("5")
        await talk.state(state)
    return talk


async def test_a_caller_in_the_queue_waits_in_silence_for_the_line_or_loses_its_seat_by_it(bench):
    """The line joins, a seat comes as third by itself; the caller leaves, and seat and line talk on."""
    async with floor(bench, entries={"110": POLICE | {"ring": 20}}) as world:
        await away(world)
        talk = await caller_of(world)
        rank = talk.call.waiting_since
        police = world.outside["police"]
        police.takes(Manner(refuses=486))
        world.outside["police-2"].takes(Manner(after=6.0))
        async with never_silent(talk.caller):
            await talk.presses()
            line = world.outside["police-2"]
            await line.rings()
            await hears_words(talk.caller, "emergency-connecting-110")
            talk.voices.add("110", await line.answers())
        await talk.state("talking")
        await talk.voices.all_hear_all("caller", "110")
        assert line.seen[0].caller == "13800001234"
        assert talk.call.waiting_since == rank
        talk.voices.add("seat", await comes(world))
        await talk.voices.all_hear_all()
        assert talk.call.seat == "8001" and talk.call.main_seat is not None, "the seat is in charge"
        await talk.caller.hang_up()
        await talk.state("staying")
        await talk.voices.hear(**{"seat": {"110"}, "110": {"seat"}})
        await talk.voices["110"].hang_up()
        await talk.voices["seat"].ended(10)
        await world.seat_becomes("8001", "available")


async def test_a_line_that_leaves_takes_the_caller_with_it(bench):
    """With a seat there: they talk on. With none: the caller waits for one, at its rank, and is told so."""
    async with floor(bench) as world:
        await away(world)
        talk = await caller_of(world)
        rank = talk.call.waiting_since
        await talk.presses()
        await rung_by(talk, world.outside["police"], "a waiting caller's key")
        async with never_silent(talk.caller):
            await talk.voices["110"].hang_up()
            await talk.state("waiting")
            await hears_words(talk.caller, "party-left")
        assert talk.call.waiting_since == rank and world.engine.dispatcher.is_waiting(talk.id)
        await talk.presses()
        await rung_by(talk, world.outside["police"], "the key a second time")
        talk.voices.add("seat", await comes(world))
        await talk.voices.all_hear_all()
        await talk.voices["110"].hang_up()
        await talk.voices.hear(caller={"seat"}, seat={"caller"})
        assert talk.call.state.value == "talking"


async def test_a_line_that_cannot_be_reached_costs_the_caller_its_place_or_leaves_it_untold(bench):
    """All trunks fail; and an entry that has no trunk at all."""
    async with floor(bench) as world:
        await away(world)
        talk = await caller_of(world)
        await caller_of(world, "13800005678")
        rank = talk.call.waiting_since
        for trunk, status in (("police", 486), ("police-2", 503), ("fire", 480)):
            world.outside[trunk].takes(Manner(refuses=status))
        async with never_silent(talk.caller):
            await talk.presses()
            await eventually(lambda: talk.call.parties and talk.call.parties[0].state == "failed", what="all failed")
            await hears_words(talk.caller, "emergency-failed")
        assert talk.call.waiting_since == rank and talk.call.state.value == "waiting"
        served = await comes(world)
        assert served.caller == "13800001234", "its place is the first"
        await talk.state("talking")
        await talk.caller.hang_up()
    async with floor(bench, entries={"110": {"name": "110", "kind": "emergency", "numbers": "110"}}) as world:
        talk = await caller_of(world)
        await talk.presses()
        await hears_words(talk.caller, "emergency-failed")
        assert talk.call.state.value == "waiting" and not talk.call.parties
        assert all(not line.seen for line in world.outside.values())


async def test_the_key_is_dead_in_the_greeting(bench):
    async with floor(bench) as world:
        talk = await caller_of(world, state="arrived")
        await talk.presses()
        await rung_by(talk, world.outside["police"], "a key in the greeting")


async def test_the_key_is_dead_in_the_self_service_flow(bench):
    async with floor(bench, config={"numbers": {"12345": {"flow": "self-service"}}}) as world:
        await away(world)
        talk = await caller_of(world, state="in_flow")
        async with never_silent(talk.caller):
            await talk.presses()
            await rung_by(talk, world.outside["police"], "a key in the flow")
        talk.voices.add("seat", await comes(world))
        await talk.voices.all_hear_all()


async def test_the_key_is_dead_for_who_speaks_to_the_machine_or_is_held(bench):
    async with floor(bench) as world:
        quick(world, voicemail_after=1, tell_after=1)
        talk = await caller_of(world)
        await eventually(lambda: talk.call.state.value == "voicemail", 2 * PATIENCE, str(talk.call.timeline))
        assert heard_words(talk.caller, "nobody-now") > 0.7
        await talk.presses()
        await rung_by(talk, world.outside["police"], "a key at the voicemail")
        await talk.caller.hang_up()
        # A caller with a seat has somebody to tell it to; one that is held has not.
        other = await world.talk(number="13800005678")
        await other.caller.press("9")
        world.engine.arrange(other.id, "hold")
        await other.voices.music()
        assert len(world.outside["police"].seen) == 1
        await other.caller.press("9")
        other.voices.add("110", await world.outside["police"].answers())
        await other.voices.all_hear_all()


# ---------------------------------------------------------------------- modes, a full queue
async def crowd_of(world, size):
    """So many callers in the queue, all at once."""

    async def calls(phone):
        call = await phone.dial("12345")
        await call.answered(PATIENCE)
        await call.press("5")  # heard enough of the greeting
        return call

    numbers = [f"1390000{n:04}" for n in range(size)]
    phones = [await world.telephone(number) for number in numbers]
    made = await asyncio.gather(*map(calls, phones))
    await eventually(lambda: world.engine.dispatcher.waiting_count == size, 2 * PATIENCE, "all of them wait")
    ids = {call.caller_number: id_ for id_, call in world.engine.calls.items()}
    return [Waiting(world, ids[n], call, None, Voices(caller=call)) for n, call in zip(numbers, made, strict=True)]


async def test_a_full_queue_or_an_operating_mode_stands_before_an_emergency(bench):
    async with floor(bench) as world:
        talk = await world.talk()
        since = time.time()
        crowd = await crowd_of(world, 30)
        assert world.engine.dispatcher.waiting_count == 30
        for mode, entry, trunk in (("surge", "119", "fire"), ("disaster", "120", "medical")):
            world.engine.set_mode(mode, "test", "")
            line = await joined(world, talk, entry, trunk)
            await talk.voices.all_hear_all("caller", "seat", trunk)
            await line.hang_up()
            await talk.voices.all_hear_all("caller", "seat")
            last = crowd.pop()
            await last.presses()
            await rung_by(last, world.outside["police"], f"the key of the last of thirty, in {mode}")
            await last.caller.hang_up()
        assert [c.call.state.value for c in crowd] == ["waiting"] * 28
        print(f"caller and seat were together for {time.time() - since:.0f} s")
