"""Each command as the exact AMI action, each answer and each silence as an event: on a link in memory."""

import pytest

from calls import Entry, Place
from calls import commands as c
from calls import events as e
from telephony import ActionRefused, AsteriskSwitch, LinkDown
from telephony._frames import Message
from telephony._switch_clock import ASK, EVERY, SwitchClock

C = "hotline-1763932131.12"
L = f"{C}~8001~1"
CH = "PJSIP/trunk-00000001"
ERROR = {"Response": "Error", "Message": "No such channel"}
GOOD = {"Response": "Success"}


class FakeLink:
    """Keeps what is sent; answers when told to."""

    def __init__(self):
        self.up = True
        self.sent = []
        self.waiting = []
        self.refuse = False
        self.lists = {}
        self.globals = {}
        self.order = []

    async def send(self, fields):
        if not self.up:
            raise LinkDown("not logged in")
        self.order.append(fields["Action"])
        if fields["Action"] == "Setvar":
            self.globals[fields["Variable"]] = fields["Value"]
        return Message.of({"Response": "Success", "Value": self.globals.get(fields.get("Variable"), "")})

    def send_nowait(self, fields, on_reply=None):
        if self.refuse:
            raise ActionRefused("Channel", "a line break")
        if not self.up:
            raise LinkDown("not logged in")
        self.sent.append(dict(fields))
        self.waiting.append((dict(fields), on_reply))

    def answer(self, reply, action=None):
        for fields, on_reply in [x for x in self.waiting if action in (None, x[0]["Action"])]:
            self.waiting.remove((fields, on_reply))
            on_reply(Message.of(reply) if reply is not None else None)

    async def send_list(self, fields):
        if not self.up:
            raise LinkDown("not logged in")
        return [Message.of(m) for m in self.lists[fields["Action"]]]


class Rig:
    def __init__(self):
        self.link, self.told = FakeLink(), []
        self.switch = AsteriskSwitch(self.link, self.told.extend, clock=lambda: 500.25)

    def do(self, command):
        self.switch.do(command)
        return self.link.sent


@pytest.fixture
def rig():
    return Rig()


def ring(**changes):
    values = {"leg": L, "seat": "8001", "channel": CH, "number": "13800001234", "name": "王先生", "seconds": 18.0}
    return c.RingSeat(C, **{**values, **changes})


ORIGINATE = {
    "Action": "Originate", "ActionID": L, "Channel": "PJSIP/8001", "Context": "hotline-seat", "Exten": "s",
    "Priority": "1", "Async": "true", "Timeout": "23000", "Codecs": "alaw,ulaw",
    "CallerID": '"王先生" <13800001234>', "ChannelId": L,
    "Variable": [f"HL_CALLER={CH}", "HL_BESIDE=", "TRANSFER_CONTEXT=hotline-refer"],
}  # fmt: skip
PLAY = {"Action": "AGI", "Channel": CH, "CommandID": "t1"}


@pytest.mark.parametrize(
    ("command", "actions"),
    [
        (ring(), [ORIGINATE]),
        (ring(name=""), [ORIGINATE | {"CallerID": "<13800001234>"}]),
        (ring(number="", name=""), [ORIGINATE | {"CallerID": "<anonymous>"}]),
        (c.CancelLeg(C, L), [{"Action": "Hangup", "Channel": L, "Cause": "16"}]),
        (c.HangUp(C, CH, 17), [{"Action": "Hangup", "Channel": C, "Cause": "17"}]),
        (c.Play(C, CH, ("hotline/zh/a", "hotline/zh/b"), True, "t1"),
         [PLAY | {"Command": "EXEC Background hotline/zh/a&hotline/zh/b,,,hotline-keys"}]),
        (c.Play(C, CH, ("hotline/zh/a",), False, "t1"), [PLAY | {"Command": "EXEC Playback hotline/zh/a"}]),
        (c.StopPlaying(C, CH), [{"Action": "ControlPlayback", "Channel": CH, "Control": "stop"}]),
        (c.ToWaiting(C, CH),
         [{"Action": "Redirect", "Channel": C, "Context": "hotline-wait", "Exten": "s", "Priority": "1"}]),
        (c.ToVoicemail(C, CH, 90.0, "zh"),
         [{"Action": "Setvar", "Variable": "HL_SECONDS", "Value": "90", "Channel": CH},
          {"Action": "Setvar", "Variable": "HL_LANGUAGE", "Value": "zh", "Channel": CH},
          {"Action": "Redirect", "Channel": C, "Context": "hotline-voicemail", "Exten": "s", "Priority": "1"}]),
    ],
)  # fmt: skip
def test_each_command_is_exactly_its_action(rig, command, actions):
    assert rig.do(command) == actions
    assert rig.told == []


