"""Two formats of the journal on one Redis and one switch: either process may die, and one may go back."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import tarfile
from collections.abc import AsyncIterator

import aiohttp
import pytest
import yaml
from redis.asyncio import Redis

from demo import Phone
from service.access import issue
from telephony import AmiLink, AmiSettings, AsteriskSwitch
from tests.conftest import ROOT
from tests.parties.processes import PROGRAM, Process, Site
from tests.parties.world import PATIENCE, caller_ip

pytestmark = pytest.mark.integration
THIS, NEXT = (f"from tests.upgrade.version import main; main({n})" for n in (2, 3))
BEFORE = "b381295"
"""Version 0.3.0 before this mechanism. A clone without history has it not; tests/histories has its journal."""


class Hall(Site):
    """A floor with one talk and two who wait; processes come and go."""

    async def joins(self, name, program=THIS, checkout=ROOT, role="standby", **more):
        process = await Process(self.settings, name, program, checkout, **more).start()
        self.stack.push_async_callback(process.kill)
        try:
            await process.is_(role)
        except AssertionError as error:
            raise AssertionError(f"{error}; it said {process.lines[-20:]}") from None
        return process

    async def waiting(self):
        return [one["call"] for one in (await self.ask("waiting"))["items"]]

    async def wait(self, n):
        for i in range(n):
            phone = Phone(self.sip, f"1390000000{i}", local_ip=caller_ip(self.sip))
            self.callers.append(await self.stack.enter_async_context(phone))
            call = await phone.dial("12345")
            await call.answered(PATIENCE)
            await call.press("#")

            async def one_more(i=i):
                return len(await self.waiting()) == i + 1

            await self.until(f"{i + 1} wait", one_more)
        return await self.waiting()

    async def goes_on(self, talk, order, process):
        """`process` decides, and has all calls."""
        await process.is_("active", 20)
        self.active = process

        async def same():
            return await self.waiting() == order and (await self.call(talk))["state"] == "talking"

        await self.until("the queue and the talk as they were", same)
        await talk.voices.all_hear_all()
        await self.agrees()

    async def part(self, process):
        async with self.session.get(process.url + "/readyz") as answer:
            parts = (await answer.json(content_type=None))["parts"]
            return answer.status, next(p for p in parts if p["part"] == "journal-format")


@contextlib.asynccontextmanager
async def hall(bench) -> AsyncIterator[Hall]:
    """Nobody runs yet."""
    plan, settings = bench.switch.plan, bench.settings(bench.config(times={"wrap_up": 0.3}))
    async with contextlib.AsyncExitStack() as stack:
        headers = {"Authorization": f"Bearer {issue(settings, 'admin', 'test')}"}
        session = await stack.enter_async_context(aiohttp.ClientSession(headers=headers))
        ami = AmiSettings(port=plan.ami_port, username=plan.ami_user, secret=plan.ami_secret, events="off")
        link = AmiLink(ami, lambda batch: None)
        await link.start()
        stack.push_async_callback(link.stop)
        await link.wait_up(10)
        switch = AsteriskSwitch(link, lambda events: None)
        yield Hall(settings, bench.switch.sip, {}, switch, session, stack, None)


@pytest.mark.timeout(180)
async def test_a_next_format_comes_and_goes_while_people_talk_and_wait(bench, redis_url):
    async with hall(bench) as site:
        redis = Redis.from_url(redis_url)
        site.stack.push_async_callback(redis.aclose)
        prefix = site.settings.redis_prefix

        async def format_is(wanted):
            return await redis.get(prefix + "format") == wanted

        site.active = old = await site.joins("old-1", role="active")
        talk, order = await site.talk("8001"), await site.wait(2)

        # Upgrade: the next version joins, the old one dies.
        new = await site.joins("new-1", NEXT)
        await old.kill()
        await site.goes_on(talk, order, new)
        # And back, while not all were new: nothing of the next format was written.
        old = await site.joins("old-2")
        assert (await site.part(old))[1]["ok"]
        await new.kill()
        await site.goes_on(talk, order, old)
        assert await format_is(b"2")

        # Now all are new: the next format is written, and who cannot read it stands by.
        new, newer = await site.joins("new-2", NEXT), await site.joins("new-3", NEXT)
        await old.kill(signal.SIGTERM)
        active, other = (new, newer) if new.role == "active" else (newer, new)
        await site.until("one decides", lambda: _true(new.role == "active" or newer.role == "active"))
        active, other = (new, newer) if new.role == "active" else (newer, new)
        await site.goes_on(talk, order, active)
        phone = Phone(site.sip, "13900000009", local_ip=caller_ip(site.sip))
        site.callers.append(await site.stack.enter_async_context(phone))
        for node in await redis.hkeys(prefix + "nodes"):
            if node.startswith(b"old-1"):
                await redis.hdel(prefix + "nodes", node)  # as if the minute for which a killed one counts were over
        await site.until("the old one counts no more", lambda: _only(redis, prefix, 3))
        call = await phone.dial("12345")
        await call.answered(PATIENCE)
        await call.press("#")
        await site.until("written in the next format", lambda: format_is(b"3"))
        order = await site.until("three wait", lambda: _three(site))
        old = await site.joins("old-3")
        status, part = await site.part(old)
        assert (status, part["reason"]) == (503, "newer-format"), part
        assert any("format 3" in line for line in old.lines)
        await active.kill()
        await site.goes_on(talk, order, other)
        assert old.role == "standby"

        # Back to the old version: write the old format, let the calls of the new one end.
        await other.kill(signal.SIGTERM)
        back = await site.joins("new-4", NEXT, role="active", HOTLINE_JOURNAL_FORMAT="2")
        await site.goes_on(talk, order, back)
        assert (await site.part(old))[0] == 503
        await site.everybody_hangs_up()
        await site.until("all are over", lambda: _none(site))
        await site.until("the number is lowered", lambda: format_is(b"2"))
        await back.kill(signal.SIGTERM)
        await old.is_("active", 20)
        site.active = old
        talk = await site.talk("8001")
        await site.everybody_hangs_up()


async def _true(value):
    return value


async def _three(site):
    order = await site.waiting()
    return order if len(order) == 3 else None


async def _none(site):
    return not (await site.ask("calls?live=true"))["items"]


async def _only(redis, prefix, reads):
    rows = (await redis.hgetall(prefix + "nodes")).values()
    return all(int(row.split()[0]) >= reads for row in rows)


def checkout_of(commit, place):
    """A working tree of an earlier version, or None where the history is not there."""
    done = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        tar.extractall(place, filter="data")
    return place


@pytest.mark.timeout(120)
async def test_version_0_3_and_this_one_take_over_from_each_other(bench, tmp_path):
    if not os.environ.get("HOTLINE_UPGRADE"):
        pytest.skip("takes half a minute and the history of this repository: HOTLINE_UPGRADE=1")
    before = await asyncio.to_thread(checkout_of, BEFORE, tmp_path / "before")
    assert before is not None, "this clone has not the history of version 0.3.0"
    async with hall(bench) as site:
        # Its own configuration and store: it refuses what it does not know. (Later versions go on with a newer store.)
        config = before / "config/hotline.yaml"
        data = yaml.safe_load(config.read_text())
        data["times"].update({"wrap_up": 1, "ring": 6, "refused_pause": 0.2, "reserve": 3})
        config.write_text(yaml.safe_dump(data, allow_unicode=True))
        own = {"HOTLINE_CONFIG_DIR": str(before / "config"), "HOTLINE_STORE_URL": f"sqlite:///{before}/hotline.db"}
        site.active = old = await site.joins("old-1", PROGRAM, before, role="active", **own)
        talk, order = await site.talk("8001"), await site.wait(2)
        new = await site.joins("new-1", THIS)
        await old.kill()
        await site.goes_on(talk, order, new)
        old = await site.joins("old-2", PROGRAM, before, **own)
        await new.kill()
        await site.goes_on(talk, order, old)
        await site.everybody_hangs_up()
        await site.until("all are over", lambda: _none(site))
