"""Mistakes in flow files are found when they are loaded, where they are, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ivr

CONFIG = Path(__file__).parents[3] / "config"
GOOD = """\
flow: t
start: hello
human: person
nodes:
  hello:
    say: greeting
    next: choose
  choose:
    menu: self-menu
    keys:
      1: number
      2: box
  number:
    collect: enter-ticket
    into: ticket
    max: 18
    next: person
  box:
    voicemail: {max_seconds: 60, invite: voicemail-invite}
  person:
    route: {}
"""


def problems(text: str, prompts: ivr.PromptLibrary) -> list[ivr.Problem]:
    with pytest.raises(ivr.FlowError) as caught:
        ivr.parse_flow(text.encode(), prompts, name="t", path="f.yaml")
    return list(caught.value.problems)


def test_the_good_flow_is_good(prompts: ivr.PromptLibrary) -> None:
    flow = ivr.parse_flow(GOOD.encode(), prompts, name="t")
    assert set(flow.nodes) == {"hello", "choose", "number", "box", "person"}


@pytest.mark.parametrize(
    ("before", "after", "line", "column", "reason", "mend"),
    [
        ("    next: choose", "    nxt: choose", 7, 5, "has no key nxt", "did you mean next?"),
        ("    say: greeting", "    sya: greeting", 6, 5, "does nothing", "did you mean say?"),
        ("1: number", "1: numbre", 11, 10, "leads to numbre, which is no node", "did you mean number?"),
        ("say: greeting", "say: greetign", 6, 10, "there is no prompt greetign", "did you mean greeting?"),
        ("      2: box", "      1: box", 12, 7, "digit 1 is used twice", ""),
        ("      2: box", "      '1': box", 12, 7, "digit 1 is used twice", ""),
        ("      2: box", "      0: box", 12, 7, "0 always brings a human", ""),
        ("      2: box", "      22: box", 12, 7, "22 is no single key", ""),
        ("2: box", "2: person", 18, 3, "no way leads to node box", "delete it"),
        ("max: 18", "max: many", 16, 10, "must be a number from 1 to 32, not many", ""),
        ("max: 18", "max: 2.5", 16, 10, "must be a whole number", ""),
        ("into: ticket", "into: caller", 15, 11, "caller is a fact of the call", ""),
        ("start: hello", "start: helo", 2, 8, "start: helo is no node", "did you mean hello?"),
        ("human: person", "human: box", 18, 3, "box is no route node", ""),
        ("flow: t", "flow: other", 1, 7, "calls itself other but the file t", ""),
        ("    max: 18\n", "", 13, 3, "lacks the key max", "add `max: …`"),
        ("menu: self-menu", "menu: [self-menu", 10, 9, "not readable as YAML", ""),
        ("say: greeting", "say: greeting\n    hangup: {}", 5, 3, "is say and hangup at once", "two nodes"),
        ("max_seconds: 60", "max_secs: 60", 19, 17, "has no key max_secs", "did you mean max_seconds?"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_cure(
    prompts: ivr.PromptLibrary, before: str, after: str, line: int, column: int, reason: str, mend: str
) -> None:
    assert before in GOOD
    found = problems(GOOD.replace(before, after, 1), prompts)
    fitting = [p for p in found if reason in p.reason]
    assert fitting, [str(p) for p in found]
    assert (fitting[0].line, fitting[0].column) == (line, column)
    assert mend in fitting[0].mend
    assert str(fitting[0]).startswith(f"f.yaml:{line}:{column}: ")


def test_all_mistakes_of_a_file_are_told_at_once(prompts: ivr.PromptLibrary) -> None:
    text = GOOD.replace("say: greeting", "say: nothing-such").replace("1: number", "1: nobody").replace("18", "99")
    assert [p.line for p in problems(text, prompts)] == [6, 11, 16]


def test_an_endless_loop_of_announcements_is_refused(prompts: ivr.PromptLibrary) -> None:
    text = GOOD.replace("next: choose", "next: again", 1) + """\
  again:
    set: {seen: x}
    next: decide
  decide:
    branch: seen
    cases: {y: choose}
    otherwise: hello