@pytest.mark.parametrize("name", ['x" <10086>', "a\r\nAction: Logoff", "n" * 300, "a&b|c,d;e", '"', "\\"])
def test_a_callers_name_cannot_leave_its_quotes(rig, name):
    (fields,) = rig.do(ring(name=name))
    text = fields["CallerID"]
    assert text.endswith("<13800001234>")
    inner = text.removesuffix("<13800001234>").strip().strip('"')
    assert not set(inner) & set('"\\<>&|,;\r\n')
    assert len(inner) <= 40


def test_a_seat_that_asterisk_refuses_to_ring_is_a_leg_that_left_and_a_made_one_is_ended(rig):
    rig.do(ring())
    rig.link.answer(ERROR, "Originate")
    assert rig.told == [e.LegLeft(C, L, 20)]
    assert rig.link.sent[-1] == {"Action": "Hangup", "Channel": L, "Cause": "16"}
    assert rig.switch.counters.failed_actions == 1


def test_a_good_answer_to_originate_says_nothing_yet(rig):
    rig.do(ring())
    rig.link.answer(GOOD)
    assert rig.told == []
    assert rig.switch.counters.failed_actions == 0


def test_no_answer_to_originate_is_no_fault_of_the_seat(rig):
    rig.do(ring())
    rig.link.answer(None, "Originate")
    assert rig.told == [e.LegLeft(C, L, e.NEVER_RUNG)]


def test_without_a_link_the_seat_never_rang_and_nothing_raises(rig):
    rig.link.up = False
    assert rig.switch.up is False
    for command in (ring(), c.CancelLeg(C, L), c.HangUp(C, CH), c.StopPlaying(C, CH), c.ToWaiting(C, CH),
                    c.ToVoicemail(C, CH, 9.0, "zh"), c.Play(C, CH, ("a",), True, "t1")):  # fmt: skip
        rig.do(command)
    rig.switch.beat(1.0)
    rig.switch.announce({"12345": Entry("default@1", ())})
    assert rig.told == [e.LegLeft(C, L, e.NEVER_RUNG), e.PromptsDone(C, "t1")]


def test_a_value_that_cannot_be_sent_is_counted_and_the_caller_goes_on(rig, caplog):
    rig.link.refuse = True
    rig.do(ring(name="王先生"))
    assert rig.told == [e.LegLeft(C, L, 20)], "an outcome that counts: not rung again and again"
    assert rig.switch.counters.refused_values == 2, "the ring and the ending of the leg"
    assert "13800001234" not in caplog.text
    assert "王先生" not in caplog.text


@pytest.mark.parametrize("reply", [ERROR, None])
def test_a_prompt_that_could_not_be_played_has_ended_so_that_the_flow_goes_on(rig, reply):
    rig.do(c.Play(C, CH, ("a",), True, "t1"))
    rig.link.answer(reply)
    assert rig.told == [e.PromptsDone(C, "t1")]


@pytest.mark.parametrize("bad", ["a,b", "a&b", "../x.", "a b", "a\n", "", "a" * 101, "${SHELL(reboot)}"])
def test_a_prompt_that_could_be_something_else_is_left_out_and_counted(rig, bad):
    (fields,) = rig.do(c.Play(C, CH, ("good", bad), False, "t1"))
    assert fields["Command"] == "EXEC Playback good"
    assert rig.switch.counters.refused_values == 1
    rig.link.sent.clear()
    assert rig.do(c.Play(C, CH, (bad,), True, "t2")) == [], "playing nothing would end the flow with an error"
    assert rig.told == [e.PromptsDone(C, "t2")]


@pytest.mark.parametrize(("reply", "failed"), [(ERROR, 1), (None, 1), (GOOD, 0)])
def test_a_failed_action_is_counted(rig, reply, failed):
    rig.do(c.HangUp(C, CH))
    rig.link.answer(reply)
    assert rig.switch.counters.failed_actions == failed


