"""Deadlines by name: one for each at most, the next one at hand, the ones that are over in their order."""

from __future__ import annotations

import heapq
from collections.abc import Iterator


class Alarms:
    """A heap; an entry counts while its name is armed for the same time."""

    def __init__(self) -> None:
        self._armed: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def arm(self, name: str, at: float | None) -> bool:
        """Sets, moves or (None) removes the deadline of a name. False if it was like that already."""
        if self._armed.get(name) == at:
            return False
        if at is None:
            del self._armed[name]
        else:
            self._armed[name] = at
            heapq.heappush(self._heap, (at, name))
        return True

    def next(self) -> float | None:
        """The earliest deadline that `over` has not given yet."""
        while self._heap and self._armed.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def over(self, now: float) -> Iterator[str]:
        """Names whose deadline has come, each once, also those armed while one looks."""
        while (at := self.next()) is not None and at <= now:
            yield heapq.heappop(self._heap)[1]
