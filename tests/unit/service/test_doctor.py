"""The doctor: each check with its failure; none stops another; nothing is changed by looking."""

import asyncio
import base64
import contextlib
import datetime as dt
import json
import logging
import os
import re
import shutil
import sqlite3
import stat
import string
import subprocess
import threading
import wave
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st

import ivr
import tickets
from service import doctor, doctor_certificate, doctor_dialplan, doctor_files, doctor_parts, doctor_pbx
from service.doctor import Check, NotLooked, examine, off_loop, say, texts, worst
from service.doctor_checks import checks
from service.settings import load_settings
from tests.conftest import ROOT, free_port


def codes(found):
    return [x.code for x in found]


@pytest.fixture
def settings(tmp_path):
    """Settings with everything that is written below tmp_path; `changes` as in load_settings."""

    def make(**changes):
        values = {"var_dir": tmp_path / "var", "config_dir": ROOT / "config", "redis_port": free_port(),
                  "ami_port": free_port(), "http_port": free_port()}  # fmt: skip
        return load_settings(**(values | changes))

    return make


# ------------------------------------------------------------------ texts
def test_every_code_that_is_said_has_texts_and_every_text_is_said():
    said = set()
    for path in (ROOT / "service").glob("doctor*.py"):
        said |= set(re.findall(r'"([a-z]+(?:-[a-z]+)*)"', path.read_text(encoding="utf-8")))
    assert set(texts()) <= said, "texts that nobody says"
    for path in (ROOT / "service").glob("doctor*.py"):
        for code in re.findall(r'say\(\s*"([^"]+)"', path.read_text(encoding="utf-8")):
            assert code in texts(), f"{path.name}: {code}"


@pytest.mark.parametrize("code", sorted(texts()))
def test_each_text_is_there_in_both_languages_with_the_same_places_and_each_fault_says_how_to_mend_it(code):
    entry = texts()[code]
    (state,) = [x for x in entry if x != "mend"]
    assert state in doctor.STATES
    assert state != "fault" or "mend" in entry, "a fault without a cure"
    for text in entry.values():
        assert set(text) == {"zh", "en"}
        fields = {lang: {f for _, f, _, _ in string.Formatter().parse(line) if f} for lang, line in text.items()}
        if code not in ("not-looked", "store-url", "store-down", "model"):
            assert fields["zh"] == fields["en"]


# ------------------------------------------------------------------ the frame
async def test_what_a_check_raises_and_what_takes_too_long_is_a_finding_and_the_others_go_on():
    async def breaks():
        raise ValueError("13800001234 must not be told")

    async def hangs():
        await asyncio.Event().wait()

    async def needs():
        raise NotLooked("没有", "not there")

    async def fine():
        return [say("service-well")]

    told = []
    report = await examine(
        [Check("breaks", breaks), Check("hangs", hangs, 0.05), Check("needs", needs), Check("fine", fine)],
        lambda part, found: told.append((part, worst(found))),
    )
    by_part = {x.part: x for x in report.findings}
    assert list(by_part) == ["breaks", "hangs", "needs", "fine"], "in the order of the checks"
    assert {p: x.code for p, x in by_part.items()} == {
        "breaks": "check-failed", "hangs": "too-slow", "needs": "not-looked", "fine": "service-well",
    }  # fmt: skip
    assert dict(told) == {"breaks": "fault", "hangs": "fault", "needs": "note", "fine": "ok"}
    assert told[-1][0] == "hangs", "each is told as soon as it is known"
    assert "13800001234" not in json.dumps(report.to_json(), ensure_ascii=False)
    assert report.to_json()["ok"] is False
    assert report.to_json()["faults"] == 2


async def test_a_file_system_that_hangs_keeps_nobody():
    gate, inside = threading.Event(), threading.Event()

    def dead_share():
        inside.set()
        gate.wait()
        return []

    async def look():
        return await off_loop(dead_share)

    report = await examine([Check("disk", look, 0.1)])
    assert codes(report.findings) == ["too-slow"]
    assert inside.is_set()
    assert not gate.is_set(), "the thread hangs still, and the report is there"
    gate.set()


