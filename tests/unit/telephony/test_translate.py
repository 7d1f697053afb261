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


def test_a_key_pressed_at_the_switchs_own_door_comes_after_the_arrival_it_belongs_to():
    arrived, pressed = translate([Message.of(as_ours(UserEvent="Arrived") | {"Exten": "12345", "Key": "1"})])
    assert (arrived.pressed, pressed) == ("1", e.DigitPressed(C, "1"))
    (alone,) = translate([Message.of(as_ours(UserEvent="Arrived") | {"Exten": "12345", "Key": "11"})])
    assert alone.pressed == ""


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
    assert one(m | {"SwapUniqueid": L}) == e.LegJoined(C, C, "", "b"), "a phone has put it in its own place"
    assert one(m | {"Context": "hotline-join"}) == e.LegJoined(C, C, "", "b"), "a seat that the queue there has rung"
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


@pytest.mark.parametrize("name", ["call", "call-usual-classes", "agi", "errors", "gbk", "parties"])
def test_real_sessions_are_read_in_order_and_without_an_exception(name):
    events = translate(history(name))
    assert all(not isinstance(x, e.Event) or x.call for x in events)
    if name == "call":
        kinds = [type(x).__name__ for x in events]
        assert kinds.index("Arrived") < kinds.index("CallerLeft")


# ---------------------------------------------------------------------- several parties in a call, as really told
SEVEN, EIGHT, NINE = "hotline-7.1", "hotline-8.1", "hotline-9.1"


def of(call):
    return [x for x in translate(history("parties")) if getattr(x, "call", "") == call]


def test_a_real_talk_of_three_is_in_one_bridge_and_tells_who_spoke():
    """The caller's wait in its holding bridge is no talk; its entering the talk is the seat's word, not its own."""
    seat, third, spoke, left, gone = of(SEVEN)
    assert (seat.leg, seat.seat) == (f"{SEVEN}~8001~1", "8001")
    assert (third.leg, third.seat) == (f"{SEVEN}~line.110~2", "line.110")
    assert seat.bridge == third.bridge != ""
    assert (type(spoke), spoke.leg) == (e.Spoke, third.leg)
    assert 0.5 < spoke.seconds < 10, "in seconds: the switch counts thousandths"
    assert left == e.LegLeft(SEVEN, seat.leg, 16)
    assert gone == e.CallerLeft(SEVEN, 16)


def test_a_real_blind_transfer_by_a_phone_names_leg_and_target():
    assert e.Referred(EIGHT, f"{EIGHT}~8001~1", "8002") in of(EIGHT)


def test_a_real_attended_transfer_by_a_phone_is_told_of_its_call():
    events = of(NINE)
    assert e.Transferred(NINE) in events
    assert events.index(e.Transferred(NINE)) < events.index(e.LegLeft(NINE, f"{NINE}~8001~1", 16))


BLIND = {"Event": "BlindTransfer", "Result": "Success", "TransfererUniqueid": L, "TransfereeUniqueid": C,
         "Extension": "110"}  # fmt: skip


def test_a_blind_transfer_out_of_a_talk_of_several_has_the_switch_asked_who_is_where():
    whole = {k: v for k, v in real("parties", Event="BlindTransfer").items() if not k.startswith("Transferee")}
    assert one(whole) == e.Transferred(EIGHT)
    assert one(BLIND) == e.Referred(C, L, "110")
    assert one(BLIND | {"TransfereeUniqueid": "hotline-other.1"}) == e.Transferred(C)
    assert one(BLIND | {"Result": "Fail"}) == e.Transferred(C)


def test_a_transfer_between_strangers_is_none_of_ours():
    assert one(BLIND | {"TransfererUniqueid": "hotline-1.1"}) is None
    assert one({"Event": "AttendedTransfer", "OrigTransfererUniqueid": "x", "SecondTransfererUniqueid": ""}) is None
    assert one({"Event": "AttendedTransfer", "OrigTransfererUniqueid": "x", "SecondTransfererUniqueid": L}) == (
        e.Transferred(C))  # fmt: skip


