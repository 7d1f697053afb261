"""From marked YAML to nodes. One reader per kind of node; what a file may say is all in here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypedDict

from yaml.nodes import Node as Mark
from yaml.nodes import SequenceNode

from . import _model as m
from ._hours import read_dates, read_week
from ._library import PromptLibrary
from ._problems import did_you_mean
from ._words import fold
from ._yaml import Entries, Reader

MOST_DIGITS = 32
MENU_KEYS = frozenset("123456789#")
_VARIABLE = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_COMMON = ("tries", "wait", "barge_in", "unclear", "silence")


@dataclass(slots=True)
class Draft:
    """What the readers gather on the way, for the checks of the whole flow."""

    read: Reader
    prompts: PromptLibrary
    nodes: dict[str, m.Node] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    targets: list[tuple[str, str, Mark]] = field(default_factory=list)
    """(what names it, the node it names, where)."""
    asked: list[tuple[str, str, Mark]] = field(default_factory=list)
    """Variables that branches ask for."""
    made: set[str] = field(default_factory=set)
    """Variables that the flow sets."""


class _Waiting(TypedDict):
    prompts: tuple[str, ...]
    tries: int
    wait: float
    barge_in: bool
    unclear: str
    silence: str


def _target(d: Draft, e: Entries, key: str, what: str) -> str:
    if key not in e:
        return ""
    name = d.read.text(e[key].value, f"{what}: {key}")
    if name:
        d.targets.append((what, name, e[key].value))
    return name


def _known(d: Draft, named: Iterable[tuple[str, Mark]], what: str) -> tuple[str, ...]:
    out = []
    for name, at in named:
        if name not in d.prompts:
            mend = did_you_mean(name, d.prompts.prompts) + " or add it to prompts.yaml"
            d.read.problem(at, f"{what}: there is no prompt {name}", mend)
        out.append(name)
    return tuple(out)


def _prompts(d: Draft, e: Entries, key: str, what: str) -> tuple[str, ...]:
    if key not in e:
        return ()
    return _known(d, d.read.texts(e[key].value, f"{what}: {key}"), what)


def _one_prompt(d: Draft, e: Entries, key: str, what: str, default: str) -> str:
    found = _prompts(d, e, key, what)
    if len(found) > 1:
        d.read.problem(e[key].value, f"{what}: {key} is one prompt, not a list")
    if not found:
        if default not in d.prompts:
            mend = f"add it to prompts.yaml, or name another with `{key}:`"
            d.read.problem(e[next(iter(e))].key, f"{what}: there is no prompt {default}", mend)
        return default
    return found[0]


def _number(d: Draft, e: Entries, key: str, what: str, low: float, high: float, default: float) -> float:
    return d.read.number(e[key].value, f"{what}: {key}", low, high, default) if key in e else default


def _integer(d: Draft, e: Entries, key: str, what: str, low: int, high: int, default: int) -> int:
    return d.read.integer(e[key].value, f"{what}: {key}", low, high, default) if key in e else default


def _barge_in(d: Draft, e: Entries, what: str) -> bool:
    return d.read.truth(e["barge_in"].value, f"{what}: barge_in", True) if "barge_in" in e else True


def _waiting(d: Draft, e: Entries, kind: str, what: str) -> _Waiting:
    return {
        "prompts": _prompts(d, e, kind, what),
        "tries": _integer(d, e, "tries", what, 0, 5, 2),
        "wait": _number(d, e, "wait", what, 1, 30, 6.0),
        "barge_in": _barge_in(d, e, what),
        "unclear": _one_prompt(d, e, "unclear", what, "invalid-choice"),
        "silence": _one_prompt(d, e, "silence", what, "please-repeat"),
    }


def _keys(d: Draft, e: Entries, what: str) -> dict[str, str]:
    if "keys" not in e:
        return {}
    found = d.read.mapping(e["keys"].value, f"{what}: keys", "digit")
    if not found:
        d.read.problem(e["keys"].value, f"{what}: keys is empty", "write for example `1: other-node`")
    out = {}
    for key, item in found.items():
        if key in ("0", "*"):
            use = "brings a human" if key == "0" else "repeats the prompt"
            d.read.problem(item.key, f"{what}: {key} always {use}", "take another key")
        elif key not in MENU_KEYS:
            d.read.problem(item.key, f"{what}: {key} is no single key", "use 1 to 9 or #")
        out[key] = _target(d, found, key, what)
    return out


def _variable(d: Draft, at: Mark, what: str, *, new: bool) -> str:
    name = d.read.text(at, what)
    if name and _VARIABLE.fullmatch(name) is None:
        d.read.problem(at, f"{what}: {name} is no good name of a variable", "use a-z, 0-9, - and _")
    elif new and name in m.FACTS:
        d.read.problem(at, f"{what}: {name} is a fact of the call", "take another name")
    return name


def _say(d: Draft, e: Entries, what: str) -> m.Node:
    return m.Say(_prompts(d, e, "say", what), _target(d, e, "next", what), _barge_in(d, e, what))


def _menu(d: Draft, e: Entries, what: str) -> m.Node:
    return m.Menu(**_waiting(d, e, "menu", what), keys=_keys(d, e, what))


def _list(d: Draft, e: Entries, key: str, what: str) -> list[Mark]:
    if key not in e:
        return []
    node = e[key].value
    if not isinstance(node, SequenceNode) or not node.value:
        d.read.problem(node, f"{what}: {key} must be a list", "write `- words: […]` lines under it")
        return []
    return list(node.value)


def _ask(d: Draft, e: Entries, what: str) -> m.Node:
    answers: list[m.Answer] = []
    heard: set[str] = set()
    for node in _list(d, e, "answers", what):
        one = d.read.fields(node, f"{what}: an answer", ["words", "next"], [])
        words = []
        for word, at in d.read.texts(one["words"].value, f"{what}: words") if "words" in one else ():
            key = fold(word)
            if not key.strip():
                d.read.problem(at, f"{what}: {word} has nothing to hear", "use characters or letters")
            elif key in heard:
                d.read.problem(at, f"{what}: the word {word} belongs to two answers", "keep it in one")
            heard.add(key)
            words.append(word)
        answers.append(m.Answer(tuple(words), _target(d, one, "next", what)))
    return m.Ask(**_waiting(d, e, "ask", what), answers=tuple(answers), keys=_keys(d, e, what))


def _collect(d: Draft, e: Entries, what: str) -> m.Node:
    most = _integer(d, e, "max", what, 1, MOST_DIGITS, 1)
    least = _integer(d, e, "min", what, 1, MOST_DIGITS, 1)
    if "min" in e and "max" in e and least > most:
        d.read.problem(e["min"].value, f"{what}: min {least} is more than max {most}")
    into = _variable(d, e["into"].value, f"{what}: into", new=True) if "into" in e else ""
    d.made.add(into)
    gap = _number(d, e, "gap", what, 1, 15, 3.0)
    return m.Collect(
        **_waiting(d, e, "collect", what), into=into, next=_target(d, e, "next", what),
        least=least, most=most, gap=gap,
    )  # fmt: skip


def _hours(d: Draft, e: Entries, what: str) -> m.Node:
    week = read_week(d.read, e["hours"].value)
    dates = read_dates(d.read, e["dates"].value) if "dates" in e else {}
    return m.Hours(week, _target(d, e, "open", what), _target(d, e, "closed", what), dates)


def _branch(d: Draft, e: Entries, what: str) -> m.Node:
    name = _variable(d, e["branch"].value, f"{what}: branch", new=False)
    if name:
        d.asked.append((what, name, e["branch"].value))
    cases: dict[str, str] = {}
    if "cases" in e:
        found = d.read.mapping(e["cases"].value, f"{what}: cases", "case")
        if not found:
            d.read.problem(e["cases"].value, f"{what}: cases is empty")
        for case in found:
            cases[case] = _target(d, found, case, what)
    return m.Branch(name, cases, _target(d, e, "otherwise", what))


def _set(d: Draft, e: Entries, what: str) -> m.Node:
    values: dict[str, str] = {}
    for name, item in d.read.mapping(e["set"].value, f"{what}: set", "variable").items():
        if name == "language":
            values[name] = _language(d, item.value, what)
        else:
            values[_variable(d, item.key, f"{what}: set", new=True)] = d.read.text(item.value, f"{what}: {name}")
            d.made.add(name)
    if not values:
        d.read.problem(e["set"].value, f"{what}: set sets nothing", "write `set: {language: en}`")
    return m.SetVars(values, _target(d, e, "next", what))


def _language(d: Draft, at: Mark, what: str) -> str:
    text = d.read.text(at, f"{what}: language")
    if text and text not in m.LANGUAGES:
        d.read.problem(at, f"{what}: there are no prompts in {text}", f"use {' or '.join(m.LANGUAGES)}")
    return text


def _route(d: Draft, e: Entries, what: str) -> m.Node:
    known = ("skills", "language", "centre", "priority", "announcement")
    r = d.read.fields(e["route"].value, f"{what}: route", [], known)
    skills = {}
    wanted = d.read.mapping(r["skills"].value, f"{what}: skills", "skill") if "skills" in r else {}
    for name, item in wanted.items():
        skills[name] = d.read.integer(item.value, f"{what}: level of {name}", 1, 5, 1)
    return m.Route(
        skills=skills,
        language=d.read.text(r["language"].value, f"{what}: language") if "language" in r else None,
        centre=d.read.text(r["centre"].value, f"{what}: centre") if "centre" in r else None,
        priority=_integer(d, r, "priority", what, -100, 100, 0),
        announcement=_prompts(d, r, "announcement", what),
    )


def _voicemail(d: Draft, e: Entries, what: str) -> m.Node:
    v = d.read.fields(e["voicemail"].value, f"{what}: voicemail", [], ["max_seconds", "invite"])
    return m.Voicemail(_number(d, v, "max_seconds", what, 5, 600, 120.0), _prompts(d, v, "invite", what))


def _hangup(d: Draft, e: Entries, what: str) -> m.Node:
    h = d.read.fields(e["hangup"].value, f"{what}: hangup", [], ["reason", "say"])
    reason = d.read.name(h["reason"].value, f"{what}: reason") if "reason" in h else "flow"
    return m.End(reason, _prompts(d, h, "say", what))


def _emergency(d: Draft, e: Entries, what: str) -> m.Node:
    return m.Emergency(d.read.name(e["emergency"].value, f"{what}: emergency"))


@dataclass(frozen=True, slots=True)
class _Kind:
    read: Callable[[Draft, Entries, str], m.Node]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


KINDS: dict[str, _Kind] = {
    "say": _Kind(_say, ("next",), ("barge_in",)),
    "ask": _Kind(_ask, ("answers",), ("keys", *_COMMON)),
    "menu": _Kind(_menu, ("keys",), _COMMON),
    "collect": _Kind(_collect, ("into", "max", "next"), ("min", "gap", *_COMMON)),
    "hours": _Kind(_hours, ("open", "closed"), ("dates",)),
    "branch": _Kind(_branch, ("cases", "otherwise")),
    "set": _Kind(_set, ("next",)),
    "route": _Kind(_route),
    "voicemail": _Kind(_voicemail),
    "hangup": _Kind(_hangup),
    "emergency": _Kind(_emergency),
}


def read_node(d: Draft, name: str, key: Mark, value: Mark) -> None:
    """Reads one node into the draft; a node that cannot be read at all is left out, with a problem."""
    what = f"node {name}"
    d.marks[name] = key
    entries = d.read.mapping(value, what)
    kinds = [k for k in KINDS if k in entries]
    # `language` and the like may share a name with a kind one day; today exactly one key is a kind.
    if len(kinds) != 1:
        if kinds:
            d.read.problem(key, f"{what} is {' and '.join(kinds)} at once", "split it into two nodes")
        else:
            wrong = next(iter(entries), "")
            hint = did_you_mean(wrong, KINDS) if wrong else f"write one of: {', '.join(KINDS)}"
            at = entries[wrong].key if wrong else key
            d.read.problem(at, f"{what} does nothing: it needs one of {', '.join(KINDS)}", hint)
        return
    kind = KINDS[kinds[0]]
    d.read.only(entries, key, what, (kinds[0], *kind.required), kind.optional)
    d.nodes[name] = kind.read(d, entries, what)