async def test_off_loop_gives_what_the_work_gives_and_raises_what_it_raises():
    assert await off_loop(lambda: 7) == 7
    with pytest.raises(KeyError):
        await off_loop(lambda: {}["no"])


# ------------------------------------------------------------------ disk
def test_disk_that_is_nearly_full_is_a_fault_and_one_that_is_low_a_note(tmp_path):
    assert doctor_files.space(tmp_path, "var", few=0, little=0).code == "disk-well"
    assert doctor_files.space(tmp_path, "var", few=0, little=1 << 60).code == "disk-low"
    assert doctor_files.space(tmp_path, "var", few=1 << 60, little=1 << 61).code == "disk-full"


def test_a_directory_that_is_missing_is_a_note_and_one_that_cannot_be_written_a_fault(settings, monkeypatch):
    s = settings()
    assert codes(doctor_files.disk(s)).count("not-there") == 3
    assert not s.var_dir.exists(), "looking makes nothing"
    s.spool.mkdir(parents=True)
    s.recordings_dir.mkdir(parents=True)
    assert codes(doctor_files.disk(s))[1:] == []
    assert not list(s.recordings_dir.iterdir()), "nothing stays behind"
    real = doctor_files.tempfile.NamedTemporaryFile

    def refused(*, dir, **rest):  # noqa: A002 - the library's name; root may write everywhere
        if dir == s.recordings_dir:
            raise PermissionError(13, "Permission denied")
        return real(dir=dir, **rest)

    monkeypatch.setattr(doctor_files.tempfile, "NamedTemporaryFile", refused)
    (bad,) = [x for x in doctor_files.disk(s) if x.state == "fault"]
    assert (bad.code, bad.where) == ("not-writable", str(s.recordings_dir))


# ------------------------------------------------------------------ permissions
@pytest.fixture
def guarded(settings):
    """An instance's secrets as the service makes them."""
    s = settings()
    s.secrets_dir.mkdir(parents=True, mode=0o700)
    for name in ("ami", "tokens"):
        (s.secrets_dir / name).write_text("x")
        (s.secrets_dir / name).chmod(0o600)
    return s


def faults(found):
    return [(x.code, x.where) for x in found if x.state == "fault"]


def test_secrets_as_the_service_makes_them_are_well(guarded):
    assert faults(doctor_files.permissions(guarded)) == []
    assert "rights-well" in codes(doctor_files.permissions(guarded))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o602])
def test_a_secret_that_others_can_read_is_a_fault_with_its_cure(guarded, mode):
    secret = guarded.secrets_dir / "ami"
    secret.chmod(mode)
    assert faults(doctor_files.permissions(guarded)) == [("secret-open", str(secret))]
    (bad,) = [x for x in doctor_files.permissions(guarded) if x.state == "fault"]
    assert f"chmod 600 {secret}" in bad.mend["en"]
    assert f"chmod 600 {secret}" in bad.mend["zh"]


def test_the_secrets_directory_and_secrets_elsewhere_count_too(guarded, settings, tmp_path):
    guarded.secrets_dir.chmod(0o755)
    assert faults(doctor_files.permissions(guarded)) == [("secret-open", str(guarded.secrets_dir))]
    guarded.secrets_dir.chmod(0o700)
    far = tmp_path / "far"
    far.write_text("x")
    far.chmod(0o644)
    for setting in ("ami_secret_file", "probe_secret_file"):
        assert faults(doctor_files.permissions(settings(**{setting: far}))) == [("secret-open", str(far))]
    etc = guarded.var_dir / "asterisk/etc"
    etc.mkdir(parents=True)
    (etc / "manager.conf").write_text("x")
    (etc / "manager.conf").chmod(0o644)
    assert faults(doctor_files.permissions(guarded)) == [("secret-open", str(etc / "manager.conf"))]


def test_what_everybody_may_change_is_a_fault(guarded):
    guarded.spool.mkdir(parents=True)
    guarded.spool.chmod(0o777)
    assert faults(doctor_files.permissions(guarded)) == [("open-to-all", str(guarded.spool))]


