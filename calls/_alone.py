"""What the switch did alone, put into the books: its tales, told in their order and with their own times. Pure.

A tale may be told more than once (a process may die between taking it and forgetting it), and parts of it may be known
already (a link that was up while the journal was not): only what the books do not have is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from . import events as e
from .model import Call
from .ports import Snapshot, Tale
from .reconcile import OUT, cause_of_end

EARLY = 1.0
"""The switch writes whole seconds: what happened at 7.9 is told as 7."""

_LATER = ("native_queue", "joined")
"""Known, they say that the way into that queue is known too, or is over: told now, it would end the talk that came."""


def untold(calls: Mapping[str, Call], ended: Collection[str], snapshot: Snapshot) -> list[tuple[float, e.Event]]:
    """(When, what) that our calls do not know yet, the oldest first."""
    there = {v.id for v in snapshot.channels}
    out: list[tuple[float, e.Event]] = []
    for tale in snapshot.tales:
        if tale.call not in ended and snapshot.covers(tale.call):
            out += _of_one(tale, calls.get(tale.call), tale.call in there, snapshot)
    return sorted(out, key=lambda x: x[0])


def _of_one(tale: Tale, call: Call | None, there: bool, snapshot: Snapshot) -> list[tuple[float, e.Event]]:
    began = any(type(x) is e.Arrived for _, x in tale.events)
    if call is None and (not began or tale.call.startswith(OUT)):
        return []  # over, and in the books: the rest of a tale that was taken before
    last = call.timeline[-1].at if call is not None and call.timeline else 0.0
    out: list[tuple[float, e.Event]] = []
    left = False
    for told, event in tale.events:
        at = min(max(told, last), snapshot.asked_at)
        if isinstance(event, e.Arrived):
            if call is None:
                out.append((at, replace(event, found=True)))
        elif isinstance(event, e.CallerLeft):
            if not there and not left:
                left = True
                out.append((at, event))
        elif isinstance(event, e.LegJoined):
            if call is None or call.leg(event.leg) is None:
                out.append((at, event))
        elif call is None or not any(m.what in _LATER and m.at >= told - EARLY for m in call.timeline):
            out.append((at, event))
        last = at
    if not there and not left:
        # The switch has died with it, before it could write that down.
        at = min(max(tale.touched, last), snapshot.asked_at)
        since = call.arrived_at if call is not None else tale.events[0][0]
        out.append((at, e.CallerLeft(tale.call, cause_of_end(snapshot, tale.call, since))))
    return out
