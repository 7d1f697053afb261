"""The dialplan as a set of steps, from the text we render and from what the switch tells, so that they compare."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_SECTION = re.compile(r"\[([A-Za-z0-9_-]+)\]")
_LINE = re.compile(r"(exten|same)\s*=>?\s*(.*)")
_NOT_CONTEXTS = frozenset({"general", "globals"})


class Step(NamedTuple):
    """One priority of one extension."""

    exten: str
    priority: int
    app: str
    data: str


def contexts_of(text: str) -> dict[str, set[Step]]:
    """Every context of an extensions.conf with its steps. For our own templates: `n`, `n(label)` and numbers only."""
    out: dict[str, set[Step]] = {}
    steps: set[Step] | None = None
    exten, priority = "", 0
    for raw in text.splitlines():
        line = _uncommented(raw).strip()
        if section := _SECTION.match(line):
            steps = None if section[1] in _NOT_CONTEXTS else out.setdefault(section[1], set())
            continue
        found = _LINE.match(line)
        if found is None or steps is None:
            continue
        rest = found[2].strip()
        if found[1] == "exten":
            exten, _, rest = rest.partition(",")
        number, _, call = rest.partition(",")
        number = number.partition("(")[0].strip()
        priority = priority + 1 if number == "n" else int(number)
        app, _, data = call.strip().partition("(")
        data = data.rstrip()
        steps.add(Step(exten, priority, app, data.removesuffix(")") if data else ""))
    return out


def _uncommented(line: str) -> str:
    """Without its comment; an escaped semicolon is none."""
    return re.split(r"(?<!\\);", line, maxsplit=1)[0]


def differences(wanted: Iterable[Step], there: Iterable[Step]) -> str:
    """How many steps differ, as a short text; "" if none."""
    wanted, there = {_plain(x) for x in wanted}, {_plain(x) for x in there}
    missing, extra = len(wanted - there), len(there - wanted)
    return f"-{missing} +{extra}" if missing or extra else ""


def _plain(step: Step) -> Step:
    return step._replace(app=step.app.lower(), data=step.data.replace(" ", ""))
