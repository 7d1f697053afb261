"""Supervisors on a real Asterisk: who hears whom in each mode, and what becomes of seats and callers."""

import secrets

import aiohttp
import pytest

from calls import OrderError
from demo import Manner
from routing import SeatState
from service.access import issue
from tests.conftest import eventually
from tests.parties.world import NOBODY, PATIENCE, floor

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
OWN = "8003"
"""The supervisor's phone."""


async def on_duty(world, state=SeatState.BREAK):
    """The supervisor's phone is there; it takes no callers, as one who supervises."""
    await world.seat(OWN)
    world.engine.ask_seat(OWN, state)
    await world.seat_becomes(OWN, state.value)


async def supervises(world, talk, mode, name="boss"):
    """The supervisor's phone rings, and is answered."""
    world.engine.supervise(talk.id, mode, OWN, by="supervisor")
    return talk.voices.add(name, await world.takes(OWN))


def moments(call, *what):
    return [(m.what, dict(m.detail).get("mode", "")) for m in call.timeline if m.what in what]


async def test_who_listens_is_heard_or_a_whisper_reaches_the_caller_or_the_expert(bench):
    """Listens, whispers, listens again, stops; meanwhile nobody else rings its phone."""
    async with floor(bench) as world:
        talk = await world.talk()
        await on_duty(world, SeatState.OFFLINE)
        part = world.engine.want_party(talk.id, "join", entry="expert")
        expert = talk.voices.add("expert", await world.outside["expert"].answers())
        await talk.party(part, "joined")
        boss = await supervises(world, talk, "listen")
        alone = {"caller": {"seat", "expert"}, "seat": {"caller", "expert"}, "expert": {"caller", "seat"}}
        await talk.voices.hear(boss={"caller", "seat", "expert"}, **alone)
        await eventually(lambda: moments(talk.call, "observer_listens"), what="the listening is in the timeline")
        await world.seat_becomes(OWN, "talking")
        # Its phone is in use: it is offered nobody, and supervises no second call.
        world.engine.ask_seat(OWN, SeatState.AVAILABLE)
        waiting, second = await world.dials("13800005678")
        await second.press("5")
        await eventually(lambda: world.engine.calls[waiting].state.value == "waiting", what="another caller waits")
        await talk.voices.hear(boss={"caller", "seat", "expert"})
        assert world.engine.calls[waiting].state.value == "waiting"
        await second.hang_up()
        world.engine.ask_seat(OWN, SeatState.OFFLINE)
        world.engine.supervise(talk.id, "whisper", OWN, by="supervisor")
        await talk.voices.hear(boss={"caller", "seat", "expert"}, **alone | {"seat": {"caller", "expert", "boss"}})
        world.engine.supervise(talk.id, "listen", OWN, by="supervisor")
        await talk.voices.hear(boss={"caller", "seat", "expert"}, **alone)
        await expert.hang_up()
        await talk.voices.hear(boss={"caller", "seat"}, caller={"seat"}, seat={"caller"})
        world.engine.supervise(talk.id, "stop", OWN, by="supervisor")
        await boss.ended(PATIENCE)
        await world.seat_becomes(OWN, "offline")
        await talk.voices.hear(caller={"seat"}, seat={"caller"})
        assert not talk.voices.log("caller", "boss") and not talk.voices.log("expert", "boss")
        assert moments(talk.call, "observer_rung", "observer_listens", "observer_mode", "observer_left") == [
            ("observer_rung", "listen"), ("observer_listens", "listen"), ("observer_mode", "whisper"),
            ("observer_mode", "listen"), ("observer_left", "listen"),
        ]  # fmt: skip
        await world.no_surrogates()


async def test_who_barges_in_throws_the_seat_out_or_cannot_leave_again(bench):
    """From listening, and at once; it leaves by its order, by its phone, and its seat is what it was."""
    async with floor(bench) as world:
        talk = await world.talk()
        await on_duty(world)
        await supervises(world, talk, "whisper")
        await talk.voices.hear(boss={"caller", "seat"}, caller={"seat"}, seat={"caller", "boss"})
        world.engine.supervise(talk.id, "barge", OWN, by="supervisor")
        await talk.voices.all_hear_all()
        assert talk.call.seat == "8001" and world.is_seat(OWN, "talking")
        world.engine.supervise(talk.id, "stop", OWN, by="supervisor")
        await talk.voices["boss"].ended(PATIENCE)
        await talk.voices.hear(caller={"seat"}, seat={"caller"})
        await world.seat_becomes(OWN, "break")
        await supervises(world, talk, "barge", "boss again")
        await talk.voices.all_hear_all("caller", "seat", "boss again")
        await talk.voices["boss again"].hang_up()
        await talk.voices.hear(caller={"seat"}, seat={"caller"})
        await world.seat_becomes(OWN, "break")
        assert talk.call.state.value == "talking"
        await world.no_surrogates()