"""
    found = problems(text, prompts)
    assert [p.reason for p in found] == ["endless loop without a question: hello → again → decide"
                                         " → hello"]  # fmt: skip


def test_a_loop_through_a_question_is_allowed(prompts: ivr.PromptLibrary) -> None:
    ivr.parse_flow(GOOD.replace("2: box", "2: box\n      3: hello").encode(), prompts, name="t")


def test_a_flow_without_a_human_is_refused(prompts: ivr.PromptLibrary) -> None:
    text = """\
flow: t
start: hello
human: person
nodes:
  hello: {say: greeting, next: bye}
  bye: {hangup: {say: goodbye}}
  person: {route: {}}
"""
    (found,) = problems(text, prompts)
    assert found.reason == "from hello no path leads to a human"
    assert found.line == 5


@pytest.mark.parametrize(
    ("hours", "reason"),
    [
        ("mon-fri: 08:30-25:00", "no time of the day"),
        ("mon-fri: 08:61-09:00", "no time of the day"),
        ("mon-fri: 17:00-08:00", "ends before it begins"),
        ("mon-fri: 8.30 to 12", "no span of hours"),
        ("mon-fri: [08:00-12:00, 11:00-13:00]", "overlaps"),
        ("mon-fri: 08:00-12:00, wed: 08:00-12:00", "wed is given twice"),
        ("munday: 08:00-12:00", "munday is no day of the week"),
        ("", "name no day"),
    ],
)
def test_bad_hours_are_refused(prompts: ivr.PromptLibrary, hours: str, reason: str) -> None:
    lines = "\n".join(f"      {part}" for part in hours.split(", ") if not hours.endswith("]")) or f"      {hours}"
    text = GOOD.replace("next: choose", "next: office", 1) + (
        f"  office:\n    hours:\n{lines}\n    open: choose\n    closed: box\n"
    )
    assert reason in problems(text, prompts)[0].reason


def test_a_word_of_two_answers_is_refused(prompts: ivr.PromptLibrary) -> None:
    text = GOOD.replace("2: box", "2: box\n      3: talk") + """\
  talk:
    ask: ask-topic
    answers:
      - {words: [社保, Social Security], next: person}
      - {words: [公积金, social security], next: box}
