"""Real speech over real RTP through the real Asterisk and the real recogniser into the right draft."""

import asyncio

import numpy as np
import pytest
import soundfile

from demo import Caller, Phone, SeatPhone, Until
from recordings import character_error_rate
from service.demo_call import Watch
from service.phones import CALLER_TALKING, CALLER_WAITING, SEAT_SCRIPT, voices

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


def han(text):
    """Only what is spoken: no punctuation."""
    return "".join(ch for ch in text if "\u3400" <= ch <= "\u9fff" or ch.isalnum())


class Silent:
    def print(self, *_, **__):
        pass


async def wait_for_ticket(hotline, call_id, seconds=60):
    async with asyncio.timeout(seconds):
        while (ticket := await hotline.store.ticket_of_call(call_id)) is None:
            await asyncio.sleep(0.05)
    return ticket


async def test_spoken_mandarin_becomes_the_right_words_in_the_right_draft(bench, switch, eventually):
    async with bench.hotline(asr_workers=1) as hotline:
        seat_voice, voice = voices(hotline.settings)
        watch = Watch(Silent())
        hotline.engine.observe(watch.on_change)
        script = (
            Until(watch.event("waiting").wait, 20), CALLER_WAITING, Until(watch.event("joined").wait, 30),
            *CALLER_TALKING,
        )  # fmt: skip
        caller = Caller("13800001234", script, server=switch.sip, local_ip="127.0.0.7", voice=voice)
        seat = SeatPhone("8001", "demo-8001", SEAT_SCRIPT, server=switch.sip, answer_after=5.0, voice=seat_voice)
        async with seat:
            report = await caller.run()
        assert report.answered
        ticket = await wait_for_ticket(hotline, watch.call)
        words = await hotline.words(watch.call)

        said = [han(s.text) for s in (CALLER_WAITING, *CALLER_TALKING) if hasattr(s, "text")]
        heard = [han(s["text"]) for s in words["segments"] if s["party"] == "caller"]
        assert character_error_rate("".join(said), "".join(heard)) < 0.10
        answered = [han(s.text) for s in SEAT_SCRIPT if hasattr(s, "text")]
        from_seat = "".join(han(s["text"]) for s in words["segments"] if s["party"] == "seat")
        # The caller hangs up over the seat's farewell: what was said before it counts.
        assert character_error_rate("".join(answered[:2]), from_seat[: len("".join(answered[:2]))]) < 0.10
        assert {s["seat"] for s in words["segments"] if s["party"] == "seat"} == {"8001"}
        for segment in words["segments"]:
            assert all(0 <= w["conf"] <= 1 and w["start"] <= w["end"] for w in segment["words"])

        draft = ticket.draft
        assert draft.region == "330302", "鹿城区 by GB/T 2260"
        assert draft.caller_number == "13800001234"
        assert draft.kind.value in ("help", "complaint", "report")
        assert "路灯" in draft.title
        assert "路灯坏了" in draft.content

        manifest = await hotline.manifest(watch.call)
        path = await hotline.audio(watch.call)
        audio, rate = soundfile.read(path, dtype="int16")
        assert rate == 8000
        assert audio.shape[1] == 2
        record = await hotline.store.call(watch.call)
        assert abs(len(audio) / rate - (record.ended_at - record.answered_at)) < 1.0, "from answer to hang-up"
        assert manifest["audio"]["sha256"]
        joined = record.joined_at - record.answered_at
        before = audio[: int((joined - 0.5) * rate), 0].astype(float)
        assert np.sqrt((before**2).mean()) > 50, "the caller is recorded from the answer on, not from the seat's"
        assert not list(hotline.settings.spool.glob(f"{watch.call}*")), "the raw file is gone once it is sealed"


async def test_words_spoken_before_hanging_up_in_the_queue_are_drafted_too(bench, switch, eventually):
    async with bench.hotline(asr_workers=1) as hotline:
        _, voice = voices(hotline.settings)
        watch = Watch(Silent())
        hotline.engine.observe(watch.on_change)
        script = (Until(watch.event("waiting").wait, 20), CALLER_WAITING)
        await Caller("13800001235", script, server=switch.sip, local_ip="127.0.0.7", voice=voice).run()
        ticket = await wait_for_ticket(hotline, watch.call)
        assert ticket.draft.region == "330302"
        record = await hotline.store.call(watch.call)
        assert record.outcome == "abandoned"


async def test_a_missing_model_costs_the_words_but_never_the_call_or_its_recording(bench, switch, eventually, tmp_path):
    async with bench.hotline(asr_workers=1, asr_model=tmp_path / "nothing") as hotline:
        probes = {p.part: p for p in await hotline.health.look()}
        assert not probes["recogniser"].ok
        assert not probes["recogniser"].needed
        async with Phone(switch.sip, "13800001236", local_ip="127.0.0.7") as phone:
            call = await phone.dial("12345")
            await call.answered()
            await eventually(lambda: hotline.engine.calls)
            (call_id,) = hotline.engine.calls
            await asyncio.sleep(1.0)
            await call.hang_up()
        ticket = await wait_for_ticket(hotline, call_id)
        assert ticket.draft.note.value == "no_transcript"
        assert ticket.draft.caller_number == "13800001236"
        assert await hotline.audio(call_id) is not None
