"""Further parties of a talk: each command as the exact AMI actions; no header, number or trunk smuggles anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls import commands as c
from calls import events as e
from tests.unit.telephony.test_switch import CH, ERROR, GOOD, C, L, Rig, ring

P = f"{C}~line.110~2"


@pytest.fixture
def rig():
    return Rig()


def line(**changes):
    values = {"leg": P, "channel": CH, "trunk": "police", "number": "110", "shown": "12345", "seconds": 15.0}
    return c.RingLine(C, **{**values, **changes})


LINE = {
    "Action": "Originate", "ActionID": P, "Channel": "PJSIP/110@police", "Context": "hotline-join", "Exten": "s",
    "Priority": "1", "Async": "true", "Timeout": "15000", "Codecs": "alaw,ulaw", "CallerID": "<12345>", "ChannelId": P,
    "Variable": [f"HL_CALLER={CH}", "HL_BESIDE="],
}  # fmt: skip


def setvar(name, value, channel):
    return {"Action": "Setvar", "Variable": name, "Value": value, "Channel": channel}


def redirect(channel, context, exten="s"):
    return {"Action": "Redirect", "Channel": channel, "Context": context, "Exten": exten, "Priority": "1"}


OPEN = setvar("HL_OPEN", "1", C)
HOLD = {
    "Action": "Redirect", "Channel": C, "Context": "hotline-wait", "Exten": "hold", "Priority": "1",
    "ExtraChannel": L, "ExtraContext": "hotline-side", "ExtraExten": "quiet", "ExtraPriority": "1",
}  # fmt: skip
TOLD = "hotline/zh/emergency-connecting-110"


@pytest.mark.parametrize(
    ("command", "actions"),
    [
        (line(), [OPEN, LINE]),
        (line(shown=""), [OPEN, LINE | {"CallerID": "<anonymous>"}]),
        (line(shown="13800001234"), [OPEN, LINE | {"CallerID": "<13800001234>"}]),
        (line(role="beside", beside=L),
         [LINE | {"Context": "hotline-beside", "Variable": [f"HL_CALLER={CH}", f"HL_BESIDE={L}"]}]),
        (c.Move(C, L, "talk", "", CH), [redirect(L, "hotline-join")]),
        (c.Move(C, L, "beside", P, CH), [setvar("HL_BESIDE", P, L), redirect(L, "hotline-beside")]),
        (c.Move(C, C, "beside", L, CH),
         [setvar("HL_QUEUED", "", C), setvar("HL_BESIDE", L, C), redirect(C, "hotline-beside")]),
        (c.Move(C, L, "quiet", "", CH), [redirect(L, "hotline-side", "quiet")]),
        (c.Move(C, L, "ring", "", CH), [redirect(L, "hotline-side", "ring")]),
        (c.Move(C, P, "music", "", CH), [redirect(P, "hotline-side", "music")]),
        (c.Move(C, P, "listen", L, CH), [setvar("HL_BESIDE", L, P), redirect(P, "hotline-listen")]),
        (c.Move(C, P, "whisper", L, CH), [setvar("HL_BESIDE", L, P), redirect(P, "hotline-whisper")]),
        (c.Hold(C, CH, L), [setvar("HL_QUEUED", "", C), HOLD]),
        (c.Hold(C, CH, L, "ring"), [setvar("HL_QUEUED", "", C), HOLD | {"ExtraExten": "ring"}]),
        (c.Hold(C, CH, L, "beside", P),
         [setvar("HL_BESIDE", P, L), setvar("HL_QUEUED", "", C),
          HOLD | {"ExtraContext": "hotline-beside", "ExtraExten": "s"}]),
        (c.Hold(C, CH, L, "again"),
         [setvar("HL_QUEUED", "", C), setvar("HL_READY", "", C),
          HOLD | {"Exten": "anew", "ExtraContext": "hotline-again", "ExtraExten": "s"}]),
        (c.NoLimit(C), [setvar("TIMEOUT(absolute)", "0", C)]),
        (c.InQueue(C), [setvar("HL_QUEUED", "1", C), setvar("HL_PLACE", "wait", C)]),
        (c.Mute(C, L, True), [setvar("MUTEAUDIO(in)", "on", L)]),
        (c.Mute(C, L, False), [setvar("MUTEAUDIO(in)", "off", L)]),
        (c.Mark(C, L, True), [setvar("TALK_DETECT(set)", "", L)]),
        (c.Mark(C, L, False), [setvar("TALK_DETECT(remove)", "", L)]),
        (c.ToWaiting(C, CH, (TOLD,)), [setvar("HL_WORDS", TOLD, C), redirect(C, "hotline-wait", "told")]),
        (c.ToWaiting(C, CH), [redirect(C, "hotline-wait", "s")]),
    ],
)  # fmt: skip
def test_each_command_is_exactly_its_actions_in_this_order(rig, command, actions):
    assert rig.do(command) == actions
    assert rig.told == []
    assert rig.switch.counters.refused_values == 0


def test_caller_and_last_partner_are_parted_by_one_action():
    """Two would let one of them fall out of the bridge alone: the caller hears silence, or the seat's leg ends."""
    rig = Rig()
    assert sum(x["Action"] == "Redirect" for x in rig.do(c.Hold(C, CH, L, "beside", P))) == 1


