"""The part of the desk in memory that has a restriction list, and furnishes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from ._ports import RefusedError, UnknownCursorError
from ._schema import Call
from ._schema_restrictions import (
    Restriction,
    RestrictionCall,
    RestrictionMark,
    RestrictionOrder,
    RestrictionPage,
)

DAY = 86400.0
LIVE = ("proposed", "active")


class FakeRestrictions:
    """See :class:`console.Desk` for what each method promises.

    Attributes:
        bundles: (entry, calls, by) of every bundle that was asked for.
    """

    clock: Callable[[], float]
    _calls: dict[str, Call]

    def __init__(self) -> None:
        self.restricted: dict[str, Restriction] = {}
        self.bundles: list[tuple[str, tuple[str, ...], str]] = []

    async def restrictions(self, *, open_only: bool | None, limit: int, cursor: str | None) -> RestrictionPage:
        """See :class:`console.Desk`."""
        every = sorted(self.restricted.values(), key=lambda one: (one.proposed_at, one.id), reverse=True)
        rows = [one for one in every if open_only is None or (one.state in LIVE) == open_only]
        ids = [one.id for one in rows]
        if cursor is not None and cursor not in ids:
            raise UnknownCursorError
        start = 0 if cursor is None else ids.index(cursor) + 1
        page = rows[start : start + limit]
        return RestrictionPage(
            items=page, next=page[-1].id if start + limit < len(rows) else None,
            proposed=sum(one.state == "proposed" for one in every), active=sum(one.state == "active" for one in every),
            review_due=sum(one.review_due for one in every),
        )  # fmt: skip

    async def restriction(self, entry_id: str) -> Restriction | None:
        """See :class:`console.Desk`."""
        entry = self.restricted.get(entry_id)
        if entry is None:
            return None
        mine = [one for one in self._calls.values() if one.caller.number == entry.number]
        known = [
            RestrictionCall(id=one.id, at=one.arrived_at, outcome=one.outcome, recorded=one.recording is not None)
            for one in sorted(mine, key=lambda one: -one.arrived_at)
        ]
        return entry.model_copy(update={"known": known})

    async def restrict(
        self, order: RestrictionOrder, number: str, calls: Sequence[str], *, by: str, role: str
    ) -> Restriction:
        """See :class:`console.Desk`."""
        if not number:
            raise RefusedError("number-withheld")
        if len(number) < 7:
            raise RefusedError("not-restrictable")
        if (order.days or 7) > 30:
            raise RefusedError("too-long")
        if any(one.number == number and one.state == "proposed" for one in self.restricted.values()):
            raise RefusedError("already-proposed")
        now = self.clock()
        entry = Restriction(
            id=f"r-{len(self.restricted) + 1}", number=number, reason=order.reason, note=order.note,
            variant=order.variant, state="proposed", days=order.days or 7, proposed_at=now, proposed_by=by,
            calls=list(calls), marks=[RestrictionMark(at=now, what="proposed", who=by, role=role, note=order.note)],
        )  # fmt: skip
        self.restricted[entry.id] = entry
        return entry

    async def restriction_act(
        self, entry_id: str, what: str, note: str, *, by: str, role: str
    ) -> Restriction | None:
        """See :class:`console.Desk`."""
        entry, now = self.restricted.get(entry_id), self.clock()
        if entry is None:
            return None
        if entry.state not in LIVE:
            raise RefusedError("restriction-over")
        if what in ("confirm", "reject") and entry.state != "proposed":
            raise RefusedError("not-proposed")
        if what == "keep" and entry.state != "active":
            raise RefusedError("not-in-force")
        if what in ("confirm", "reject", "keep") and entry.proposed_by == by:
            raise RefusedError("second-person")
        if what != "confirm" and not note.strip():
            raise RefusedError("note-missing")
        until = now + entry.days * DAY
        changes: dict[str, dict[str, Any]] = {
            "confirm": {"state": "active", "begins_at": now, "until": until, "review_at": until - 2 * DAY},
            "reject": {"state": "rejected", "ended_at": now},
            "keep": {"review_at": None, "review_due": False, "appealed_at": None},
            "appeal": {"review_due": entry.state == "active", "appealed_at": now},
            "lift": {"state": "lifted" if entry.state == "active" else "withdrawn", "ended_at": now},
        }
        told = {"confirm": "confirmed", "keep": "kept", "appeal": "appealed"}
        mark = RestrictionMark(
            at=now, what=told.get(what, changes[what].get("state", what)), who=by, role=role, note=note
        )
        changed = entry.model_copy(update={**changes[what], "marks": [*entry.marks, mark]})
        self.restricted[entry_id] = changed
        return changed

    async def bundle(
        self, entry_id: str, calls: Sequence[str], *, by: str, role: str
    ) -> AsyncIterator[bytes] | None:
        """See :class:`console.Desk`."""
        entry = self.restricted.get(entry_id)
        if entry is None:
            return None
        for call in calls:
            if call in self._calls and self._calls[call].caller.number != entry.number:
                raise RefusedError("not-its-call")
        self.bundles.append((entry_id, tuple(calls), by))

        async def chunks() -> AsyncIterator[bytes]:
            yield b"PK\x05\x06"
            yield b"\0" * 18

        return chunks()


def furnish_restrictions(desk: FakeRestrictions, now: float) -> None:
    """One entry of each kind."""
    def mark(at: float, what: str, who: str | None = None, note: str | None = None) -> RestrictionMark:
        return RestrictionMark(at=at, what=what, who=who, role="supervisor" if who else None, note=note)

    first = "连续拨打并辱骂座席，已口头告知三次"
    entries = [
        Restriction(
            id="r-101", number="13857704511", reason="abuse", note=first, variant="announce", state="active", days=7,
            proposed_at=now - 5.5 * DAY, proposed_by="班长 赵蕾", begins_at=now - 5.4 * DAY, until=now + 1.6 * DAY,
            review_at=now - 0.4 * DAY, review_due=True, hits=23, last_hit=now - 640, calls=["demo-0.9"],
            marks=[
                mark(now - 5.5 * DAY, "proposed", "班长 赵蕾", first),
                mark(now - 5.4 * DAY, "confirmed", "主任 王建国"),
            ],
        ),
        Restriction(
            id="r-102", number="13857704659", reason="occupying", note="夜间每分钟拨打一次，不说话", state="proposed",
            variant="announce", days=3, proposed_at=now - 1900, proposed_by="班长 李明", calls=["demo-0.5"],
            marks=[mark(now - 1900, "proposed", "班长 李明", "夜间每分钟拨打一次，不说话")],
        ),
        Restriction(
            id="r-103", number="057788123456", reason="other", note="推销", variant="queue-last", state="active",
            days=7, proposed_at=now - 2 * DAY, proposed_by="班长 李明", begins_at=now - 2 * DAY, until=now + 5 * DAY,
            review_at=now + 3 * DAY, review_due=True, appealed_at=now - 3600, hits=2, last_hit=now - 7200, marks=[
                mark(now - 2 * DAY, "proposed", "班长 李明", "推销"), mark(now - 2 * DAY, "confirmed", "班长 赵蕾"),
                mark(now - 3600, "appealed", "班长 李明", "公司来函称系员工个人行为"),
            ],
        ),
        Restriction(
            id="r-100", number="13700007788", reason="false-report", note="多次谎报火警", variant="announce",
            state="lifted", days=7, proposed_at=now - 9 * DAY, proposed_by="班长 赵蕾", begins_at=now - 9 * DAY,
            until=now - 2 * DAY, ended_at=now - 3 * DAY, hits=4, last_hit=now - 4 * DAY, marks=[
                mark(now - 9 * DAY, "proposed", "班长 赵蕾", "多次谎报火警"),
                mark(now - 9 * DAY, "confirmed", "主任 王建国"),
                mark(now - 3 * DAY, "lifted", "主任 王建国", "家属已看护"),
            ],
        ),
    ]  # fmt: skip
    desk.restricted.update({one.id: one for one in entries})