def test_calls_that_other_users_can_read_are_noted_unless_a_directory_above_is_closed(guarded, monkeypatch):
    guarded.recordings_dir.mkdir(parents=True)
    guarded.recordings_dir.chmod(0o755)
    closed = [p for p in guarded.recordings_dir.parents if not stat.S_IMODE(p.stat().st_mode) & stat.S_IXOTH]
    real = doctor_files._mode
    monkeypatch.setattr(doctor_files, "_mode", lambda p: real(p) | 0o001 if p in closed else real(p))
    (open_,) = [x for x in doctor_files.permissions(guarded) if x.code == "personal-open"]
    assert open_.where == str(guarded.recordings_dir)
    guarded.var_dir.chmod(0o750)
    assert "personal-open" not in codes(doctor_files.permissions(guarded))


# ------------------------------------------------------------------ prompts
@pytest.fixture
def spoken(settings):
    """All prompts and the music, one second of silence each."""
    s = settings()

    def sound(path, rate=8000):
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as f:
            f.setnchannels(1)
            f.setsampwidth(2)
            f.setframerate(rate)
            f.writeframes(bytes(2 * rate))

    for prompt in ivr.load_prompts(s.config_dir / "prompts/prompts.yaml").prompts.values():
        for lang in ("zh", "en"):
            sound(s.prompts_dir / lang / f"{prompt.id}.wav")
    sound(s.prompts_dir / "music/music.wav")
    return s, sound


def test_all_prompts_there_is_well_and_each_that_is_missing_or_unplayable_is_named(spoken):
    s, sound = spoken
    assert codes(doctor_files.prompts(s)) == ["prompts-well"]
    (s.prompts_dir / "en/greeting.wav").unlink()
    sound(s.prompts_dir / "zh/goodbye.wav", rate=16000)
    (s.prompts_dir / "zh/held.wav").write_bytes(b"")
    found = {x.code: x for x in doctor_files.prompts(s)}
    assert set(found) == {"prompt-missing", "prompt-broken"}
    assert "en/greeting" in found["prompt-missing"].what["en"]
    assert "zh/goodbye" in found["prompt-broken"].what["en"]
    assert "zh/held" in found["prompt-broken"].what["zh"]


def test_no_music_is_a_fault(spoken):
    s, _ = spoken
    shutil.rmtree(s.prompts_dir / "music")
    assert codes(doctor_files.prompts(s)) == ["no-music"]


# ------------------------------------------------------------------ certificates
def certificate(path, days):
    """A real one that ends in so many days, and its key."""
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    if shutil.which("openssl") is None:
        pytest.fail("openssl is needed to make a certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
         "/CN=hotline", "-keyout", path.with_suffix(".key"), "-out", path, "-days", str(max(1, round(days)))],
        check=True, capture_output=True,
    )  # fmt: skip
    return end


def test_a_certificate_is_well_soon_over_or_unreadable(tmp_path):
    path = tmp_path / "server.pem"
    end = certificate(path, 90)
    until = doctor_certificate.valid_until(path.read_text())
    assert abs(until - end.timestamp()) < 3600
    for now, code in ((until - 90 * 86400, "certificate-well"), (until - 86400, "certificate-soon"),
                      (until + 1, "certificate-over")):  # fmt: skip
        assert codes(doctor_files.certificates([path], now)) == [code]
    key = path.with_suffix(".key")
    assert codes(doctor_files.certificates([key])) == ["certificate-none"], "a key alone is none"
    path.write_text(path.read_text().replace("-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nAAAA"))
    assert codes(doctor_files.certificates([path])) == ["certificate-unreadable"]


@given(st.binary(max_size=200))
def test_no_bytes_that_claim_to_be_a_certificate_do_harm(data):
    text = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(data).decode()}\n-----END CERTIFICATE-----"
    with contextlib.suppress(doctor_certificate.CertificateError):
        doctor_certificate.valid_until(text)


