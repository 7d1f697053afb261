"""What `hotline doctor` is made of: findings, checks with a time limit each, and the report.

A check never stops another one: what it raises, and what takes it too long, is a finding like any other. No finding
holds a caller's number, a name, a word or a secret.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from .yaml_file import load_yaml

T = TypeVar("T")
log = logging.getLogger(__name__)

STATES = ("ok", "note", "fault")
"""From best to worst: well; works and is to be known; does not work, or will not when it is needed."""
Text = Mapping[str, str]
"""zh and en."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        part: which check found it; "" until `examine` says so.
        state: ok | note | fault, see `STATES`.
        code: for machines; stays the same from version to version.
        what: what there is.
        where: file, address or setting; "" if that is said already.
        mend: how to mend it; empty texts where there is nothing to mend.
    """

    part: str
    state: str
    code: str
    what: Text
    where: str
    mend: Text

    def to_json(self) -> dict[str, Any]:
        """As `hotline doctor --json` prints it."""
        return {
            "part": self.part, "state": self.state, "code": self.code, "where": self.where, "what": dict(self.what),
            "mend": dict(self.mend),
        }  # fmt: skip


@cache
def texts() -> Mapping[str, Any]:
    """code → {state: texts, "mend": texts}, as doctor_texts.yaml has them."""
    data: Mapping[str, Any] = load_yaml(Path(__file__).with_name("doctor_texts.yaml")).data
    return data


def say(code: str, where: str | Path = "", **values: Any) -> Finding:
    """The finding of a code.

    Args:
        code: a key of doctor_texts.yaml, which knows the state too.
        where: see Finding.
        values: fill the texts; a mapping with zh and en fills each language with its own.
    """
    entry = texts()[code]
    state = next(x for x in entry if x != "mend")

    def filled(text: Text) -> dict[str, str]:
        return {
            lang: line.format(**{k: v[lang] if isinstance(v, Mapping) else v for k, v in values.items()})
            for lang, line in text.items()
        }

    return Finding("", state, code, filled(entry[state]), str(where), filled(entry.get("mend", {"zh": "", "en": ""})))


def with_well(found: list[Finding], well: Finding) -> list[Finding]:
    """`found`, and `well` before it if there is no fault."""
    return found if any(x.state == "fault" for x in found) else [well, *found]


def some(names: Iterable[str], most: int = 6) -> str:
    """The first few names, and how many there are if that is not all."""
    names = list(names)
    return ", ".join(names[:most]) + (f" … ({len(names)})" if len(names) > most else "")


class NotLooked(Exception):  # noqa: N818 - what happened: nobody could look
    """What this check needs is not there; which is another check's finding."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass(frozen=True, slots=True)
class Check:
    """A part and how it is looked at; `limit` in seconds."""

    part: str
    look: Callable[[], Awaitable[Iterable[Finding]]]
    limit: float = 6.0


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order of the checks.

    Attributes:
        at: unix seconds at the beginning.
        seconds: how long each check took.
    """

    at: float
    seconds: Mapping[str, float]
    findings: Sequence[Finding]

    def count(self, state: str) -> int:
        """How many findings are of a state."""
        return sum(x.state == state for x in self.findings)

    def to_json(self) -> dict[str, Any]:
        """As `hotline doctor --json` prints it."""
        return {
            "at": round(self.at, 3), "ok": not self.count("fault"), "faults": self.count("fault"),
            "seconds": {part: round(value, 3) for part, value in self.seconds.items()},
            "findings": [x.to_json() for x in self.findings],
        }  # fmt: skip


def worst(findings: Iterable[Finding]) -> str:
    """The state of a part: that of its worst finding."""
    return max((x.state for x in findings), key=STATES.index, default="ok")


async def _one(check: Check) -> list[Finding]:
    try:
        found = list(await asyncio.wait_for(check.look(), check.limit))
    except NotLooked as error:
        found = [say("not-looked", zh=error.zh, en=error.en)]
    except TimeoutError:
        found = [say("too-slow", limit=check.limit)]
    except Exception as error:
        log.debug("check %s failed", check.part, exc_info=error)
        found = [say("check-failed", name=type(error).__name__)]
    return [replace(x, part=check.part) for x in found]


async def examine(
    checks: Sequence[Check], told: Callable[[str, Sequence[Finding]], None] = lambda *_: None
) -> Report:
    """Runs all checks side by side.

    Args:
        checks: their parts must differ.
        told: called with each part and its findings, as soon as they are known.
    """
    at, began = time.time(), time.monotonic()
    seconds: dict[str, float] = {}

    async def look(check: Check) -> list[Finding]:
        found = await _one(check)
        seconds[check.part] = time.monotonic() - began
        told(check.part, found)
        return found

    results = await asyncio.gather(*(look(check) for check in checks))
    return Report(at, {x.part: seconds[x.part] for x in checks}, [x for found in results for x in found])


async def off_loop(work: Callable[[], T]) -> T:
    """Runs what blocks in a thread of its own, which nobody waits for once the check's time is over.

    A file system that hangs (a dead network share) would else keep the command from ending.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def done(set_: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            set_(value)

    def run() -> None:
        try:
            outcome: tuple[Callable[[Any], None], Any] = future.set_result, work()
        except BaseException as error:
            outcome = future.set_exception, error
        try:
            loop.call_soon_threadsafe(done, *outcome)
        except RuntimeError:
            return  # the loop has ended meanwhile

    threading.Thread(target=run, daemon=True, name="doctor").start()
    return await future