async def test_a_takeover_leaves_the_caller_alone_or_nobody_in_charge(bench):
    """At once; and then of the next caller, from listening."""
    async with floor(bench) as world:
        await on_duty(world)
        for step in ("at once", "from listening"):
            talk = await world.talk(number="13800001234" if step == "at once" else "13800005678")
            if step == "at once":
                await supervises(world, talk, "takeover")
            else:
                await supervises(world, talk, "listen")
                await talk.voices.hear(boss={"caller", "seat"}, caller={"seat"}, seat={"caller"})
                world.engine.supervise(talk.id, "takeover", OWN, by="supervisor")
            await talk.seat.ended(PATIENCE)
            await talk.voices.hear(caller={"boss"}, boss={"caller"})
            seat, boss = talk.voices.log("caller", "seat")[-1], talk.voices.log("caller", "boss")[-1]
            # The recording begins anew for who stays: a quarter of a second in the music, no more.
            assert seat.ended is not None and boss.began - seat.ended <= 0.6, "somebody is always with the caller"
            assert talk.call.seat == OWN and talk.call.main_seat is not None
            assert talk.call.main_seat.who == OWN, "the supervisor's seat is in charge"
            await world.seat_becomes("8001", "available")
            await talk.caller.hang_up()
            await talk.voices["boss"].ended(PATIENCE)
            await world.seat_becomes(OWN, "wrap_up")
            await world.seat_becomes(OWN, "break")
            await eventually(lambda i=talk.id: i not in world.engine.calls, what="the call is over")


async def test_a_supervisor_who_cannot_come_costs_the_talk_or_stays_busy(bench):
    async with floor(bench, seats=("8001",)) as world:
        talk = await world.talk()
        with pytest.raises(OrderError) as refused:
            world.engine.supervise(talk.id, "stop", "8004")
        assert refused.value.code == "not-joined"
        await on_duty(world)
        for mode in ("listen", "barge", "takeover"):
            world.engine.supervise(talk.id, mode, OWN)
            assert await world.takes(OWN, Manner(refuses=486)) is not None
            await world.seat_becomes(OWN, "break")
            assert talk.call.state.value == "talking" and talk.call.seat == "8001"
        assert [(p.state, p.why) for p in talk.call.parties] == [("failed", "busy")] * 2
        # It hangs up while it listens; the seat, the caller while it listens: its phone is free each time.
        await supervises(world, talk, "listen")
        await talk.voices.hear(boss={"caller", "seat"})
        await talk.voices["boss"].hang_up()
        await world.seat_becomes(OWN, "break")
        await talk.voices.hear(caller={"seat"}, seat={"caller"})
        await supervises(world, talk, "whisper", "boss again")
        await talk.voices.hear(seat={"caller", "boss again"}, caller={"seat"})
        await talk.caller.hang_up()
        await talk.voices["boss again"].ended(PATIENCE)
        await world.seat_becomes(OWN, "break")
        # Busy with a caller of its own, or with another call: refused.
        await world.seat_becomes("8001", "available")
        first = await world.talk(number="13800005678")
        world.engine.ask_seat(OWN, SeatState.AVAILABLE)
        second = await world.talk(OWN, "13800009999")
        with pytest.raises(OrderError) as refused:
            world.engine.supervise(first.id, "listen", OWN)
        assert refused.value.code == "supervisor-busy"
        with pytest.raises(OrderError) as refused:
            world.engine.supervise(second.id, "listen", OWN)
        assert refused.value.code == "supervisor-busy"


class Numbers:
    """Random numbers of the phones, but for the one that their packets begin with: the switch takes lower ones of
    another party for late packets of the one before."""

    first = 40000

    def randbits(self, bits):
        return self.first if bits == 16 else secrets.randbits(bits)


