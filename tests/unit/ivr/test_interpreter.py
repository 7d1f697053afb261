"""What callers meet in a flow, press by press."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

import ivr
from ivr import (
    DigitPressed,
    HangUp,
    HeardWords,
    LeaveVoicemail,
    Phase,
    Play,
    PromptsDone,
    RingEmergency,
    RouteTo,
    TimedOut,
)

MakeFlow = Callable[[str], ivr.Flow]
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()  # a Wednesday


@dataclass
class Caller:
    """Drives a flow and remembers what came of the last input."""

    flow: ivr.Flow
    now: float = NOON
    facts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.session, self.out = ivr.start(self.flow, self.facts, self.now)

    def _step(self, word: ivr.Input) -> Caller:
        self.session, self.out = ivr.step(self.flow, self.session, word, self.now)
        return self

    def press(self, keys: str) -> Caller:
        for key in keys:
            self._step(DigitPressed(key))
        return self

    def done(self) -> Caller:
        return self._step(PromptsDone())

    def silence(self) -> Caller:
        return self._step(TimedOut(self.session.timer or "none"))

    def say(self, text: str) -> Caller:
        return self._step(HeardWords(text))

    @property
    def heard(self) -> list[str]:
        return [p.id for o in self.out if isinstance(o, Play) for p in o.prompts]

    @property
    def routed(self) -> bool:
        return any(isinstance(o, RouteTo) for o in self.out)

    @property
    def stopped(self) -> bool:
        return ivr.StopPlaying() in self.out


MENU = """
welcome: {say: greeting, next: main}
main:
  menu: self-menu
  keys: {1: one, 2: two}