# ------------------------------------------------------------------ configuration, calendar, directory
def test_a_wrong_configuration_is_a_fault_that_names_its_first_line(settings, tmp_path):
    copy = tmp_path / "config"
    shutil.copytree(ROOT / "config", copy)
    config, found = doctor_parts.configuration(settings(config_dir=copy))
    assert config is not None
    assert codes(found) == ["config-well", "demo-passwords"]
    (copy / "hotline.yaml").write_text("centre: {}")
    config, found = doctor_parts.configuration(settings(config_dir=copy))
    assert config is None
    assert codes(found) == ["config"]
    assert "hotline.yaml:1" in found[0].what["en"]


def test_demonstration_passwords_are_a_fault_when_phones_come_from_outside(settings):
    _, found = doctor_parts.configuration(settings(bind="0.0.0.0", probe_number="12345"))
    assert codes(found) == ["demo-passwords-open"]


def test_a_number_to_probe_that_is_none_of_ours_is_a_fault_unless_it_is_called_elsewhere(settings):
    _, found = doctor_parts.configuration(settings(probe_number="999"))
    assert "probe-number" in codes(found)
    _, found = doctor_parts.configuration(settings(probe_number="999", probe_target="sbc.example.cn:5060"))
    assert "probe-number" not in codes(found)


@pytest.fixture
def config(settings):
    return doctor_parts.configuration(settings())[0]


@pytest.mark.parametrize(
    ("day", "code"),
    [("2026-06-01", "workdays-well"), ("2026-10-31", "workdays-well"), ("2026-11-01", "next-year"),
     ("2024-06-01", "no-year"), ("2031-01-01", "no-year")],
)  # fmt: skip
def test_the_calendar_wants_this_year_and_from_november_the_next(config, day, code):
    now = dt.datetime.fromisoformat(f"{day}T12:00:00+08:00").timestamp()
    assert codes(doctor_parts.workdays(config, now)) == [code]


def test_the_year_is_that_of_shanghai(config):
    now = dt.datetime(2024, 12, 31, 16, 30, tzinfo=dt.UTC).timestamp()
    assert codes(doctor_parts.workdays(config, now)) == ["workdays-well"], "2025 has begun there"


def test_emergency_entries_without_a_trunk_are_named(config):
    first, rest = doctor_parts.directory(config, 0.0)
    assert first.code == "emergency-no-trunk"
    assert "110, 119, 120" in first.what["en"]
    assert (rest.code, rest.state) == ("entry-no-trunk", "note")


# ------------------------------------------------------------------ Redis
GOOD = {"redis_version": "7.4.1", "aof_enabled": 1, "aof_last_write_status": "ok", "maxmemory_policy": "noeviction",
        "maxmemory": 0, "used_memory": 1000, "role": "master"}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "redis-well"), ({"redis_version": "6.2.14"}, "redis-old"), ({"redis_version": "10.0.0"}, "redis-well"),
        ({"aof_enabled": 0}, "redis-no-aof"), ({"aof_last_write_status": "err"}, "redis-aof-failed"),
        ({"maxmemory_policy": "allkeys-lru"}, "redis-evicts"), ({"maxmemory": 1050}, "redis-full"),
        ({"maxmemory": 2000}, "redis-well"), ({"role": "slave"}, "redis-replica"),
    ],
)  # fmt: skip
def test_a_redis_that_would_lose_or_refuse_the_journal_is_a_fault(change, code):
    assert codes(doctor_parts.judge_redis(GOOD | change, 0.001, "here")) == [code]


def test_a_slow_redis_is_noted_and_a_very_slow_one_a_fault():
    assert codes(doctor_parts.judge_redis(GOOD, 0.05, "here")) == ["redis-well", "redis-slow"]
    assert codes(doctor_parts.judge_redis(GOOD, 0.5, "here")) == ["redis-too-slow"]


