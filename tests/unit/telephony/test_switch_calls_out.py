"""Words for waiting callers, calls to callers, roles of seats: exact actions; nothing leads outside by a trick."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls import commands as c
from calls import events as e
from telephony import AsteriskSwitch, RenderError
from telephony._frames import Message
from telephony._render import _out_section
from telephony._translate import failed_caller, translate
from tests.unit.telephony.test_render import plan
from tests.unit.telephony.test_switch import CH, ERROR, ORIGINATE, C, FakeLink, L, ring

OUT = "out-1a2-0-3b4"
LEG = f"leg-{OUT}~8001~1"


class Rig:
    def __init__(self, trunk="hotline-out"):
        self.link, self.told = FakeLink(), []
        self.switch = AsteriskSwitch(self.link, self.told.extend, out_trunk=trunk)

    def do(self, command):
        self.switch.do(command)
        return self.link.sent


@pytest.fixture
def rig():
    return Rig()


def dial(number="13800001234"):
    return c.DialCaller(OUT, number, "12345", LEG, 30.0)


@pytest.mark.parametrize(
    ("role", "context"),
    [("seat", "hotline-seat"), ("callback", "hotline-seat-out"), ("join", "hotline-join"), ("beside", "hotline-beside"),
     ("listen", "hotline-listen"), ("whisper", "hotline-whisper")],
)  # fmt: skip
def test_each_role_of_a_seat_has_its_own_way_in_the_dialplan(rig, role, context):
    assert rig.do(ring(role=role)) == [ORIGINATE | {"Context": context}]


def test_a_phone_on_another_asterisk_is_dialled_over_its_trunk(rig):
    (fields,) = rig.do(ring(phone="8001@hangzhou"))
    assert fields["Channel"] == "PJSIP/8001@hangzhou"


@pytest.mark.parametrize("phone", ["8001@a@b", "8001,s,1", "sip:x@y", "8001/../", "", "a\nb", "8001@"])
def test_a_phone_that_could_be_something_else_is_never_dialled(rig, phone):
    if phone == "":
        assert rig.do(ring(phone=phone))[0]["Channel"] == "PJSIP/8001"
        return
    assert rig.do(ring(phone=phone)) == []
    assert rig.told == [e.LegLeft(C, L, 20)]
    assert rig.switch.counters.refused_values == 1


def test_words_are_fetched_by_the_caller_itself_and_never_by_a_redirect(rig):
    rig.do(c.Announce(C, CH, ("hotline/zh/wait-next", "hotline/zh/num-1")))
    assert rig.link.sent == [
        {"Action": "Setvar", "Variable": "HL_WORDS", "Value": "hotline/zh/wait-next&hotline/zh/num-1", "Channel": C}
    ]


def test_no_words_take_back_what_was_not_heard_yet(rig):
    rig.do(c.Announce(C, CH, ()))
    assert rig.link.sent[0]["Value"] == ""


@given(st.lists(st.text(max_size=120), max_size=40))
def test_words_always_fit_a_value_and_hold_nothing_but_prompts(prompts):
    rig = Rig()
    rig.do(c.Announce(C, CH, tuple(prompts)))
    value = rig.link.sent[0]["Value"]
    assert len(value.encode()) <= 900
    assert not set(value) & set("\r\n\0,${}()")


def test_a_last_word_is_set_before_the_caller_is_sent_to_it(rig):
    rig.do(c.Farewell(C, CH, ("hotline/zh/goodbye",)))
    assert [x["Action"] for x in rig.link.sent] == ["Setvar", "Redirect"]
    assert rig.link.sent[1]["Context"] == "hotline-farewell"


def test_a_caller_is_rung_over_the_trunk_with_the_calls_own_id(rig):
    (fields,) = rig.do(dial())
    assert fields["Channel"] == "PJSIP/13800001234@hotline-out"
    assert fields["ChannelId"] == OUT
    assert fields["CallerID"] == "<12345>"
    assert fields["Variable"] == [f"HL_LEG={LEG}", "HL_DIALLED=12345"]
    assert fields["Timeout"] == "30000"


@pytest.mark.parametrize(
    "number", ["", "12", "1" * 25, "138,s,1", "110@evil", "PJSIP/x", "１３８００００１２３４", "13800\n"]
)
def test_a_number_that_is_none_is_never_rung(rig, number):
    assert rig.do(dial(number)) == []
    assert rig.told == [e.CallerLeft(OUT, 3)]


def test_without_a_trunk_nobody_is_ever_called_outside():
    rig = Rig("")
    assert rig.do(dial()) == []
    assert rig.told == [e.CallerLeft(OUT, 3)]


@pytest.mark.parametrize(("reply", "cause"), [(ERROR, 3), (None, e.NEVER_RUNG)])
def test_a_call_that_asterisk_did_not_take_is_over_and_a_made_one_is_ended(rig, reply, cause):
    rig.do(dial())
    rig.link.answer(reply, "Originate")
    assert rig.told == [e.CallerLeft(OUT, cause)]
    assert rig.link.sent[1] == {"Action": "Hangup", "Channel": OUT, "Cause": "16"}


# ---------------------------------------------------------------------- what comes back
def user_event(name, uid, **more):
    return Message.of({"Event": "UserEvent", "UserEvent": name, "Uniqueid": uid, **more})


@pytest.mark.parametrize("name", ["Ready", "Assisting"])
def test_a_seats_leg_says_that_it_is_there(name):
    assert translate([user_event(name, LEG)]) == [e.LegReady(OUT, LEG)]
    assert translate([user_event(name, "hotline-1.2")]) == [], "a caller is no leg"


def test_the_caller_of_an_outbound_call_has_answered():
    assert translate([user_event("Answered", OUT, Channel="PJSIP/hotline-out-1")]) == [
        e.CallerAnswered(OUT, "PJSIP/hotline-out-1")
    ]


@pytest.mark.parametrize(("seat", "code"), [("8001", "*11"), ("8001", "*139")])
def test_a_code_from_a_seats_phone(seat, code):
    assert translate([user_event("SeatCode", "hotline-9.9", Seat=seat, Code=code)]) == [
        e.SeatCode("hotline-9.9", seat, code)
    ]


@pytest.mark.parametrize("seat", ["", "a b", "x" * 33, "8001\r\nAction: Logoff", "../etc"])
def test_a_code_of_no_seat_names_nobody(seat):
    (event,) = translate([user_event("SeatCode", "hotline-9.9", Seat=seat, Code="*11")])
    assert event.seat == ""


def test_an_originate_that_failed_is_told_of_its_call():
    failed = Message.of({"Event": "OriginateResponse", "Response": "Failure", "ActionID": f"out:{OUT}"})
    assert failed_caller(failed) == e.CallerLeft(OUT, 20)
    other = Message.of({"Event": "OriginateResponse", "Response": "Failure", "ActionID": L})
    assert failed_caller(other) is None


# ---------------------------------------------------------------------- configuration
def test_without_an_address_there_is_no_endpoint_for_calling_out():
    assert "endpoint" not in _out_section(plan(out_contact=""))
    assert "contact = sip:10.0.0.5:5060" in _out_section(plan(out_contact="10.0.0.5:5060"))


@pytest.mark.parametrize("bad", ["10.0.0.5", "a b:1", "x:1\n[evil]", "host:port", ":5060"])
def test_an_address_that_is_none_is_refused(bad):
    with pytest.raises(RenderError):
        _out_section(plan(out_contact=bad))
