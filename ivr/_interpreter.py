"""Walks a caller through a flow. Pure: no clock, no I/O; the same inputs give the same outputs.

    start(flow, facts, now)         -> (session, outputs)
    step(flow, session, input, now) -> (session, outputs)

The rules, whatever a flow says:
 - 0 reaches a human from anywhere. Only while a number is typed, or is the next thing to be typed, a 0
   may be its first digit: alone (or with other zeros only), followed by silence or #, it still means a
   human.
 - Silence and unclear answers put the question again at most `tries` times, then come to a human; they
   never end a call.
 - A key that rings an emergency line does so at once, over any prompt before its question and even over one
   that must be heard; no words delay it.
 - A key ends prompts that allow it (`barge_in`) and is kept for the question that comes next; keys
   typed over prompts that must be heard are kept until these are over.
 - * says it again.
 - There is always exactly one armed timer until the flow has ended, even while prompts play (the guard,
   far longer than the prompts): a lost "prompts done" never leaves a caller in silence.
 - What the flow did not foresee (a node that is gone, a circle) comes to a human. `step` never raises.
"""

from __future__ import annotations

from collections.abc import Mapping

from ._model import Flow
from ._talk import DigitPressed, HeardWords, Input, Output, Phase, PromptsDone, Session, TimedOut
from ._walk import Walk


def start(flow: Flow, facts: Mapping[str, str], now: float) -> tuple[Session, tuple[Output, ...]]:
    """Begins a flow.

    Args:
        flow: the version the call will keep.
        facts: what is known of the call (`dialled`, `caller`), for branches; `language` overrides the
            flow's.
        now: unix seconds, for opening hours.
    """
    language = facts.get("language", flow.language)
    known = {k: v for k, v in facts.items() if k != "language"}
    session = Session(flow.name, flow.version, flow.start, Phase.SAYING, language, known)
    walk = Walk(flow, session, now)
    walk.go(flow.start)
    return walk.result()


def step(flow: Flow, session: Session, word: Input, now: float) -> tuple[Session, tuple[Output, ...]]:
    """One input. `now`: unix seconds. Inputs that mean nothing here change nothing."""
    if session.ended:
        return session, ()
    walk = Walk(flow, session, now)
    match word:
        case DigitPressed(digit):
            walk.press(digit)
        case PromptsDone():
            walk.prompts_done()
        case TimedOut(timer_id):
            walk.timed_out(timer_id)
        case HeardWords(text):
            walk.hear(text)
    return walk.result()