async def test_no_redis_is_a_fault_and_its_password_is_told_to_nobody(settings):
    s = settings(redis_url=f"redis://:geheim@127.0.0.1:{free_port()}/0")
    (found,) = await doctor_parts.redis(s)
    assert found.code == "redis-down"
    assert "geheim" not in json.dumps(found.to_json())
    with pytest.raises(NotLooked):
        await doctor_parts.lease(s)


# ------------------------------------------------------------------ store
async def test_a_store_is_none_well_old_new_or_broken_and_looking_changes_nothing(settings):
    s = settings()
    file = doctor_files.sqlite_file(s)
    assert codes(await doctor_parts.store(s)) == ["store-none"]
    assert not file.exists()
    book = tickets.Store(s.store)
    await book.migrate()
    await book.close()
    assert codes(await doctor_parts.store(s)) == ["store-well"]
    with sqlite3.connect(file) as db:
        db.execute("update alembic_version set version_num = 'of-tomorrow'")
    db.close()
    before = file.read_bytes()
    assert codes(await doctor_parts.store(s)) == ["store-schema"]
    assert file.read_bytes() == before, "not migrated by looking"
    file.write_bytes(b"no database at all, but long enough to be read as one" * 100)
    (found,) = await doctor_parts.store(s)
    assert found.state == "fault"


async def test_a_store_that_cannot_be_is_a_fault_without_its_password(settings):
    (found,) = await doctor_parts.store(settings(store_url="mysql://u:geheim@h/x"))
    assert found.code == "store-url"
    assert "geheim" not in json.dumps(found.to_json())


# ------------------------------------------------------------------ recogniser
async def test_the_shipped_model_is_well_and_a_damaged_one_a_fault(settings, tmp_path):
    s = settings()
    assert codes(await doctor_parts.recogniser(s)) == ["model-well"]
    broken = tmp_path / "model"
    shutil.copytree(s.model_dir, broken)
    acoustic = broken / "am/final.mdl"
    acoustic.write_bytes(acoustic.read_bytes()[:5000])
    (found,) = await doctor_parts.recogniser(settings(asr_model=broken))
    assert (found.code, found.where) == ("model", str(broken))
    assert codes(await doctor_parts.recogniser(settings(asr_model=tmp_path / "none"))) == ["model"]
    assert codes(await doctor_parts.recogniser(settings(asr_workers=0))) == ["no-recogniser"]


# ------------------------------------------------------------------ clocks
@example(skew=0.45, way=0.4, share=1.0)
@example(skew=-0.45, way=0.4, share=0.0)
@given(skew=st.floats(-5, 5), way=st.floats(0, 0.4), share=st.floats(0, 1))
def test_a_clock_is_a_fault_only_when_it_is_certainly_more_than_half_a_second_apart(skew, way, share):
    sent = 1_795_000_000.0
    found = doctor_parts.judge_clock("Redis", sent, sent + way * share + skew, sent + way)
    if abs(skew) <= 0.5 - 1e-3:
        assert found.code == "clock-well", "a slow answer is no wrong clock"
    if abs(skew) > 0.5 + way + 1e-3:
        assert found.code == "clock"


async def test_the_quickest_answer_counts_and_a_clock_that_is_apart_is_found():
    ticks = iter([0.0, 3.0, 3.0, 3.1, 4.0, 6.0])  # asked and answered, three times
    truths = iter([2.9, 3.05, 4.0])
    now = [0.0]

    def clock():
        now[0] = next(ticks)
        return now[0]

    async def read():
        return next(truths)

    assert (await doctor_parts.read_clock("Redis", read, clock, 3)).what["en"].startswith("Redis's clock is +0.000")

    async def ahead():
        return 1000.7

    assert (await doctor_parts.read_clock("Asterisk", ahead, lambda: 1000.0)).code == "clock"


async def test_clocks_that_cannot_be_read_are_noted_and_a_missing_zone_is_a_fault(settings, monkeypatch):
    async def nobody():
        raise NotLooked("没有", "nobody")

    found = await doctor_parts.clocks(settings(), nobody)
    assert codes(found) == ["clock-unread", "clock-unread"]

    def none(name):
        raise doctor_parts.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(doctor_parts, "ZoneInfo", none)
    assert codes(await doctor_parts.clocks(settings(), nobody))[-1] == "no-zone"


