"""The dispatch catalogue (派单目录, Art. 13): which kinds of matter there are, and who is responsible for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ._heard import CALLER, Line
from ._model import Kind

_STRONG = 3.0
_WEAK = 1.0
_LEAST = 2.0
"""Below this score (two weak words) no entry is proposed."""
_NEAR = 1.2
"""An entry is in doubt when another one has its score within this factor."""


class Field(StrEnum):
    """The five fields of Art. 11."""

    ECONOMY = "economy"
    MARKET = "market"
    SOCIETY = "society"
    SERVICE = "service"
    ENVIRONMENT = "environment"


class Handling(StrEnum):
    """How a matter is handled: within 3 or 7 working days of registration (Art. 15)."""

    FAST = "fast"
    GENERAL = "general"

    @property
    def workdays(self) -> int:
        """Working days until it must be done."""
        return 3 if self is Handling.FAST else 7


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of matter. `strong` and `weak` are words that point to it; "a+b" wants both, anywhere."""

    code: str
    zh: str
    en: str
    field: Field
    unit: str
    handling: Handling
    kind: Kind
    strong: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A lawful channel and what the caller is told of it, in both languages."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Found:
    """An entry that fits, with its score and the words that speak for it; `others` fit nearly as well."""

    entry: Entry
    score: float
    words: tuple[str, ...]
    others: tuple[Entry, ...] = ()

    @property
    def reason(self) -> str:
        """Why this entry, for the seat: the words heard."""
        return f"{self.entry.zh}：听到“{'、'.join(self.words[:4])}”，由{self.entry.unit}承办"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries by code, and the lawful channels; build it with `Catalogue.load`."""

    entries: Mapping[str, Entry]
    channels: Mapping[str, Channel]
    _words: tuple[tuple[str, float, Entry], ...] = field(init=False, repr=False)
    """Each word (all parts of it), its weight, its entry."""

    def __post_init__(self) -> None:
        words = tuple(
            (word.lower(), _weight(word, base), entry)
            for entry in self.entries.values()
            for base, some in ((_STRONG, entry.strong), (_WEAK, entry.weak))
            for word in some
        )
        object.__setattr__(self, "_words", words)

    @classmethod
    def load(cls, path: str | Path) -> Catalogue:
        """Reads and checks the file.

        Raises:
            CatalogueError: it cannot be read or breaks a rule; the text names file, line and rule.
        """
        from ._catalogue_file import read_catalogue  # here, so that the values above need no YAML

        return read_catalogue(Path(path))

    def find(self, lines: Sequence[Line]) -> Found | None:
        """The entry that the caller's words point to; None when too few do.

        Longer words count more (they are rarer), and a word once a call, however often it is said.
        """
        text = "\n".join(line.text for line in lines if line.party == CALLER).lower()
        scores: dict[str, float] = {}
        words: dict[str, list[tuple[int, str]]] = {}
        for word, weight, entry in self._words:
            at = _position(word, text)
            if at is None:
                continue
            earlier = words.setdefault(entry.code, [])
            if any(word in other for _, other in earlier):
                continue  # 停车 adds nothing to 乱停车
            scores[entry.code] = scores.get(entry.code, 0.0) + weight
            earlier.append((at, word))
        if not scores:
            return None
        ranked = sorted(scores, key=lambda code: (-scores[code], min(words[code])[0], code))
        best = ranked[0]
        if scores[best] < _LEAST:
            return None
        others = tuple(self.entries[code] for code in ranked[1:3] if scores[code] * _NEAR > scores[best])
        heard = tuple(word.replace("+", "…") for _, word in sorted(words[best]))
        return Found(self.entries[best], scores[best], heard, others)


def _weight(word: str, base: float) -> float:
    size = len(word.replace("+", "")) if not word.isascii() else len(word) / 3
    return base * (0.7 + 0.15 * min(size, 6.0))


def _position(word: str, text: str) -> int | None:
    """Where the word is said; of "a+b" where the first part is, if all are there."""
    first: int | None = None
    for part in word.split("+"):
        at = text.find(part)
        while at > 0 and part.isascii() and text[at - 1].isascii() and text[at - 1].isalpha():
            at = text.find(part, at + 1)  # English words only from their beginning: "rent" is not in "parent"
        if at < 0:
            return None
        first = at if first is None else min(first, at)
    return first
