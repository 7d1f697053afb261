"""A recording goes on through every transfer, and says who spoke: on a real Asterisk, from the raw file."""

import asyncio
import json
import time

import numpy as np
import pytest

from tests.conftest import eventually
from tests.parties.world import NOBODY, floor

pytestmark = pytest.mark.integration


async def job_of(world, call):
    """The recording job of a call, once its caller has left."""
    stream = world.hotline.settings.redis_prefix + "recordings"

    async def find():
        for _, fields in await world.hotline.redis.xrange(stream):
            job = json.loads(fields[b"job"])
            if job["call"] == call:
                return job
        return None

    for _ in range(200):
        if (job := await find()) is not None:
            return job
        await asyncio.sleep(0.05)
    raise AssertionError("no recording job")


def sounds(raw, hz, channel, window=0.1):
    """Whether a tone sounds in each window of one channel (0 caller, 1 what the caller hears)."""
    samples = np.fromfile(raw, dtype="<i2").reshape(-1, 2)[:, channel].astype(float) / 32768
    size = int(8000 * window)
    t = np.arange(size) / 8000
    wave = np.exp(-2j * np.pi * hz * t)
    loud = [abs(np.mean(samples[i : i + size] * wave)) * 2 > 0.02 for i in range(0, len(samples) - size, size)]
    # Half a second on end: a note of the music may have its frequency for a moment.
    return [all(loud[max(0, i - 4) : i + 1]) and i >= 4 for i in range(len(loud))]


async def test_a_recording_that_ends_at_the_transfer_or_hears_a_private_word(bench):
    async with floor(bench, seats=("8001", "8002")) as world:
        talk = await world.talk()
        voices = talk.voices
        # In private with an expert, back, and on to another seat.
        part = world.engine.want_party(talk.id, "consult", entry="expert")
        voices.add("expert", await world.outside["expert"].answers())
        await voices.hear(seat={"expert"}, expert={"seat"}, caller=NOBODY)
        await talk.party(part, "joined")
        world.engine.arrange(talk.id, "return")
        await voices.all_hear_all("caller", "seat")
        world.engine.want_party(talk.id, "transfer", seat="8002")
        voices.add("other", await world.takes("8002"))
        await voices.hear(caller={"other"}, other={"caller"})
        await eventually(lambda: time.time() - voices.log("caller", "other")[-1].began > 1.5, what="a second of it")
        tones = {name: voices.tone(name) for name in ("caller", "seat", "expert", "other")}
        await voices["caller"].hang_up()
        job = await job_of(world, talk.id)
        raw = world.hotline.settings.spool / f"{talk.id}.raw"
        await eventually(lambda: raw.stat().st_size / 32000 > job["ended"] - job["answered"] - 1.5, what="written")
        right = {name: sounds(raw, tones[name], 1) for name in tones}
        assert any(sounds(raw, tones["caller"], 0)), "the caller on the left"
        assert any(right["seat"]) and any(right["other"]), "both seats on the right"
        assert not any(right["expert"]), f"a private word is on the caller's recording: {right['expert']}"
        first, last = right["other"].index(True), len(right["seat"]) - right["seat"][::-1].index(True)
        assert last <= first + 2, "one seat after the other"
        # The books: spans of each seat only while it was with the caller, none of the expert's.
        assert [who for _, _, who in job["seats"]] == ["8001", "8001", "8002"]
        assert {who for _, _, who, _ in job["parties"]} == {"8001", "8002"}
        for begin, end, _ in job["seats"]:
            assert 0 <= begin < end


async def test_who_spoke_in_a_talk_of_three_is_not_known(bench):
    async with floor(bench) as world:
        talk = await world.talk()
        part = world.engine.want_party(talk.id, "join", entry="expert")
        expert = talk.voices.add("expert", await world.outside["expert"].answers())
        await talk.party(part, "joined")
        await talk.voices.all_hear_all()
        # One after the other falls silent: the switch's detector tells that each has spoken.
        for name in ("seat", "expert"):
            leg = talk.call.main_seat.id if name == "seat" else talk.call.party(part).leg
            before = len(talk.call.spoke)
            talk.voices[name].stop()
            marks = await eventually(
                lambda n=before: len(talk.call.spoke) > n and talk.call.spoke, 15, f"a mark of the {name}"
            )
            assert marks[-1][0] == leg
            assert marks[-1][2] > marks[-1][1]
        await expert.hang_up()
        await talk.voices["caller"].hang_up()
        job = await job_of(world, talk.id)
        assert {who for _, _, who in job["spoke"]} == {"8001", "line.expert"}
        assert {(who, kind) for _, _, who, kind in job["parties"]} == {("8001", "seat"), ("line.expert", "line")}
