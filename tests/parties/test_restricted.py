"""Restricted callers on a real Asterisk: what they hear, who is never refused, what survives, what the police gets."""

import asyncio
import contextlib
import json
import zipfile

import aiohttp
import pytest

from demo import Phone
from service.access import issue
from service.evidence_check import check
from tests.conftest import eventually
from tests.parties.test_emergency import caller_of, heard_words
from tests.parties.world import PATIENCE, Voices, floor

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
NUMBER = "13800001234"


class Person:
    """Somebody at the API."""

    def __init__(self, session, settings, role, name):
        self.session = session
        self.base = f"http://{settings.http_host}:{settings.http_port}/api/v1/"
        self.headers = {"Authorization": f"Bearer {issue(settings, role, name)}"}

    async def ask(self, method, path, body=None):
        async with self.session.request(method, self.base + path, headers=self.headers, json=body) as answer:
            return answer.status, await answer.json()

    async def done(self, method, path, body=None):
        status, data = await self.ask(method, path, body)
        assert status == 200, data
        return data

    async def saved(self, path, body, to):
        """The answer's bytes in a file, and their hash's place in the audit."""
        async with self.session.post(self.base + path, headers=self.headers, json=body) as answer:
            assert answer.status == 200
            to.write_bytes(await answer.read())
        return to


@contextlib.asynccontextmanager
async def people(hotline):
    async with aiohttp.ClientSession() as session:
        yield [Person(session, hotline.settings, role, name) for role, name in (("supervisor", "甲"), ("admin", "乙"))]


async def restrict(first, second, **more):
    order = {"reason": "abuse", "note": "反复辱骂", **({} if "call" in more else {"number": NUMBER}), **more}
    entry = await first.done("POST", "restrictions", order)
    status, problem = await first.ask("POST", f"restrictions/{entry['id']}/act", {"what": "confirm"})
    assert (status, problem["code"]) == (409, "second-person")
    return await second.done("POST", f"restrictions/{entry['id']}/act", {"what": "confirm"})


async def put_through_by_the_police(world):
    """A call with the restricted number over a trunk of the directory: it is let in."""
    before, police = set(world.engine.calls), world.outside["police"]
    police.phone.user = NUMBER
    call = await police.dial()
    await call.answered(PATIENCE)
    (id_,) = await eventually(lambda: set(world.engine.calls) - before, PATIENCE, "the engine has the call")
    arrived = world.engine.calls[id_]
    assert (arrived.origin, arrived.caller_number, arrived.turned) == ("line-police", NUMBER, "")
    await call.press("#")
    taken = await world.takes("8001")
    await Voices(caller=call, seat=taken).all_hear_all()
    await call.hang_up()


async def test_a_restricted_caller_gets_through_or_is_dropped_without_a_word(bench):
    """It hears why, how long and how to appeal, and is released; lifted, it is let in again. Meanwhile others talk, and
    who is put through by the police with the same number."""
    async with floor(bench, seats=["8001"]) as world, people(world.hotline) as (first, second):
        entry = await restrict(first, second, days=3)
        id_, caller = await world.dials(NUMBER)
        assert world.engine.calls[id_].turned == "restricted"
        talk = await world.talk(number="13900005678")
        await talk.caller.hang_up()
        await world.seat_becomes("8001", "available")
        await put_through_by_the_police(world)
        assert (await caller.ended(60)).by == "remote", "the line is released by itself"
        for words in ("restricted-why", "restricted-days", "emergency-offer-110", "restricted-appeal"):
            assert heard_words(caller, words) > 0.7, f"the caller hears {words}"
        await eventually(lambda: id_ not in world.engine.calls, PATIENCE, "the call is over")
        assert not world.engine.dispatcher.is_waiting(id_)
        shown = await first.done("GET", f"restrictions/{entry['id']}")
        assert (shown["hits"], shown["turned"], shown["number"]) == (1, [id_], NUMBER)
        text = await (await first.session.get(first.base.replace("/api/v1/", "/metrics"), headers=first.headers)).text()
        assert 'hotline_restricted_calls_total{variant="announce"} 1.0' in text and NUMBER not in text
        await first.done("POST", f"restrictions/{entry['id']}/act", {"what": "lift", "note": "已道歉"})
        id_, caller = await world.dials(NUMBER)
        assert not world.engine.calls[id_].turned
        await caller.hang_up()