one: {say: connecting, next: number}
number: {collect: enter-ticket, into: n, min: 3, max: 5, next: done}
done: {say: goodbye, next: main}
two: {voicemail: {invite: voicemail-invite, max_seconds: 30}}
"""


@pytest.fixture
def menu(make: MakeFlow) -> Caller:
    return Caller(make(MENU))


def test_prompts_play_in_order_and_the_menu_waits(menu: Caller) -> None:
    assert menu.heard == ["greeting"]
    assert menu.done().heard == ["self-menu"]
    menu.done()
    assert menu.session.phase is Phase.LISTENING
    assert [o.seconds for o in menu.out if isinstance(o, ivr.ArmTimer)] == [6.0]


def test_a_key_over_the_greeting_stops_it_and_counts_for_the_menu(menu: Caller) -> None:
    menu.press("2")
    assert menu.stopped
    assert menu.heard == ["voicemail-invite"]
    assert menu.done().out[-1] == LeaveVoicemail(30)


def test_digits_typed_ahead_reach_the_number_two_questions_on(menu: Caller) -> None:
    menu.press("112345")
    assert menu.session.vars["n"] == "12345"
    assert menu.heard == ["goodbye"]


def test_zero_brings_a_human_from_every_prompt_and_question(make: MakeFlow) -> None:
    for before in ("", "d", "dd", "d2", "d1"):  # d: prompts done
        caller = Caller(make(MENU))
        for c in before:
            caller.done() if c == "d" else caller.press(c)
        if caller.session.node == "one":
            caller.done().press("0").silence()  # a number is next: 0 alone, then silence
        else:
            caller.press("0")
        assert caller.routed, before


def test_zero_over_an_announcement_before_a_number_may_be_its_first_digit(menu: Caller) -> None:
    menu.done().press("1")
    assert menu.session.node == "one"
    menu.press("0")
    assert not menu.routed
    assert menu.session.node == "number"
    menu.press("57#")
    assert menu.session.vars["n"] == "057"


@pytest.mark.parametrize("end", ["silence", "#"])
def test_a_lone_zero_in_a_number_brings_a_human(menu: Caller, end: str) -> None:
    menu.done().press("1").done().press("0")
    assert not menu.routed
    _ = menu.silence() if end == "silence" else menu.press("#")
    assert menu.routed


@pytest.mark.parametrize("keys", ["00#", "000#", "00000"])
def test_somebody_who_hammers_zero_gets_a_human(menu: Caller, keys: str) -> None:
    menu.done().press("1").done().press(keys)
    assert menu.routed


def test_a_number_may_begin_with_zero(menu: Caller) -> None:
    menu.done().press("1").done().press("05711")
    assert menu.session.vars["n"] == "05711"


def test_the_hash_after_a_full_number_does_not_skip_what_follows(menu: Caller) -> None:
    menu.done().press("1").done().press("12345")
    assert menu.heard == ["goodbye"]
    menu.press("#")
    assert menu.out == ()
    assert menu.press("#").heard == ["self-menu"]  # a second one does


def test_a_number_ends_by_silence_when_it_is_long_enough(menu: Caller) -> None:
    menu.done().press("1").done().press("123").silence()
    assert menu.session.vars["n"] == "123"


def test_a_number_too_short_is_asked_for_again(menu: Caller) -> None:
    menu.done().press("1").done().press("12").silence()
    assert menu.heard == ["invalid-choice", "enter-ticket"]
    assert menu.session.digits == ""
    menu.press("345#")
    assert menu.session.vars["n"] == "345"


def test_silence_is_answered_twice_and_then_by_a_human(menu: Caller) -> None:
    menu.done()
    for _ in range(2):
        menu.done().silence()
        assert menu.heard == ["please-repeat", "self-menu"]
    menu.done().silence()
    assert menu.routed


def test_wrong_keys_end_with_a_human_too(menu: Caller) -> None:
    menu.done()
    assert menu.press("9").heard == ["invalid-choice", "self-menu"]
    assert menu.press("9").heard == ["invalid-choice", "self-menu"]
    assert menu.press("9").routed


def test_star_repeats_and_is_no_try(menu: Caller) -> None:
    assert menu.press("*").heard == ["greeting"]
    menu.done()
    for _ in range(5):
        assert menu.press("*").heard == ["self-menu"]
    assert menu.session.tries == 0
    menu.press("1").done().press("12*")
    assert menu.heard == ["enter-ticket"]
    assert menu.session.digits == ""


def test_the_end_of_stopped_prompts_does_not_skip_the_next_ones(menu: Caller) -> None:
    menu.done().press("9").done()  # LISTENING after the second prompt
    assert menu.session.phase is Phase.LISTENING
    menu.done()
    assert menu.out == ()


def test_an_old_timer_means_nothing(menu: Caller) -> None:
    menu.done().done()
    old = menu.session.timer
    menu.press("*").done()
    before = menu.session
    menu.session, menu.out = ivr.step(menu.flow, menu.session, TimedOut(old or ""), NOON)
    assert menu.session == before
    assert menu.out == ()


def test_a_lost_end_of_prompts_does_not_leave_the_caller_in_silence(menu: Caller) -> None:
    menu.silence()  # the guard
    assert menu.heard == ["self-menu"]
    assert menu.stopped


def test_zero_typed_ahead_is_not_lost_in_a_hang_up(make: MakeFlow) -> None:
    flow = make("""
notice: {say: recording-notice, barge_in: false, next: fork}
fork: {menu: self-menu, keys: {1: bye}}
bye: {hangup: {say: goodbye}}
""")
    assert Caller(flow).press("10").done().routed
    caller = Caller(flow).done().press("1")
    assert caller.heard == ["goodbye"]
    assert caller.press("0").routed


def test_a_prompt_that_must_be_heard_is_not_stopped_and_keeps_the_keys(make: MakeFlow) -> None:
    flow = make("""
notice: {say: recording-notice, barge_in: false, next: fork}
fork: {menu: self-menu, keys: {1: bye}}
bye: {hangup: {reason: all-said}}
""")
    caller = Caller(flow).press("1")
    assert caller.out == ()
    assert caller.done().out[-1] == HangUp("all-said")
    assert Caller(flow).press("0").routed  # but a human comes at once


def test_zero_over_a_question_that_must_be_heard_brings_a_human_at_once(make: MakeFlow) -> None:
    flow = make("""
