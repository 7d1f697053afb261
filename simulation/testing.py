"""Small worlds in which every moment is known."""

from __future__ import annotations

from typing import Any

from routing import Demand, Policy, Step

from ._draw import Callers
from ._law import constant
from ._model import AppQueue, CallerClass, Members, Model, Queue, Rate, SeatGroup


def model(**given: Any) -> Model:
    """One skill, two seats, no wrap-up; the seats answer at once."""
    plain: dict[str, Any] = {
        "name": "small", "rates": (Rate(0.0, 3600.0, 0.01),), "classes": (CallerClass("all", 1.0, Demand()),),
        "seats": (SeatGroup("seats", 2, {}),), "duration": 3600.0, "talk": constant(100.0),
        "policy": Policy(wrap_up=0.0),
    }  # fmt: skip
    return Model(**(plain | given))


def callers(*at: float, **given: Any) -> Callers:
    """Callers at these times; everything else as given, or: class 0, 100 s of talk, endless patience."""
    n = len(at)
    plain: dict[str, Any] = {
        "kind": [0] * n, "talk": [100.0] * n, "wrap": [0.0] * n, "patience": [float("inf")] * n, "answer": [0.5] * n,
        "absent": [],
    }  # fmt: skip
    return Callers(list(at), **(plain | given))


def wish(*steps: tuple[str, float | None]) -> Demand:
    """A demand: (skill, seconds) step by step."""
    return Demand(steps=tuple(Step(((skill, 1),), seconds=seconds, name=skill) for skill, seconds in steps))


def one_queue(**given: Any) -> AppQueue:
    """Everybody in one queue, served by everybody."""
    members = given.pop("members", (Members(),))
    penalties = given.pop("penalties", ())
    return AppQueue("one", (Queue("q", ("all",), members, penalties=penalties),), **given)