"""
    (found,) = problems(text, prompts)
    assert "social security belongs to two answers" in found.reason
    assert found.line == 27


def test_a_branch_on_a_variable_nobody_sets_is_refused(prompts: ivr.PromptLibrary) -> None:
    text = GOOD.replace("next: choose", "next: fork", 1) + (
        "  fork: {branch: tikcet, cases: {'1': choose}, otherwise: choose}\n"
    )
    (found,) = problems(text, prompts)
    assert "nothing sets the variable tikcet" in found.reason
    assert found.mend == "did you mean ticket?"


@pytest.mark.parametrize("entry", ["110", "'119'", "police-hangzhou"])
def test_an_emergency_names_a_directory_entry(prompts: ivr.PromptLibrary, entry: str) -> None:
    text = GOOD.replace("2: box", "2: box\n      9: sos") + f"  sos: {{emergency: {entry}}}\n"
    flow = ivr.parse_flow(text.encode(), prompts, name="t")
    (ring,) = [o for o in ivr.step(flow, ivr.start(flow, {}, 0)[0], ivr.DigitPressed("9"), 0)[1] if not _stops(o)]
    assert ring == ivr.RingEmergency(entry.strip("'"), ivr.RouteTo({}, "zh"))
    assert flow.entry() is None


def _stops(output: ivr.Output) -> bool:
    return isinstance(output, (ivr.StopPlaying, ivr.CancelTimer))


@pytest.mark.parametrize(
    ("node", "column", "reason", "mend"),
    [
        ("{emergency: }", 19, "node sos: emergency is empty", ""),
        ("{emergency: [110, 119]}", 20, "node sos: emergency must be plain text", ""),
        ("{emergency: Police 1}", 20, "node sos: emergency Police 1 is not a good name", "use a-z, 0-9"),
        ("{emergency: 110, announcement: connecting}", 25, "node sos has no key announcement", ""),
        ("{emergency: 110, next: box}", 25, "node sos has no key next", ""),
        ("{emergncy: 110}", 9, "node sos does nothing", "did you mean emergency?"),
    ],
)
def test_a_bad_emergency_node_is_named_with_its_place(
    prompts: ivr.PromptLibrary, node: str, column: int, reason: str, mend: str
) -> None:
    text = GOOD.replace("2: box", "2: box\n      9: sos") + f"  sos: {node}\n"
    (found,) = problems(text, prompts)
    assert found.reason.startswith(reason)
    assert mend in found.mend
    assert (found.line, found.column) == (23, column)


def test_a_flow_that_only_rings_an_emergency_line_has_its_human(prompts: ivr.PromptLibrary) -> None:
    """A second number for 110: the waiting loop, to which the caller comes, leads to a seat."""
    text = "flow: t\nstart: sos\nhuman: person\nnodes:\n  sos: {emergency: 110}\n  person: {route: {}}\n"
    session, out = ivr.start(ivr.parse_flow(text.encode(), prompts, name="t"), {}, 0)
    assert session.ended
    assert out == (ivr.RingEmergency("110", ivr.RouteTo({}, "zh")),)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe\x00", b"- a\n- b", b"a: b: c", b"\t", b"flow: &x [*x]", b"[" * 5000, b"a" * 1_000_001],
)
def test_what_is_no_flow_at_all_is_an_error_with_a_place(prompts: ivr.PromptLibrary, data: bytes) -> None:
    with pytest.raises(ivr.FlowError) as caught:
        ivr.parse_flow(data, prompts, name="t")
    assert all(p.line >= 1 and p.reason for p in caught.value.problems)


def test_leading_zeros_and_clock_times_stay_as_written(prompts: ivr.PromptLibrary) -> None:
    text = GOOD.replace("next: choose", "next: fork", 1) + (
        "  fork:\n    branch: dialled\n    cases:\n      0571: box\n    otherwise: choose\n"
    )
    flow = ivr.parse_flow(text.encode(), prompts, name="t")
    session, _ = ivr.start(flow, {"dialled": "0571"}, 0)
    session, _ = ivr.step(flow, session, ivr.PromptsDone(), 0)
    assert session.node == "box"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("prompts: {a: {zh: 你好}}", "prompt a lacks the key en"),
        ("prompts: {A_: {zh: 你好, en: hello}}", "not a good name"),
        ("prompts: {a: {zh: '', en: hello}}", "prompt a, zh is empty"),
        ("prompts: {a: {zh: 甲, en: a, fr: a}}", "has no key fr"),
        ("prompts: {a: {tone: {hertz: 9000, seconds: 1}}}", "hertz must be a number"),
        ("prompts: {}", "prompt greeting is missing; the service plays it"),
        ("prompts:\n  a: {zh: 甲, en: a}\n  a: {zh: 甲, en: a}", "prompt a is used twice"),
    ],
)
def test_bad_prompts_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ivr.FlowError) as caught:
        ivr.parse_prompts(text.encode())
    assert any(reason in p.reason for p in caught.value.problems)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path, prompts: ivr.PromptLibrary) -> None:
    with pytest.raises(ivr.FlowError, match=r"nowhere\.yaml:1:1: the file cannot be read"):
        ivr.load_flow(tmp_path / "nowhere.yaml", prompts)


SHIPPED = (CONFIG / "flows/self-service.yaml").read_text("utf-8")
LINES = SHIPPED.splitlines()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_to_a_file_is_more_than_a_flow_error(data: st.DataObject) -> None:
    """Lines lost, doubled, changed: the loader reports or accepts, and never raises anything else."""
    prompts = ivr.load_prompts(CONFIG / "prompts/prompts.yaml")
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        how = data.draw(st.sampled_from(["drop", "double", "cut", "swap", "insert"]))
        if how == "drop":
            del lines[at]
        elif how == "double":
            lines.insert(at, lines[at])
        elif how == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
        elif how == "swap":
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] += data.draw(st.text("[]{}:,-*&!#'\"\n\t0a ", max_size=4))
    try:
        flow = ivr.parse_flow("\n".join(lines).encode(), prompts, name="self-service")
    except ivr.FlowError as e:
        assert e.problems
    else:
        assert ivr.Flow.from_json(flow.to_json()) == flow
        ivr.draw(flow), ivr.tree(flow)
