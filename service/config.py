"""The configuration in config/: hotline.yaml (centre, numbers, seats), routing.yaml (rules, hours, modes),
centres.yaml (the tree), workdays.yaml (the calendar), directory.yaml (linked hotlines). Read together, checked with
file and line, and turned into the rooms' values. Only hotline.yaml must be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, PrivateAttr

from routing import ALWAYS, Demand, Directory, Policy, RoutingBook, Seat

from .config_book import Parts, book_of, hours_of, seats_of
from .config_centres import CentresFile, WorkdaysFile
from .config_checks import Checker, Sources
from .config_directory import DirectoryFile, directory_of
from .config_directory_checks import DirectoryChecker
from .config_files import Source, near, read
from .config_models import CentreConfig, HotlineFile, NumberConfig, SeatConfig, TimesConfig
from .config_routing import RoutingFile
from .errors import ConfigError

M = TypeVar("M", bound=BaseModel)
CONFIG_FILES = ("hotline.yaml", "routing.yaml", "centres.yaml", "workdays.yaml", "directory.yaml")
"""The files that `load_config` reads, all in one directory."""


class HotlineConfig(HotlineFile):
    """The files together."""

    routing: RoutingFile
    centres: CentresFile
    workdays: WorkdaysFile
    warnings: tuple[str, ...] = ()
    """"file:line: where: reason" of what works but is probably not meant."""
    _book: RoutingBook = PrivateAttr()
    _directory: Directory = PrivateAttr(default_factory=Directory)

    def book(self) -> RoutingBook:
        """All that the planner knows; made once."""
        return self._book

    def directory(self) -> Directory:
        """The linked hotlines, how they are reached, and what may be dialled; made once."""
        return self._directory

    def policy(self) -> Policy:
        """The dispatcher's times and its choice among seats equally fit."""
        t, fair = self.times, self.routing.fairness
        return Policy(
            t.reserve, t.ring, t.wrap_up, t.break_limit, t.missed_limit, t.refused_pause, rest=t.rest,
            talk_check=t.talk_check, order=fair.order, keep_free=dict(fair.keep_free), keep_for=fair.keep_for,
        )  # fmt: skip

    def demand(self) -> Demand:
        """What a caller needs when nothing else is known: without a plan."""
        return Demand(skills=tuple(sorted(self.default_skills.items())))

    def routing_seats(self) -> list[Seat]:
        """The seats, offline until their phones register."""
        return seats_of(self)

    def password(self, seat: str) -> str:
        """The SIP password of a seat's phone on the private switch."""
        return self.seat_password.replace("{seat}", seat)


def load_config(path: Path, flows: Sequence[str] | None = None, directory: Path | None = None) -> HotlineConfig:
    """Reads and checks the files.

    Args:
        path: config/hotline.yaml; the others are looked for beside it.
        flows: names of known flows; a number that leads to another one is an error.
        directory: a hotline directory instead of the directory.yaml beside `path`, to be looked at before it is put
            there.

    Raises:
        ConfigError: with every fault as "file:line: where: reason".
    """
    faults: list[str] = []
    hints: list[str] = []

    def one(name: str, model: type[M], example: str, at: Path | None = None) -> tuple[Source, M] | None:
        file = at or (path if name == "hotline.yaml" else path.parent / name)
        try:
            return read(file, model, example, needed=file in (path, at))
        except ConfigError as error:
            faults.extend(str(error).splitlines())
            hints.append(error.fix)
            return None

    hotline = one("hotline.yaml", HotlineFile, "centre:, numbers:, seats: …")
    rules = one("routing.yaml", RoutingFile, "rules:, hours:, modes: …")
    centres = one("centres.yaml", CentresFile, "centres:")
    workdays = one("workdays.yaml", WorkdaysFile, "years:")
    linked = one("directory.yaml", DirectoryFile, "trunks:, entries: …", directory)
    if hotline is None or rules is None or centres is None or workdays is None or linked is None:
        raise ConfigError("\n".join(faults), hints[0])
    parts = Parts(hotline[1], rules[1], centres[1], workdays[1])
    sources = Sources(hotline[0], rules[0], centres[0], workdays[0])
    found = Checker(parts, sources, flows, path.parent / "prompts" / "prompts.yaml").run()
    DirectoryChecker(linked[1], linked[0], parts, path.parent / "catalogue.yaml", found).run()
    for name in parts.hotline.admission.trunks:
        if name not in linked[1].trunks:
            found.add(hotline[0], ["admission", "trunks", name], "no such trunk" + near(name, linked[1].trunks))
    found.stop()
    config = HotlineConfig.model_construct(
        **{name: getattr(parts.hotline, name) for name in HotlineFile.model_fields},
        routing=parts.routing, centres=parts.centres, workdays=parts.workdays, warnings=tuple(found.warnings),
    )  # fmt: skip
    config._book = book_of(parts)
    hours = {"always": ALWAYS, **{name: hours_of(name, entry) for name, entry in parts.routing.hours.items()}}
    config._directory = directory_of(linked[1], hours, parts.workdays.calendar())
    return config


__all__ = [
    "CONFIG_FILES",
    "CentreConfig",
    "HotlineConfig",
    "HotlineFile",
    "NumberConfig",
    "SeatConfig",
    "TimesConfig",
    "load_config",
]