def test_a_seat_that_comes_beside_another_knows_whom(rig):
    (fields,) = rig.do(ring(role="beside", beside=P))
    assert fields["Context"] == "hotline-beside"
    assert f"HL_BESIDE={P}" in fields["Variable"]


@pytest.mark.parametrize("role", ["", "seat", "third", "hotline-trunk", "listen", "callback"])
def test_an_outside_line_is_never_brought_where_only_seats_go(rig, role):
    assert rig.do(line(role=role)) == []
    assert rig.told == [e.LegLeft(C, P, 28)]
    assert rig.switch.counters.refused_values == 1


@pytest.mark.parametrize("role", ["", "third", "assistant", "from-internal"])
def test_a_seat_in_a_role_that_the_dialplan_has_not_is_never_rung(rig, role):
    assert rig.do(ring(role=role)) == []
    assert rig.told == [e.LegLeft(C, L, 20)]


# ---------------------------------------------------------------------- nothing leads outside by a trick
@pytest.mark.parametrize(
    "number",
    ["", "110@evil", "110,s,1", "110&PJSIP/1", "١١٠", "１１０", "110\n", "1" * 25, "sip:x", "11 0", "${X}", "110/x"],
)
def test_a_number_that_is_none_is_never_rung_and_the_next_trunk_is_tried(rig, number):
    assert rig.do(line(number=number)) == []
    assert rig.told == [e.LegLeft(C, P, 28)], "wrong number: as the switch itself would have said"
    assert rig.switch.counters.refused_values == 1


@pytest.mark.parametrize("trunk", ["", "a b", "a,s", "a@b@c", "police\n", "../x", "呼叫", "x" * 33, "a&b", "a/sip:x"])
def test_a_trunk_that_could_be_something_else_is_never_used(rig, trunk):
    assert rig.do(line(trunk=trunk)) == []
    assert rig.told == [e.LegLeft(C, P, 28)]
    assert rig.switch.counters.refused_values == 1


def test_what_travels_with_the_call_is_added_to_its_invite(rig):
    rig.do(line(headers=(("X-Hotline-Case", "hz-hotline-1.2"), ("User-to-User", "686c;encoding=hex;purpose=x"))))
    assert rig.link.sent[-1]["Variable"] == [
        f"HL_CALLER={CH}", "HL_BESIDE=", "PJSIP_HEADER(add,X-Hotline-Case)=hz-hotline-1.2",
        "PJSIP_HEADER(add,User-to-User)=686c;encoding=hex;purpose=x",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Case", "a,b"), ("X-Case", "a\r\nVia: x"), ("X-Case", 'a"b'), ("X-Case", ""), ("X-Case", "${SHELL(x)}"),
     ("X-Case", "x" * 401), ("X-Case", "案"), ("", "a"), ("X Case", "a"), ("X-Case)=a,b(", "a"), ("X:", "a"),
     ("x" * 41, "a"), ("X-Case\n", "a"), ("X-Case", "a\n")],
)  # fmt: skip
def test_a_hostile_header_is_left_out_and_counted_and_the_line_rings_all_the_same(rig, name, value):
    rig.do(line(headers=((name, value), ("X-Good", "1"))))
    assert rig.link.sent == [OPEN, LINE | {"Variable": [*LINE["Variable"], "PJSIP_HEADER(add,X-Good)=1"]}]
    assert rig.switch.counters.refused_values == 1


