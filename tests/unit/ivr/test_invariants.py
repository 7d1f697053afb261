"""No caller is ever stuck: any flow, any keys, words, silences and lost events."""

from __future__ import annotations

import functools
from pathlib import Path

import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st

import ivr
from ivr import DigitPressed, HangUp, HeardWords, LeaveVoicemail, PromptsDone, RingEmergency, RouteTo, TimedOut

ROOT = Path(__file__).parents[3]
ENDS = (RouteTo, LeaveVoicemail, HangUp, RingEmergency)
PROMPTS = ("greeting", "connecting", "goodbye", "self-menu")
Raw = dict[str, object]


@functools.cache
def library() -> ivr.PromptLibrary:
    return ivr.load_prompts(ROOT / "config/prompts/prompts.yaml")


@st.composite
def flows(draw: st.DrawFn) -> ivr.Flow:
    """Flows that the loader accepts: quiet nodes lead onward only, questions lead anywhere."""
    size = draw(st.integers(1, 9))
    names = [f"n{i}" for i in range(size)]
    anywhere = st.sampled_from([*names, "human"])
    prompt = st.sampled_from(PROMPTS)
    spoken = st.lists(prompt, min_size=1, max_size=2)
    keys = st.dictionaries(st.sampled_from("123456789#"), anywhere, min_size=1, max_size=4)
    nodes: dict[str, Raw] = {}
    for i, name in enumerate(names):
        onward = st.sampled_from([*names[i + 1 :], "human"])
        flag = draw(st.booleans())
        asking = {"tries": draw(st.integers(0, 3)), "barge_in": flag}
        choices: list[st.SearchStrategy[Raw]] = [
            st.fixed_dictionaries({"say": spoken, "next": onward, "barge_in": st.just(flag)}),
            st.fixed_dictionaries({"menu": prompt, "keys": keys, **{k: st.just(v) for k, v in asking.items()}}),
            st.fixed_dictionaries(
                {"ask": prompt, "keys": keys, **{k: st.just(v) for k, v in asking.items()},
                 "answers": st.tuples(anywhere, anywhere).map(
                     lambda t: [{"words": ["社保"], "next": t[0]}, {"words": ["tax"], "next": t[1]}])}),
            st.fixed_dictionaries(
                {"collect": st.just("enter-ticket"), "into": st.just("v"), "min": st.integers(1, 2),
                 "max": st.integers(2, 4), "next": anywhere, **{k: st.just(v) for k, v in asking.items()}}),
            st.fixed_dictionaries(
                {"hours": st.just({"mon-fri": "08:00-12:00"}), "open": onward, "closed": onward}),
            st.fixed_dictionaries(
                {"branch": st.just("caller"), "cases": st.dictionaries(
                    st.sampled_from(["0*", "05*", "110", "1*"]), onward, min_size=1), "otherwise": onward}),
            st.fixed_dictionaries({"set": st.just({"language": "en"}), "next": onward}),
            st.just({"voicemail": {"invite": "voicemail-invite"} if flag else {}}),
            st.just({"hangup": {"say": "goodbye"} if flag else {}}),
            st.just({"route": {"announcement": "connecting"} if flag else {}}),
            st.sampled_from(["110", "120"]).map(lambda entry: {"emergency": entry}),
        ]  # fmt: skip
        nodes[name] = draw(st.one_of(choices))
    nodes["human"] = {"route": draw(st.sampled_from([{}, {"announcement": "connecting"}]))}
    # What nothing leads to, or leads to no human, the loader would refuse: give it a door.
    nodes["door"] = {"menu": "self-menu", "keys": dict(zip("123456789", names, strict=False))}
    text = {"flow": "f", "start": "door", "human": "human", "nodes": nodes}
    return ivr.parse_flow(yaml.safe_dump(text, allow_unicode=True).encode(), library(), name="f")


inputs = st.one_of(
    st.sampled_from("0123456789*#").map(DigitPressed),
    st.sampled_from(["A", "", "12", "x"]).map(DigitPressed),
    st.just(PromptsDone()),
    st.just("timer"),
    st.sampled_from(["old-1", ""]).map(TimedOut),
    st.sampled_from(["社保", "my tax", "人工", "什么", "", "。"]).map(HeardWords),
)
times = st.floats(0, 4e9)


