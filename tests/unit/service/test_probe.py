"""The test call against real phones on loopback that behave well and badly, and its pace with a clock of our own."""

import asyncio
import json
import logging
import math
import re
import socket
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from typer.testing import CliRunner

from demo import CallEnded, Manner, Phone, behave
from service import cli_doctor
from service.cli import app
from service.cli_doctor import WHY, result_line
from service.errors import ServiceError
from service.probe import HEADER, REASONS, Heard, Result, Target, Watch, hear, probe, target_of, why
from service.settings import load_settings
from tests.conftest import PROMPTS, ROOT, free_port

RATE = 8000


def tone(seconds, level=3000.0):
    return np.round(level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)).astype(np.int16)


def speech():
    """The greeting as callers hear it."""
    with wave.open(str(PROMPTS / "zh/greeting.wav")) as f:
        return np.frombuffer(f.readframes(f.getnframes()), np.int16)


# ------------------------------------------------------------------ hearing
def test_the_shipped_greeting_is_speech_and_a_tone_is_none():
    heard = hear(speech())
    assert why(heard, 0.0, by_itself=True) == ""
    assert -40 < heard.level < -5
    assert why(hear(tone(2.0)), 0.0, by_itself=True) == "no_speech"


def test_silence_a_click_and_nothing_at_all():
    assert why(hear(np.zeros(RATE, np.int16)), 0.0, by_itself=True) == "silence"
    assert why(hear(np.zeros(0, np.int16)), None, by_itself=True) == "no_audio"
    click = np.concatenate([speech()[4000:5600], np.zeros(RATE, np.int16)])
    assert why(hear(click), 0.0, by_itself=True) in ("silence", "no_speech")


def test_lost_packets_and_a_call_that_goes_on():
    heard = hear(speech())
    assert why(heard, 0.2, by_itself=True) == "lossy"
    assert why(heard, 0.02, by_itself=False) == "not_ended"


@given(st.lists(st.integers(-32768, 32767), max_size=2000))
def test_any_audio_is_measured_within_its_bounds(samples):
    heard = hear(np.array(samples, np.int16))
    assert 0 <= heard.sound <= heard.seconds + 1e-9
    assert heard.level is None or heard.level <= 0.1
    assert (heard.starts is None) == (heard.level is None) == (heard.sound == 0)
    assert math.isfinite(heard.uneven)


@given(
    st.floats(0, 20), st.floats(0, 2), st.one_of(st.none(), st.floats(0, 1)), st.booleans(),
)  # fmt: skip
def test_a_call_is_well_only_with_packets_speech_and_an_end_of_its_own(sound, uneven, loss, by_itself):
    reason = why(Heard(30.0, sound, 0.0, -20.0, uneven), loss, by_itself=by_itself)
    assert reason == "" or reason in REASONS
    assert (reason == "") == (loss is not None and loss <= 0.1 and sound >= 0.5 and uneven >= 0.25 and by_itself)


# ------------------------------------------------------------------ a call
@asynccontextmanager
async def side(on_call) -> AsyncIterator[Target]:
    """The other side: a phone that takes calls as `on_call` does."""
    async with Phone(("127.0.0.1", 9), "1234500", on_call=on_call, local_port=free_port(socket.SOCK_DGRAM)) as phone:
        yield Target(phone.address, "1234500")


async def test_a_call_that_is_answered_greeted_and_ended_is_well():
    seen = {}

    async def flow(call):
        seen.update(caller=call.caller, mark=call.headers.get(HEADER))
        await call.answer()
        await call.play(speech())
        await call.hang_up()

    async with side(flow) as target:
        result = await probe(target)
    assert result.ok, result
    assert (result.reason, result.ended_by) == ("", "remote")
    assert result.answer >= 0
    assert result.sound > 0.5
    assert result.loss < 0.1
    assert seen == {"caller": "1234500", "mark": "1"}, "by which it is known"