fork: {menu: self-menu, barge_in: false, keys: {1: bye}}
bye: {hangup: {}}
""")
    caller = Caller(flow)
    assert caller.press("0").routed
    assert Caller(flow).press("1").out == ()
    assert Caller(flow).press("1").done().out[-1] == HangUp("flow")


def test_over_a_question_that_must_be_heard_star_and_words_wait(make: MakeFlow) -> None:
    flow = make("""
talk:
  ask: ask-topic
  barge_in: false
  answers: [{words: [社保], next: bye}, {words: [医保], next: human}]
  keys: {'#': bye}
bye: {hangup: {}}
""")
    assert Caller(flow).press("*").session.ahead == ""
    assert Caller(flow).say("社保").out == ()
    assert Caller(flow).done().say("医保和社保").routed is False, "the first of equals wins"
    assert Caller(flow).press("#").done().out[-1] == HangUp("flow")


def test_a_hash_long_after_the_number_counts_again(menu: Caller) -> None:
    menu.done().press("1").done().press("12345").done()  # goodbye is over, the menu plays
    assert menu.press("#").heard == ["invalid-choice", "self-menu"]
    menu.press("1").done().press("12345*")
    assert menu.press("#").heard == ["self-menu"]


def test_asking_for_a_human_again_does_not_cut_the_announcement(make: MakeFlow) -> None:
    caller = Caller(make("on: {route: {announcement: connecting}}"))
    assert caller.say("人工").out == ()
    assert caller.done().routed


def test_the_time_between_digits_is_the_gap_not_the_wait(menu: Caller) -> None:
    menu.done().press("1").done().press("4")
    assert [o.seconds for o in menu.out if isinstance(o, ivr.ArmTimer)] == [3.0]
    menu.press("4")
    assert [o.seconds for o in menu.out if isinstance(o, ivr.ArmTimer)] == [3.0]


def test_a_question_met_again_has_all_its_tries_again(menu: Caller) -> None:
    menu.done().press("99").press("1").done().press("12345").done()
    assert menu.heard == ["self-menu"]
    assert menu.press("9").heard == ["invalid-choice", "self-menu"]


def test_words_choose_and_the_longest_wins(make: MakeFlow) -> None:
    flow = make("""
talk:
  ask: ask-topic
  answers:
    - {words: [医保], next: one}
    - {words: [医保卡, card], next: two}
  keys: {1: one}
one: {route: {skills: {medical-insurance: 2}}}
two: {route: {skills: {cards: 1}, priority: 3, centre: '3301', language: ja}}
""")
    assert Caller(flow).say("我 的 医 保 卡 丢了").out[-1] == RouteTo({"cards": 1}, "ja", "3301", 3)
    assert Caller(flow).done().say("医保怎么办").out[-1] == RouteTo({"medical-insurance": 2}, "zh")
    assert Caller(flow).say("My CARD, please").out[-1] == RouteTo({"cards": 1}, "ja", "3301", 3)
    assert Caller(flow).say("cardigan").heard == ["invalid-choice", "ask-topic"]
    assert Caller(flow).press("1").out[-1] == RouteTo({"medical-insurance": 2}, "zh")
    assert Caller(flow).say("我要人工服务").out[-1] == RouteTo({}, "zh")


def test_a_human_can_be_asked_for_by_words_anywhere(menu: Caller) -> None:
    assert menu.say("转人工").routed


EMERGENCY = """
welcome: {say: greeting, next: notice}
notice: {say: recording-notice, barge_in: false, next: english}
english: {set: {language: en}, next: main}
main:
  ask: ask-topic
  barge_in: BARGE
  answers: [{words: [交通], next: bye}, {words: [交通事故, accident], next: traffic}]
  keys: {1: number, 2: bye, 9: police}
