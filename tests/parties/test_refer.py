"""Phones that hold and transfer by themselves (re-INVITE, REFER), on a real Asterisk: each test is named by what would
go wrong. After each the engine's books are the switch's truth, and the caller has never been dropped."""

import contextlib

import pytest
import pytest_asyncio

from demo import Manner
from routing import SeatState
from tests.conftest import Bench, eventually
from tests.parties.processes import books_agree
from tests.parties.world import NOBODY, floor

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

ENTRY = "057188880001"
"""The number of the directory's entry `expert`."""
NUMBER = "057128880001"
"""May be dialled without an entry."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hotline(switch, redis_url, tmp_path_factory):
    """One floor for all tests of this file; seats 8001 and 8002 are signed in."""
    bench = Bench(switch, redis_url, tmp_path_factory.mktemp("refer"))
    async with floor(bench, seats=("8001", "8002"), config={"times": {"wrap_up": 0.3}}) as world:
        yield world


@contextlib.asynccontextmanager
async def talking(world, number="13800001234"):
    """A caller talks with 8001, 8002 is free. Afterwards nobody is left in the switch or the books."""
    for line in world.outside.values():
        line.takes(Manner())
        line.seen.clear()
    await world.seat_becomes("8001", "available")
    queues = [*(phone.incoming for phone in world.seats.values()), *(x.rings for x in world.outside.values())]
    for coming in (*queues, *(x.answers for x in world.outside.values())):
        with contextlib.suppress(TimeoutError):
            while True:  # what rang in the test before
                await coming(0)
    world.engine.ask_seat("8002", SeatState.BREAK, force=True)  # so that the caller comes to 8001
    talk = await world.talk(number=number)
    world.engine.ask_seat("8002", SeatState.AVAILABLE, force=True)
    try:
        yield talk
    finally:
        await world.everybody_hangs_up()
        await world.nobody_left()
    world.check()
    await books_agree(world)


async def second_line(talk, dialled, takes):
    """8001 holds its caller and dials on a second line; returns (the line, the call at the other end), in talk."""
    await talk.seat.hold()
    await talk.voices.music()
    line = await talk.world.seats["8001"].dial(dialled)
    other = await takes()
    await line.answered(10)
    talk.voices.add("line", line)
    talk.voices.add("other", other)
    await talk.voices.hear(line={"other"}, other={"line"}, caller=NOBODY)
    await books_agree(talk.world)
    return line, other


# ---------------------------------------------------------------------- blind
async def test_a_blind_transfer_to_a_seat_leaves_the_caller_in_the_music(hotline):
    async with talking(hotline) as talk:
        assert await talk.seat.refer("8002") == 200
        ringing = await hotline.seats["8002"].incoming(15)
        await ringing.ring()
        await talk.voices.music()
        await books_agree(hotline)
        await ringing.answer()
        talk.voices.add("other", ringing)
        await talk.voices.all_hear_all("caller", "other")
        assert talk.call.seat == "8002"
        await hotline.seat_becomes("8001", "available")
        await books_agree(hotline)


async def test_a_blind_transfer_to_the_outside_leaves_the_caller_in_the_music(hotline):
    async with talking(hotline) as talk:
        hotline.outside["expert"].takes(Manner(after=0.3))
        assert await talk.seat.refer(ENTRY) == 200
        talk.voices.add("other", await hotline.outside["expert"].answers())
        await talk.voices.all_hear_all("caller", "other")
        await hotline.seat_becomes("8001", "available")
        await books_agree(hotline)
        assert len(hotline.outside["expert"].seen) == 1
        # It hangs up: the caller gets a human again.
        await talk.voices["other"].hang_up()
        talk.voices.add("again", await hotline.takes("8001"))
        await talk.voices.all_hear_all("caller", "again")
        await books_agree(hotline)


async def test_a_blind_transfer_to_nobody_loses_the_caller_or_gives_it_to_others_first(hotline):
    """An unknown number, one out of its hours, a code of a seat's own state; and a line that refuses."""
    async with talking(hotline) as talk:
        seat, expert = talk.seat, hotline.outside["expert"]
        expert.takes(Manner(after=0.2, refuses=486), Manner(after=0.2, refuses=603))
        for to in ("999", "057188880009", "*11", ENTRY, NUMBER):
            assert await seat.refer(to) == 200, "the switch has taken it; what it is, is the service's word"
            talk.voices.add("seat", seat := await hotline.takes("8001"))
            await talk.voices.all_hear_all("caller", "seat")
            await books_agree(hotline)
        assert len(expert.seen) == 2


async def test_a_blind_transfer_to_a_busy_seat_disturbs_its_talk_or_loses_the_caller(hotline):
    async with talking(hotline) as talk:
        id_, second = await hotline.dials("13800005678")
        taken = await hotline.takes("8002")
        talk.voices.add("second", second)
        talk.voices.add("taken", taken)
        await talk.voices.hear(second={"taken"}, taken={"second"})
        assert await talk.seat.refer("8002") == 200
        talk.voices.add("again", await hotline.takes("8001"))
        await talk.voices.all_hear_all("caller", "again")
        await talk.voices.hear(second={"taken"}, taken={"second"})
        assert hotline.engine.calls[id_].seat == "8002"
        await books_agree(hotline)


# ---------------------------------------------------------------------- attended
async def test_an_attended_transfer_to_a_seat_tears_the_caller_out(hotline):
    async with talking(hotline) as talk:
        line, other = await second_line(talk, "8002", lambda: hotline.takes("8002"))
        assert await talk.seat.refer_to(line) == 200
        await talk.voices.all_hear_all("caller", "other")
        await hotline.seat_becomes("8001", "available")
        await books_agree(hotline)
        assert other.end is None and talk.call.seat == "8002"


