"""One step of the interpreter in the making: a session taken apart, changed, and put together again.

A `Walk` lives inside one call of `start` or `step` only.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import _model as m
from . import _talk as t
from ._hours import is_open
from ._words import HUMAN_WORDS, best

KEYS = frozenset("0123456789*#")
MOST_AHEAD = 40
MOST_HOPS = 500
_HUMAN = "\0human"
"""No node can be called so: the way to a human that was asked for by words."""

Question = m.Menu | m.Ask | m.Collect
P = t.Phase


def _barge_in(node: m.Node | None) -> bool:
    return isinstance(node, Question) and node.barge_in


class Walk:
    """See the module's text."""

    def __init__(self, flow: m.Flow, session: t.Session, now: float) -> None:
        self.flow, self.now = flow, now
        self.node, self.phase, self.language = session.node, session.phase, session.language
        self.vars = session.vars
        self.digits, self.ahead, self.tries = session.digits, session.ahead, session.tries
        self.playing, self.timer, self.serial = session.playing, session.timer, session.serial
        self.hash_due = session.hash_due
        self.out: list[t.Output] = []

    def result(self) -> tuple[t.Session, tuple[t.Output, ...]]:
        """The session after the step, and what is to be done."""
        after = t.Session(
            self.flow.name, self.flow.version, self.node, self.phase, self.language, self.vars, self.digits,
            self.ahead, self.tries, self.playing, self.timer, self.serial, self.hash_due,
        )  # fmt: skip
        return after, tuple(self.out)

    # ------------------------------------------------------------------ inputs
    def press(self, key: str) -> None:
        """A key. What is no key of a telephone is passed over."""
        if key not in KEYS:
            return
        if key == "#" and self.hash_due:
            self.hash_due = False
            return
        self.hash_due = False
        node = self.flow.nodes.get(self.node)
        match self.phase:
            case P.SAYING if isinstance(node, m.Say):
                self._press_in_say(node, key)
            case P.PROMPTING if isinstance(node, Question) and not node.barge_in:
                if key == "0" and not self.ahead and not isinstance(node, m.Collect):
                    self._to_human()
                elif not self.ahead and (line := self._line(node, key)) is not None:
                    self.go(line)
                elif key not in "*#" or self.ahead or key in getattr(node, "keys", ()):
                    self._keep(key)
            case P.PROMPTING | P.LISTENING | P.DIALLING if isinstance(node, Question):
                self._keep(key)
                self._take_keys(node)
            case P.LEAVING:
                self._press_in_last(node, key)
            case _:
                self._to_human()

    def prompts_done(self) -> None:
        """The prompts are over. Passed over when none play: their end crossed our StopPlaying."""
        if not self.playing:
            return
        self.playing, self.hash_due = False, False
        node = self.flow.nodes.get(self.node)
        if self.phase is P.LEAVING:
            self._finish(node)
        elif self.phase is P.SAYING and isinstance(node, m.Say):
            self.go(node.next)
        elif isinstance(node, Question):
            if self.ahead:
                self._take_keys(node)
            else:
                self.phase = P.LISTENING
                self._arm("input", node.wait)
        else:
            self._to_human()

    def timed_out(self, timer_id: str) -> None:
        """A timer. One that is not armed any more is passed over."""
        if timer_id != self.timer:
            return
        self.timer = None
        node = self.flow.nodes.get(self.node)
        if self.playing:  # the guard: the end of the prompts was lost
            self.out.append(t.StopPlaying())
            self.prompts_done()
        elif isinstance(node, m.Collect) and self.phase is P.DIALLING:
            self._onward(node, self._number(node), node.unclear)
        elif isinstance(node, Question):
            self._onward(node, None, node.silence)
        else:
            self._to_human()

    def hear(self, text: str) -> None:
        """Words. A wish for a human is heard everywhere, an emergency over the prompts before the question that
        listens for it too, other words only where a node asks for them."""
        node = self.flow.nodes.get(self.node)
        asked = self._next_question(node.next) if isinstance(node, m.Say) else node
        open_ = node is asked and (self.phase is P.LISTENING or (self.phase is P.PROMPTING and _barge_in(node)))
        answers = asked.answers if isinstance(asked, m.Ask) and self.phase is not P.DIALLING else ()
        if not open_:
            answers = tuple(a for a in answers if isinstance(self.flow.nodes.get(a.next), m.Emergency))
        listed = [(word, a.next) for a in answers for word in a.words]
        target = best(text, [*listed, *((word, _HUMAN) for word in HUMAN_WORDS)])
        if target == _HUMAN:
            if isinstance(node, m.Route) and self.phase is P.LEAVING:
                return  # on the way already
            self._to_human()
        elif target is not None:
            self.ahead = ""
            self.go(target)
        elif isinstance(node, m.Ask) and open_ and text.strip():
            self._onward(node, None, node.unclear)

    # ------------------------------------------------------------------ keys
    def _press_in_say(self, node: m.Say, key: str) -> None:
        if key == "*" and not self.ahead:
            if node.barge_in:
                self._play(node.prompts, node.barge_in, P.SAYING)
            return
        question = None if self.ahead else self._next_question(node.next)
        if key == "0" and not self.ahead and not isinstance(question, m.Collect):
            self._to_human()
            return
        if (line := self._line(question, key)) is not None:
            self.go(line)
            return
        if key != "#" or self.ahead:
            self._keep(key)
        if node.barge_in:
            self.go(node.next)

    def _press_in_last(self, node: m.Node | None, key: str) -> None:
        if key == "*":
            self._leave(node)
        elif key == "0" and not isinstance(node, m.Route):
            self._to_human()
        else:
            self._finish(node)

    def _keep(self, key: str) -> None:
        if len(self.ahead) < MOST_AHEAD:
            self.ahead += key

    def _take_keys(self, node: Question) -> None:
        """Uses up the keys typed so far, and goes where they lead."""
        target = self._use_keys(node)
        if target is not None:
            self.go(target)

    def _use_keys(self, node: Question) -> str | None:
        """The node that the keys lead to; None: the question is still open and has its prompt or timer."""
        again: str | None = None
        while self.ahead:
            key, self.ahead = self.ahead[0], self.ahead[1:]
            again = None
            if key == "*":
                self.digits, again = "", ""
            elif isinstance(node, m.Collect):
                if key != "#":
                    self.digits += key
                    if len(self.digits) < node.most:
                        continue
                target = self._number(node)
                if target is not None:
                    if key != "#":
                        self.hash_due = not self.ahead
                        self.ahead = self.ahead.removeprefix("#")
                    return target
                again = node.unclear
            elif key in node.keys:
                return node.keys[key]
            elif key == "0":
                return self.flow.human
            else:
                again = node.unclear
            if again and self._one_more(node):
                return self.flow.human
        if again is not None:
            self._prompt(node, again)
        else:
            self._stop()
            self.phase = P.DIALLING
            self._arm("digit", node.gap if isinstance(node, m.Collect) else node.wait)
        return None

    def _number(self, node: m.Collect) -> str | None:
        """Where the typed number leads; None when it is too short. It is taken out of `digits`.

        Zeros alone are no number but somebody who wants a human, badly.
        """
        digits, self.digits = self.digits, ""
        if digits and not digits.strip("0"):
            return self.flow.human
        if len(digits) < node.least:
            return None
        self.vars = {**self.vars, node.into: digits}
        return node.next

    def _one_more(self, node: Question) -> bool:
        """Counts a try; True when there were enough."""
        self.tries += 1
        return self.tries > node.tries

    def _onward(self, node: Question, target: str | None, again: str) -> None:
        """To the target, or the question once more, or a human."""
        if target is not None:
            self.go(target)
        elif self._one_more(node):
            self._to_human()
        else:
            self._prompt(node, again)

    # ------------------------------------------------------------------ nodes
    def go(self, target: str) -> None:
        """To a node, through all that neither speak nor ask."""
        self.digits = ""
        for _ in range(MOST_HOPS):
            node = self.flow.nodes.get(target)
            if node is None:
                break
            onward = self._silent(node)
            if isinstance(node, m.SetVars):
                self.language = node.values.get("language", self.language)
                self.vars = {**self.vars, **{k: v for k, v in node.values.items() if k != "language"}}
            elif isinstance(node, m.Say) and self.ahead and node.barge_in:
                onward = node.next  # whoever types ahead knows the way
            elif isinstance(node, (m.Voicemail, m.End)) and "0" in self.ahead:
                self.ahead, onward = "", self.flow.human
            if onward is None:
                self.node, self.tries = target, 0
                if not (isinstance(node, Question) and self.ahead and node.barge_in):
                    self._enter(node)
                    return
                onward = self._use_keys(node)
                if onward is None:
                    return
            target = onward
        self._route(m.Route())

    def _silent(self, node: m.Node) -> str | None:
        """Where a node leads that neither speaks nor asks; None for the others."""
        match node:
            case m.SetVars():
                return node.next
            case m.Hours():
                return node.open if is_open(node, self.now) else node.closed
            case m.Branch():
                value = self.language if node.variable == "language" else self.vars.get(node.variable, "")
                if value in node.cases:
                    return node.cases[value]
                stems = (c for c in node.cases if c.endswith("*") and value.startswith(c[:-1]))
                return node.cases[longest] if (longest := max(stems, key=len, default="")) else node.otherwise
            case _:
                return None

    def _line(self, node: m.Node | None, key: str) -> str | None:
        """The node of the emergency line that the key rings at a question; such a key waits for no prompt."""
        target = node.keys.get(key, "") if isinstance(node, (m.Menu, m.Ask)) else ""
        return target if isinstance(self.flow.nodes.get(target), m.Emergency) else None

    def _next_question(self, target: str) -> m.Node | None:
        """The next node from there that neither speaks nor decides: a number's first digit may be a 0, and an
        emergency need not wait for the words before it."""
        walk = Walk(self.flow, self.result()[0], self.now)
        for _ in range(MOST_HOPS):
            node = self.flow.nodes.get(target)
            if isinstance(node, m.SetVars):
                walk.language = node.values.get("language", walk.language)
                walk.vars = {**walk.vars, **node.values}
            onward = node.next if isinstance(node, m.Say) else walk._silent(node) if node else None
            if onward is None:
                return node
            target = onward
        return None

    def _enter(self, node: m.Node) -> None:
        match node:
            case m.Say():
                self._play(node.prompts, node.barge_in, P.SAYING)
            case m.Menu() | m.Ask() | m.Collect():
                self._prompt(node, "")
            case _:
                self._leave(node)

    def _prompt(self, node: Question, before: str) -> None:
        prompts = (before, *node.prompts) if before else node.prompts
        self._play(prompts, node.barge_in, P.PROMPTING)

    def _leave(self, node: m.Node | None) -> None:
        """Plays the last prompts of a node that ends the flow, or ends it at once."""
        prompts: tuple[str, ...] = ()
        match node:
            case m.Route():
                prompts = node.announcement
            case m.Voicemail():
                prompts = node.invite
            case m.End():
                prompts = node.prompts
        if prompts:
            self._play(prompts, True, P.LEAVING)
        else:
            self._finish(node)

    def _finish(self, node: m.Node | None) -> None:
        match node:
            case m.Voicemail():
                self._end(t.LeaveVoicemail(node.max_seconds))
            case m.End():
                self._end(t.HangUp(node.reason))
            case m.Route():
                self._route(node)
            case m.Emergency():
                human = self.flow.nodes.get(self.flow.human)
                wish = human if isinstance(human, m.Route) else m.Route()
                self._end(t.RingEmergency(node.entry, m.route_of(wish, self.language)))
            case _:
                self._route(m.Route())

    def _to_human(self) -> None:
        self.ahead = ""
        self.go(self.flow.human)

    def _route(self, node: m.Route) -> None:
        self._end(m.route_of(node, self.language))

    # ------------------------------------------------------------------ outputs
    def _end(self, output: t.Output) -> None:
        self._stop()
        self._disarm()
        self.phase, self.ahead, self.digits = P.ENDED, "", ""
        self.out.append(output)

    def _play(self, prompts: Sequence[str], barge_in: bool, phase: t.Phase) -> None:
        self._stop()
        self.out.append(t.Play(tuple(m.PromptRef(p, self.language) for p in prompts), barge_in))
        self.playing, self.phase = True, phase
        letters = sum(len(self.flow.texts.get(p, {}).get(self.language, "")) for p in prompts)
        self._arm("guard", 30.0 + 0.6 * letters)

    def _stop(self) -> None:
        if self.playing:
            self.out.append(t.StopPlaying())
            self.playing = False

    def _arm(self, what: str, seconds: float) -> None:
        self._disarm()
        self.serial += 1
        self.timer = f"{what}-{self.serial}"
        self.out.append(t.ArmTimer(self.timer, seconds))

    def _disarm(self) -> None:
        if self.timer is not None:
            self.out.append(t.CancelTimer(self.timer))
            self.timer = None
