"""What the engine tells of itself: counters for the metrics, changes for consoles and books."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from routing import Seat

from .events import Event
from .model import Call


@dataclass(slots=True)
class Counters:
    """For the metrics; plain numbers."""

    events: int = 0
    ignored: int = 0
    errors: int = 0
    batches: int = 0
    journal_errors: int = 0
    commands: int = 0
    offers: int = 0
    calls: int = 0
    reconciled: int = 0
    unreadable: int = 0
    """Entries and rows of the journal that say nothing to this version: left out at the start."""


@dataclass(slots=True)
class Change:
    """What a turn has changed, for consoles and metrics."""

    calls: list[Call] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)
    events: list[tuple[Event, float]] = field(default_factory=list)
    rows: list[tuple[str, str, dict[str, Any] | None]] = field(default_factory=list)
    """(table, key, row) of the callback list, the operating mode …"""