@pytest.mark.parametrize(
    ("to", "kept"),
    [("8002", "8002"), ("*11", "*11"), ("110@evil", "110"), ("8002,s,1\r\nAction: Logoff", "80021"), ("", ""),
     ("sip:x", ""), ("１１０", ""), ("9" * 500, "9" * MAX_NUMBER)],
)  # fmt: skip
def test_whom_a_phone_transfers_to_or_dials_is_digits_and_nothing_else(to, kept):
    assert one(BLIND | {"Extension": to}) == e.Referred(C, L, kept)
    dialled = {"Event": "UserEvent", "UserEvent": "SeatDialled", "Uniqueid": "hotline-2.5", "Seat": "8001", "To": to}
    assert one(dialled) == e.SeatDialled("hotline-2.5", "8001", kept)


@pytest.mark.parametrize("seat", ["", "a b", "x" * 33, "8001\n", "../etc", ["8001 x", "8002"]])
def test_a_second_line_of_no_seat_names_nobody(seat):
    m = {"Event": "UserEvent", "UserEvent": "SeatDialled", "Uniqueid": "hotline-2.5", "Seat": seat, "To": "110"}
    assert one(m) == e.SeatDialled("hotline-2.5", "", "110")


@pytest.mark.parametrize("name", ["Ready", "Assisting"])
def test_a_leg_that_stands_by_is_ready(name):
    assert one({"Event": "UserEvent", "UserEvent": name, "Uniqueid": L}) == e.LegReady(C, L)
    assert one({"Event": "UserEvent", "UserEvent": name, "Uniqueid": C}) is None, "a caller is no leg"


def test_who_spoke_is_told_of_legs_only_and_an_odd_duration_is_nobodys_word():
    m = {"Event": "ChannelTalkingStop", "Uniqueid": L, "Duration": "1500"}
    assert one(m) == e.Spoke(C, L, 1.5)
    assert one(m | {"Uniqueid": C}) is None
    for odd in ("", "-5", "1.5", "x", "１５００x", "9" * 400, "9" * 4400, ["1", "2"]):
        event = one(m | {"Duration": odd})
        assert event is None or event.seconds < 10
    assert one({**m, "Event": "ChannelTalkingStart"}) is None


# ---------------------------------------------------------------------- what another hotline's call brings
def arrival(**more):
    return one({"Event": "UserEvent", "UserEvent": "Arrived", "Uniqueid": C, "Channel": "PJSIP/ningbo-1",
                "Exten": "12345", "CallerIDNum": "138", "CallerIDName": "x", **more})  # fmt: skip


def test_the_context_of_a_call_from_another_hotline_is_read_whole():
    uui = "686c31%3Bencoding%3Dhex%3Bpurpose%3Dhotline-handover"
    event = arrival(Origin="ningbo", Case="nb-hotline%2D1.2", Uui=uui)
    assert (event.origin, event.case) == ("ningbo", "nb-hotline-1.2")
    assert event.uui == "686c31;encoding=hex;purpose=hotline-handover"


def test_a_call_from_nobody_we_know_has_no_context():
    event = arrival()
    assert (event.origin, event.case, event.uui) == ("", "", "")


@pytest.mark.parametrize("origin", ["a b", "../x", "x" * 33, "宁波", "a\r\nb", "ningbo@evil"])
def test_an_origin_that_can_be_no_trunk_is_none(origin):
    assert arrival(Origin=origin).origin == ""


@given(st.text(max_size=600), st.text(max_size=600))
def test_no_header_of_a_foreign_switch_smuggles_anything_and_the_call_arrives_all_the_same(case, uui):
    event = arrival(Case=case, Uui=uui)
    assert isinstance(event, e.Arrived)
    for text, most in ((event.case, 80), (event.uui, 400)):
        assert text.isascii()
        assert not text or text.isprintable()
        assert len(text) <= most