# ------------------------------------------------------------------ the service
@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, {"parts": [{"part": "ami", "ok": True, "needed": True}]}, "service-well"),
        (503, {"parts": [{"part": "ami", "ok": False, "needed": True}]}, "not-ready"),
        (200, {"hello": 1}, "not-ours"), (200, "<html>", "not-ours"), (200, [1], "not-ours"),
    ],
)  # fmt: skip
async def test_what_the_service_says_of_itself(settings, status, body, code):
    async def answer(_):
        return web.Response(text=body) if isinstance(body, str) else web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get("/readyz", answer)
    s = settings()
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", s.http_port).start()
    try:
        (found,) = await doctor_parts.service(s)
    finally:
        await runner.cleanup()
    assert found.code == code
    assert code != "not-ready" or "ami" in found.what["en"]


async def test_no_service_is_a_note(settings):
    assert codes(await doctor_parts.service(settings())) == ["not-running"]


# ------------------------------------------------------------------ rights of the manager user
RIGHTS = {
    "AGI": "x (Priv: agi,all)", "CoreShowChannels": "x (Priv: system,reporting,all)",
    "Getvar": "(Priv: call,reporting,all)",
    "ControlPlayback": "(Priv: call,all)", "DeviceStateList": "(Priv: call,reporting,all)",
    "Hangup": "(Priv: system,call,all)", "Originate": "(Priv: originate,all)", "Ping": "(Priv: <none>)",
    "Redirect": "(Priv: call,all)", "Setvar": "(Priv: call,all)", "UserEvent": "(Priv: user,all)",
}  # fmt: skip


def test_the_rights_that_are_needed_are_well():
    assert doctor_pbx.judge_rights(RIGHTS) == []


@pytest.mark.parametrize(
    ("more", "code", "state"),
    [
        ({"Command": "(Priv: command,all)"}, "ami-rights-much", "fault"),
        ({"UpdateConfig": "(Priv: config,all)"}, "ami-rights-much", "fault"),
        ({"ModuleLoad": "(Priv: system,all)"}, "ami-rights-much", "fault"),
        ({"DialplanExtensionAdd": "(Priv: dialplan,all)"}, "ami-rights-more", "note"),
    ],
)
def test_a_right_that_is_not_needed_is_told_and_a_dangerous_one_is_a_fault(more, code, state):
    (found,) = doctor_pbx.judge_rights(RIGHTS | more)
    assert (found.code, found.state) == (code, state)


def test_of_an_action_that_several_rights_allow_only_those_are_told_that_must_be_there():
    more = {"Reload": "(Priv: config,system,all)", "ModuleLoad": "(Priv: system,all)"}
    (found,) = doctor_pbx.judge_rights(RIGHTS | more)
    assert found.what["en"].endswith(": system")


@pytest.mark.parametrize("action", ["Originate", "Redirect", "Setvar", "Hangup", "CoreShowChannels", "UserEvent"])
def test_an_action_that_may_not_be_sent_is_a_fault(action):
    (found,) = doctor_pbx.judge_rights({k: v for k, v in RIGHTS.items() if k != action})
    assert found.code == "ami-rights-missing"
    assert action in found.what["en"]


def test_the_rights_told_to_be_written_are_those_that_are_rendered():
    conf = (ROOT / "config/asterisk/manager.conf").read_text()
    assert f"\nwrite = {','.join(doctor_pbx.WRITES)}\n" in conf


# ------------------------------------------------------------------ dialplan
def test_the_text_of_a_dialplan_is_read_as_the_switch_reads_it():
    text = """
[globals]
A = 1
[one] ; a comment
exten => s,1,Set(A=b(c))
 same => n(x),GotoIf($["${A}" = "1"]?y) ; why
 same => n,Answer
exten => _X!,5,Say(a\\;b)
 same => n,Hangup()
[empty]
"""
    step = doctor_dialplan.Step
    assert doctor_dialplan.contexts_of(text) == {
        "one": {step("s", 1, "Set", "A=b(c)"), step("s", 2, "GotoIf", '$["${A}" = "1"]?y'), step("s", 3, "Answer", ""),
                step("_X!", 5, "Say", "a\\;b"), step("_X!", 6, "Hangup", "")},
        "empty": set(),
    }  # fmt: skip


