"""From YAML's values to a model, or to every fault with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from routing import RoutingBook, Seat

from ._file import ModelFile
from ._model import Model


class ModelError(ValueError):
    """The data is no model. `faults` has a place (keys and indices) and a reason for each fault."""

    def __init__(self, faults: list[tuple[tuple[int | str, ...], str]]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, loc))}: {why}" for loc, why in faults))
        self.faults = faults


def parse_model(data: Any, book: RoutingBook | None = None) -> Model:
    """A model from what YAML gave.

    Args:
        data: the file's values.
        book: the hotline's own rules, for classes with a route.

    Raises:
        ModelError: with every fault.
    """
    if not isinstance(data, Mapping):
        raise ModelError([((), "the file must be a mapping (name:, arrivals:, classes:, seats: …)")])
    try:
        file = ModelFile.model_validate(data)
    except ValidationError as error:
        raise ModelError(
            [(_place(data, fault["loc"]), _reason(fault)) for fault in error.errors(include_url=False)]
        ) from None
    faults = _unfit(file, book)
    if faults:
        raise ModelError(faults)
    return file.model(book)


def _reason(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return "no such key"
    return re.sub(r"^Value error, ", "", fault["msg"])


def _place(data: Any, loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The part of a fault's place that is in the file (a union's branch, for instance, is not)."""
    out: list[int | str] = []
    here = data
    for i, step in enumerate(loc):
        there = isinstance(here, Mapping) and step in here
        if there or (isinstance(here, list) and isinstance(step, int) and step < len(here)):
            here = here[step]
        elif i == len(loc) - 1 and isinstance(here, Mapping) and isinstance(step, str) and re.match(r"^[a-z_]+$", step):
            out.append(step)
            break
        else:
            continue
        out.append(step)
    return tuple(out)


def _unfit(file: ModelFile, book: RoutingBook | None) -> list[tuple[tuple[int | str, ...], str]]:
    """Faults between parts of the file."""
    faults: list[tuple[tuple[int | str, ...], str]] = []
    names = [c.name for c in file.classes]
    for i, name in enumerate(names):
        if name in names[:i]:
            faults.append((("classes", i, "name"), f"the class '{name}' is there twice"))
    for i, one in enumerate(file.classes):
        for j, step in enumerate(one.steps[:-1]):
            if step.seconds is None:
                faults.append((("classes", i, "steps", j), "seconds are wanted for every step but the last"))
        if one.route is not None and book is None:
            faults.append((("classes", i, "route"), "the hotline's own rules are needed: use hotline simulate"))
            continue
        demand = one.value(book).demand
        groups = [Seat("", "", s.centre, dict(s.skills)) for s in file.seats]
        if not any(demand.fits(seat) for seat in groups):
            faults.append((("classes", i), f"no seat can ever serve '{one.name}'"))
    for i, seats in enumerate(file.seats):
        unknown = [shift for shift in seats.staff if shift not in file.shifts]
        faults += [(("seats", i, "staff", shift), f"no shift '{shift}'") for shift in unknown]
    for i, rules in enumerate(file.app_queue):
        seen: set[str] = set()
        for queue, q in rules.queues.items():
            at = ("app_queue", i, "queues", queue)
            for name in q.classes:
                if name not in names:
                    faults.append(((*at, "classes"), f"no class '{name}'"))
                elif name in seen:
                    faults.append(((*at, "classes"), f"the class '{name}' is in two queues"))
                seen.add(name)
            if (q.timeout is None) != (q.then is None):
                faults.append((at, "timeout and then belong together"))
            if q.then is not None and q.then not in rules.queues:
                faults.append(((*at, "then"), f"no queue '{q.then}'"))
        missing = [name for name in names if name not in seen]
        faults += [(("app_queue", i, "queues"), f"the class '{name}' is in no queue") for name in missing]
    return faults
