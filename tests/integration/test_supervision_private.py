"""The private Redis and Asterisk of a running instance are killed; calls work again by themselves."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
import yaml

from demo import Phone
from routing import SeatState
from service.app import running
from service.settings import load_settings
from telephony._adopted import Adopted
from tests.conftest import PROMPTS, ROOT, ROOTFS, free_port

pytestmark = pytest.mark.integration
QUICK = 20.0
"""Seconds, only for failures; what it took is printed."""


@pytest.fixture
async def floor(tmp_path):
    """(a running instance with servers of its own, the registered phone of seat 8001, a way to make callers)."""
    config = tmp_path / "config"
    config.mkdir()
    for entry in (ROOT / "config").iterdir():
        if entry.name != "hotline.yaml":
            (config / entry.name).symlink_to(entry)
    data = yaml.safe_load((ROOT / "config/hotline.yaml").read_text())
    data["times"].update({"wrap_up": 1, "ring": 6, "refused_pause": 0.2})
    (config / "hotline.yaml").write_text(yaml.safe_dump(data, allow_unicode=True))
    var = tmp_path / "var"
    var.mkdir()
    (var / "prompts").symlink_to(PROMPTS)
    settings = load_settings(
        config_dir=config, var_dir=var, rootfs=ROOTFS, http_port=free_port(), redis_port=free_port(),
        ami_port=free_port(), sip_port=free_port(socket.SOCK_DGRAM), rtp_start=37000, rtp_end=37200, asr_workers=0,
        phones=0, spoken_emergency=False,
    )  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        hotline = await stack.enter_async_context(running(settings))
        sip = ("127.0.0.1", settings.sip_port)
        seat = await stack.enter_async_context(Phone(sip, "8001", "demo-8001"))
        await seat.register()

        async def caller(number):
            phone = await stack.enter_async_context(Phone(sip, number, local_ip="127.0.0.9"))
            call = await phone.dial("12345")
            await call.answered(QUICK)
            return call

        yield hotline, seat, caller


async def is_free(hotline, eventually):
    seats = hotline.engine.dispatcher.seats
    await eventually(lambda: seats["8001"].state is SeatState.AVAILABLE, QUICK, "the seat is free")


async def talks(hotline, seat, caller, number, eventually):
    """A caller gets to the seat, and they hear each other."""
    call = await caller(number)
    await call.press("#")
    taken = await seat.incoming(QUICK)
    await taken.answer()
    call.tone(440)
    taken.tone(880)
    await eventually(lambda: call.tones_heard((440, 880)) == {880}, QUICK, "the caller hears the seat")
    await eventually(lambda: taken.tones_heard((440, 880)) == {440}, QUICK, "the seat hears the caller")
    return call, taken


async def part(hotline, name):
    return next(p for p in await hotline.health.look() if p.part == name)


async def test_a_killed_redis_is_started_again_and_the_talk_goes_on(floor, eventually):
    hotline, seat, caller = floor
    await is_free(hotline, eventually)
    call, taken = await talks(hotline, seat, caller, "13800000001", eventually)
    (first,) = hotline.engine.calls
    assert (await part(hotline, "private-redis")).ok
    since = time.time()
    began = asyncio.get_running_loop().time()
    pid = int((hotline.settings.var_dir / "redis/pid").read_text())
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: int((hotline.settings.var_dir / "redis/pid").read_text()) != pid, QUICK, "another Redis")
    await eventually(lambda: time.time() > since + 1.5, what="a while of talk")
    spans = call.tone_log([880], since, shortest=0.06)
    assert len(spans) == 1 or max(b.began - a.ended for a, b in pairwise(spans)) < 0.3, "the talk had a gap"
    await call.hang_up()  # must reach the journal that is there again
    await taken.ended(QUICK)
    await is_free(hotline, eventually)
    call, taken = await talks(hotline, seat, caller, "13800000002", eventually)
    print(f"Redis killed to the next talk: {asyncio.get_running_loop().time() - began:.2f} s")
    (second,) = (c.id for c in hotline.engine.calls.values() if c.ended_at is None)
    await call.hang_up()
    await taken.ended(QUICK)
    await eventually(lambda: not hotline.engine.calls, QUICK, "nothing is left")
    for id_ in (first, second):
        assert (await booked(hotline, id_)).outcome == "served"
    assert hotline.lease.held
    assert hotline.engine.counters.errors == 0


async def booked(hotline, call):
    """The call as the book of calls has it."""
    end = asyncio.get_running_loop().time() + QUICK
    while True:
        found = await hotline.store.call(call)
        if found is not None and found.state:
            return found
        assert asyncio.get_running_loop().time() < end, "the call is in the books"
        await asyncio.sleep(0.05)


async def test_a_killed_asterisk_is_started_again_and_the_lost_call_can_be_heard(floor, eventually):
    hotline, seat, caller = floor
    await is_free(hotline, eventually)
    call, taken = await talks(hotline, seat, caller, "13800000001", eventually)
    (lost,) = hotline.engine.calls
    await eventually(lambda: (hotline.settings.spool / f"{lost}.raw").stat().st_size > 0, QUICK, "the recording")
    began = asyncio.get_running_loop().time()
    hotline.asterisk.process.kill()
    await eventually(lambda: not hotline.engine.calls or lost not in hotline.engine.calls or
                     hotline.engine.calls[lost].ended_at, QUICK, "the lost call is over in the books")  # fmt: skip
    await is_free(hotline, eventually)
    raw = (hotline.settings.spool / f"{lost}.raw").read_bytes()
    assert np.abs(np.frombuffer(raw[: len(raw) // 2 * 2], np.int16)).max() > 500, "what was said can be heard"
    await call.hang_up()
    await taken.hang_up()
    call, taken = await talks(hotline, seat, caller, "13800000002", eventually)
    print(f"Asterisk killed to the next talk: {asyncio.get_running_loop().time() - began:.2f} s")
    assert (await part(hotline, "private-asterisk")).ok
    await call.hang_up()
    await taken.ended(QUICK)
    await eventually(lambda: not hotline.engine.calls, QUICK, "nothing is left")
    assert hotline.engine.counters.errors == 0


async def test_a_service_that_is_killed_and_started_again_takes_up_its_asterisk_with_the_talk(tmp_path, eventually):
    """kill -9 of `hotline run` with servers of its own; who talks hears nothing of it."""
    var = tmp_path / "var"
    var.mkdir()
    (var / "prompts").symlink_to(PROMPTS)
    sip = ("127.0.0.1", free_port(socket.SOCK_DGRAM))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HOTLINE_")} | {
        "HOTLINE_VAR_DIR": str(var), "HOTLINE_ROOTFS": str(ROOTFS), "HOTLINE_HTTP_PORT": str(free_port()),
        "HOTLINE_REDIS_PORT": str(free_port()), "HOTLINE_AMI_PORT": str(free_port()), "HOTLINE_SIP_PORT": str(sip[1]),
        "HOTLINE_RTP_START": "37600", "HOTLINE_RTP_END": "37800", "HOTLINE_ASR_WORKERS": "0", "HOTLINE_PHONES": "0",
    }  # fmt: skip

    def pid():
        return int((var / "asterisk/etc/pid").read_text())

    async with contextlib.AsyncExitStack() as stack:

        async def run():
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", "from service.cli import main; main()", "run", cwd=ROOT, env=environment,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            stack.push_async_callback(ended, process)
            lines = []
            while line := (await asyncio.wait_for(process.stdout.readline(), 60)).decode():
                lines.append(line)
                if "Ctrl-C ends it" in line:
                    break
            assert any(re.match(r"\s*role\s+active", x) for x in lines), lines
            drain = asyncio.create_task(process.stdout.read())
            stack.callback(drain.cancel)
            return process

        first = await run()
        seat = await stack.enter_async_context(Phone(sip, "8001", "demo-8001"))
        await seat.register()
        mine = await stack.enter_async_context(Phone(sip, "13800000001", local_ip="127.0.0.9"))
        call = await mine.dial("12345")
        await call.answered(QUICK)
        await call.press("#")
        taken = await seat.incoming(QUICK)
        await taken.answer()
        taken.tone(880)
        await eventually(lambda: call.tones_heard((440, 880)) == {880}, QUICK, "they talk")
        asterisk, since = pid(), time.time()
        first.kill()
        await first.wait()
        second = await run()
        assert pid() == asterisk, "the same Asterisk"
        await eventually(lambda: call.tones_heard((440, 880)) == {880}, QUICK, "they still talk")
        spans = call.tone_log([880], since, shortest=0.06)
        assert len(spans) == 1 or max(b.began - a.ended for a, b in pairwise(spans)) < 0.5, "the talk had a gap"
        await call.hang_up()
        await taken.ended(QUICK)
        second.terminate()
        await asyncio.wait_for(second.wait(), QUICK)
        await eventually(lambda: Adopted(asterisk).returncode is not None, QUICK, "a clean stop ends it")


async def ended(process):
    """Ends it cleanly, or with its Asterisk and Redis whatever happens."""
    if process.returncode is None:
        process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 15)
    if process.returncode is None:
        process.kill()
        await process.wait()