number: {collect: enter-ticket, into: n, min: 3, max: 5, next: bye}
bye: {hangup: {say: goodbye}}
police: {emergency: 110}
traffic: {emergency: traffic-police}
"""


@pytest.fixture(params=["true", "false"])
def urgent(request: pytest.FixtureRequest, make: MakeFlow) -> Caller:
    return Caller(make(EMERGENCY.replace("BARGE", request.param)))


@pytest.mark.parametrize("done", range(4))
def test_the_emergency_key_rings_the_line_at_once_over_any_prompt(urgent: Caller, done: int) -> None:
    """Over the greeting, the notice that must be heard, the question, and in the silence after it."""
    for _ in range(done):
        urgent.done()
    assert urgent.press("9").out[-1] == RingEmergency("110", RouteTo({}, "en" if done > 1 else "zh"))
    assert urgent.session.ended
    assert urgent.heard == [], "words before the line rings would cost seconds"
    assert urgent.stopped is (done < 3)


def test_an_emergency_can_be_said_and_the_longer_word_wins(make: MakeFlow) -> None:
    flow = make(EMERGENCY.replace("BARGE", "true"))
    caller = Caller(flow).done().done()
    assert caller.say("我要问交通").heard == ["goodbye"]
    caller = Caller(flow).done().done()
    assert caller.say("这里有交通 事故").out[-1] == RingEmergency("traffic-police", RouteTo({}, "en"))


@pytest.mark.parametrize("done", range(3))
def test_an_emergency_is_heard_over_the_words_before_the_question_other_answers_are_not(
    make: MakeFlow, done: int
) -> None:
    caller = Caller(make(EMERGENCY.replace("BARGE", "false")))
    for _ in range(done):
        caller.done()
    assert caller.say("交通").out == ()
    ring = caller.say("出交通事故了").out[-1]
    assert isinstance(ring, RingEmergency)
    assert ring.entry == "traffic-police"


def test_nine_is_a_digit_while_a_number_is_typed_and_only_the_next_question_counts(urgent: Caller) -> None:
    urgent.done().done().done().press("1").done().press("99")
    assert not urgent.session.ended
    assert urgent.session.digits == "99"


def test_a_key_typed_before_is_kept_and_nine_after_it_belongs_to_the_number(urgent: Caller) -> None:
    urgent.press("1999")
    assert not urgent.session.ended
    while not urgent.session.vars.get("n"):
        urgent.done()  # the notice must be heard
        if urgent.session.phase is Phase.LISTENING or urgent.session.phase is Phase.DIALLING:
            urgent.silence()
    assert urgent.session.vars["n"] == "999"


def test_the_human_who_joins_an_emergency_is_the_one_of_the_flow(prompts: ivr.PromptLibrary) -> None:
    text = """\
flow: t
start: main
human: person
nodes:
  main: {menu: self-menu, keys: {9: police}}
  police: {emergency: "110"}
  person: {route: {skills: {local: 2}, centre: '3301', priority: 4, announcement: connecting}}
"""
    caller = Caller(ivr.parse_flow(text.encode(), prompts, name="t"))
    assert caller.press("9").out[-1] == RingEmergency("110", RouteTo({"local": 2}, "zh", "3301", 4))


@pytest.mark.parametrize(
    ("local", "node"),
    [
        ("2026-03-04 08:29:59", "shut"), ("2026-03-04 08:30:00", "open"), ("2026-03-04 12:00:00", "shut"),
        ("2026-03-04 16:29:59", "open"), ("2026-03-07 10:00:00", "shut"), ("2026-10-01 10:00:00", "shut"),
        ("2026-10-10 23:59:59", "open"), ("2026-03-01 23:59:00", "shut"), ("2026-03-02 08:30:00", "open"),
    ],
)  # fmt: skip
def test_hours_are_those_of_shanghai(make: MakeFlow, local: str, node: str) -> None:
    flow = make("""
gate:
  hours:
    mon-fri: 08:30-12:00, 14:00-16:30
  dates:
    2026-10-01: closed
    2026-10-10: 00:00-24:00
  open: open
  closed: shut
open: {menu: self-menu, keys: {1: shut}}
shut: {menu: after-hours-menu, keys: {1: human}}
""")
    now = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
    assert Caller(flow, now).session.node == node


@pytest.mark.parametrize(("caller", "node"), [("057788", "a"), ("0571", "b"), ("05", "c"), ("110", "d"), ("", "e")])
def test_branches_take_the_exact_case_then_the_longest_beginning(make: MakeFlow, caller: str, node: str) -> None:
    flow = make("""
