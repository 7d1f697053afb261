"""What admission control says of each arrival, what it tells the switch, and when it says that it is on."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

import calls
from calls import events as e
from calls.testing import FakeSwitch
from routing import CentreTree, Demand, Dispatcher, Policy, RoutingBook, Seat
from service.admission import Admission
from service.config import load_config
from service.errors import ConfigError
from service.health import NotWell
from telephony import DoorPlan

ROOT = Path(__file__).resolve().parents[3]
NOW = 1_764_043_200.0
LIMITS = calls.Limits(most=1)
ARRIVAL = e.Arrived("c-1", "PJSIP/trunk-1", "12345", "13800001234", flow="main@1", origin="trunk")


class NoFlows:
    def flow_of(self, reference: str) -> None:
        return None


class FakeDoor:
    def __init__(self) -> None:
        self.up, self.reply = True, 0.001
        self.told: int | None = None
        self.refused: int | None = None
        self.plans: list[DoorPlan] = []

    def ask(self) -> None:
        pass

    def tell(self, plan: DoorPlan) -> None:
        self.plans.append(plan)


async def ping() -> None:
    pass


def build(limits: calls.Limits = LIMITS, *, calls_out: bool = True) -> Any:
    posts = {"8001": Seat("8001", "8001", "330000", {"putonghua": 5})}
    dispatcher = Dispatcher(posts.values(), Policy())
    book = RoutingBook(CentreTree.of([]), "330000", posts, emergency_dialled=frozenset({"95001"}))
    host = calls.Host(dispatcher, book, can_call_out=calls_out)
    engine = calls.Engine(
        switch=FakeSwitch(), journal=calls.MemoryJournal(), dispatcher=dispatcher,
        rules=calls.Rules(NoFlows(), Demand()), entries={}, raw_path=str, clock=lambda: NOW, host=host,
    )  # fmt: skip
    found = Admission(
        engine=engine, host=host, doors=[FakeDoor()], limits=limits,  # type: ignore[list-item]
        language=lambda flow: "en" if flow.startswith("en") else "zh", ping=ping, countless=["1234500"],
        clock=lambda: NOW,
    )  # fmt: skip
    host.gates.append(found.gate)
    return found


def full(limits: calls.Limits = LIMITS, **more: Any) -> Any:
    found = build(limits, **more)
    assert found.gate(ARRIVAL, NOW).turned == "", "the first is let in"
    return found


def test_who_is_turned_away_hears_why_in_the_language_of_its_number_and_may_press_a_key():
    found = full()
    event = found.gate(replace(ARRIVAL, flow="en@3"), NOW)
    assert (event.turned, event.turned_key) == ("overload", "1")
    assert event.turned_words[0] == "hotline/en/busy-now"
    assert "hotline/en/num-1" in event.turned_words


@pytest.mark.parametrize("out", [True, False])
def test_nobody_is_offered_a_call_back_that_cannot_be_made(out):
    found = full(calls_out=out)
    event = found.gate(replace(ARRIVAL, number="" if out else "13800001234"), NOW)
    assert (event.turned, event.turned_key) == ("overload", "")
    assert not any("offer" in x for x in event.turned_words)


def test_a_number_that_calls_too_often_is_offered_nothing_and_is_no_overload():
    found = build(calls.Limits(caller_calls=1))
    found.gate(ARRIVAL, NOW)
    event = found.gate(ARRIVAL, NOW)
    assert (event.turned, event.turned_key) == ("rate", "")
    assert not found.on


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "110"}, {"number": "0571119"}, {"number": "057712345678", "dialled": "95001"},
        {"origin": "8001"}, {"origin": "line-sh"}, {"origin": ""},
        {"history": {"calls": [{"at": NOW - 60, "ended": NOW - 30, "cut": True}]}},
    ],
    ids=["110", "area code and 119", "emergency line's number", "a seat", "a hotline", "found, not come", "cut off"],
)  # fmt: skip
def test_who_is_never_turned_away(changes):
    assert full().gate(replace(ARRIVAL, **changes), NOW).turned == ""


def test_who_is_being_called_back_or_was_lost_by_us_is_let_in():
    found = full()
    found._host.callbacks.add(ARRIVAL.number, "lost", NOW)
    assert found.gate(ARRIVAL, NOW).turned == ""


@pytest.mark.parametrize("number", ["0571110111", "1101", "81190000"])
def test_a_number_that_only_looks_like_an_emergency_line_is_none(number):
    assert full().gate(replace(ARRIVAL, number=number), NOW).turned == "overload"


def test_our_own_test_call_has_no_limit_of_its_own():
    found = build(calls.Limits(caller_calls=1))
    probe = replace(ARRIVAL, number="1234500")
    assert [found.gate(probe, NOW).turned for _ in range(3)] == ["", "", ""]


def test_a_fault_of_ours_lets_everybody_in(caplog):
    found = full()
    found.rules.judge = None  # type: ignore[assignment, method-assign]
    with caplog.at_level(logging.ERROR):
        assert found.gate(ARRIVAL, NOW).turned == ""
    assert found.failures == 1
    assert "13800001234" not in caplog.text


def test_it_is_told_once_that_it_begins_and_once_that_it_ends(caplog):
    found = full()
    with caplog.at_level(logging.WARNING, logger="service.admission"):
        assert [found.gate(ARRIVAL, NOW).turned for _ in range(3)] == ["overload"] * 3
        found.look()
        found._last -= 60.0
        found.look()
        found.look()
    assert [r.getMessage().split(":")[0] for r in caplog.records] == [
        "admission control begins", "admission control ends",
    ]  # fmt: skip
    assert not found.on


async def test_the_health_says_that_it_is_on_and_the_metrics_name_nobody():
    found = full()
    await found.well()
    found.gate(ARRIVAL, NOW)
    with pytest.raises(NotWell):
        await found.well()
    registry = CollectorRegistry()
    registry.register(found)
    text = generate_latest(registry).decode()
    assert 'hotline_admission_turned_total{reason="full"} 1.0' in text
    assert "138" not in text


def test_what_the_switch_turned_away_is_counted_once_also_when_it_begins_anew():
    found = build()
    (door,) = found._doors
    for told, refused in ((None, None), (3, 10), (3, 10), (4, 12), (1, 0)):
        door.told, door.refused = told, refused
        found.look()
    assert (found.turned["told"], found.turned["refused"]) == (2, 2), "what was before us is not ours"
    assert found.on


def test_the_switch_is_told_the_rate_or_what_is_left_of_the_burst_and_nothing_when_it_is_off():
    found = build(calls.Limits(rate=10, burst=20, most=100, announcements=5))
    (door,) = found._doors
    found.look()
    assert door.plans[-1].rate == 20
    assert door.plans[-1].most == 100 + 1 + 10
    for _ in range(20):
        found.gate(replace(ARRIVAL, number=""), NOW)
    found.look()
    assert door.plans[-1].rate == 10
    found.rules.configure(calls.Limits(on=False))
    found.look()
    assert door.plans[-1] == DoorPlan()


def test_while_answers_are_late_in_a_flood_nobody_more_comes_in_than_there_are():
    found = build(calls.Limits(rate=10, burst=10, most=100, announcements=5))
    (door,) = found._doors
    at = [NOW]
    found._clock = lambda: at[0]
    for _ in range(20):
        at[0] += 0.25
        for _ in range(10):
            found.gate(replace(ARRIVAL, number=""), at[0])
        door.reply = 1.0
        found.look()
    assert found.rules.tight
    assert door.plans[-1].most == 50, "the least there is, with nobody in the books"
    door.reply, found.delays = 0.001, {}
    at[0] += 0.25
    found.look()
    assert door.plans[-1].most == 100 + 1 + 10


def test_the_switch_knows_emergency_lines_and_takes_no_pattern_from_a_configured_number():
    text = DoorPlan(always=("110", "119", "12*"), always_dialled=("95001", ".*")).globals()["HL_ALWAYS"]
    assert text == "^(0[0-9]+)?(110|119)>|>(95001)$"
    assert DoorPlan().globals()["HL_ALWAYS"] == "^$"


def test_the_shipped_limits_are_the_defaults_and_a_trunk_that_is_none_is_a_fault(tmp_path):
    shipped = load_config(ROOT / "config/hotline.yaml")
    assert shipped.admission.limits("line-") == calls.Limits()
    for entry in (ROOT / "config").iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "hotline.yaml").unlink()
    text = (ROOT / "config/hotline.yaml").read_text(encoding="utf-8")
    changed = text.replace("  announcements: 100 ", "  trunks: {ghost: {rate: 5}}\n  announcements: 100 ", 1)
    (tmp_path / "hotline.yaml").write_text(changed, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"hotline\.yaml:\d+: admission\.trunks\.ghost: no such trunk"):
        load_config(tmp_path / "hotline.yaml")