@pytest.mark.parametrize("hidden", ["%0D%0AVia%3A%20x", "%00", "%1b[2J", "%E6%A1%88", "%C2%85"])
def test_what_was_hidden_by_encoding_is_seen_before_it_is_judged(hidden):
    event = arrival(Case=f"a{hidden}b", Uui=f"a{hidden}b")
    assert event.uui == ""
    assert event.case.isascii()
    assert event.case.isprintable() or not event.case


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
    st.sampled_from([C, L, "Ringing", "Received", "Arrived", "Waiting", "SeatDialled", "Assisting", "Failure",
                     "Success", "5", "٣", "9" * 4400, "12:34", "1:2:3", "-1:x:", "~~"]),
)  # fmt: skip
EVENTS = ["UserEvent", "Hangup", "BridgeEnter", "BlindTransfer", "AttendedTransfer", "ChannelTalkingStop",
          "Newstate", "DTMFEnd", "AsyncAGIStart", "AsyncAGIExec",
          "OriginateResponse", "CoreShowChannel", "ContactStatus", "?"]  # fmt: skip
KEYS = st.sampled_from(
    ["Event", "UserEvent", "Uniqueid", "Channel", "Exten", "CallerIDNum", "CallerIDName", "Flow", "Cause", "Digit",
     "Direction", "ChannelStateDesc", "CommandId", "ActionID", "Response", "Context", "Application", "Duration",
     "BridgeId", "AccountCode", "BridgeUniqueid", "BridgeTechnology", "Result", "TransfererUniqueid",
     "TransfereeUniqueid", "Extension", "OrigTransfererUniqueid", "SecondTransfererUniqueid", "SwapUniqueid", "Seat",
     "To", "Code", "Origin", "Case", "Uui"]
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
     ("hotline-seat", Place.SEAT), ("somebody-elses", Place.OTHER), ("hotline-farewell", Place.LEAVING),
     ("hotline-refer", Place.WAITING), ("hotline-beside", Place.WAITING), ("hotline-callback", Place.CALLBACK)],
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


# ---------------------------------------------------------------------- what the switch's own queue does
def test_a_seat_that_the_switch_has_rung_by_itself_is_joined_with_the_call_that_it_names():
    m = as_ours(UserEvent="Arrived", uid="hotline-1.7") | {"UserEvent": "NativeSeat", "Call": C}
    assert one(m | {"Channel": "PJSIP/8001-0000000a"}) == e.LegJoined(C, "hotline-1.7", "8001")
    for channel, call in (("Local/8001@x-0000000a;1", C), ("PJSIP/8001-0000000a", "a b"), ("PJSIP/80 01-0000000a", C)):
        assert one(m | {"Channel": channel, "Call": call}) is None


def test_a_transfer_by_the_phone_of_such_a_seat_is_of_the_caller_it_names():
    m = {"Event": "BlindTransfer", "Result": "Success", "TransfererUniqueid": "hotline-1.7", "Extension": "8002",
         "TransfererChannel": "PJSIP/8001-0000000a", "TransfereeUniqueid": C}  # fmt: skip
    assert one(m) == e.Referred(C, "hotline-1.7", "8002")
    assert one(m | {"TransfererChannel": "Local/1@x-1;1"}) is None


@pytest.mark.parametrize(
    ("more", "seat", "rings"),
    [({"Application": "AppQueue", "ChannelStateDesc": "Ringing"}, "8001", True),
     ({"Application": "AppQueue", "ChannelStateDesc": "Up"}, "8001", False),
     ({"Application": "", "ChannelStateDesc": "Ringing"}, "8001", False),
     ({"Application": "Queue", "ChannelStateDesc": "Up", "Context": "hotline-native"}, "", False)],
)  # fmt: skip
def test_whose_phone_the_switchs_own_queue_rings_is_seen(more, seat, rings):
    m = {"Uniqueid": "hotline-1.7", "Channel": "PJSIP/8001-0000000a", "Context": "hotline-from-seat"} | more
    view = channel_view(Message.of(m))
    assert (view.seat, view.rings) == (seat, rings)


@pytest.mark.parametrize(("app", "hears"), [("AGI", False), ("BackGround", True), ("Playback", True)])
def test_whether_a_prompt_of_a_flow_plays_is_seen(app, hears):
    m = {"Uniqueid": C, "Channel": "PJSIP/trunk-0000000a", "Context": "hotline-flow", "Application": app}
    assert channel_view(Message.of(m)).hears is hears