@pytest.mark.parametrize(
    ("manner", "reason", "status"),
    [
        (Manner(refuses=486), "busy", 486), (Manner(refuses=603), "refused", 603),
        (Manner(refuses=480), "no_answer", 480), (Manner(refuses=404), "failed", 404),
        (Manner(refuses=503), "failed", 503), (Manner(after=None), "no_answer", 180),
    ],
)  # fmt: skip
async def test_a_call_that_nobody_answers_says_why(manner, reason, status):
    async def takes(call):
        await behave(call, manner)

    async with side(takes) as target:
        result = await probe(target, patience=0.5)
    assert (result.ok, result.reason, result.status, result.answer) == (False, reason, status, None)


@pytest.mark.parametrize(("sound", "reason"), [("silence", "silence"), ("tone", "no_speech"), ("speech", "not_ended")])
async def test_a_call_that_is_answered_and_goes_on_says_what_was_heard(sound, reason):
    ended = asyncio.Event()

    async def takes(call):
        try:
            await call.answer()
            if sound == "tone":
                call.tone(440)
            else:
                await call.play(speech() if sound == "speech" else np.zeros(RATE, np.int16))
            await call.ended(20)
        except CallEnded:
            pass
        finally:
            ended.set()

    async with side(takes) as target:
        result = await probe(target, listens=2.6 if sound == "speech" else 0.8)
        await asyncio.wait_for(ended.wait(), 10)
    assert (result.ok, result.reason, result.ended_by) == (False, reason, "local")


async def test_where_nobody_is_the_call_is_unreachable():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:  # takes all and says nothing
        mute.bind(("127.0.0.1", 0))
        result = await probe(Target(mute.getsockname(), "1234500"), patience=0.3)
    assert (result.ok, result.reason) == (False, "unreachable")
    result = await probe(Target(("no-such-host.invalid", 5060), "1234500"), patience=0.3)
    assert (result.ok, result.reason) == (False, "unreachable")


