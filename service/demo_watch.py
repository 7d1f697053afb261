"""Follows one call of the demo and prints its timeline, what is said, and who hears whom."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

import calls
from calls.codec import moment_json
from calls.model import TALKERS
from demo import Say

from .render import moment_line

COUNTS = {2: "", 3: " 三方", 4: " 四方", 5: " 五方", 6: " 六方"}
ENGLISH = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
INDENT = " " * 13
Company = tuple[tuple[str, str], ...]
"""Who is in the talk with the caller: (line | seat, name for people), outside lines first."""


class Printer(Protocol):
    """What is needed of rich's console."""

    def print(self, *objects: object, highlight: bool | None = None, soft_wrap: bool | None = None) -> None:
        """One line."""


class Watch:
    """Follows a call through the engine's changes and prints its timeline.

    Args:
        out: where it prints.
        number: follows the first call from this number; None: the first call of all.
        begun: False: follows nobody before `begin`.

    Attributes:
        call: Its id, None until it has come.
        start: When it arrived, unix seconds.
        companies: Each company the caller has had, in order.
        over: Nothing more is printed.
    """

    def __init__(self, out: Printer, number: str | None = None, *, begun: bool = True) -> None:
        self.out = out
        self.number = number
        self._known: Collection[str] | None = () if begun else None
        self.call: str | None = None
        self.start = 0.0
        self.companies: list[Company] = []
        self.over = False
        self._shown = 0
        self._states: dict[str, asyncio.Event] = {}
        self._said: dict[str, asyncio.Event] = {}

    def begin(self, known: Iterable[str]) -> None:
        """From now on the next call is followed; `known` are there already, of an earlier run perhaps."""
        self._known = frozenset(known)

    def event(self, name: str) -> asyncio.Event:
        """Set when the timeline has an entry of that name."""
        return self._states.setdefault(name, asyncio.Event())

    def said(self, sentence: Say) -> asyncio.Event:
        """Set when one of the demo's people has said that to the end."""
        return self._said.setdefault(sentence.text, asyncio.Event())

    def talk_with(self, lines: int, seats: int | None = None) -> asyncio.Event:
        """Set when the caller has talked with just so many outside lines and seats; None: however many seats."""
        return self._states.setdefault(f"with {lines} and {seats}", asyncio.Event())

    def close(self) -> None:
        """What still comes of it (the end of the wrap-up) is not printed: another call's timeline may run."""
        self.over = True

    def on_change(self, change: calls.Change) -> None:
        """The engine's observer."""
        for call in change.calls:
            if self.call is None and self._is_ours(call):
                self.call, self.start = call.id, call.arrived_at
            if call.id != self.call or self.over:
                continue
            for moment in call.timeline[self._shown :]:
                self.out.print(moment_line(moment_json(moment), self.start), highlight=False, soft_wrap=True)
                self.event(moment.what).set()
            self._shown = len(call.timeline)
            if call.parties and call.ended_at is None:
                self._tell_company(company_of(call))

    def _is_ours(self, call: calls.Call) -> bool:
        return (
            self._known is not None and call.id not in self._known and self.number in (None, call.caller_number)
        )

    def _tell_company(self, company: Company) -> None:
        # A talk may be parted for a moment and put together again: nobody's company is no news.
        if not company or company in self.companies[-1:]:
            return
        self.companies.append(company)
        self.out.print(f"{INDENT}[cyan]↔ {company_line(company)}[/cyan]", highlight=False, soft_wrap=True)
        lines = sum(kind == "line" for kind, _ in company)
        self.talk_with(lines, len(company) - lines).set()
        self.talk_with(lines).set()

    def says(self, code: str, data: Mapping[str, object]) -> None:
        """The demo people's progress."""
        role, _, what = code.partition(".")
        if what == "said":
            self.said(Say(str(data["text"]))).set()
        if self.over or what not in ("says", "pressed"):
            return
        who = "来电人" if role == "caller" else f"座席 {data.get('seat', '')}" if role == "seat" else str(data["line"])
        text = f"{who} 说: {data['text']}" if what == "says" else f"{who} 按键: {data['keys']}"
        self.out.print(f"{INDENT}[dim]{text}[/dim]", highlight=False)


def company_of(call: calls.Call) -> Company:
    """Who is in the talk with the caller now, by the switch's word."""
    there = [x for x in call.legs if x.kind in TALKERS and x.heard and x.heard[-1][1] is None]
    named = []
    for leg in sorted(there, key=lambda x: x.kind != "line"):
        party = call.party_of(leg.id) if leg.kind == "line" else None
        kind = "line" if leg.kind == "line" else "seat"
        named.append((kind, party.label if party is not None else f"座席 {leg.who}"))
    return tuple(named)


def company_line(company: Company) -> str:
    """Who hears whom, Chinese first: "119 消防救援 与来电人、座席 8001 三方通话". `company` is not empty."""
    (_, first), *rest = company
    others = "".join(f"、{name}" for _, name in rest)
    count = 1 + len(company)
    return f"{first} 与来电人{others}{COUNTS[count]}通话 · {ENGLISH[count]} hear each other"


__all__ = ["Company", "Watch", "company_line", "company_of"]