@pytest.mark.parametrize("first", [20000, 60000])
async def test_a_listener_misses_who_comes_next_or_outlives_the_seat_that_it_listens_to(bench, monkeypatch, first):
    """The seat consults, is heard there too, hands the caller over and goes: the listening is over, the talk is not."""
    numbers = Numbers()
    monkeypatch.setattr("demo._rtp._sender.secrets", numbers)
    async with floor(bench) as world:
        talk = await world.talk()
        await on_duty(world)
        await supervises(world, talk, "listen")
        await talk.voices.hear(boss={"caller", "seat"})
        numbers.first = first
        part = world.engine.want_party(talk.id, "consult", entry="expert")
        one = talk.voices.add("one", await world.outside["expert"].answers())
        await talk.party(part, "joined")
        await talk.voices.hear(boss={"seat", "one"}, seat={"one"}, one={"seat"}, caller=NOBODY)
        world.engine.arrange(talk.id, "join")
        await talk.voices.hear(boss={"caller", "seat", "one"})
        await one.hang_up()
        await talk.voices.hear(boss={"caller", "seat"}, caller={"seat"}, seat={"caller"})
        part = world.engine.want_party(talk.id, "consult", entry="expert")
        talk.voices.add("expert", await world.outside["expert"].answers())
        await talk.party(part, "joined")
        await talk.voices.hear(boss={"seat", "expert"}, seat={"expert"}, expert={"seat"}, caller=NOBODY)
        world.engine.arrange(talk.id, "complete")
        await talk.voices["boss"].ended(PATIENCE)
        await talk.voices.hear(caller={"expert"}, expert={"caller"})
        await world.seat_becomes(OWN, "break")
        with pytest.raises(OrderError) as refused:
            world.engine.supervise(talk.id, "listen", OWN)
        assert refused.value.code == "not-talking"


# ---------------------------------------------------------------------- by the API
async def test_an_order_sent_twice_rings_twice_or_a_listening_is_not_written_down(bench):
    async with floor(bench) as world, aiohttp.ClientSession() as session:
        settings = world.hotline.settings
        talk = await world.talk()
        await on_duty(world)

        async def order(path, body, role, seat=None, key="one"):
            headers = {"Authorization": f"Bearer {issue(settings, role, role, seat)}", "Idempotency-Key": key}
            url = f"http://{settings.http_host}:{settings.http_port}/api/v1/calls/{talk.id}/{path}"
            async with session.post(url, headers=headers, json=body) as answer:
                return answer.status, await answer.json()

        first = await order("parties", {"how": "join", "entry": "expert"}, "seat", "8001")
        again = await order("parties", {"how": "join", "entry": "expert"}, "seat", "8001")
        assert first[0] == again[0] == 200 and first[1]["id"] == again[1]["id"]
        talk.voices.add("expert", await world.outside["expert"].answers())
        await talk.party(first[1]["id"], "joined")
        late = await order("parties", {"how": "join", "entry": "expert"}, "seat", "8001")
        assert late[0] == 200 and late[1]["id"] == first[1]["id"] and late[1]["state"] == "joined"
        for _ in range(2):
            status, party = await order("emergency", {"entry": "119"}, "seat", "8001", "two")
            assert status == 200 and party["emergency"]
        talk.voices.add("119", await world.outside["fire"].answers())
        for _ in range(2):
            assert (await order("supervise", {"mode": "listen", "seat": OWN}, "supervisor", key="three"))[0] == 200
        talk.voices.add("boss", await world.takes(OWN))
        await talk.voices.hear(boss={"caller", "seat", "expert", "119"})
        await talk.voices.all_hear_all("caller", "seat", "expert", "119")
        assert (await order("supervise", {"mode": "listen", "seat": OWN}, "seat", "8001"))[0] == 403
        assert [p.how for p in talk.call.parties] == ["join", "emergency"]
        assert len(world.outside["expert"].seen) == len(world.outside["fire"].seen) == 1
        rows = (await world.hotline.store.audits(object_id=talk.id)).items
        written = {(row.what, row.who) for row in rows}
        assert {("party", "seat"), ("emergency", "seat"), ("supervise", "supervisor")} <= written
        assert all("13800001234" not in str(row) for row in rows)