# ------------------------------------------------------------------ settings
def test_what_is_probed_is_said_by_the_settings(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("geheim\n")
    s = load_settings(probe_number="1234500", sip_port=5099)
    assert target_of(s) == Target(("127.0.0.1", 5099), "1234500", "1234500", "")
    s = load_settings(
        probe_number="05711", probe_target="sbc.example.cn:5070", probe_caller="0571", probe_secret_file=secret
    )
    assert target_of(s) == Target(("sbc.example.cn", 5070), "05711", "0571", "geheim")


@pytest.mark.parametrize(
    "changes",
    [
        {"probe_number": ""}, {"probe_number": "1", "private_asterisk": False},
        {"probe_number": "1", "probe_secret_file": "/no/such"},
    ],
)
def test_what_is_missing_is_said_with_its_cure(changes):
    with pytest.raises(ServiceError) as raised:
        target_of(load_settings(**changes))
    assert raised.value.fix


# ------------------------------------------------------------------ again and again
WELL = Result(1000.0, True, answer=0.1, sound=2.0, level=-20.0, loss=0.0, ended_by="remote")
BAD = Result(1060.0, False, "no_answer", 180)


class Pace:
    """A clock that only sleeping and calls move."""

    def __init__(self, results, takes=0.0):
        self.now, self.results, self.takes, self.began = 100.0, list(results), takes, []

    async def call(self):
        self.began.append(self.now)
        self.now += self.takes if not isinstance(self.takes, list) else self.takes.pop(0)
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    async def sleep(self, seconds):
        assert seconds >= 0
        if not self.results:
            raise asyncio.CancelledError
        self.now += seconds

    def watch(self, told=lambda _: None):
        return Watch(self.call, 60.0, told, clock=lambda: self.now, sleep=self.sleep)


async def test_calls_begin_at_a_steady_pace_and_a_long_one_leaves_out_what_it_missed():
    pace = Pace([WELL] * 4, [5.0, 130.0, 5.0, 5.0])
    with pytest.raises(asyncio.CancelledError):
        await pace.watch().run()
    assert pace.began == [100.0, 160.0, 340.0, 400.0]


async def test_one_failure_is_a_warning_two_in_a_row_an_alarm_and_then_it_is_well_again(caplog):
    caplog.set_level(logging.INFO)
    pace = Pace([BAD, WELL, BAD, BAD, BAD, WELL, WELL])
    told = []
    with pytest.raises(asyncio.CancelledError):
        await pace.watch(told.append).run()
    lines = [(r.levelname, r.getMessage().split(":")[0]) for r in caplog.records if "probe" in r.getMessage()]
    assert lines == [
        ("WARNING", "probe-failed"), ("WARNING", "probe-failed"), ("ERROR", "probe-alarm"), ("ERROR", "probe-alarm"),
        ("WARNING", "probe-well-again"),
    ]  # fmt: skip
    assert len(told) == 7


async def test_the_metrics_tell_the_last_success_the_failures_by_reason_and_the_time_to_the_answer():
    watch = Pace([WELL, BAD, BAD]).watch()
    for _ in range(3):
        await watch.once()
    text = generate_latest(watch.metrics.registry).decode()
    for line in (
        "hotline_probe_up 0.0", "hotline_probe_last_success_seconds 1000.0", "hotline_probe_calls_total 3.0",
        'hotline_probe_failures_total{reason="no_answer"} 2.0', 'hotline_probe_failures_total{reason="busy"} 0.0',
        "hotline_probe_failures_in_a_row 2.0", "hotline_probe_answer_seconds_count 1.0",
        "hotline_probe_level_dbov -20.0",
    ):  # fmt: skip
        assert line in text


async def test_what_breaks_the_probe_is_a_failure_and_does_not_end_it(caplog):
    pace = Pace([ValueError("13800001234"), WELL])
    watch = pace.watch()
    assert (await watch.once()).reason == "error"
    assert (await watch.once()).ok


# ------------------------------------------------------------------ what people and programs read
@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_is_told_in_both_languages_and_documented(reason):
    result = Result(1000.0, False, reason, 486)
    assert WHY[reason][0] in result_line(result, "zh")
    assert WHY[reason][1] in result_line(result, "en")
    table = (ROOT / "docs/doctor.md").read_text().split("### What is checked")[1].split("###")[0]
    assert f"`{reason}`" in table


def test_the_line_and_the_json_of_a_good_call():
    assert result_line(WELL, "en").endswith("✓ answered in 0.10 s; heard 2.0 s, -20 dBov")
    data = json.loads(json.dumps(WELL.to_json()))
    assert data["ok"] is True
    assert data["answer"] == 0.1


@pytest.mark.parametrize(("result", "code"), [(WELL, 0), (BAD, 1)])
def test_the_command_prints_one_line_of_json_and_its_exit_code_says_whether_it_went_well(monkeypatch, result, code):
    async def call(target):
        assert target.number == "1234500"
        return result

    monkeypatch.setattr(cli_doctor, "test_call", call)
    monkeypatch.setattr(cli_doctor.logs, "set_up", lambda *_: None)
    done = CliRunner().invoke(app, ["probe", "--json"], env={"HOTLINE_PROBE_NUMBER": "1234500"})
    assert done.exit_code == code, done.output
    assert json.loads(done.stdout)["reason"] == result.reason


def test_the_command_without_a_number_says_what_to_set():
    done = CliRunner().invoke(app, ["probe"], env={"HOTLINE_PROBE_NUMBER": ""})
    assert isinstance(done.exception, ServiceError)
    assert "docs/doctor.md" in done.exception.fix


def test_the_metrics_port_that_is_taken_is_said(monkeypatch):
    monkeypatch.setattr(cli_doctor.logs, "set_up", lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        env = {"HOTLINE_PROBE_NUMBER": "1234500", "HOTLINE_PROBE_METRICS_PORT": str(port)}
        done = CliRunner().invoke(app, ["probe", "--watch"], env=env)
    assert isinstance(done.exception, ServiceError)
    assert str(port) in str(done.exception)


def test_every_metric_is_documented_and_every_documented_one_exists():
    page = (ROOT / "docs/doctor.md").read_text()
    documented = set(re.findall(r"`(hotline_probe_\w+?)(?:_total)?(?:\{reason\})?`", page))
    registry = Watch(Pace([]).call, 60.0).metrics.registry
    assert documented == {metric.name for metric in registry.collect()}
