"""A small province, and the clock of Zhejiang."""

from __future__ import annotations

import datetime as dt

import pytest

from routing import Centre, CentreTree, RoutingBook, Seat


def at(text: str) -> float:
    """Unix seconds of a time in Zhejiang."""
    return dt.datetime.fromisoformat(text + "+08:00").timestamp()


def tree(**changes) -> CentreTree:
    rows = [
        Centre("330000", "浙江", "province"),
        Centre("330100", "杭州", "city", "330000", area_code="0571", neighbours=("330500",)),
        Centre("330106", "西湖", "county", "330100"),
        Centre("330109", "萧山", "county", "330100"),
        Centre("330300", "温州", "city", "330000", area_code="0577"),
        Centre("330302", "鹿城", "county", "330300"),
        Centre("330500", "湖州", "city", "330000", area_code="0572"),
        Centre("330502", "吴兴", "county", "330500"),
        Centre("330000-tax", "税务", "sub", "330000"),
    ]
    return CentreTree.of(changes.get(c.code, c) for c in rows)


def seat(id_: str, centre: str, kind: str = "agent", **skills: int) -> Seat:
    return Seat(id_, id_, centre, {k.replace("_", "-"): v for k, v in (skills or {"putonghua": 5}).items()}, kind=kind)


SEATS = [
    seat("p1", "330000"),
    seat("h1", "330100"),
    seat("x1", "330106"),
    seat("x2", "330109"),
    seat("w1", "330300", putonghua=3, wenzhou_wu=4),
    seat("w2", "330302", putonghua=4, local_wenzhou=3),
    seat("u1", "330502"),
    seat("t1", "330000-tax", putonghua=5, tax=5),
]


@pytest.fixture
def make():
    """RoutingBook with changes."""

    def make(**changes) -> RoutingBook:
        seats = changes.pop("seats", SEATS)
        changes.setdefault("default_skills", (("putonghua", 1),))
        changes.setdefault("tree", tree())
        return RoutingBook(home="330000", seats={s.id: s for s in seats}, **changes)

    return make
