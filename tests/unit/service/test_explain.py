"""`hotline route explain`: the story before a call, from the configuration, and after it, from its timeline."""

import shutil

import pytest
from typer.testing import CliRunner

from service import cli_route
from service.cli import app
from service.config import load_config
from service.errors import ServiceError
from service.explain import reason, story
from service.settings import ROOT


@pytest.fixture(scope="module")
def book():
    return load_config(ROOT / "config/hotline.yaml").book()


@pytest.fixture
def explain(monkeypatch, tmp_path):
    """Runs the command with the shipped configuration; answers with its output on one line each."""
    directory = tmp_path / "config"
    directory.mkdir()
    for name in ("hotline.yaml", "routing.yaml", "centres.yaml", "workdays.yaml"):
        shutil.copy(ROOT / "config" / name, directory)
    monkeypatch.setenv("HOTLINE_CONFIG_DIR", str(directory))

    def run(*args):
        result = CliRunner().invoke(app, ["route", "explain", *args], catch_exceptions=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.output

    run.directory = directory
    return run


def test_a_plain_caller(explain):
    out = explain("--dialled", "12345", "--at", "2026-11-25 10:00")
    assert "2026-11-25 10:00:00 (Asia/Shanghai), 工作日 workday" in out
    assert "330000 浙江省热线中心 (默认" in out
    assert "default 一般来电" in out
    assert "1. 立即 at once" in out
    assert "在岗 on duty 8 (8001, 8002" in out


def test_a_dialect_caller_by_area_code(explain):
    out = explain("--dialled", "12345", "--caller", "057788880000", "--skill", "wenzhou-wu=3")
    assert "330300 温州市 (主叫区号" in out
    assert "温州话 wenzhou-wu ≥ 1" in out
    assert "在岗 on duty 1 (8004)" in out
    assert "2. 5 秒后 after 5 s" in out
    assert "057788880000" not in out, "no numbers of people"


def test_history_mode_holiday_and_unpublished_years(explain):
    out = explain(
        "--dialled", "12345", "--mode", "surge", "--cut-off-from", "8001", "--calls", "4", "--at", "2026-10-01 10:00"
    )
    assert "休息日 day off (国庆节)" in out
    assert "断线重拨回原座席 · cut-off: 先找原座席" in out
    assert "repeat: 第 4 次 · call 4" in out
    assert "运行模式「话务高峰」" in out
    assert "6 分 = 先算等了 360 秒" in out
    assert "1. 立即 at once  same seat" in out
    assert "暂定 provisional" in explain("--dialled", "12345", "--at", "2031-01-02 10:00")
    assert "gave-up" in explain("--dialled", "12345", "--abandoned")


def test_leader_day_duty_closed_centres_and_incidents(explain):
    hotline = explain.directory / "hotline.yaml"
    hotline.write_text(
        hotline.read_text().replace('- {id: "8008",', '- {id: "8008", kind: expert,')
        + '  - {id: "9001", name: 领导, kind: leader}\n  - {id: "9002", name: 助理, kind: assistant}\n'
    )
    rules = explain.directory / "routing.yaml"
    entry = '{date: 2026-12-10, from: "09:00", to: "11:00", leader: "9001", assistant: "9002"}'
    rules.write_text(
        rules.read_text()
        .replace("leader_days: []", f"leader_days: [{entry}]")
        .replace("incidents: []", 'incidents: [{id: water, regions: "330302", zh: 鹿城区停水}]')
    )
    centres = explain.directory / "centres.yaml"
    centres.write_text(
        centres.read_text().replace('"330000": 浙江省热线中心', '"330000": {name: 省中心, hours: office}')
    )
    out = explain("--dialled", "12345", "--caller", "057788880000", "--at", "2026-12-10 10:00")
    assert "座席 seat 9001, 助理 assistant 9002" in out
    assert "leader day: seat 9001 first" in out
    assert "water: 鹿城区停水" in out
    out = explain("--dialled", "12345", "--at", "2026-12-10 19:00")
    assert "330000 未开放" in out
    assert "在岗 on duty 0; 不在岗 off duty 8 (8001" in out
    assert "9001" not in out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "either a call's id or --dialled"),
        (("x", "--dialled", "12345"), "either a call's id or --dialled"),
        (("--dialled", "1234"), "no dialled number '1234'; did you mean '12345'"),
        (("--dialled", "12345", "--mode", "sruge"), "did you mean 'surge'"),
        (("--dialled", "12345", "--centre", "330301"), "no centre '330301'"),
        (("--dialled", "12345", "--cut-off-from", "8010"), "no seat '8010'"),
        (("--dialled", "12345", "--skill", "A=9"), "no skill"),
        (("--dialled", "12345", "--at", "soon"), "no time"),
    ],
)
def test_wrong_questions_are_told(explain, args, message):
    with pytest.raises(ServiceError, match=message) as caught:
        explain(*args)
    assert caught.value.fix


CALL = {
    "id": "c-1",
    "arrived_at": 1795600000.0,
    "state": "ended",
    "timeline": [
        {"at": 1795600000.0, "what": "arrived", "detail": {"dialled": "12345"}},
        {
            "at": 1795600001.0,
            "what": "planned",
            "detail": {
                "why": "rule:wenzhou cut-off:same-seat mode:surge",
                "steps": "温州话 (10 s) → 全省",
                "priority": 5,
            },
        },
        {
            "at": 1795600002.0,
            "what": "offered",
            "detail": {"seat": "8004", "level": 1, "step": "温州话", "waited": 1.2, "free": 3, "passed": 2, "kept": 1},
        },
        {"at": 1795600003.0, "what": "not_taken", "detail": {"seat": "8004", "why": "no_answer"}},
        {"at": 1795600020.0, "what": "told", "detail": {"what": "position", "position": 2, "seconds": 90}},
        {"at": 1795600030.0, "what": "joined", "detail": {"seat": "8005"}},
        {"at": 1795600031.0, "what": "third_wanted", "detail": {}},
        {"at": 1795600032.0, "what": "third_joined", "detail": {"seat": "8006"}},
    ],
}


def test_the_story_of_a_call(book):
    text = "\n".join(story(CALL, book))
    for words in (
        "温州话 (10 s) → 全省",
        "规则「温州话优先」",
        "先找原座席",
        "话务高峰",
        "5 分 points",
        "offered to seat 8004",
        "步骤 step 2「温州话」",
        "等了 waited 1.2 s",
        "free seats that fit 3",
        "callers passed 2",
        "kept for scarce skills 1",
        "not taken by seat 8004",
        "position 2",
        "expected 90 s",
        "joined with seat 8005",
        "seat 8006 joined",
    ):
        assert words in text, words
    assert "12345" not in text


def test_the_story_is_told_without_a_book_and_with_nothing_to_tell():
    assert "rule wenzhou" in "\n".join(story(CALL))
    assert "没有派话记录" in "\n".join(story(CALL | {"timeline": []}))
    assert reason("new-code:7") == "new-code · new-code: 第 7 次 · call 7"
    assert reason("leader-day:9001").startswith("领导接听日")
    assert "330300" in reason("closed:330300")


def test_the_command_asks_the_running_instance(explain, monkeypatch):
    asked = []
    monkeypatch.setattr(cli_route, "get", lambda path: asked.append(path) or CALL)
    assert "offered to seat 8004" in explain("c-1")
    assert asked == ["calls/c-1"]
