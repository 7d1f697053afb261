"""What persons order of a call's parties: what is refused, and why; an order sent twice is done once."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls import CallState
from calls import commands as c
from calls import events as e
from routing import SeatState
from tests.unit.calls.party_world import CALL, SEATS, World, refused

S = CallState


@pytest.fixture
async def world():
    """8001 talks with the caller."""
    world = World()
    await world.caller(seats=("8001",))
    world.engine.feed([e.PhoneUp(i) for i in SEATS])
    await world.rest()
    assert world.who_hears() == {"8001"}
    return world


def of(world, kind):
    return [x for x in world.switch.commands if isinstance(x, kind)]


# ---------------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"how": "steal", "entry": "water"}, "bad-order"),
        ({"how": "join"}, "bad-order"),
        ({"how": "join", "seat": "8002", "entry": "water"}, "bad-order"),
        ({"how": "join", "skill": "en", "number": "057712345678"}, "bad-order"),
        ({"how": "join", "entry": "nobody"}, "no-entry"),
        ({"how": "join", "entry": "gone"}, "entry-disabled"),
        ({"how": "join", "entry": "shut"}, "entry-closed"),
        ({"how": "join", "number": "057112345678"}, "number-not-allowed"),
        ({"how": "join", "entry": "water", "number": "96391"}, "number-not-allowed"),
        ({"how": "join", "seat": "9999"}, "no-such-seat"),
        ({"how": "join", "seat": "8001"}, "seat-busy"),
        ({"how": "join", "skill": "ja"}, "nobody-has-skill"),
        ({"how": "transfer", "skill": "ja"}, "nobody-has-skill"),
        ({"how": "consult", "centre": "nowhere"}, "no-such-centre"),
        ({"how": "join", "entry": "water", "asking": "8005"}, "not-joined"),
        ({"how": "join", "entry": "water", "key": "line\nbreak"}, "bad-order"),
        ({"how": "join", "entry": "water", "key": "x" * 300}, "bad-order"),
    ],
)  # fmt: skip
async def test_a_party_that_cannot_be_had_is_refused_with_its_reason_and_nothing_happens(world, order, code):
    before, sent = world.call, len(world.switch.commands)
    assert refused(world.engine.want_party, CALL, **order) == code
    await world.rest()
    assert world.call == before
    assert len(world.switch.commands) == sent


@pytest.mark.parametrize(
    ("what", "code"),
    [("resume", "nothing-held"), ("join", "not-in-consult"), ("swap", "not-in-consult"), ("complete", "not-in-consult"),
     ("return", "not-in-consult"), ("leave", "not-joined"), ("dance", "bad-order")],
)  # fmt: skip
async def test_what_makes_no_sense_in_a_talk_of_two_is_refused(world, what, code):
    assert refused(world.engine.arrange, CALL, what) == code


async def test_what_makes_no_sense_aside_is_refused(world):
    world.engine.arrange(CALL, "hold")
    await world.rest()
    assert refused(world.engine.arrange, CALL, "hold") == "bad-order"
    assert refused(world.engine.arrange, CALL, "leave") == "not-joined", "the caller would be alone"
    assert refused(world.engine.arrange, CALL, "mute", seat="8005") == "not-joined"


@pytest.mark.parametrize(("seat", "mode", "code"), [
    ("9999", "listen", "no-such-seat"), ("8006", "spy", "bad-order"), ("8006", "stop", "not-joined"),
    ("8001", "listen", "supervisor-busy"), ("8001", "stop", "not-joined")])  # fmt: skip
async def test_who_cannot_listen_is_refused(world, seat, mode, code):
    assert refused(world.engine.supervise, CALL, mode, seat) == code


async def test_a_supervisor_whose_phone_listens_to_another_call_is_busy(world):
    await world.caller("hotline-2.0")
    world.engine.supervise("hotline-2.0", "listen", "8007")
    await world.rest()
    await world.answer()
    assert refused(world.engine.supervise, CALL, "listen", "8007") == "supervisor-busy"
    world.engine.dispatcher.talk_ended("8007", "hotline-2.0", world.now, wrap_up=False)
    assert refused(world.engine.supervise, CALL, "listen", "8007") == "supervisor-busy", "the legs say so too"


async def test_orders_for_a_call_that_is_not_or_is_over_say_so(world):
    engine = world.engine
    assert refused(engine.want_party, "hotline-9.9", "join", entry="water") == "no-such-call"
    assert refused(engine.emergency, "hotline-9.9", "110") == "no-such-call"
    assert refused(engine.drop_party, CALL, "p9") == "no-party"
    world.switch.leave(CALL)
    await world.rest()
    assert world.call.state is S.WRAP_UP
    for order in (lambda: engine.want_party(CALL, "join", entry="water"), lambda: engine.arrange(CALL, "hold"),
                  lambda: engine.supervise(CALL, "listen", "8006"), lambda: engine.emergency(CALL, "110")):  # fmt: skip
        assert refused(order) == "too-late"


async def test_a_waiting_caller_can_have_an_emergency_and_nothing_else():
    world = World()
    world.switch.arrive(CALL)
    world.switch.greeted(CALL)
    await world.rest()
    assert refused(world.engine.want_party, CALL, "join", entry="water") == "not-talking"
    assert refused(world.engine.arrange, CALL, "hold") == "not-talking"
    world.engine.emergency(CALL, "110")
    await world.rest()
    await world.answer()
    assert world.who_hears() == {"line.110"}
    assert refused(world.engine.supervise, CALL, "listen", "8006") == "not-talking", "no seat of ours is there"


async def test_a_party_that_is_over_cannot_be_dropped_again(world):
    part = world.engine.want_party(CALL, "join", entry="water")
    await world.rest()
    world.engine.drop_party(CALL, part)
    await world.rest()
    assert refused(world.engine.drop_party, CALL, part) == "too-late"


async def test_six_are_a_talk_and_the_seventh_is_refused(world):
    for seat in ("8002", "8003", "8004"):
        world.engine.want_party(CALL, "join", seat=seat)
        await world.rest()
        await world.answer()
    world.engine.want_party(CALL, "join", entry="water")
    await world.rest()
    assert 1 + len(world.who_hears()) == 5
    for order in ({"entry": "119"}, {"skill": "en"}, {"seat": "8005"}):
        assert refused(world.engine.want_party, CALL, "join", **order) == "full", "one rings already"
    assert refused(world.engine.supervise, CALL, "barge", "8006") == "full"
    world.engine.supervise(CALL, "listen", "8006")
    await world.rest()
    assert world.engine.emergency(CALL, "110"), "an emergency always has a place"


# ---------------------------------------------------------------------- what is done
async def test_a_seat_asked_for_by_name_that_another_caller_gets_first_is_busy_and_not_waited_for(world):
    part = world.engine.want_party(CALL, "join", seat="8002")
    world.engine.dispatcher.ask("8002", SeatState.BREAK, world.now)
    await world.rest()
    assert world.call.party(part).state == "queued"
    await world.later(2.5)
    assert (world.call.party(part).state, world.call.party(part).why) == ("failed", "busy")


async def test_a_number_that_the_allow_list_has_is_rung_and_stands_in_no_timeline(world):
    part = world.engine.want_party(CALL, "join", number="057712345678")
    await world.rest()
    assert of(world, c.RingLine)[-1].number == "057712345678"
    assert world.call.party(part).target == "number"
    assert "057712345678" not in repr(world.call.timeline)


async def test_a_transfer_to_a_skill_frees_the_seat_at_once_and_the_next_one_with_it_is_rung(world):
    assert world.engine.want_party(CALL, "transfer", skill="en") == "queue"
    await world.rest()
    assert world.seat("8001").state is SeatState.WRAP_UP
    assert world.call.state is S.OFFERED
    assert world.call.offer.seat in ("8002", "8003")
    await world.answer()
    assert world.who_hears() <= {"8002", "8003"}
    assert len(world.who_hears()) == 1


async def test_an_emergency_that_rings_already_is_the_same_party(world):
    part = world.engine.emergency(CALL, "110")
    assert world.engine.emergency(CALL, "110") == part, "in one turn"
    await world.rest()
    assert world.engine.emergency(CALL, "110") == part, "while it rings"
    await world.answer()
    assert world.engine.emergency(CALL, "110") == part, "while it talks"
    assert len(world.call.parties) == 1
    assert world.engine.emergency(CALL, "119") != part, "another line is another party"


async def test_an_emergency_that_failed_can_be_asked_for_again(world):
    part = world.engine.emergency(CALL, "119")
    await world.rest()
    (leg,) = [x for x, one in world.switch.legs.items() if one.seat == "line.119"]
    world.switch.end_leg(leg, 17)
    await world.rest()
    assert world.engine.emergency(CALL, "119") != part
    await world.rest()
    assert [p.state for p in world.call.parties] == ["failed", "ringing"]


async def test_each_supervisor_hears_the_seat_and_is_heard_by_nobody(world):
    world.engine.supervise(CALL, "listen", "8006")
    await world.rest()
    await world.answer()
    assert world.who_hears() == {"8001"}
    assert world.seat("8006").state is SeatState.TALKING, "no caller is offered to it meanwhile"
    world.engine.supervise(CALL, "stop", "8006")
    await world.rest()
    assert world.seat("8006").state is SeatState.AVAILABLE, "without a wrap-up"


# ---------------------------------------------------------------------- keys
ORDERS = {
    "party": lambda engine: engine.want_party(CALL, "join", entry="water", key="k"),
    "consult": lambda engine: engine.want_party(CALL, "consult", seat="8002", key="k"),
    "requeue": lambda engine: engine.want_party(CALL, "transfer", skill="en", key="k"),
    "emergency": lambda engine: engine.emergency(CALL, "110", key="k"),
    "hold": lambda engine: engine.arrange(CALL, "hold", key="k"),
    "supervise": lambda engine: engine.supervise(CALL, "listen", "8006", key="k"),
}


@pytest.mark.parametrize("name", ORDERS)
async def test_an_order_with_a_key_is_done_once_in_a_turn_in_a_later_one_and_after_a_takeover(world, name):
    order = ORDERS[name]
    first = order(world.engine)
    assert order(world.engine) == first, "the answer was lost: the client asks again at once"
    await world.rest()
    done, sent = world.call, len(world.switch.commands)
    assert order(world.engine) == first, "later"
    await world.rest()
    assert (world.call, len(world.switch.commands)) == (done, sent)
    await world.taken_over(0.0, sweep=False)
    assert order(world.engine) == first, "another process"
    await world.rest()
    assert (world.call.parties, world.call.legs) == (done.parties, done.legs)
    assert not world.engine.counters.errors


async def test_a_dropped_party_is_dropped_once_by_its_key(world):
    part = world.engine.want_party(CALL, "join", entry="water")
    await world.rest()
    for _ in range(2):
        world.engine.drop_party(CALL, part, key="d")
        await world.rest()
    assert len(of(world, c.CancelLeg)) == 1


async def test_a_key_is_one_calls_own(world):
    await world.caller("hotline-2.0")
    first = world.engine.want_party(CALL, "join", entry="water", key="k")
    second = world.engine.want_party("hotline-2.0", "join", entry="water", key="k")
    await world.rest()
    assert world.call.party(first).state == "ringing"
    assert world.engine.calls["hotline-2.0"].party(second).state == "ringing"


async def test_a_refused_order_does_not_use_its_key_up(world):
    assert refused(world.engine.want_party, CALL, "join", entry="gone", key="k") == "entry-disabled"
    part = world.engine.want_party(CALL, "join", entry="water", key="k")
    await world.rest()
    assert world.call.party(part).state == "ringing"


@given(st.lists(st.sampled_from(["water", "119", "110", "8003", "turn", "drop", "die"]), max_size=14))
@settings(max_examples=40, deadline=None)
def test_no_two_parties_of_a_call_ever_have_one_id(acts):
    async def story():
        world = World()
        await world.caller()
        given_out = set()
        for act in acts:
            if act == "turn":
                await world.rest()
            elif act == "die":
                await world.rest()
                await world.taken_over()
            elif act == "drop":
                await world.rest()
                for party in world.call.parties:
                    if party.state in ("ringing", "joined"):
                        world.engine.drop_party(CALL, party.id)
            else:
                room = 1 + len(world.call.talkers) + len(world.call.parties) + len(world.engine._inbox)
                if room < 6:
                    target = {"seat": act} if act == "8003" else {"entry": act}
                    if act != "8003" or world.seat("8003").state is SeatState.AVAILABLE:
                        part = world.engine.want_party(CALL, "join", **target)
                        assert part not in given_out
                        given_out.add(part)
        await world.rest()
        assert {p.id for p in world.call.parties} == given_out
        legs = [x.id for x in world.call.legs]
        assert len(legs) == len(set(legs))

    asyncio.run(story())


# ---------------------------------------------------------------------- phones and callers by themselves
async def dials(world, to, seat="8001"):
    world.switch.commands.clear()
    world.engine.feed([e.SeatDialled("hotline-1.9", seat, to)])
    await world.rest()


@pytest.mark.parametrize(("to", "rings"), [("water", "line.water"), ("96390", "line.water"), ("8002", "8002"),
                                           ("057712345678", "line.number")])  # fmt: skip
async def test_whom_a_seat_dials_on_its_second_line_is_consulted_there(world, to, rings):
    await dials(world, to)
    (ring,) = [x for x in world.switch.commands if isinstance(x, c.RingLine | c.RingSeat)]
    assert (ring.role, ring.beside) == ("beside", "hotline-1.9")
    assert world.call.leg(ring.leg).who == rings
    assert world.call.leg("hotline-1.9").kind == "via"
    assert world.who_hears() == {"8001"}, "its first line it holds by itself"


@pytest.mark.parametrize(("to", "seat"), [("999", "8001"), ("gone", "8001"), ("8001", "8001"), ("water", "8002"),
                                          ("water", ""), ("", "8001"), ("057112345678", "8001")])  # fmt: skip
async def test_a_second_line_to_nobody_of_ours_or_of_a_seat_that_talks_with_nobody_is_ended(world, to, seat):
    await dials(world, to, seat)
    assert world.switch.commands == [c.CancelLeg("", "hotline-1.9")]
    assert world.call.parties == ()


async def test_a_second_line_that_hangs_up_stops_whom_it_rang(world):
    await dials(world, "water")
    world.engine.feed([e.CallerLeft("hotline-1.9", 16)])
    await world.rest()
    await world.later(1.5)
    assert world.who_hears() == {"8001"}
    await world.later(30.0)
    assert not [x for x in world.switch.legs if "water" in x], "nobody rings for a line that is gone"


async def test_the_emergency_key_rings_once_however_often_it_is_pressed_and_other_keys_never():
    world = World()
    world.switch.arrive(CALL)
    world.switch.greeted(CALL)
    await world.rest()
    for digit in ("5", "9", "9", "*"):
        world.engine.feed([e.DigitPressed(CALL, digit)])
        await world.rest()
    assert [p.target for p in world.call.parties] == ["entry:110"]
    assert world.call.parties[0].by == "digit"


async def refers(world, to):
    """8001's phone transfers its caller by itself: the caller is in the music, the leg ends."""
    seat = world.call.main_seat.id
    for channel in (CALL, seat):
        world.switch.bridges.pop(channel)
    world.switch.callers[CALL].held = True
    world.switch.events.append(e.Referred(CALL, seat, to))
    world.switch.end_leg(seat, 31)
    await world.rest()


@pytest.mark.parametrize(("to", "comes"), [("8002", "8002"), ("water", "line.water"), ("96390", "line.water"),
                                           ("057712345678", "line.number")])  # fmt: skip
async def test_a_caller_whom_a_phone_transfers_is_with_whom_the_phone_named(world, to, comes):
    await refers(world, to)
    await world.answer()
    assert world.who_hears() == {comes}


@pytest.mark.parametrize("to", ["999", "gone", "057112345678", ""])
async def test_a_caller_transferred_to_nobody_of_ours_is_rung_back_to_the_seat_that_did_it(world, to):
    """Others are free, and have been for longer: still the one who knows the matter first."""
    await refers(world, to)
    assert (world.call.state, world.call.offer.seat) == (S.OFFERED, "8001")


async def test_a_caller_whose_transfer_fails_is_rung_back_to_the_seat_that_did_it(world):
    await refers(world, "water")
    (leg,) = [x for x, one in world.switch.legs.items() if one.seat == "line.water"]
    world.switch.end_leg(leg, 17)
    await world.rest()
    await world.later(6.0)  # its wrap-up
    assert (world.call.state, world.call.offer.seat) == (S.OFFERED, "8001")