def test_the_heart_beat_is_in_whole_seconds_and_flows_are_globals(rig):
    rig.switch.beat(1763932131.97)
    assert rig.link.sent.pop() == {"Action": "Getvar", "Variable": ASK}
    rig.switch.announce({"12345": Entry("default@1", ("hotline/zh/a", "hotline/zh/b")), "12315": Entry("self@2", ())})
    assert [(x["Variable"], x["Value"], x.get("Channel")) for x in rig.link.sent] == [
        ("HEARTBEAT", "1763932131", None), ("HL_FLOW_12345", "default@1", None),
        ("HL_SAY_12345", "hotline/zh/a&hotline/zh/b", None), ("HL_FLOW_12315", "self@2", None),
        ("HL_SAY_12315", "agi", None),
    ]  # fmt: skip


def test_the_heart_beat_is_in_the_switchs_time_however_ours_jumps(rig):
    running = [100.0]
    rig.switch._its = SwitchClock(lambda: running[0])
    rig.switch.beat(5000.0)
    rig.link.answer({"Response": "Success", "Value": "9000.250"}, "Getvar")
    for passes, ours in ((1.0, 5001.0), (1.0, 1402.0), (1.0, 90003.0)):
        running[0] += passes
        rig.switch.beat(ours)
    told = [x["Value"] for x in rig.link.sent if x["Action"] == "Setvar"]
    assert told == ["5000", "9001", "9002", "9003"]
    assert sum(x["Action"] == "Getvar" for x in rig.link.sent) == 1
    running[0] += EVERY
    rig.switch.beat(0.0)
    rig.link.answer({"Response": "Success", "Value": "20.000"}, "Getvar")  # its clock was set back
    running[0] += 1.0
    rig.switch.beat(0.0)
    assert rig.link.sent[-1]["Value"] == "21"


@pytest.mark.parametrize("reply", [None, ERROR, {"Response": "Success", "Value": ""}, {"Value": "${STRFTIME}"}])
def test_a_clock_that_cannot_be_read_is_taken_for_ours(rig, reply):
    rig.switch.beat(5000.0)
    rig.link.answer(reply, "Getvar")
    rig.switch.beat(5001.0)
    assert rig.link.sent[-1]["Value"] == "5001"


def test_a_reading_on_its_way_for_long_is_not_believed_once_there_is_a_better_one(rig):
    running = [100.0]
    clock = rig.switch._its = SwitchClock(lambda: running[0])
    assert clock.ask() and not clock.ask()
    clock.told(Message.of({"Value": "1000"}))
    running[0] += EVERY
    assert clock.ask()
    running[0] += 3.0
    clock.told(Message.of({"Value": "1000"}))
    assert clock.now(0.0) == 1000.0 + EVERY + 3.0


# ---------------------------------------------------------------------- in
def contact(status, **more):
    return Message.of({"Event": "ContactStatus", "ContactStatus": status, "EndpointName": "8001"} | more)


@pytest.mark.parametrize("status", ["Created", "Reachable", "Updated", "NonQualified"])
def test_a_registered_phone_is_up(rig, status):
    rig.switch.on_messages([contact(status)])
    assert rig.told == [e.PhoneUp("8001")]
    assert rig.link.sent == []


@pytest.mark.parametrize("status", ["Removed", "Unreachable"])
@pytest.mark.parametrize(
    ("state", "down"),
    [("UNAVAILABLE", True), ("INVALID", True), ("UNKNOWN", True), ("NOT_INUSE", False), ("INUSE", False)],
)
def test_a_removed_contact_is_only_believed_when_the_phone_has_no_other(rig, status, state, down):
    rig.switch.on_messages([contact(status)])
    assert rig.told == []
    assert rig.link.sent == [{"Action": "Getvar", "Variable": "DEVICE_STATE(PJSIP/8001)"}]
    rig.link.answer({"Response": "Success", "Value": state})
    assert rig.told == ([e.PhoneDown("8001")] if down else [])


def test_a_question_about_a_phone_without_an_answer_changes_nothing(rig):
    rig.switch.on_messages([contact("Removed")])
    rig.link.answer(None)
    assert rig.told == []


@pytest.mark.parametrize("more", [{"EndpointName": ""}, {"EndpointName": ["8001", "8002"]}])
def test_a_contact_of_nobody_is_passed_over(rig, more):
    rig.switch.on_messages([contact("Created", **more)])
    assert rig.told == []


def test_the_seat_is_found_by_its_aor_too(rig):
    rig.switch.on_messages([Message.of({"Event": "ContactStatus", "ContactStatus": "Created", "AOR": "8002"})])
    assert rig.told == [e.PhoneUp("8002")]


