"""Whom the ears follow, what they call an emergency, and what the engine is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

import calls
from recordings import Detector, Word
from service.ears import Ears, detect, unserved

S = calls.CallState
NOW = 1_763_932_200.0


def call(state: S = S.WAITING, *, kinds: tuple[str, ...] = (), **values: Any) -> calls.Call:
    legs = tuple(
        calls.Leg(f"l{i}", kind, "8001", calls.LegState.JOINED, NOW - 1) for i, kind in enumerate(("caller", *kinds))
    )
    base: dict[str, Any] = {"answered_at": NOW - 1, "legs": legs, **values}
    return calls.Call("c-1", state, "SIP/x", "12345", "13800000000", "", "main@1", NOW - 1, **base)


class Engine:
    def __init__(self) -> None:
        self.calls: dict[str, calls.Call] = {}
        self.rung: list[tuple[str, str, str, str]] = []
        self.refuse = ""

    def emergency(self, call_id: str, entry: str, *, by: str = "", key: str = "") -> str:
        if self.refuse:
            raise calls.OrderError(self.refuse, "no")
        self.rung.append((call_id, entry, by, key))
        return "p1"


class FakeListener:
    def __init__(self, detector: Detector, heard: Callable[[str, str, float], None]) -> None:
        self.heard = heard
        self.followed: list[tuple[str, str, bool]] = []
        self.forgotten: list[str] = []
        self.figures: dict[str, float] = {}
        self.counters = type("Counters", (), {"deaths": 2})()
        self.running = False

    def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.running = False

    def listen(self, call_id: str, path: str, *, fresh: bool = True) -> None:
        self.followed.append((call_id, path, fresh))

    def forget(self, call_id: str) -> None:
        self.forgotten.append(call_id)


class Setup:
    def __init__(self) -> None:
        self.engine = Engine()
        self.ears = Ears(self.engine, lambda c: f"/spool/{c}.raw", FakeListener, lambda: NOW)  # type: ignore[arg-type]
        self.listener: Any = self.ears.listener

    def becomes(self, one: calls.Call) -> None:
        self.engine.calls[one.id] = one
        self.ears.on_change(calls.Change([one]))


@pytest.fixture
def setup() -> Setup:
    return Setup()


# ------------------------------------------------------------------ whom
@pytest.mark.parametrize("state", [S.ARRIVED, S.IN_FLOW, S.WAITING, S.OFFERED, S.VOICEMAIL])
def test_a_caller_alone_with_machines_is_followed_from_its_first_word(setup: Setup, state: S) -> None:
    setup.becomes(call(state))
    setup.becomes(call(state))
    assert setup.listener.followed == [("c-1", "/spool/c-1.raw", True)]
    assert setup.listener.forgotten == []


@pytest.mark.parametrize("state", [s for s in S if s not in (S.ARRIVED, S.IN_FLOW, S.WAITING, S.OFFERED, S.VOICEMAIL)])
def test_nobody_else_is(setup: Setup, state: S) -> None:
    setup.becomes(call(state))
    assert setup.listener.followed == []


def test_not_answered_yet_or_already_gone_is_not_followed() -> None:
    assert not unserved(call(answered_at=None))
    assert not unserved(call(ended_at=NOW))


@pytest.mark.parametrize(("kind", "followed"), [("line", False), ("seat", False), ("third", False), ("observer", True)])
def test_a_caller_somebody_talks_with_is_left_alone(kind: str, followed: bool) -> None:
    assert unserved(call(kinds=(kind,))) is followed


def test_a_served_caller_is_forgotten_and_followed_again_when_its_seat_is_lost(setup: Setup) -> None:
    setup.becomes(call())
    setup.becomes(call(S.TALKING))
    assert setup.listener.forgotten == ["c-1"]
    setup.becomes(call(answered_at=NOW - 100))
    assert setup.listener.followed[1:] == [("c-1", "/spool/c-1.raw", False)]  # what it said to the seat is over
    setup.becomes(call(S.WRAP_UP, ended_at=NOW))
    assert setup.listener.forgotten == ["c-1", "c-1"]


async def test_calls_that_were_there_before_a_takeover_are_followed_too(setup: Setup) -> None:
    setup.engine.calls = {"c-1": call(answered_at=NOW - 60)}
    setup.ears.start()
    assert setup.listener.running
    assert setup.listener.followed == [("c-1", "/spool/c-1.raw", False)]
    await setup.ears.stop()
    assert not setup.listener.running


# ------------------------------------------------------------------ what the engine is told
def test_what_is_heard_rings_the_line_with_a_key_of_its_own(setup: Setup) -> None:
    setup.becomes(call())
    setup.listener.heard("c-1", "119", 0.9)
    assert setup.engine.rung == [("c-1", "119", "spoken", "spoken-119")]
    assert setup.ears.heard["119"] == 1


def test_heard_too_late_is_for_the_human_who_has_the_call_now(setup: Setup) -> None:
    setup.becomes(call())
    setup.engine.calls["c-1"] = replace(call(), state=S.TALKING)
    setup.listener.heard("c-1", "119", 0.9)
    setup.listener.heard("c-2", "119", 0.9)
    assert setup.engine.rung == []


def test_a_line_without_a_trunk_is_counted_and_hurts_nobody(setup: Setup) -> None:
    setup.becomes(call())
    setup.engine.refuse = "entry-disabled"
    setup.listener.heard("c-1", "119", 0.9)
    text = metrics(setup)
    assert 'hotline_ears_refused_total{code="entry-disabled"} 1.0' in text


def metrics(setup: Setup) -> str:
    registry = CollectorRegistry()
    registry.register(setup.ears)  # type: ignore[arg-type]
    return generate_latest(registry).decode()


def test_metrics_tell_whether_anybody_listens_and_how_late(setup: Setup) -> None:
    assert "hotline_ears_up 0.0" in metrics(setup)
    setup.listener.figures = {"callers": 3, "streams": 2, "lag": 0.4, "cpu": 1.5}
    setup.becomes(call())
    setup.listener.heard("c-1", "120", 0.9)
    text = metrics(setup)
    for line in (
        "hotline_ears_up 1.0", "hotline_ears_callers 3.0", "hotline_ears_streams 2.0", "hotline_ears_lag_seconds 0.4",
        'hotline_ears_heard_total{line="120"} 1.0', 'hotline_ears_heard_total{line="119"} 0.0',
        "hotline_ears_deaths_total 2.0",
    ):  # fmt: skip
        assert line in text


# ------------------------------------------------------------------ what is an emergency
def turn(*utterances: str, conf: float = 0.8) -> list[list[Word]]:
    return [[Word(w, i * 3.0, i * 3.0 + 1, conf) for w in u.split()] for i, u in enumerate(utterances)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("119", ["我 家 厨房 着火 了"]), ("110", ["我 要 报警"]), ("120", ["快 叫 救护车"]),
        ("122", ["路口 出 车祸 了"]), ("119", ["喂 你好", "着火 了 快 来 人"]),
        ("119", ["去年 也 有 过", "现在 我 家 又 着火 了"]),
    ],
)  # fmt: skip
def test_an_emergency_is_heard(line: str, said: list[str]) -> None:
    sign = detect(turn(*said))
    assert sign is not None
    assert (sign.line, sign.confidence) == (line, pytest.approx(0.8))


@pytest.mark.parametrize(
    "said",
    [
        ["去年 着 过 火"], ["不 是 火警 我 想 咨询 消防证"], ["去年", "我 家 着火 了"], ["听说 工厂 着火 了"],
        ["没有 着火"], ["嗯"], [],
    ],
)  # fmt: skip
def test_denied_past_and_hearsay_are_none(said: list[str]) -> None:
    assert detect(turn(*said)) is None


def test_the_confidence_is_that_of_the_words_of_the_emergency() -> None:
    words = [Word("我", 0, 1, 1.0), Word("家", 1, 2, 1.0), Word("着火", 2, 3, 0.3), Word("了", 3, 4, 1.0)]
    sign = detect([words])
    assert sign is not None and sign.confidence == pytest.approx(0.3)
