"""How good drafts are, per field: `python -m tests.corpus.report`.

For the train part each miss is listed with `--misses`; of the held-out part only numbers are ever shown.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

import tickets
from service.cli_draft import load_kit
from tickets._spoken import chinese_value

from .load import topics

HERE = Path(__file__).parent
CONFIG = HERE.parents[1] / "config"
_NUMERALS = re.compile("[零一二两三四五六七八九十百千]+(?=[号弄幢栋单元楼层室])")
TOPICS = topics()
TRAIN, HELD_OUT = HERE / "calls", HERE / "held_out"
FIELDS = (
    "kind", "region", "address", "emergency", "lawful_channel", "handling", "catalogue", "surname", "phone", "amounts",
    "language", "secret", "repeat",
)  # fmt: skip


@dataclass(slots=True)
class Score:
    """Counts of one part: how many calls were judged and right, per field; emergencies by their two errors."""

    calls: int = 0
    judged: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    emergencies: int = 0
    emergencies_heard: int = 0
    emergencies_right: int = 0
    false_alarms: int = 0
    misses: list[tuple[str, str, Any, Any]] = field(default_factory=list)
    """Call id, field, expected, got."""

    def share(self, name: str) -> float:
        """Right of judged, 0..1; 1 when none was to be judged."""
        return self.right[name] / self.judged[name] if self.judged[name] else 1.0

    @property
    def false_alarm_share(self) -> float:
        """False alarms of the calls that are no emergency."""
        return self.false_alarms / max(1, self.calls - self.emergencies)


def calls_of(part: Path) -> Iterator[Mapping[str, Any]]:
    """All calls of one part."""
    for file in sorted(part.glob("*.yaml")):
        yield from yaml.safe_load(file.read_text(encoding="utf-8")) or ()


def measure(part: Path) -> Score:
    """Drafts every call of a part and compares."""
    gazetteer, guide = load_kit(CONFIG)
    score = Score()
    for call in calls_of(part):
        facts = tickets.Facts("corpus", call.get("caller_number") or "", call.get("dialled") or "")
        at = datetime.fromisoformat(call["date"]).timestamp()
        draft = tickets.make_draft(tickets.read_talk(call["turns"]), facts, gazetteer, at, guide)
        _judge(score, call, draft, guide.catalogue)
    return score


def _judge(score: Score, call: Mapping[str, Any], draft: tickets.Draft, catalogue: tickets.Catalogue) -> None:
    expect = call["expect"]
    score.calls += 1

    def check(name: str, wanted: Any, got: Any, ok: bool | None = None) -> None:
        score.judged[name] += 1
        fine = wanted == got if ok is None else ok
        score.right[name] += fine
        if not fine:
            score.misses.append((call["id"], name, wanted, got))

    number = expect.get("emergency")
    also = {number, *expect.get("emergency_also", ())}
    score.emergencies += number is not None
    score.emergencies_heard += number is not None and draft.emergency is not None
    score.emergencies_right += number is not None and draft.emergency in also
    score.false_alarms += number is None and draft.emergency is not None
    check("emergency", number, draft.emergency, draft.emergency in also)
    kinds = {expect["kind"], *expect.get("kind_also", ())}
    check("kind", expect["kind"], draft.kind.value, draft.kind.value in kinds)
    if "region" in expect:
        check("region", expect["region"], draft.region)
    if "address" in expect:
        wanted, got = expect["address"], draft.address
        check("address", wanted, got, wanted is None or (got is not None and _written(wanted) in _written(got)))
    check("lawful_channel", expect.get("lawful_channel"), draft.channel)
    if expect.get("handling") is not None:
        check("handling", expect["handling"], draft.handling)
    if expect.get("catalogue") is not None:
        entry = catalogue.entries.get(draft.catalogue or "")
        wanted = expect["catalogue"]
        title = "" if entry is None else entry.zh
        check("catalogue", wanted, title, any(str(word) in title for word in TOPICS.get(wanted, (wanted,))))
    caller = expect.get("caller") or {}
    if caller.get("surname"):
        check("surname", caller["surname"], draft.surname)
    phone = caller.get("phone", call.get("caller_number"))
    check("phone", phone, draft.phone)
    check("amounts", sorted(expect.get("amounts", [])), sorted(draft.amounts))
    check("language", expect.get("language", "zh"), draft.language)
    check("secret", bool(expect.get("secret")), draft.secret)
    check("repeat", bool(expect.get("repeat")), draft.again)


def _written(address: str) -> str:
    """With its numerals as digits, for comparing."""
    return _NUMERALS.sub(lambda hit: f"{chinese_value(hit.group()) or 0:g}", address)


def table(parts: Mapping[str, Score]) -> str:
    """Per field and part: right / judged and the share."""
    lines = [f"{'field':16}" + "".join(f"{name:>24}" for name in parts)]
    for name in FIELDS:
        cells = (f"{s.right[name]}/{s.judged[name]} = {s.share(name):6.1%}" for s in parts.values())
        lines.append(f"{name:16}" + "".join(f"{one:>24}" for one in cells))
    heard = (f"{s.emergencies_heard}/{s.emergencies}, line {s.emergencies_right}" for s in parts.values())
    lines.append(f"{'emergency heard':16}" + "".join(f"{one:>24}" for one in heard))
    false = (f"{s.false_alarms}/{s.calls - s.emergencies} = {s.false_alarm_share:6.1%}" for s in parts.values())
    lines.append(f"{'false alarms':16}" + "".join(f"{one:>24}" for one in false))
    lines.append(f"{'calls':16}" + "".join(f"{s.calls:>24}" for s in parts.values()))
    return "\n".join(lines)


def main() -> None:
    """Prints the table; misses only of the train part, and only when asked."""
    train = measure(TRAIN)
    parts = {"train": train} if "--train" in sys.argv else {"train": train, "held out": measure(HELD_OUT)}
    print(table(parts))
    if "--misses" in sys.argv:
        only = {one for one in sys.argv if one in FIELDS}
        for call, name, wanted, got in train.misses:
            if not only or name in only:
                print(f"{name:15} {call:18} wanted {wanted!r}, got {got!r}")


if __name__ == "__main__":
    main()
