"""Learning how messages are laid out.

Messages of one kind (``Event: Newstate`` …) nearly always carry the same keys in the same order.  Once
such a *shape* is known, one regular expression takes a whole message apart.  What fits no shape goes
line by line, with the same result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

# Bounds of what is learnt, so that odd traffic costs neither memory nor time.
_SIGHTINGS = 8
_MAX_SHAPES = 128
_MAX_SHAPES_OF_A_KIND = 8
_MAX_CANDIDATES = 256
_MAX_KEYS = 80

# Characters by which shapes are looked up: enough to tell the events apart, and free to cut off.
START = 20

Shape = tuple[Callable[[str, int], "re.Match[str] | None"], dict[str, int], "Picks", str]
"""match(text, position), index of keys, where repeated headers are, event's name."""
Picks = list[list[int]] | None


def layout(keys: Sequence[str]) -> tuple[dict[str, int], Picks]:
    """Index of the distinct keys; and which lines belong to each, if any key is repeated."""
    lines: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        lines.setdefault(key, []).append(place)
    index = {key: place for place, key in enumerate(lines)}
    return index, None if len(lines) == len(keys) else list(lines.values())


def pick(values: Sequence[str], picks: list[list[int]]) -> tuple[str | list[str], ...]:
    """The values of the distinct keys, repeated ones as a list."""
    return tuple(values[p[0]] if len(p) == 1 else [values[i] for i in p] for p in picks)


class Shapes:
    """The message layouts learnt so far."""

    def __init__(self) -> None:
        self.known: dict[str, list[Shape]] = {}
        """How a message begins → the shapes that begin so."""
        self._seen: dict[tuple[str, ...], int] = {}
        self._count = 0

    def sighted(self, start: str, first_line: str, keys: tuple[str, ...], event: str) -> None:
        """Note that a regular message was taken apart the slow way; learn its shape in time."""
        same_start = self.known.get(start, [])
        if self._count >= _MAX_SHAPES or len(same_start) >= _MAX_SHAPES_OF_A_KIND or len(keys) > _MAX_KEYS:
            return
        candidate = (first_line, *keys)
        seen = self._seen.get(candidate, 0) + 1
        if seen < _SIGHTINGS:
            if len(self._seen) >= _MAX_CANDIDATES:
                self._seen.clear()
            self._seen[candidate] = seen
            return
        self._seen.pop(candidate, None)
        self._count += 1
        # The first line is the shape's own: it tells the event.  "." never matches LF, so each group
        # stays within its line and a failed match costs no more than the message's length.
        key, _, value = first_line.partition(": ")
        pattern = f"{re.escape(key)}: ({re.escape(value)})\r\n"
        pattern += "".join(f"{re.escape(key)}: (.*)\r\n" for key in keys[1:]) + "\r\n"
        index, picks = layout(keys)
        self.known.setdefault(start, []).append((re.compile(pattern).match, index, picks, event))
