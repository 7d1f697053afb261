"""Who comes after another partner is on the recording whatever the numbers of its packets: the switch takes lower ones
for late packets of the partner before. The phones' first numbers are fixed here."""

import asyncio

import pytest

import demo._rtp._sender as sender
from tests.conftest import eventually
from tests.parties.test_recorded import job_of, sounds
from tests.parties.world import floor

pytestmark = pytest.mark.integration


class Numbers:
    """What the phones' packets begin with."""

    def __init__(self):
        self.first = 40000

    def randbits(self, bits):
        import secrets

        return self.first if bits == 16 else secrets.randbits(bits)


@pytest.mark.parametrize("how", ["transfer", "stays", "queue"])
async def test_a_partner_with_lower_numbers_is_missing_in_the_recording(bench, how, monkeypatch):
    numbers = Numbers()
    monkeypatch.setattr(sender, "secrets", numbers)
    async with floor(bench) as world:
        talk = await world.talk()
        numbers.first = 20000
        if how == "queue":  # its seat is lost, another one comes
            await world.seat("8002")
            world.engine.arrange(talk.id, "hold")
            await talk.voices["seat"].hang_up()
            other = talk.voices.add("other", await world.takes("8002"))
        else:
            part = world.engine.want_party(talk.id, "transfer" if how == "transfer" else "join", entry="expert")
            other = talk.voices.add("other", await world.outside["expert"].answers())
            await talk.party(part, "joined")
            if how == "stays":  # of three, the seat leaves
                await talk.voices.all_hear_all()
                await talk.voices["seat"].hang_up()
        await talk.voices.hear(caller={"other"}, other={"caller"})
        await asyncio.sleep(1.5)  # so long it speaks alone
        tone = talk.voices.tone("other")
        await other.hang_up()
        await talk.voices["caller"].hang_up()
        await job_of(world, talk.id)
        raw = world.hotline.settings.spool / f"{talk.id}.raw"
        await eventually(lambda: sum(sounds(raw, tone, 1)) >= 8, 10, "a second of the other partner is recorded")
        assert any(sounds(raw, talk.voices.tone("seat"), 1)), "and what was before is kept"