async def test_an_attended_transfer_to_the_outside_tears_the_caller_out(hotline):
    async with talking(hotline) as talk:
        line, other = await second_line(talk, NUMBER, hotline.outside["expert"].answers)
        assert await talk.seat.refer_to(line) == 200
        await talk.voices.all_hear_all("caller", "other")
        await hotline.seat_becomes("8001", "available")
        await books_agree(hotline)
        await other.hang_up()
        talk.voices.add("again", await hotline.takes("8001"))
        await talk.voices.all_hear_all("caller", "again")
        await books_agree(hotline)


@pytest.mark.parametrize("then", ["answered", "refused"])
async def test_a_transfer_while_the_second_line_still_rings_leaves_the_caller_with_nobody(hotline, then):
    """The switch reports a failure (there is nobody to put the caller to) and takes both lines down all the same: the
    caller is in the music, whom the phone rang comes to it, or somebody else does."""
    async with talking(hotline) as talk:
        await talk.seat.hold()
        line = await hotline.seats["8001"].dial("8002")
        ringing = await hotline.seats["8002"].incoming(15)
        await ringing.ring()
        await line.answered(10)
        await talk.seat.refer_to(line)
        await line.ended(10)
        await talk.seat.ended(10)
        await talk.voices.music()
        await books_agree(hotline)
        if then == "answered":
            await ringing.answer()
            talk.voices.add("other", ringing)
        else:
            await ringing.reject(486)
            talk.voices.add("other", await hotline.takes("8001"))
        await talk.voices.all_hear_all("caller", "other")
        await books_agree(hotline)


async def test_a_second_line_that_is_hung_up_leaves_the_other_one_alone_or_the_caller_in_the_music(hotline):
    async with talking(hotline) as talk:
        line, other = await second_line(talk, ENTRY, hotline.outside["expert"].answers)
        await line.hang_up()
        await other.ended(10)
        await talk.seat.resume()
        await talk.voices.all_hear_all("caller", "seat")
        await books_agree(hotline)
        # The other one hangs up first: the line ends, and the seat takes its caller back.
        line, other = await second_line(talk, "8002", lambda: hotline.takes("8002"))
        await other.hang_up()
        await line.ended(10)
        await talk.seat.resume()
        await talk.voices.all_hear_all("caller", "seat")
        await books_agree(hotline)


async def test_a_second_line_that_is_given_up_leaves_the_other_phone_ringing_and_in_the_talk(hotline):
    async with talking(hotline) as talk:
        await talk.seat.hold()
        for phone in (hotline.seats["8002"], hotline.outside["expert"]):
            hotline.outside["expert"].takes(Manner(after=None))
            line = await hotline.seats["8001"].dial("8002" if phone is hotline.seats["8002"] else ENTRY)
            ringing = await (phone.incoming(15) if phone is hotline.seats["8002"] else phone.rings())
            await ringing.ring()
            await line.answered(10)
            await line.hang_up()
            await ringing.ended(10)
            await eventually(lambda: talk.call.parties[-1].state in ("failed", "withdrawn"))
            assert talk.call.parties[-1].state == "withdrawn", "its ring time has ended it, not the seat"
        await talk.seat.resume()
        await talk.voices.all_hear_all("caller", "seat")
        await hotline.seat_becomes("8002", "available")
        await books_agree(hotline)


async def test_a_second_line_to_nobody_is_kept_or_costs_the_talk(hotline):
    async with talking(hotline) as talk:
        await talk.seat.hold()
        for dialled in ("999", "8009", "057188880009"):
            line = await hotline.seats["8001"].dial(dialled)
            await line.ended(10)
        hotline.outside["expert"].takes(Manner(after=0.2, refuses=486))
        line = await hotline.seats["8001"].dial(ENTRY)
        await line.ended(10)
        await talk.seat.resume()
        await talk.voices.all_hear_all("caller", "seat")
        await books_agree(hotline)


# ---------------------------------------------------------------------- hold
async def test_a_phones_own_hold_is_silence_for_the_caller_or_ends_its_talk(hotline):
    async with talking(hotline) as talk:
        for _ in range(2):
            await talk.seat.hold()
            await talk.voices.music()
            await books_agree(hotline)
            await talk.seat.resume()
            await talk.voices.all_hear_all("caller", "seat")
        # Held by the phone, the console's orders are obeyed all the same.
        await talk.seat.hold()
        await talk.voices.music()
        hotline.engine.arrange(talk.id, "hold")
        await talk.voices.music()
        await books_agree(hotline)
        hotline.engine.arrange(talk.id, "resume")
        await talk.seat.resume()
        await talk.voices.all_hear_all("caller", "seat")
        await books_agree(hotline)


async def test_a_caller_who_hangs_up_in_the_middle_of_a_phones_transfer_leaves_phones_ringing(hotline):
    async with talking(hotline) as talk:
        line, other = await second_line(talk, "8002", lambda: hotline.takes("8002"))
        await talk.voices["caller"].hang_up()
        await talk.seat.ended(10)
        await hotline.everybody_hangs_up()
        await other.ended(10)
        await line.ended(10)
        await hotline.nobody_left()
        await hotline.seat_becomes("8001", "available")
        await hotline.seat_becomes("8002", "available")


async def test_a_caller_who_hangs_up_while_a_phones_transfer_rings_leaves_it_ringing(hotline):
    async with talking(hotline) as talk:
        hotline.outside["expert"].takes(Manner(after=None))
        assert await talk.seat.refer(ENTRY) == 200
        ringing = await hotline.outside["expert"].rings()
        await talk.voices.music()
        await talk.voices["caller"].hang_up()
        await ringing.ended(10)
        await hotline.nobody_left()
