"""Who takes which matter (事项分流清单): the tables of the hotline directory, as 12345 and 110 publish them. Pure.

A table has two halves. What a hotline *takes*, and what it does *not* take although people ask it there, with the one
who does. Both are words and codes of the dispatch catalogue (Art. 13). The second half outweighs the first: "邻居噪声"
said to the police is the police's no longer when their table gives it to 12345.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HERE = "12345"
"""Stands in a table for this hotline itself; no entry may have this id."""
_CODE = re.compile(r"[A-Z][0-9]{3}")
_CODE_SCORE = 100.0


@dataclass(frozen=True, slots=True)
class Matter:
    """One line of a table."""

    zh: str
    en: str = ""
    words: tuple[str, ...] = ()
    """Words that point to it; "a+b": both must be said, anywhere."""
    codes: tuple[str, ...] = ()
    """Codes of config/catalogue.yaml."""
    to: str = ""
    """Who takes it instead: an entry's id or `HERE`. Empty: the hotline whose table this is."""

    def hits(self, text: str) -> tuple[str, ...]:
        """Which of its words or codes are in a text (lower case), each once."""
        if is_code(text):
            return tuple(c for c in self.codes if c.lower() == text.strip().lower())
        return tuple(w for w in self.words if all(_said(part, text) for part in w.lower().split("+")))

    def score(self, text: str) -> float:
        """How well a text (lower case) fits: long words are rare words and count more."""
        hits = self.hits(text)
        if hits and is_code(text):
            return _CODE_SCORE
        return sum(_weight(word) for word in hits)


def is_code(text: str) -> bool:
    """Whether a text is a catalogue code and nothing else."""
    return _CODE.fullmatch(text.strip().upper()) is not None


def _said(part: str, text: str) -> bool:
    """English words from their beginning only: "rob" is not in "problem"."""
    at = text.find(part)
    while at > 0 and part.isascii() and text[at - 1].isascii() and text[at - 1].isalpha():
        at = text.find(part, at + 1)
    return at >= 0 and part != ""


def _weight(word: str) -> float:
    letters = sum(c.isascii() for c in word if c != "+")
    return len(word.replace("+", "")) - letters + letters / 3
