"""Pictures that show what is there, and the walk in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import ivr
from ivr import HangUp, LeaveVoicemail, RingEmergency, RouteTo

ROOT = Path(__file__).parents[3]
WORKDAY = 1772589600.0  # Wednesday 2026-03-04 10:00 in Shanghai
MakeFlow = Callable[[str], ivr.Flow]


def walk(flow: ivr.Flow, typed: Iterable[str], **more: object) -> tuple[object, list[str]]:
    lines: list[str] = []
    keys = iter(typed)
    return ivr.try_flow(flow, lines.append, lambda _: next(keys), now=WORKDAY, **more), lines  # type: ignore[arg-type]


def test_a_walk_shows_what_the_caller_would_hear(book: ivr.FlowBook) -> None:
    end, lines = walk(book["default"], [])
    assert end == RouteTo({}, "zh")
    assert lines[0] == "听到：您好，浙江12345热线。  [zh/greeting]"
    assert lines[-1].startswith("→ 转人工")


def test_a_walk_takes_digits_words_and_silence(book: ivr.FlowBook) -> None:
    flow = book["self-service"]
    assert walk(flow, ["2", "我要问社保"])[0] == RouteTo({"social-security": 2}, "zh")
    assert walk(flow, ["1", "330106", "123456789012"])[0] == RouteTo({}, "zh", None, 1)
    assert walk(flow, ["1", "3301 06", "", "0", ""])[0] == RouteTo({}, "zh")
    end, lines = walk(flow, ["", "", ""])
    assert end == RouteTo({}, "zh")
    assert lines.count("（6 秒没有声音）") == 3
    assert walk(flow, ["人工"])[0] == RouteTo({}, "zh")
    assert walk(flow, [], facts={"caller": "0085"})[0] == RouteTo({"en": 2}, "en")


def test_digits_typed_in_one_line_do_not_show_prompts_that_nobody_hears(book: ivr.FlowBook) -> None:
    _, lines = walk(book["self-service"], ["1330106123456789012"])
    assert not any("enter-ticket" in line for line in lines)


def test_a_walk_ends_in_voicemail_and_hang_up_in_english(make: MakeFlow) -> None:
    flow = make("""
fork: {menu: self-menu, keys: {1: box, 2: bye}}
box: {voicemail: {max_seconds: 30}}
bye: {hangup: {reason: done, say: goodbye}}
""")
    end, lines = walk(flow, ["1"], language="en")
    assert end == LeaveVoicemail(30.0)
    assert lines[-1] == "→ voicemail, at most 30 s"
    assert walk(flow, ["2"], language="en") == (HangUp("done"), [*lines[:1], *walk(flow, ["2"], language="en")[1][1:]])


def test_a_walk_that_rings_an_emergency_line_says_so(book: ivr.FlowBook) -> None:
    end, lines = walk(book["self-service"], ["9"])
    assert end == RingEmergency("110", RouteTo({}, "zh"))
    assert lines[-1] == "→ 紧急线路 110，同时转人工"
    assert walk(book["self-service"], ["2", "这里着火了"])[0] == RingEmergency("119", RouteTo({}, "zh"))
    _, lines = walk(book["self-service"], ["9"], language="en")
    assert lines[-1] == "→ emergency line 110, and a human"


def test_what_ends_the_terminal_ends_the_walk(book: ivr.FlowBook) -> None:
    def nothing(_: str) -> str:
        raise EOFError

    with pytest.raises(EOFError):
        ivr.try_flow(book["self-service"], lambda _: None, nothing, now=WORKDAY)


def test_pictures_show_every_node_and_way(book: ivr.FlowBook) -> None:
    for flow in book:
        picture, text = ivr.draw(flow), ivr.tree(flow)
        for name in flow.nodes:
            assert f"{name} · " in picture
            assert f"{name} · " in text
    picture = ivr.draw(book["self-service"])
    assert "周一至五 08:30-12:00, 13:30-17:30" in picture
    assert '-.->|"0 / 无应答"|' in picture
    assert "police · emergency<br/>紧急线路 110" in picture
    assert "emergency line 110" in ivr.draw(book["self-service"], "en")
    assert "police · emergency\n" in ivr.tree(book["self-service"])
    assert "# of" not in ivr.draw(book["self-service"], "en")


def test_labels_cannot_break_the_picture(make: MakeFlow) -> None:
    flow = make("""
fork: {menu: self-menu, keys: {'#': human, 1: ask}}
ask:
  ask: ask-topic
  answers: [{words: ['a "b" <c> & d'], next: human}]
""")
    picture = ivr.draw(flow)
    assert '"b"' not in picture
    assert "<c>" not in picture
    assert '|"#35;"|' in picture


def test_the_page_about_flows_shows_the_flows_that_ship(book: ivr.FlowBook) -> None:
    page = (ROOT / "docs/flows.md").read_text("utf-8")
    for flow in book:
        assert ivr.draw(flow) in page, f"docs/flows.md is old: put `hotline flow draw {flow.name}` into it"
