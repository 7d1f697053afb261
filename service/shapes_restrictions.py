"""The restriction list as the console's shapes. Pure translations."""

from __future__ import annotations

from collections.abc import Sequence

import console
import tickets
from routing import Restriction

DAY = 86_400.0
OPEN = frozenset({"proposed", "active"})


def restriction(one: Restriction, now: float, known: Sequence[console.RestrictionCall] = ()) -> console.Restriction:
    """An entry; its number whole."""
    begun = one.begins_at > 0
    return console.Restriction(
        id=one.id, number=one.number, reason=one.reason, note=one.note, variant=one.variant, state=one.state,
        days=one.seconds / DAY, proposed_at=one.proposed_at, proposed_by=one.proposed_by,
        begins_at=one.begins_at if begun else None, until=one.until if begun else None, review_at=one.review_at,
        review_due=one.review_due(now), appealed_at=one.appealed_at, ended_at=one.ended_at, hits=one.hits,
        last_hit=one.last_hit, calls=list(one.calls), turned=list(one.turned), known=list(known),
        marks=[
            console.RestrictionMark(at=m.at, what=m.what, who=m.who or None, role=m.role or None, note=m.note or None)
            for m in one.marks
        ],
    )  # fmt: skip


def known_call(one: tickets.CallRecord) -> console.RestrictionCall:
    """A call that may be evidence."""
    return console.RestrictionCall(
        id=one.call_id, at=one.arrived_at, outcome=one.outcome, recorded=one.recording is not None
    )