@given(st.lists(st.tuples(st.text(max_size=50), st.text(max_size=50)), max_size=5))
def test_no_header_ever_leaves_its_own_variable(headers):
    rig = Rig()
    rig.do(line(headers=tuple(headers)))
    ours = rig.link.sent[-1]["Variable"][2:]
    for text in ours:
        assert text.isascii()
        assert text.isprintable()
        assert "," not in text.removeprefix("PJSIP_HEADER(add,")
    assert len(ours) + rig.switch.counters.refused_values == len(headers)


def test_hostile_words_before_the_waiting_loop_are_left_out_and_the_caller_is_brought_there_all_the_same(rig):
    rig.do(c.ToWaiting(C, CH, ("a,b", TOLD, "../x")))
    assert rig.link.sent == [setvar("HL_WORDS", TOLD, C), redirect(C, "hotline-wait", "told")]
    assert rig.switch.counters.refused_values == 2


# ---------------------------------------------------------------------- answers and silences
@pytest.mark.parametrize(("reply", "cause"), [(ERROR, 20), (None, e.NEVER_RUNG)])
def test_a_line_that_the_switch_did_not_take_is_a_leg_that_left_and_a_made_one_is_ended(rig, reply, cause):
    rig.do(line())
    rig.link.answer(reply, "Originate")
    assert rig.told == [e.LegLeft(C, P, cause)]
    assert rig.link.sent[-1] == {"Action": "Hangup", "Channel": P, "Cause": "16"}
    assert rig.switch.counters.failed_actions == 1


def test_a_line_that_the_switch_took_says_nothing_yet(rig):
    rig.do(line())
    rig.link.answer(GOOD)
    assert rig.told == []


def test_without_a_link_the_line_never_rang_and_no_order_raises(rig):
    rig.link.up = False
    for command in (line(), c.Move(C, L, "beside", P, CH), c.Hold(C, CH, L), c.InQueue(C), c.Mute(C, L, True),
                    c.Mark(C, L, True), c.ToWaiting(C, CH, (TOLD,))):  # fmt: skip
        rig.do(command)
    assert rig.told == [e.LegLeft(C, P, e.NEVER_RUNG)]
    assert rig.switch.counters.failed_actions == 12, "the line and its HL_OPEN, and each of the ten other actions"


@pytest.mark.parametrize(("reply", "ends"), [
    ({"Response": "Success", "Variable": "HL_IN", "Value": ""}, True),
    ({"Response": "Success", "Variable": "HL_IN", "Value": "1"}, False),
    ({"Response": "Error", "Message": "No such channel"}, True),
])  # fmt: skip
def test_a_ring_that_was_answered_while_our_order_was_on_its_way_is_a_dropped_talk(rig, reply, ends):
    asked = list(rig.do(c.CancelLeg(C, L, ringing=True)))
    assert asked == [setvar("HL_OFF", "1", L), {"Action": "Getvar", "Channel": L, "Variable": "HL_IN"}]
    rig.link.answer(reply, "Getvar")
    more = rig.link.sent[len(asked) :]
    assert more == ([{"Action": "Hangup", "Channel": L, "Cause": "16"}] if ends else [setvar("HL_OFF", "", L)])
    assert rig.switch.counters.crossed == (not ends)


def test_a_leg_that_talks_is_ended_at_once(rig):
    assert rig.do(c.CancelLeg(C, L)) == [{"Action": "Hangup", "Channel": L, "Cause": "16"}]
