"""The doctor on a real Asterisk and a real Redis, each broken in turn."""

import asyncio
import json
import os
import socket
import sys
import time
from pathlib import Path

import pytest

import calls
from demo import SeatPhone, StayOn
from service import doctor_parts, doctor_pbx
from service.config import load_config
from service.doctor import examine
from service.doctor_checks import checks
from service.pbx import private_asterisk
from service.private import PrivateRedis
from service.probe import probe, target_of
from service.settings import load_settings
from tests.conftest import PROMPTS, ROOT, ROOTFS, free_port

pytestmark = pytest.mark.integration
DIRECTORY = "trunks:\n  police: {contact: '127.0.0.91:5099', match: ['127.0.0.91'], qualify: 5}\nentries: {}\n"


class World:
    """A private Asterisk and Redis as `hotline run` starts them, without a service."""

    def __init__(self, tmp):
        self.config = tmp / "config"
        self.config.mkdir()
        for entry in (ROOT / "config").iterdir():
            if entry.name == "directory.yaml":
                (self.config / entry.name).write_text(DIRECTORY)
            else:
                (self.config / entry.name).symlink_to(entry)
        (tmp / "var").mkdir()
        (tmp / "var/prompts").symlink_to(PROMPTS)
        self.settings = load_settings(
            var_dir=tmp / "var", config_dir=self.config, rootfs=ROOTFS, ami_port=free_port(), http_port=free_port(),
            sip_port=free_port(socket.SOCK_DGRAM), rtp_start=39000, rtp_end=39100, redis_port=free_port(),
            asr_workers=0,
        )  # fmt: skip
        self.asterisk = private_asterisk(self.settings, self.loaded())
        self.redis = PrivateRedis(ROOTFS, tmp / "var/redis", self.settings.redis_port)

    def loaded(self):
        return load_config(self.config / "hotline.yaml")

    async def report(self, *only):
        async with checks(self.settings) as every:
            return await examine([x for x in every if not only or x.part in only])

    async def codes(self, *only):
        return [x.code for x in (await self.report(*only)).findings]


@pytest.fixture
async def world(tmp_path):
    one = World(tmp_path)
    await one.redis.start()
    await one.asterisk.start()
    yield one
    await one.asterisk.stop()
    await one.redis.stop()


async def test_what_hotline_run_starts_is_well_and_looking_changes_nothing(world):
    world.settings.recordings_dir.mkdir()
    before = await world.asterisk.cli("dialplan show")
    report = await world.report()
    bad = [(x.part, x.code, x.what["en"]) for x in report.findings if x.state == "fault"]
    assert bad == [("trunks", "trunk-dead", bad[0][2])], "a trunk that answers nobody is the only fault"
    well = {x.part: x.code for x in report.findings if x.state == "ok"}
    expected = {"redis", "ami", "dialplan", "modules", "clocks", "config", "disk", "permissions", "prompts"}
    assert expected <= set(well)
    assert "not-looked" not in [x.code for x in report.findings]
    assert await world.asterisk.cli("dialplan show") == before
    assert not (world.settings.var_dir / "hotline.db").exists()
    async with doctor_parts.redis_of(world.settings) as client:
        assert await client.dbsize() == 0


async def test_a_wrong_secret_is_one_fault_and_the_rest_is_looked_at_all_the_same(world):
    (world.settings.secrets_dir / "ami").write_text("geh-eim")
    found = (await world.report("ami", "dialplan", "trunks", "clocks", "redis")).findings
    assert [x.code for x in found if x.part == "ami"] == ["ami-login"]
    assert {x.code for x in found if x.part in ("dialplan", "trunks")} == {"not-looked"}
    assert [x.code for x in found if x.part == "redis"] == ["redis-well"]
    assert "geh-eim" not in json.dumps([x.to_json() for x in found])


async def manager(world, old, new):
    conf = Path(world.asterisk.plan().etc_dir) / "manager.conf"
    text = conf.read_text()
    assert old in text
    conf.write_text(text.replace(old, new))
    await world.asterisk.cli("manager reload")