def test_events_of_one_batch_are_told_together_and_in_order(rig):
    batches = []
    switch = AsteriskSwitch(rig.link, lambda events: batches.append(list(events)))
    switch.on_messages([
        Message.of({"Event": "UserEvent", "UserEvent": "Waiting", "Uniqueid": C}),
        Message.of({"Event": "Hangup", "Uniqueid": L, "Cause": "17"}),
        Message.of({"Event": "VarSet", "Uniqueid": C}),
    ])  # fmt: skip
    switch.on_messages([Message.of({"Event": "VarSet", "Uniqueid": C})])
    assert batches == [[e.Waits(C), e.LegLeft(C, L, 17)]], "nothing of ours: nobody is woken"


async def test_a_leg_that_could_not_be_made_is_told_after_its_hang_up_with_the_true_cause(rig, eventually):
    rig.switch.on_messages([Message.of({"Event": "OriginateResponse", "Response": "Failure", "ActionID": L})])
    assert rig.told == []
    rig.switch.on_messages([Message.of({"Event": "Hangup", "Uniqueid": L, "Cause": "17"})])
    await eventually(lambda: len(rig.told) == 2)
    assert rig.told == [e.LegLeft(C, L, 17), e.LegLeft(C, L, 20)]


# ---------------------------------------------------------------------- snapshot
async def test_a_snapshot_is_channels_and_registered_phones_as_of_the_asking(rig):
    rig.link.lists = {
        "CoreShowChannels": [
            {"Event": "CoreShowChannel", "Uniqueid": C, "Channel": CH, "Context": "hotline-wait", "BridgeId": "b",
             "CallerIDNum": "13800001234", "CallerIDName": "<unknown>", "AccountCode": "12345", "Duration": "00:01:05"},
            {"Event": "CoreShowChannel", "Uniqueid": L, "Channel": "PJSIP/8001-2", "Context": "hotline-seat",
             "BridgeId": "b", "Duration": "00:00:05"},
            {"Event": "CoreShowChannelsComplete", "ListItems": "2"},
        ],
        "DeviceStateList": [
            {"Event": "DeviceStateChange", "Device": "PJSIP/8001", "State": "INUSE"},
            {"Event": "DeviceStateChange", "Device": "PJSIP/8002", "State": "NOT_INUSE"},
            {"Event": "DeviceStateChange", "Device": "PJSIP/8003", "State": "UNAVAILABLE"},
            {"Event": "DeviceStateChange", "Device": "Queue:native", "State": "NOT_INUSE"},
            {"Event": "DeviceStateListComplete"},
        ],
    }  # fmt: skip
    got = await rig.switch.snapshot()
    assert got.asked_at == 500.25
    assert got.phones == {"8001", "8002"}
    assert [(v.id, v.place, v.bridge, v.age) for v in got.channels] == [
        (C, Place.WAITING, "b", 65.0), (L, Place.SEAT, "b", 5.0),
    ]  # fmt: skip
    assert (got.channels[0].number, got.channels[0].dialled) == ("13800001234", "12345")


async def test_a_run_of_the_switch_is_dated_once_by_whoever_links_first(rig):
    rig.link.lists = {"CoreShowChannels": [], "DeviceStateList": []}
    assert (await rig.switch.snapshot()).born == {"": 500.25}
    assert rig.link.globals == {"HL_BORN": "500.250"}
    later = AsteriskSwitch(rig.link, rig.told.extend, clock=lambda: 900.0)
    assert (await later.snapshot()).born == {"": 500.25}, "another process, later: still the same run"
    rig.link.globals.clear()
    assert (await later.snapshot()).born == {"": 900.0}, "a run that knows of nothing is a new one"


async def test_a_snapshot_without_a_link_is_an_error_the_engine_knows(rig):
    rig.link.up = False
    with pytest.raises(LinkDown):
        await rig.switch.snapshot()


async def test_long_lists_go_over_their_own_session_and_are_believed_only_after_the_events_they_know(rig):
    asking = FakeLink()
    asking.lists = {"CoreShowChannels": [], "DeviceStateList": []}
    rig.switch.asking = asking
    await rig.switch.snapshot()
    assert rig.link.order[-1] == "Ping", "what the lists show was sent as events before the answer to this"


async def test_without_the_session_for_lists_the_other_one_serves(rig):
    asking = FakeLink()
    rig.switch.asking = asking
    rig.link.lists = {"CoreShowChannels": [], "DeviceStateList": []}
    for broken in ("down", "lost in between"):
        asking.up = broken != "down"
        if asking.up:

            async def lost(fields):
                raise LinkDown("lost")

            asking.send_list = lost
        snapshot = await rig.switch.snapshot()
        assert list(snapshot.channels) == []