def test_a_changed_missing_or_added_step_differs_and_spaces_and_case_do_not():
    step = doctor_dialplan.Step
    ours = [step("s", 1, "Set", "A=1"), step("s", 2, "Wait", "5")]
    assert doctor_dialplan.differences(ours, [step("s", 1, "SET", "A = 1"), step("s", 2, "Wait", "5")]) == ""
    assert doctor_dialplan.differences(ours, ours[:1]) == "-1 +0"
    assert doctor_dialplan.differences(ours, [*ours, step("s", 3, "Dial", "x")]) == "-0 +1"
    assert doctor_dialplan.differences(ours, [ours[0], step("s", 2, "Wait", "6")]) == "-1 +1"


# ------------------------------------------------------------------ trunks and phones
def test_trunks_that_are_gone_dead_or_never_asked():
    wanted = [("line-a", "line", True), ("line-b", "line", False), ("trunk", "trunk", False)]
    well = {"line-a": "NOT_INUSE", "line-b": "NOT_INUSE", "trunk": "UNAVAILABLE"}
    assert codes(doctor_pbx.judge_trunks(wanted, well, "x")) == ["trunks-well", "trunk-unasked"]
    assert "trunk-dead" in codes(doctor_pbx.judge_trunks(wanted, well | {"line-a": "UNAVAILABLE"}, "x"))
    assert "trunk-dead" not in codes(doctor_pbx.judge_trunks(wanted, well | {"line-b": "UNAVAILABLE"}, "x"))
    for state in ("INVALID", ""):
        assert "trunk-missing" in codes(doctor_pbx.judge_trunks(wanted, well | {"trunk": state}, "x"))


def test_phones_that_are_unknown_or_away():
    assert codes(doctor_pbx.judge_phones({"8001": "NOT_INUSE", "8002": "UNAVAILABLE"}, "x")) == ["phones-well"]
    assert codes(doctor_pbx.judge_phones({"8001": "UNAVAILABLE"}, "x")) == ["no-phone"]
    assert codes(doctor_pbx.judge_phones({"8001": "NOT_INUSE", "8002": "INVALID"}, "x")) == ["seat-unknown"]
    assert codes(doctor_pbx.judge_phones({}, "x")) == ["phones-well"]


async def test_without_a_switch_or_its_secret_that_is_told_once_and_no_secret_is_made(settings, caplog):
    s = settings()
    pbx = doctor_pbx.Pbx(s)
    assert codes(await doctor_pbx.ami(pbx)) == ["ami-secret"]
    assert not pbx.secret_file.exists()
    await pbx.close()
    pbx.secret_file.parent.mkdir(parents=True)
    pbx.secret_file.write_text("x")
    caplog.set_level(logging.CRITICAL, "telephony")
    pbx = doctor_pbx.Pbx(s)
    assert codes(await doctor_pbx.ami(pbx)) == ["ami-down"]
    with pytest.raises(NotLooked):
        await doctor_pbx.trunks(pbx, doctor_parts.configuration(s)[0])
    await pbx.close()


def test_the_places_are_those_of_the_settings(settings):
    s = settings()
    assert set(doctor_files.places(s)) == {"var", "spool", "vault"}
    assert os.fspath(doctor_files.places(s)["spool"]) == str(s.spool)
    assert Path(s.spool).is_absolute()


async def test_every_check_is_documented_and_every_documented_part_is_checked(settings):
    async with checks(settings()) as every:
        parts = [x.part for x in every]
    table = (ROOT / "docs/doctor.md").read_text().split("| part |")[1].split("\n\n")[0]
    documented = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(documented) == sorted(parts)
    assert len(set(parts)) == len(parts)
