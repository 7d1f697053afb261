"""How like two matters are, for showing a caller's earlier tickets (Art. 12). A human decides what is a repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from ._model import Draft, Repeat

LIKE = 0.35
"""From this likeness on an earlier ticket is shown."""
_MOST = 3
_WORDS, _PLACE, _MATTER = 0.6, 0.2, 0.2


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier ticket of the same caller, as far as likeness needs it."""

    ticket: str
    status: str
    content: str
    region: str | None = None
    catalogue: str | None = None


def likeness(draft: Draft, earlier: Earlier) -> float:
    """0 (nothing in common) to 1 (the same): words by pairs of characters, the place, the kind of matter."""
    words = _cosine(_pairs(draft.content), _pairs(earlier.content))
    place = _same(draft.region, earlier.region)
    matter = _same(draft.catalogue, earlier.catalogue)
    return round(_WORDS * words + _PLACE * place * min(1.0, words * 4) + _MATTER * matter, 3)


def find_repeats(draft: Draft, earlier: Iterable[Earlier]) -> tuple[Repeat, ...]:
    """The earlier tickets most like this one, best first, at most three."""
    found = [Repeat(one.ticket, likeness(draft, one), one.status) for one in earlier]
    ranked = sorted((one for one in found if one.likeness >= LIKE), key=lambda one: (-one.likeness, one.ticket))
    return tuple(ranked[:_MOST])


def _pairs(text: str) -> Counter[str]:
    bare = "".join(ch for ch in text.lower() if ch.isalnum())
    return Counter(bare[i:i + 2] for i in range(len(bare) - 1))


def _cosine(one: Counter[str], two: Counter[str]) -> float:
    if not one or not two:
        return 0.0
    common = sum(count * two[pair] for pair, count in one.items())
    return common / sqrt(sum(n * n for n in one.values()) * sum(n * n for n in two.values()))


def _same(one: str | None, two: str | None) -> float:
    return float(one is not None and one == two)
