"""Free seats in the order in which they are offered, searched by set.

A sorted list in blocks, each block with the set of its seats (an int, one bit for each). The first seat
of any set is found by looking at blocks, not at seats: 5,000 free seats are some eighty looks.
"""

from __future__ import annotations

import bisect

Key = tuple[int, float, float, str]
"""(number of skills, occupancy or 0, idle since, seat id): the smallest is offered first."""

BLOCK = 64


class Turns:
    """Seats sorted by key. A seat is in it once at most."""

    def __init__(self) -> None:
        self._blocks: list[list[tuple[Key, int]]] = []
        self._masks: list[int] = []
        self._lasts: list[Key] = []

    def add(self, key: Key, bit: int) -> None:
        """Puts a seat in its place."""
        if not self._blocks:
            self._blocks, self._masks, self._lasts = [[(key, bit)]], [bit], [key]
            return
        i = min(bisect.bisect_left(self._lasts, key), len(self._blocks) - 1)
        block = self._blocks[i]
        bisect.insort(block, (key, bit))
        self._masks[i] |= bit
        if len(block) > 2 * BLOCK:
            self._blocks[i : i + 1] = [block[:BLOCK], block[BLOCK:]]
            self._masks[i : i + 1] = [_union(block[:BLOCK]), _union(block[BLOCK:])]
            self._lasts[i : i + 1] = [block[BLOCK - 1][0], block[-1][0]]
        else:
            self._lasts[i] = block[-1][0]

    def remove(self, key: Key, bit: int) -> None:
        """Takes out a seat that was put in with this key."""
        i = bisect.bisect_left(self._lasts, key)
        block = self._blocks[i]
        del block[bisect.bisect_left(block, (key,))]
        if not block:
            del self._blocks[i], self._masks[i], self._lasts[i]
        else:
            self._masks[i] ^= bit
            self._lasts[i] = block[-1][0]

    def first(self, among: int) -> str:
        """The id of the first seat of a set. Raises LookupError if none of them is here."""
        for mask, block in zip(self._masks, self._blocks, strict=True):
            if mask & among:
                for key, bit in block:
                    if bit & among:
                        return key[3]
        raise LookupError("no seat of the set is free")


def _union(block: list[tuple[Key, int]]) -> int:
    union = 0
    for _, bit in block:
        union |= bit
    return union
