"""What a caller said against what a flow listens for: the longest listed word that occurs wins."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

HUMAN_WORDS = (
    "人工", "真人", "话务员", "接线员", "转接座席", "operator", "agent", "human", "real person", "representative",
)  # fmt: skip
"""Said anywhere, they bring a human, as 0 does (Art. 7: human and smart service)."""


def _is_latin(c: str) -> bool:
    return c.isascii() and c.isalnum()


def fold(text: str) -> str:
    """Width, case, spaces and punctuation taken out of the way; Latin words stay apart.

    Recognisers put spaces between Chinese words, people do not.
    """
    out: list[str] = []
    gap = False
    for c in unicodedata.normalize("NFKC", text).casefold():
        if not c.isalnum():
            gap = True
            continue
        if out and (gap or _is_latin(c) != _is_latin(out[-1])) and (_is_latin(c) or _is_latin(out[-1])):
            out.append(" ")
        out.append(c)
        gap = False
    return "".join(out)


def _occurs(word: str, text: str) -> bool:
    if not word:
        return False
    if any(_is_latin(c) for c in word):
        return f" {word} " in f" {text} "
    return word in text


def best(text: str, listed: Iterable[tuple[str, str]]) -> str | None:
    """The target of the longest word of (word, target) that occurs in the text; the first of equals."""
    said = fold(text)
    length, found = 0, None
    for word, target in listed:
        key = fold(word)
        if len(key) > length and _occurs(key, said):
            length, found = len(key), target
    return found
