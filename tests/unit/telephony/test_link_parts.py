"""Actions, errors, watchdog and back-off: no I/O."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony._frames import Message
from telephony._link import ActionFailed, ActionRefused, ActionTimeout, AmiSettings, LinkDown
from telephony._link_actions import agi_quote, encode_action, variable
from telephony._link_watch import Backoff, Verdict, Watchdog


@settings(deadline=None)
@given(st.text(), st.sampled_from("\r\n\0"), st.text(), st.booleans())
def test_line_end_in_a_value_cannot_forge_an_action(before: str, evil: str, after: str, as_list: bool) -> None:
    value = f"{before}{evil}{after}"
    with pytest.raises(ActionRefused) as caught:
        encode_action({"Action": "Setvar", "Value": [value] if as_list else value})
    assert "Value" in str(caught.value)


@pytest.mark.parametrize("key", ["A\r\nB", "A: b", "", "A b", "名", "A\0", "-A", "1", "x" * 65])
def test_odd_header_name_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ActionRefused) as caught:
        encode_action({"Action": "Ping", key: "1"})
    assert key == "" or key not in str(caught.value).replace("not a header name", "") or len(key) == 1


def test_long_value_is_refused_by_its_bytes_and_not_shown() -> None:
    encode_action({"Action": "Setvar", "Value": "灯" * 300})
    with pytest.raises(ActionRefused) as caught:
        encode_action({"Action": "Setvar", "Value": "灯" * 301})
    assert "灯" not in str(caught.value)
    assert caught.value.header == "Value"


@pytest.mark.parametrize("fields", [{}, {"Action": ""}, {"Value": "x"}, {"Action": "Ping", "V": "\ud800"}])
def test_unusable_action_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ActionRefused):
        encode_action(fields)


def test_too_many_headers_are_refused_before_asterisk_ignores_some() -> None:
    with pytest.raises(ActionRefused):
        encode_action({"Action": "Originate", "Variable": ["a=1"] * 120})


def test_repeated_header_keeps_its_order() -> None:
    raw = encode_action({"Action": "X", "Variable": ["a=1", "b=2"], "Y": "3"})
    assert raw == b"Action: X\r\nVariable: a=1\r\nVariable: b=2\r\nY: 3\r\n\r\n"


def test_comma_in_a_variable_cannot_set_a_second_one() -> None:
    assert variable("NAME", '王,__X="1"(2)[3]\\') == 'NAME=王\\,__X=\\"1\\"\\(2\\)\\[3\\]\\\\'
    assert agi_quote('a "b" \\') == '"a \\"b\\" \\\\"'


def test_errors_name_no_number_and_say_whether_it_may_have_happened() -> None:
    failed = ActionFailed("Hangup", Message.of({"Response": "Error", "Message": "No channel Local/13800000000@x"}))
    assert "13800000000" not in str(failed)
    assert not failed.maybe_executed
    assert ActionTimeout("Originate", 5).maybe_executed
    assert not LinkDown("x").maybe_executed
    assert isinstance(LinkDown("x"), OSError)
    assert isinstance(ActionTimeout("x", 1), TimeoutError)


def test_settings_that_cannot_work_are_refused_and_the_secret_is_not_shown() -> None:
    with pytest.raises(ValueError, match="ping_timeout"):
        AmiSettings(username="u", secret="s", ping_interval=2, ping_timeout=1)
    with pytest.raises(ValueError, match="reconnect_max"):
        AmiSettings(username="u", secret="s", reconnect_min=2, reconnect_max=1)
    assert "geheim" not in repr(AmiSettings(username="u", secret="geheim"))


def test_silent_peer_is_dead_only_after_it_was_asked() -> None:
    dog = Watchdog(1.0, 2.0, now=0.0)
    assert dog.check(0.9) is Verdict.FINE
    assert dog.check(1.0) is Verdict.PING
    assert dog.check(1.9) is Verdict.FINE
    assert dog.check(2.0) is Verdict.DEAD
    late = Watchdog(1.0, 2.0, now=0.0)
    assert late.check(50.0) is Verdict.PING


def test_any_byte_is_life() -> None:
    dog = Watchdog(1.0, 2.0, now=0.0)
    assert dog.check(1.0) is Verdict.PING
    dog.heard(1.5)
    assert dog.check(2.4) is Verdict.FINE
    assert dog.check(2.5) is Verdict.PING
    assert dog.check(3.5) is Verdict.DEAD


def test_pauses_grow_to_a_bound_and_are_spread() -> None:
    low, high = Backoff(0.1, 5.0, lambda: 0.0), Backoff(0.1, 5.0, lambda: 1.0)
    assert [low.next() for _ in range(3)] == pytest.approx([0.05, 0.1, 0.2])
    pauses = [high.next() for _ in range(1000)]
    assert pauses[:3] == pytest.approx([0.1, 0.2, 0.4])
    assert max(pauses) == 5.0
    high.reset()
    assert high.next() == pytest.approx(0.1)
