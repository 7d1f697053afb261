"""AMI messages become our events: from what a real Asterisk sent, and from what a hostile one might."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls import events as e
from calls.ports import Place
from telephony._frames import FrameReader, Message
from telephony._translate import MAX_NAME, MAX_NUMBER, channel_view, clean_name, clean_number, failed_leg, translate

HISTORIES = Path(__file__).resolve().parents[2] / "histories"
C = "hotline-1763932131.12"
L = f"{C}~8001~1"


def history(name):
    return FrameReader().feed((HISTORIES / f"{name}.ami").read_bytes())


def real(name, **wanted):
    """The first message of a real session that has these headers, as a dict that can be changed."""
    for m in history(name):
        if all(m.get(k) == v for k, v in wanted.items()):
            return {k: m[k] for k in m}
    raise AssertionError(f"{name}.ami has no {wanted}")


def one(fields):
    events = translate([Message.of(fields)])
    return events[0] if events else None


def as_ours(name="call", uid=C, **wanted):
    return {**real(name, **wanted), "Uniqueid": uid}


# ---------------------------------------------------------------------- each kind, from real shapes
def test_an_arrival_carries_who_called_what():
    m = as_ours(UserEvent="Arrived") | {"Exten": "12345", "Flow": "default@1"}
    event = one(m)
    assert isinstance(event, e.Arrived)
    assert (event.call, event.channel, event.dialled, event.flow) == (C, m["Channel"], "12345", "default@1")
    assert (event.number, event.name) == ("13800000000", "王小明")


@pytest.mark.parametrize(
    ("name", "kind"), [("Waiting", e.Waits), ("Voicemail", e.VoicemailBegan), ("Native", e.WentNative)]
)
def test_the_dialplans_other_messages(name, kind):
    assert one(as_ours(UserEvent="Arrived") | {"UserEvent": name}) == kind(C)


def test_a_user_event_of_somebody_else_is_not_ours():
    assert one(as_ours(UserEvent="Arrived") | {"UserEvent": "Weather"}) is None


def test_a_hang_up_is_the_callers_or_a_legs_by_its_id():
    m = as_ours(Event="Hangup")
    assert one(m) == e.CallerLeft(C, int(m["Cause"]))
    assert one(m | {"Uniqueid": L, "Cause": "17"}) == e.LegLeft(C, L, 17)


@pytest.mark.parametrize("cause", ["", "x", "1" * 9000, "１６x"])
def test_a_cause_that_is_no_number_is_unknown_and_not_an_exception(cause):
    assert one(as_ours(Event="Hangup") | {"Cause": cause}) == e.CallerLeft(C, 0)


def test_only_a_seats_leg_entering_a_talk_is_told():
    m = {"Event": "BridgeEnter", "BridgeUniqueid": "b", "BridgeTechnology": "simple_bridge", "Uniqueid": C}
    assert one(m) is None
    assert one(m | {"Uniqueid": L}) == e.LegJoined(C, L, "8001", "b"), "in which bridge decides who hears whom"


def test_a_holding_bridge_is_no_talk_whoever_enters_it():
    """Else a seat that waits in the music would be taken for one that talks."""
    m = {"Event": "BridgeEnter", "BridgeUniqueid": "b", "BridgeTechnology": "holding_bridge"}
    assert one(m | {"Uniqueid": L}) is None
    assert one(m | {"Uniqueid": C, "Context": "hotline-beside"}) is None


def test_a_caller_that_goes_to_a_consultation_is_told_and_one_in_any_other_bridge_is_not():
    m = {"Event": "BridgeEnter", "BridgeUniqueid": "b", "BridgeTechnology": "softmix", "Uniqueid": C}
    assert one(m | {"Context": "hotline-beside"}) == e.LegJoined(C, C, "", "b")
    for context in ("", "hotline-wait", "hotline-beside2"):
        assert one(m | {"Context": context}) is None


def test_ringing_is_told_of_legs_only_and_of_no_other_state():
    m = as_ours(Event="Newstate")
    assert one(m | {"Uniqueid": L, "ChannelStateDesc": "Ringing"}) == e.LegRinging(C, L)
    assert one(m | {"Uniqueid": L, "ChannelStateDesc": "Up"}) is None
    assert one(m | {"ChannelStateDesc": "Ringing"}) is None


def test_a_key_is_the_callers_received_one():
    m = as_ours(Event="DTMFEnd")
    assert one(m | {"Direction": "Received", "Digit": "5"}) == e.DigitPressed(C, "5")
    assert one(m | {"Direction": "Sent", "Digit": "5"}) is None
    assert one(m | {"Direction": "Received", "Digit": ""}) is None
    assert one(m | {"Direction": "Received", "Digit": "5", "Uniqueid": L}) is None


def test_a_flow_begins_and_its_prompts_end_with_their_ticket():
    assert one(as_ours("agi", Event="AsyncAGIStart")) == e.FlowStarted(C)
    m = as_ours("agi", Event="AsyncAGIExec")
    assert one(m) == e.PromptsDone(C, m["CommandId"])
    assert m["CommandId"], "mind its spelling: not CommandID"


def test_a_leg_that_could_not_be_made():
    m = {"Event": "OriginateResponse", "Response": "Failure", "ActionID": L, "Reason": "0"}
    assert failed_leg(Message.of(m)) == e.LegLeft(C, L, 20)
    assert failed_leg(Message.of(m | {"Response": "Success"})) is None
    assert failed_leg(Message.of(m | {"ActionID": "a-1"})) is None
    assert failed_leg(Message.of(m | {"ActionID": "bad id~8001~1"})) is None


@pytest.mark.parametrize("name", ["call", "call-usual-classes", "agi", "errors", "gbk"])
def test_real_sessions_are_read_in_order_and_without_an_exception(name):
    events = translate(history(name))
    assert all(not isinstance(x, e.Event) or x.call for x in events)
    if name == "call":
        kinds = [type(x).__name__ for x in events]
        assert kinds.index("Arrived") < kinds.index("CallerLeft")


# ---------------------------------------------------------------------- hostile ids, numbers, names
BAD_IDS = ["", "a b", "../../etc/passwd", "a/b", "a\n", "a" * 65, "呼叫", "a;b", "a&b", "~8001~1", "a b~8001~1"]


@pytest.mark.parametrize("uid", BAD_IDS)
@pytest.mark.parametrize("event", ["UserEvent", "Hangup", "BridgeEnter", "Newstate", "DTMFEnd", "AsyncAGIStart"])
def test_an_id_that_could_be_no_file_name_is_dropped(event, uid):
    m = {"Event": event, "UserEvent": "Arrived", "Uniqueid": uid, "Digit": "1", "Direction": "Received",
         "ChannelStateDesc": "Ringing"}  # fmt: skip
    assert one(m) is None


@pytest.mark.parametrize(
    ("said", "kept"),
    [("13800001234", "13800001234"), ("<unknown>", ""), ("+86 138-0000", "+861380000"), ("anonymous", ""),
     ("1&SIP/x\r\nAction: Logoff", "1"), ("１３８", ""), ("9" * 500, "9" * MAX_NUMBER), ("*67#", "*67#")],
)  # fmt: skip
def test_a_number_holds_nothing_but_keys_of_a_phone(said, kept):
    assert clean_number(said) == kept


@pytest.mark.parametrize(
    ("said", "kept"),
    [("王小明", "王小明"), ("<unknown>", ""), ("a\r\nAction: Logoff", "aAction: Logoff"), ("x\x00\x1b[2Jy", "x[2Jy"),
     ("\u202egnp.exe", "gnp.exe"), ("长" * 300, "长" * MAX_NAME)],
)  # fmt: skip
def test_a_name_is_one_printable_line(said, kept):
    assert clean_name(said) == kept


@given(st.text())
def test_no_number_and_no_name_smuggles_anything(text):
    assert set(clean_number(text)) <= set("0123456789+*#")
    assert len(clean_number(text)) <= MAX_NUMBER
    assert clean_name(text).isprintable()
    assert len(clean_name(text)) <= MAX_NAME


VALUES = st.one_of(
    st.text(max_size=20), st.lists(st.text(max_size=5), min_size=1, max_size=3),
    st.sampled_from([C, L, "Ringing", "Received", "Arrived", "Waiting", "Failure", "5", "12:34",
                     "1:2:3", "-1:x:", "~~"]),
)  # fmt: skip
EVENTS = ["UserEvent", "Hangup", "BridgeEnter", "Newstate", "DTMFEnd", "AsyncAGIStart", "AsyncAGIExec",
          "OriginateResponse", "CoreShowChannel", "ContactStatus", "?"]  # fmt: skip
KEYS = st.sampled_from(
    ["Event", "UserEvent", "Uniqueid", "Channel", "Exten", "CallerIDNum", "CallerIDName", "Flow", "Cause", "Digit",
     "Direction", "ChannelStateDesc", "CommandId", "ActionID", "Response", "Context", "Application", "Duration",
     "BridgeId", "AccountCode"]
)  # fmt: skip


@given(st.dictionaries(KEYS, VALUES), st.sampled_from(EVENTS))
def test_nothing_that_comes_over_the_line_raises(fields, event):
    for m in (fields, fields | {"Event": event}):
        message = Message.of(m)
        for x in translate([message]):
            assert not isinstance(x, e.Event) or len(x.call) <= 64
        failed_leg(message)
        channel_view(message)


# ---------------------------------------------------------------------- channels of a snapshot
def test_a_real_channel_is_read_whole():
    m = real("call", Event="CoreShowChannel")
    v = channel_view(Message.of(m))
    assert (v.id, v.name, v.place) == (m["Uniqueid"], m["Channel"], Place.OTHER)
    assert v.age >= 0


@pytest.mark.parametrize(
    ("context", "place"),
    [("hotline-trunk", Place.GREETING), ("hotline-greeted", Place.GREETING), ("hotline-wait", Place.WAITING),
     ("hotline-flow", Place.FLOW), ("hotline-voicemail", Place.VOICEMAIL), ("hotline-native", Place.NATIVE),
     ("hotline-seat", Place.SEAT), ("somebody-elses", Place.OTHER)],
)  # fmt: skip
def test_the_place_is_the_dialplans_context(context, place):
    m = {"Uniqueid": C, "Context": context, "Duration": "27:01:05", "AccountCode": "12345", "CallerIDNum": "<unknown>"}
    v = channel_view(Message.of(m))
    assert (v.place, v.age, v.dialled, v.number, v.bridge) == (place, 27 * 3600 + 65, "12345", "", None)


def test_a_seats_leg_is_one_wherever_it_is_and_a_caller_on_agi_is_in_its_flow():
    assert channel_view(Message.of({"Uniqueid": L, "Context": "hotline-wait"})).place is Place.SEAT
    agi = {"Uniqueid": C, "Context": "hotline-trunk", "Application": "AGI"}
    assert channel_view(Message.of(agi)).place is Place.FLOW


@pytest.mark.parametrize("uid", BAD_IDS)
def test_a_channel_with_an_id_that_cannot_be_a_calls_is_not_taken_for_a_caller(uid):
    assert channel_view(Message.of({"Uniqueid": uid, "Context": "hotline-wait"})).place is Place.OTHER


@pytest.mark.parametrize("duration", ["", "1:2", "x:y:z", "00:00", "-1:00:00", "1:2:3:4"])
def test_an_odd_duration_does_not_spoil_the_whole_snapshot(duration):
    assert channel_view(Message.of({"Uniqueid": C, "Context": "hotline-wait", "Duration": duration})).age == 0.0
