"""Character error rate: the usual measure for Chinese speech."""

from __future__ import annotations

import unicodedata

_SPOKEN = str.maketrans("0123456789幺〇", "零一二三四五六七八九一零")


def plain(text: str) -> str:
    """What is compared: no blanks, no punctuation, lower case, digits as characters, 幺 as 一 (both are "1")."""
    kept = (c for c in unicodedata.normalize("NFKC", text).lower() if unicodedata.category(c)[0] in "LN")
    return "".join(kept).translate(_SPOKEN)


def edits(reference: str, heard: str) -> int:
    """Fewest characters to insert, delete or replace to make one text the other (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, a in enumerate(reference, 1):
        corner, row[0] = row[0], i
        for j, b in enumerate(heard, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (a != b))
    return row[-1]


def character_error_rate(reference: str, heard: str) -> float:
    """Errors per character of the reference, after `plain`; may exceed 1. An empty reference: 0 if nothing heard."""
    a, b = plain(reference), plain(heard)
    if not a:
        return 0.0 if not b else float(len(b))
    return edits(a, b) / len(a)
