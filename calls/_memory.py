"""What callers called about lately: enough to bring a cut-off caller back to its seat, no more.

Rows of the journal's table `callers`: number → its last calls. Personal data: kept `KEEP` seconds, shown nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from routing import is_number

from .model import Call

KEEP = 7 * 86400.0
CALLS = 5
NO_CUT = frozenset({16, 31})
"""Causes with which a caller hangs up by itself; any other end of a talk was not meant (network, timeout, restart)."""


class CallerMemory:
    """number → {"calls": [{"at", "ended", "outcome", "seat", "cut"}, …]}, newest first."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Any]] = {}
        self._changed: dict[str, None] = {}

    def load(self, rows: Mapping[str, Mapping[str, Any]], now: float) -> None:
        """What earlier processes kept; newer knowledge of ours wins."""
        for number, row in rows.items():
            if number not in self._rows and isinstance(row, Mapping) and isinstance(row.get("calls"), list):
                self._rows[number] = {"calls": [x for x in row["calls"] if isinstance(x, dict)]}
        self.tidy(now)

    def of(self, number: str, now: float) -> Mapping[str, Any]:
        """For events.Arrived.history."""
        row = self._rows.get(number) if number else None
        if row is None:
            return {}
        calls = [dict(x) for x in row["calls"] if _at(x) > now - KEEP]
        return {"calls": calls} if calls else {}

    def note(self, call: Call, cause: int) -> None:
        """A caller has left."""
        if not call.caller_number or call.ended_at is None:
            return
        talked = call.joined_at is not None
        one = {
            "at": call.arrived_at, "ended": call.ended_at, "outcome": call.outcome, "seat": call.seat,
            "cut": talked and (cause not in NO_CUT or call.waiting_since_talk),
        }  # fmt: skip
        old: Iterable[dict[str, Any]] = self._rows.get(call.caller_number, {}).get("calls", ())
        self._rows[call.caller_number] = {"calls": [one, *old][:CALLS]}
        self._changed[call.caller_number] = None

    def tidy(self, now: float) -> None:
        """Forgets who has not called for long."""
        for number in [n for n, row in self._rows.items() if not any(_at(x) > now - KEEP for x in row["calls"])]:
            del self._rows[number]
            self._changed[number] = None

    def take_changes(self) -> list[tuple[str, dict[str, Any] | None]]:
        """(number, row or None) since the last time."""
        changed = [(n, self._rows.get(n)) for n in self._changed]
        self._changed.clear()
        return changed


def _at(row: Mapping[str, Any]) -> float:
    at: Any = row.get("ended") or row.get("at")
    return float(at) if is_number(at) else 0.0