async def test_a_manager_user_with_too_many_rights_too_few_or_no_events(world):
    write = "write = call,agent,user,reporting,originate,agi"
    await manager(world, write, write + ",system,command,message")
    found = {x.code: x for x in (await world.report("ami")).findings}
    assert "command, system" in found["ami-rights-much"].what["en"]
    assert "message" in found["ami-rights-more"].what["en"]
    await manager(world, write + ",system,command,message", "write = agent,user,reporting,agi")
    found = {x.code: x for x in (await world.report("ami")).findings}
    assert {"Originate", "Redirect", "Setvar"} <= set(found["ami-rights-missing"].what["en"].split(": ")[1].split(", "))
    await manager(world, "write = agent,user,reporting,agi", write)
    assert await world.codes("ami") == ["ami-well"]
    await manager(world, "read = call,user,agi,dtmf,system", "read = system")
    assert await world.codes("ami") == ["ami-events"]


async def test_a_dialplan_of_another_version_a_missing_context_and_a_missing_queue(world):
    etc = Path(world.asterisk.plan().etc_dir)
    text = (etc / "extensions.conf").read_text()
    changed = text.replace("Queue(hotline-native,tci,,,4)", "Queue(hotline-native,t)")
    assert changed != text
    (etc / "extensions.conf").write_text(changed.replace("[hotline-whisper]", "[other]"))
    (etc / "queues.conf").write_text("[general]\n")
    await world.asterisk.cli("dialplan reload")
    await world.asterisk.cli("queue reload all")
    found = {x.code: x for x in (await world.report("dialplan")).findings}
    assert "hotline-native (-1 +1)" in found["dialplan-version"].what["en"]
    assert found["dialplan-missing"].what["en"].endswith(": hotline-whisper")
    assert "no-native-queue" in found
    assert "dialplan-well" not in found


async def test_another_recording_directory_and_a_heart_beat(world):
    assert await world.codes("dialplan") == ["dialplan-well", "no-heart-beat"]
    await world.asterisk.cli("dialplan set global HEARTBEAT 99999999999")
    assert await world.codes("dialplan") == ["dialplan-well"]
    await world.asterisk.cli("dialplan set global HL_RECORDINGS /elsewhere")
    assert await world.codes("dialplan") == ["spool-differs"]


async def test_a_module_that_does_not_run(world):
    await world.asterisk.cli("module unload func_uri.so")
    await world.asterisk.cli("module unload app_bridgewait.so")
    (found,) = (await world.report("modules")).findings
    assert found.code == "module-missing"
    assert found.what["en"].endswith(": app_bridgewait, func_uri")


async def test_a_trunk_that_is_not_in_the_switch_and_one_whose_other_side_is_dead(world):
    (dead,) = (await world.report("trunks")).findings
    assert (dead.code, "line-police" in dead.what["en"]) == ("trunk-dead", True)
    (world.config / "directory.yaml").write_text(DIRECTORY.replace("police", "polizei"))
    (gone,) = (await world.report("trunks")).findings
    assert (gone.code, "line-polizei" in gone.what["en"]) == ("trunk-missing", True)


async def test_redis_stopped_or_made_forgetful(world):
    async with doctor_parts.redis_of(world.settings) as client:
        await client.config_set("appendonly", "no")
        await client.config_set("maxmemory-policy", "allkeys-lru")
    assert await world.codes("redis") == ["redis-no-aof", "redis-evicts"]
    await world.redis.stop()
    found = (await world.report("redis", "clocks", "ami")).findings
    assert [(x.part, x.code) for x in found if x.part != "clocks"] == [("redis", "redis-down"), ("ami", "ami-well")]
    assert [x.code for x in found if x.part == "clocks"] == ["clock-unread", "clock-well"]


async def test_the_clocks_of_redis_and_the_switch_are_read_to_the_millisecond(world):
    pbx = doctor_pbx.Pbx(world.settings)
    try:
        right = await doctor_parts.clocks(world.settings, pbx.clock)
        assert [x.code for x in right] == ["clock-well", "clock-well"]
        ours = await doctor_parts.clocks(world.settings, pbx.clock, lambda: time.time() + 0.9)
        assert [x.code for x in ours] == ["clock", "clock"]
    finally:
        await pbx.close()


async def test_a_pbx_of_the_sites_own_is_looked_at_too_where_no_asterisk_of_ours_is(bench, tmp_path):
    """The run's switch, as one that is not ours to start: it was rendered for other numbers than these."""
    s = bench.settings(rootfs=tmp_path / "none")
    async with checks(s) as every:
        found = (await examine([x for x in every if x.part in ("ami", "dialplan", "modules", "phones")])).findings
    faults = [x for x in found if x.state == "fault"]
    assert [x.code for x in faults] == ["dialplan-version"]
    assert faults[0].what["en"].endswith(": hotline-from-seat (-2 +0)"), "12333 and the probe's number, so render again"
    assert "not-seen" in [x.code for x in found]