async def test_an_emergency_of_a_restricted_caller_is_not_put_through(bench):
    """In the announcement it presses 9: 110 rings and talks with it."""
    async with floor(bench) as world, people(world.hotline) as (first, second):
        await restrict(first, second)
        talk = await caller_of(world, NUMBER, "leaving")
        await talk.presses()
        police = world.outside["police"]
        ringing = await police.rings()
        assert ringing.caller == NUMBER
        talk.voices.add("110", await police.answers())
        await talk.state("talking")
        await talk.voices.all_hear_all("caller", "110")
        await talk.caller.hang_up()


async def test_a_restart_forgets_the_list_or_a_bundle_of_a_real_call_does_not_verify(bench, tmp_path):
    """A recorded talk is the evidence; the service is started anew; the list holds, the bundle is whole and sealed."""
    settings = bench.settings(asr_workers=1)
    async with bench.hotline(settings) as hotline, people(hotline) as (first, second):
        async with Phone(bench.switch.sip, "8001", "demo-8001") as seat:
            await seat.register()
            await eventually(lambda: hotline.engine.dispatcher.seats["8001"].state == "available", PATIENCE, "seat")
            async with Phone(bench.switch.sip, NUMBER) as telephone:
                call = await telephone.dial("12345")
                await call.answered(PATIENCE)
                await call.press("#")
                taken = await seat.incoming(PATIENCE)
                await taken.answer()
                await Voices(caller=call, seat=taken).all_hear_all()
                (id_,) = hotline.engine.calls
                # From the running call: it is the evidence.
                entry = await restrict(first, second, call=id_)
                await call.hang_up()
        await eventually(lambda: hotline.vault.manifest(id_), 30, "the recording is sealed")
        marks = (await first.done("GET", f"restrictions/{entry['id']}"))["marks"]
    async with bench.hotline(settings) as hotline, people(hotline) as (first, second):
        again = await first.done("GET", f"restrictions/{entry['id']}")
        assert (again["state"], again["marks"], again["calls"]) == ("active", marks, [id_])
        async with Phone(bench.switch.sip, NUMBER) as telephone:
            call = await telephone.dial("12345")
            await call.answered(PATIENCE)
            (turned,) = await eventually(lambda: set(hotline.engine.calls), PATIENCE, "the call")
            assert hotline.engine.calls[turned].turned == "restricted"
            await call.hang_up()

        async def known():
            return (await first.ask("GET", f"calls/{turned}"))[0] == 200 and not hotline.engine.calls

        async with asyncio.timeout(PATIENCE):
            while not await known():
                await asyncio.sleep(0.05)
        path = await first.saved(f"restrictions/{entry['id']}/bundle", {}, tmp_path / "bundle.zip")
    found = check(path)
    assert found.faults == [] and found.recordings == 1
    with zipfile.ZipFile(path) as bundle:
        sound = bundle.read(f"calls/{id_}/audio.flac")
        trail = [json.loads(line) for line in bundle.read("audit.jsonl").splitlines()]
        record = json.loads(bundle.read(f"calls/{turned}/record.json"))
        info = bundle.getinfo(f"calls/{id_}/audio.flac")
    assert sound[:4] == b"fLaC" and record["outcome"] == "turned_away"
    missing = [(one["call"], one["what"], one["why"]) for one in found.manifest["missing"]]
    assert (turned, "recording", "turned-away") in missing
    assert [one["who"] for one in trail if one["why"] == "confirm"] == ["甲", "乙"], "the refused try is on record, too"
    spoilt = bytearray(path.read_bytes())
    spoilt[info.header_offset + 30 + len(info.filename) + len(sound) // 2] ^= 1
    path.write_bytes(spoilt)
    assert check(path).faults
