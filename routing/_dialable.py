"""Which numbers outside the directory may be dialled: allow patterns, read left to right without any going back. Pure.

    X one digit · Z 1-9 · N 2-9 · [1-36] one of these · a digit itself · . (at the end) one digit or more

A pattern is always the whole number. What no pattern allows is not dialled: there is no other way out (no toll fraud).
"""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_DIGITS = 24
"""A telephone number is never longer (ITU-T E.164 has 15 and an escape code before them)."""
_DIGITS = frozenset("0123456789")
_CLASSES = {"X": _DIGITS, "Z": _DIGITS - {"0"}, "N": _DIGITS - {"0", "1"}}


class PatternError(ValueError):
    """Not a pattern; the text says what is wrong and what to write."""


@dataclass(frozen=True, slots=True)
class Dialable:
    """Numbers that may be dialled, and the trunks that carry them.

    Raises:
        PatternError: `pattern` is none.
    """

    pattern: str
    trunks: tuple[str, ...] = ()
    zh: str = ""
    """What they are, for people."""
    _places: tuple[frozenset[str], ...] = field(default=(), init=False, repr=False, compare=False)
    _open: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places, rest = _read(self.pattern)
        object.__setattr__(self, "_places", places)
        object.__setattr__(self, "_open", rest)

    def allows(self, number: str) -> bool:
        """Whether the whole number fits."""
        n = len(self._places)
        if not n <= len(number) <= MOST_DIGITS or (len(number) > n) is not self._open:
            return False
        return all(c in place for c, place in zip(number, self._places, strict=False)) and set(number[n:]) <= _DIGITS

    def may_begin(self, beginning: str) -> bool:
        """Whether a number that begins so could fit."""
        if len(beginning) > len(self._places) and not self._open:
            return False
        return all(c in place for c, place in zip(beginning, self._places, strict=False))


def _read(pattern: str) -> tuple[tuple[frozenset[str], ...], bool]:
    places: list[frozenset[str]] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char in _DIGITS:
            places.append(frozenset(char))
        elif char in _CLASSES:
            places.append(_CLASSES[char])
        elif char == "[":
            end = pattern.find("]", at)
            if end < 0:
                raise PatternError("'[' without ']'; write [1-36] for one of 1, 2, 3, 6")
            places.append(_set(pattern[at + 1 : end]))
            at = end
        elif char == "." and at == len(pattern) - 1 and places:
            break
        elif char == ".":
            raise PatternError("'.' stands for the rest of the number: at the end, after the digits it begins with")
        else:
            raise PatternError(f"'{char}' is no part of a pattern; write digits, X, Z, N, [1-36] and '.' at the end")
        at += 1
    if not places:
        raise PatternError("is empty; write 0571XXXXXXXX for instance")
    if len(places) > MOST_DIGITS:
        raise PatternError(f"has {len(places)} digits; no number has more than {MOST_DIGITS}")
    return tuple(places), pattern.endswith(".")


def _set(text: str) -> frozenset[str]:
    out: set[str] = set()
    at = 0
    while at < len(text):
        first = text[at]
        last = text[at + 2 : at + 3] if text[at + 1 : at + 2] == "-" else first
        if first not in _DIGITS or last not in _DIGITS or last == "" or last < first:
            raise PatternError(f"'[{text}]' is no set of digits; write [1-36] for one of 1, 2, 3, 6")
        out |= {str(n) for n in range(int(first), int(last) + 1)}
        at += 3 if text[at + 1 : at + 2] == "-" else 1
    if not out:
        raise PatternError("'[]' is an empty set; write [1-36] for one of 1, 2, 3, 6")
    return frozenset(out)