async def test_the_command_says_what_to_mend_and_its_exit_code_says_whether(world):
    async def run(*args, **env):
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).parent / "hotline", "doctor", *args, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, cwd=ROOT,
            env={**{k: v for k, v in os.environ.items() if not k.startswith("HOTLINE_")}, "LANG": "zh_CN.UTF-8",
                 "LC_ALL": "", "COLUMNS": "200", "HOTLINE_VAR_DIR": str(world.settings.var_dir),
                 "HOTLINE_CONFIG_DIR": str(world.config), "HOTLINE_REDIS_PORT": str(world.settings.redis_port),
                 "HOTLINE_AMI_PORT": str(world.settings.ami_port), **env},
        )  # fmt: skip
        out, err = await process.communicate()
        assert b"Traceback" not in out + err
        return process.returncode, out.decode()

    code, out = await run("--only", "redis", "--only", "ami")
    assert code == 0, out
    assert "AMI 登录成功" in out
    code, out = await run("--json", "--only", "redis", HOTLINE_REDIS_PORT=str(free_port()))
    assert code == 1
    data = json.loads(out)
    assert data["ok"] is False
    assert data["findings"][0]["code"] == "redis-down"
    assert set(data["findings"][0]["mend"]) == {"zh", "en"}
    code, out = await run("--lang", "en", "--only", "nothing")
    assert code == 2


# ------------------------------------------------------------------ the probe
async def test_the_shipped_test_call_goes_well_troubles_nobody_and_leaves_nothing(bench, eventually):
    settings = bench.settings(probe_target=f"127.0.0.1:{bench.switch.plan.sip_port}")
    seat = SeatPhone("8001", "demo-8001", [StayOn(60)], server=bench.switch.sip)
    async with bench.hotline(settings) as hotline, seat:
        await eventually(lambda: hotline.engine.dispatcher.seats["8001"].state.value == "available")
        states = set()
        hotline.engine.observe(lambda change: states.update(c.state for c in change.calls))
        result = await probe(target_of(settings))
        assert result.ok, result
        assert result.answer < 10
        assert 0.5 < result.sound < 10
        await eventually(lambda: not hotline.engine.calls, what="the call is over")
        assert states <= {calls.CallState.ARRIVED, calls.CallState.IN_FLOW, calls.CallState.ENDED}, "it never waited"
        assert seat.taken == 0
        assert seat.call is None
        assert hotline.engine.host.callbacks.counts() == {}, "nobody is to be called back"
        jobs = await hotline.redis.xrange(settings.redis_prefix + "recordings")
        assert [json.loads(data[b"job"])["kind"] for _, data in jobs] == ["discard"], "its recording goes"
        assert await hotline.redis.xlen(settings.redis_prefix + "finished") == 0
        assert not (await hotline.store.calls()).items, "not in the book"
        assert "hotline_calls_ended_total{" not in hotline.metrics.text()
        async with checks(settings) as every:
            found = (await examine([x for x in every if x.part in ("config", "dialplan", "service", "lease")])).findings
        assert {"service-well", "lease-well"} <= {x.code for x in found}
        assert "no-probe" not in [x.code for x in found]
        assert "no-heart-beat" not in [x.code for x in found]
        # A number of callers: somebody is looked for, and the probe tells that this is no test number.
        wrong = await probe(target_of(settings.model_copy(update={"probe_number": "12345"})), listens=6.0)
        assert not wrong.ok


async def test_without_a_service_the_test_call_fails(bench):
    """The switch's own queue takes it: music, and no end."""
    settings = bench.settings(probe_number="1234500", probe_target=f"127.0.0.1:{bench.switch.plan.sip_port}")
    pbx = doctor_pbx.Pbx(settings)
    try:
        beat, limit = await pbx.value("HEARTBEAT"), 30
        while int(beat or 0) + 4 >= time.time() and (limit := limit - 1):
            await asyncio.sleep(0.5)  # another test's service has just ended
    finally:
        await pbx.close()
    result = await probe(target_of(settings), listens=3.0)
    assert not result.ok
    assert result.ended_by == "local"
    assert result.answer is not None, "answered by the switch alone"