class Switch:
    """Carries out what the interpreter asks, and complains about what makes no sense."""

    def __init__(self) -> None:
        self.timer: str | None = None
        self.used: set[str] = set()
        self.playing = False
        self.ended = False

    def do(self, outputs: tuple[ivr.Output, ...]) -> None:
        for o in outputs:
            assert not self.ended, "nothing may come after the end"
            match o:
                case ivr.Play():
                    assert not self.playing, "two prompts at once"
                    assert o.prompts
                    self.playing = True
                case ivr.StopPlaying():
                    assert self.playing
                    self.playing = False
                case ivr.ArmTimer():
                    assert self.timer is None, "two timers at once"
                    assert o.timer_id not in self.used
                    assert o.seconds > 0
                    self.timer = o.timer_id
                    self.used.add(o.timer_id)
                case ivr.CancelTimer():
                    assert self.timer == o.timer_id
                    self.timer = None
                case _:
                    assert isinstance(o, ENDS)
                    self.ended = True
        if self.ended:
            assert self.timer is None
            assert not self.playing
        else:
            assert self.timer is not None, "a caller waits for ever"


@settings(max_examples=200, deadline=None)
@given(flows(), st.lists(inputs, max_size=40), times, st.sampled_from(["0571", "110", "x", ""]))
def test_any_flow_with_any_inputs_ends_or_has_a_timer(
    flow: ivr.Flow, words: list[object], now: float, caller: str
) -> None:
    switch = Switch()
    session, out = ivr.start(flow, {"caller": caller}, now)
    switch.do(out)
    for word in words:
        if word == "timer":
            word, switch.timer = TimedOut(switch.timer or ""), None
        elif word == PromptsDone():
            switch.playing = False
        before = session
        session, out = ivr.step(flow, session, word, now)  # type: ignore[arg-type]
        assert ivr.step(flow, ivr.Session.from_json(before.to_json()), word, now) == (session, out)  # type: ignore[arg-type]
        if before.playing and isinstance(word, TimedOut) and word.timer_id == before.timer:
            assert out[0] == ivr.StopPlaying()
        switch.do(out)
        assert session.playing == switch.playing
        assert session.timer == switch.timer
        assert session.ended == switch.ended
    # Whatever happened, a caller who does nothing more is with a human soon, never hung up on.
    asked = 0
    quiet = session
    while not quiet.ended:
        asked += 1
        assert asked < 200, "a silent caller goes round and round"
        word = PromptsDone() if quiet.playing else TimedOut(quiet.timer or "")
        quiet, out = ivr.step(flow, quiet, word, now)
    # And one who presses 0 (until it is heard, past numbers and prompts that must be heard) too.
    pressed = 0
    while not session.ended:
        pressed += 1
        assert pressed < 60, "0 does not get through"
        session, out = ivr.step(flow, session, DigitPressed("0"), now)
        if not session.ended:
            word = PromptsDone() if session.playing else TimedOut(session.timer or "")
            session, out = ivr.step(flow, session, word, now)
    event(type(out[-1]).__name__ if out else "ended before")


def lines_of(flow: ivr.Flow, session: ivr.Session) -> dict[str, str]:
    """Key → emergency entry, of the question that a caller is asked just now."""
    node = flow.nodes[session.node]
    keys = getattr(node, "keys", {})
    ends = {key: flow.nodes[target] for key, target in keys.items()}
    return {key: entry for key, end in ends.items() if (entry := getattr(end, "entry", ""))}


@settings(max_examples=200, deadline=None)
@given(flows(), st.lists(inputs, max_size=15), times)
def test_an_emergency_key_rings_its_line_at_once(
    flow: ivr.Flow, words: list[object], now: float
) -> None:
    """Whatever came before: one press at a question that offers the line, and the flow is over."""
    session, _ = ivr.start(flow, {}, now)
    for word in words:
        if word == "timer":
            word = TimedOut(session.timer or "")
        session, _ = ivr.step(flow, session, word, now)  # type: ignore[arg-type]
    offered = {} if session.ended or session.ahead else lines_of(flow, session)
    event(f"lines offered: {len(offered)}")
    for key, entry in offered.items():
        if key == "#" and session.hash_due:
            continue  # the # of the number before
        after, out = ivr.step(flow, session, DigitPressed(key), now)
        assert after.ended
        assert isinstance(out[-1], RingEmergency)
        assert out[-1].entry == entry
        assert not any(isinstance(o, ivr.Play) for o in out)


@settings(max_examples=40, deadline=None)
@given(flows(), times)
def test_silence_at_a_question_never_hangs_up(flow: ivr.Flow, now: float) -> None:
    session, out = ivr.start(flow, {}, now)
    for _ in range(100):
        if session.ended:
            break
        word = PromptsDone() if session.playing else TimedOut(session.timer or "")
        session, out = ivr.step(flow, session, word, now)
    assert isinstance(out[-1], RouteTo)


@settings(max_examples=40, deadline=None)
@given(flows())
def test_flows_survive_json_and_can_be_drawn(flow: ivr.Flow) -> None:
    again = ivr.Flow.from_json(flow.to_json())
    assert again == flow
    assert ivr.draw(again).startswith("flowchart TD\n")
    assert ivr.tree(again)
