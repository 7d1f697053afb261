"""Reads the corpus: hotline calls written by us, with the fields that a draft of each should have.

`README.md` beside this file says how an entry is written and how its expected values are decided.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
CALLS = "calls"
HELD_OUT = "held_out"

_WHO: Mapping[str, str] = {"来电人": "caller", "caller": "caller", "座席": "seat", "seat": "seat"}


@dataclass(frozen=True, slots=True)
class Turn:
    """What one party said without the other breaking in. `who` is "caller" or "seat"."""

    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Expected:
    """The fields of the right draft.

    `region` is a GB/T 2260 code or None for "not known"; `address` and `catalogue` are None when they are not judged;
    every other None, "" or False is an answer: the draft must not have one. `amounts` are yuan.
    `kind_also` and `emergency_also` are other answers that would be right too.
    """

    kind: str
    region: str | None
    handling: str
    kind_also: tuple[str, ...] = ()
    address: str | None = None
    emergency: str | None = None
    emergency_also: tuple[str, ...] = ()
    lawful_channel: str | None = None
    catalogue: str | None = None
    surname: str | None = None
    phone: str | None = None
    amounts: tuple[float, ...] = ()
    language: str = "zh"
    repeat: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One call. `date` is when it is registered (with its offset); `held_out` tells which part it belongs to."""

    id: str
    date: datetime
    turns: tuple[Turn, ...]
    expect: Expected
    held_out: bool
    dialled: str = ""
    caller_number: str = ""
    tags: tuple[str, ...] = ()

    @property
    def transcript(self) -> str:
        """The call as `hotline draft` reads it: one turn a line."""
        names = ("caller", "seat") if self.expect.language == "en" else ("来电人", "座席")
        return "\n".join(f"{names[turn.who == 'seat']}: {turn.text}" for turn in self.turns)


def is_held_out(entry_id: str) -> bool:
    """Whether an entry of this id belongs to the held-out part: every fifth, by a hash of the id."""
    return int(hashlib.sha256(entry_id.encode()).hexdigest()[:8], 16) % 5 == 0


def load(part: str = CALLS) -> tuple[Entry, ...]:
    """The entries of one part (`CALLS` or `HELD_OUT`) in the order of the files.

    Raises:
        ValueError: an entry is not written as README.md says; the message names it.
    """
    found: list[Entry] = []
    for path in sorted((HERE / part).glob("*.yaml")):
        for row in yaml.safe_load(path.read_text(encoding="utf-8")):
            try:
                found.append(_entry(row, part == HELD_OUT))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path.name}: {row.get('id')}: {type(error).__name__}: {error}") from error
    return tuple(found)


def topics() -> Mapping[str, tuple[str, ...]]:
    """For each `catalogue` word of the corpus: the words of which the right catalogue entry contains at least one."""
    read = yaml.safe_load((HERE / "topics.yaml").read_text(encoding="utf-8"))
    return {topic: tuple(words) for topic, words in read.items()}


def _entry(row: dict[str, Any], held_out: bool) -> Entry:
    unknown = set(row) - {"id", "date", "dialled", "caller_number", "tags", "turns", "expect"}
    if unknown:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    return Entry(
        id=row["id"],
        date=datetime.fromisoformat(row["date"]),
        turns=tuple(_turn(line) for line in row["turns"].splitlines() if line.strip()),
        expect=_expected(dict(row["expect"])),
        held_out=held_out,
        dialled=row.get("dialled", ""),
        caller_number=row.get("caller_number", ""),
        tags=tuple(row.get("tags", ())),
    )


def _turn(line: str) -> Turn:
    who, colon, text = line.partition(": ")
    if not colon or who not in _WHO:
        raise ValueError(f"a turn begins with one of {sorted(_WHO)} and a colon: {line!r}")
    return Turn(_WHO[who], text.strip())


def _expected(row: dict[str, Any]) -> Expected:
    caller = row.pop("caller", {})
    for key in ("amounts", "kind_also", "emergency_also"):
        row[key] = tuple(row.get(key, ()))
    return Expected(**row, surname=caller.get("surname"), phone=caller.get("phone"))
