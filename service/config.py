"""config/hotline.yaml: read, validated with file and line, turned into the rooms' values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from routing import Demand, Policy, Seat

from .errors import ConfigError
from .yaml_file import load_yaml

SkillName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Level = Annotated[int, Field(ge=1, le=5)]
SeatId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{1,24}$")]
Seconds = Annotated[float, Field(ge=0, le=86400)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CentreConfig(_Strict):
    """A hotline organisation; `code` by GB/T 2260."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]


class NumberConfig(_Strict):
    """A dialled number."""

    flow: str


class TimesConfig(_Strict):
    """Seconds; see routing.Policy."""

    reserve: Seconds = 3
    ring: Annotated[float, Field(ge=3, le=120)] = 15
    wrap_up: Seconds = 60
    break_limit: Annotated[float, Field(ge=60, le=86400)] = 3600
    missed_limit: Annotated[int, Field(ge=1, le=20)] = 2
    refused_pause: Seconds = 5


class SeatConfig(_Strict):
    """A seat: its id is also its phone's SIP user."""

    id: SeatId
    name: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    skills: dict[SkillName, Level] = Field(default_factory=dict)


class HotlineConfig(_Strict):
    """The whole file."""

    centre: CentreConfig
    numbers: dict[Number, NumberConfig] = Field(min_length=1)
    times: TimesConfig = TimesConfig()
    default_skills: dict[SkillName, Level] = Field(default_factory=dict)
    seat_password: str = Field(default="demo-{seat}", repr=False)
    seats: list[SeatConfig] = Field(min_length=1)

    @field_validator("seats")
    @classmethod
    def _unique(cls, seats: list[SeatConfig]) -> list[SeatConfig]:
        seen: set[str] = set()
        for seat in seats:
            if seat.id in seen:
                raise ValueError(f"seat {seat.id} is there twice; give each seat its own id")
            seen.add(seat.id)
        return seats

    def policy(self) -> Policy:
        """The dispatcher's times."""
        t = self.times
        return Policy(t.reserve, t.ring, t.wrap_up, t.break_limit, t.missed_limit, t.refused_pause)

    def demand(self) -> Demand:
        """What a caller needs when its flow says nothing."""
        return Demand(skills=tuple(sorted(self.default_skills.items())))

    def routing_seats(self) -> list[Seat]:
        """The seats, offline until their phones register."""
        return [Seat(s.id, s.name, self.centre.code, dict(s.skills)) for s in self.seats]

    def password(self, seat: str) -> str:
        """The SIP password of a seat's phone on the private switch."""
        return self.seat_password.replace("{seat}", seat)


def _known_keys(loc: Sequence[int | str]) -> list[str]:
    model: dict[str, type[BaseModel]] = {
        "": HotlineConfig, "centre": CentreConfig, "times": TimesConfig, "seats": SeatConfig, "numbers": NumberConfig,
    }  # fmt: skip
    first = str(loc[0]) if len(loc) > 1 else ""
    return list(model.get(first, HotlineConfig).model_fields)


def load_config(path: Path, flows: Sequence[str] | None = None) -> HotlineConfig:
    """Reads and checks the file.

    Args:
        path: config/hotline.yaml.
        flows: names of known flows; a number that leads to another one is an error.

    Raises:
        ConfigError: with every fault as "file:line: where: reason".
    """
    located = load_yaml(path)
    if not isinstance(located.data, dict):
        raise ConfigError(f"{path}:1: the file must be a mapping (centre:, numbers:, seats: …)", "see the shipped one")
    try:
        config = HotlineConfig.model_validate(located.data)
    except ValidationError as error:
        faults = []
        for fault in error.errors(include_url=False, include_input=False):
            loc = [x for x in fault["loc"] if x != "[key]"]
            where = ".".join(str(x) for x in loc)
            reason = re.sub(r"^Value error, ", "", fault["msg"])
            if fault["type"] == "extra_forbidden":
                near = difflib.get_close_matches(str(loc[-1]), _known_keys(loc), 1)
                reason = "no such key" + (f"; did you mean '{near[0]}'?" if near else "")
            faults.append(f"{path}:{located.line(loc)}: {where}: {reason}")
        raise ConfigError("\n".join(faults), "mend the lines named; nothing was changed") from None
    if flows is not None:
        for number, entry in config.numbers.items():
            if entry.flow not in flows:
                line = located.line(("numbers", number, "flow"))
                near = difflib.get_close_matches(entry.flow, list(flows), 1)
                hint = f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(sorted(flows))}"
                raise ConfigError(f"{path}:{line}: numbers.{number}.flow: no flow '{entry.flow}'{hint}",
                                  "flows are the files in config/flows")  # fmt: skip
    return config
