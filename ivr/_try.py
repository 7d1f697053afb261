"""A flow walked in a terminal: a person types what a caller would press or say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import _talk as t
from ._interpreter import start, step
from ._model import Flow, RouteTo
from ._walk import KEYS

Outcome = RouteTo | t.LeaveVoicemail | t.HangUp | t.RingEmergency

_TEXT = {
    "zh": {
        "hears": "听到",
        "ask": "按键、说话，或直接回车表示不作声：",
        "more": "继续按键，或直接回车表示按完了：",
        "silence": "（{:g} 秒没有声音）",
        "route": "→ 转人工",
        "voicemail": "→ 留言，最长 {:g} 秒",
        "hangup": "→ 挂机（{}）",
        "emergency": "→ 紧急线路 {}，同时转人工",
        "skills": "技能",
        "centre": "工作机构",
        "language": "语种",
        "priority": "优先级",
    },
    "en": {
        "hears": "hears",
        "ask": "Digits, words, or just Enter for silence: ",
        "more": "More digits, or just Enter when done: ",
        "silence": "({:g} s of silence)",
        "route": "→ to a human",
        "voicemail": "→ voicemail, at most {:g} s",
        "hangup": "→ hang up ({})",
        "emergency": "→ emergency line {}, and a human",
        "skills": "skills",
        "centre": "centre",
        "language": "language",
        "priority": "priority",
    },
}


def try_flow(
    flow: Flow,
    say: Callable[[str], None],
    ask: Callable[[str], str],
    *,
    now: float,
    language: str = "zh",
    facts: Mapping[str, str] | None = None,
) -> Outcome:
    """Walks the flow over the real interpreter until it ends.

    Args:
        flow: what to walk.
        say: shows one line.
        ask: shows a question and returns what was typed: keys (`1`, `330106#`), words, or "" for silence.
            What it raises (EOFError, KeyboardInterrupt) ends the walk and passes through.
        now: unix seconds that opening hours see; time stands still.
        language: of the remarks, "zh" or "en"; the prompts are in the flow's own.
        facts: see `start`.

    Returns:
        How the flow ended.
    """
    words = _TEXT[language]
    seconds = 0.0
    session, outputs = start(flow, facts or {}, now)
    while True:
        for output in outputs:
            match output:
                case t.Play():
                    for prompt in output.prompts:
                        text = flow.texts.get(prompt.id, {}).get(prompt.language, "")
                        say(f"{words['hears']}：{text or '♪'}  [{prompt.language}/{prompt.id}]")
                case t.ArmTimer():
                    seconds = output.seconds
                case t.LeaveVoicemail():
                    say(words["voicemail"].format(output.max_seconds))
                    return output
                case t.HangUp():
                    say(words["hangup"].format(output.reason))
                    return output
                case t.RingEmergency():
                    say(words["emergency"].format(output.entry))
                    return output
                case RouteTo():
                    say(" ".join((words["route"], *_wishes(output, words))))
                    return output
        if session.playing:
            session, outputs = step(flow, session, t.PromptsDone(), now)
            continue
        typed = ask(words["more" if session.phase is t.Phase.DIALLING else "ask"]).strip()
        keys = "".join(typed.split())
        outputs = ()
        if not typed:
            say(words["silence"].format(seconds))
            session, outputs = step(flow, session, t.TimedOut(session.timer or ""), now)
        elif set(keys) <= KEYS:
            for key in keys:
                session, more = step(flow, session, t.DigitPressed(key), now)
                outputs = (*_kept(outputs), *more)
        else:
            session, outputs = step(flow, session, t.HeardWords(typed), now)


def _kept(outputs: tuple[t.Output, ...]) -> tuple[t.Output, ...]:
    """Of what earlier keys of one line brought, all but the prompts that the next key stops."""
    return tuple(o for o in outputs if not isinstance(o, t.Play) or not o.barge_in)


def _wishes(route: RouteTo, words: Mapping[str, str]) -> list[str]:
    out = [f"{words['language']}={route.language}"]
    if route.skills:
        out.append(f"{words['skills']}=" + ",".join(f"{k}≥{v}" for k, v in route.skills.items()))
    if route.centre:
        out.append(f"{words['centre']}={route.centre}")
    if route.priority:
        out.append(f"{words['priority']}={route.priority}")
    return out