fork:
  branch: caller
  cases: {0577*: a, 0571: b, 05*: c, 11*: d}
  otherwise: e
a: {say: greeting, next: human}
b: {say: greeting, next: human}
c: {say: greeting, next: human}
d: {say: greeting, next: human}
e: {say: greeting, next: human}
""")
    assert Caller(flow, facts={"caller": caller}).session.node == node


def test_set_changes_the_language_of_prompts_and_route(make: MakeFlow) -> None:
    flow = make("""
english: {set: {language: en, vip: 'yes'}, next: say}
say: {say: greeting, next: fork}
fork: {branch: vip, cases: {'yes': fork2}, otherwise: human}
fork2: {branch: language, cases: {en: to-en}, otherwise: human}
to-en: {route: {skills: {en: 2}}}
""")
    caller = Caller(flow)
    assert [p.file for o in caller.out if isinstance(o, Play) for p in o.prompts] == ["hotline/en/greeting"]
    assert caller.done().out[-1] == RouteTo({"en": 2}, "en")
    assert Caller(flow).session.language == "en"


def test_after_the_end_nothing_happens(menu: Caller) -> None:
    menu.press("0")
    ended = menu.session
    assert ended.ended
    for word in (DigitPressed("0"), PromptsDone(), TimedOut("guard-1"), HeardWords("人工")):
        assert ivr.step(menu.flow, ended, word, NOON) == (ended, ())


def test_a_session_goes_on_in_another_process(menu: Caller) -> None:
    menu.done().press("1").done().press("05")
    flow, session = ivr.Flow.from_json(menu.flow.to_json()), ivr.Session.from_json(menu.session.to_json())
    assert (flow, session) == (menu.flow, menu.session)
    assert ivr.step(flow, session, DigitPressed("#"), NOON) == ivr.step(
        menu.flow, menu.session, DigitPressed("#"), NOON
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '"x"', '{"phase": "nowhere"}', '{"phase": "saying", "x": 1}'])
def test_a_damaged_session_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        ivr.Session.from_json(text)


def test_what_callers_type_and_say_is_in_no_repr(menu: Caller) -> None:
    menu = Caller(menu.flow, facts={"caller": "13800000001"})
    menu.done().press("1").done().press("9876")
    assert "9876" not in repr(menu.session)
    assert "13800000001" not in repr(menu.session)
    assert "秘密" not in repr(HeardWords("秘密"))


def test_a_node_that_is_gone_brings_a_human(menu: Caller) -> None:
    from dataclasses import replace

    lost = replace(menu.session, node="gone", phase=Phase.LISTENING, playing=False)
    for word in (DigitPressed("1"), TimedOut(lost.timer or ""), HeardWords("人工")):
        _, out = ivr.step(menu.flow, lost, word, NOON)
        assert any(isinstance(o, RouteTo) for o in out), word


def test_the_default_flow_has_no_key_menu_and_a_lean_entry(book: ivr.FlowBook) -> None:
    entry = book["default"].entry()
    assert entry is not None
    assert [p.file for p in entry.prompts] == ["hotline/zh/greeting", "hotline/zh/recording-notice"]
    assert entry.route == RouteTo({}, "zh")
    assert book["self-service"].entry() is None


def test_the_entry_says_and_routes_what_the_interpreter_does(make: MakeFlow) -> None:
    flow = make("""
a: {say: [greeting, recording-notice], next: b}
b: {set: {language: en}, next: c}
c: {say: all-busy, next: d}
d: {route: {announcement: connecting, skills: {en: 1}, priority: 2}}
""")
    entry = flow.entry()
    assert entry is not None
    caller, heard = Caller(flow), []
    while not caller.session.ended:
        heard += [p for o in caller.out if isinstance(o, Play) for p in o.prompts]
        caller.done()
    assert list(entry.prompts) == heard
    assert caller.out[-1] == entry.route


def test_a_notice_that_must_be_heard_needs_the_interpreter(make: MakeFlow) -> None:
    assert make("a: {say: greeting, barge_in: false, next: human}").entry() is None
