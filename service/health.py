"""Readiness that tells the truth: every part is asked anew, with a limit of one second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import console

LIMIT = 1.0
Look = Callable[[], Awaitable[None]]
"""Returns when the part works; raises NotWell (or anything) when it does not."""


class NotWell(Exception):  # noqa: N818 - reads as what is said of the part
    """A part does not work: a code for machines, why and how to mend for people.

    `severity` "warning" or "critical"; left out: critical if the part is needed.
    """

    def __init__(self, code: str, zh: str, en: str, severity: str = "") -> None:
        super().__init__(en)
        self.code, self.zh, self.en, self.severity = code, zh, en, severity


@dataclass(slots=True)
class Health:
    """The parts and how they were last seen."""

    clock: Callable[[], float] = time.time
    _parts: list[tuple[str, bool, Look]] = field(default_factory=list)
    _since: dict[str, tuple[bool, float]] = field(default_factory=dict)

    def add(self, part: str, look: Look, *, needed: bool = True) -> None:
        """A part; not needed ones do not make the service unready."""
        self._parts.append((part, needed, look))

    def extended(self) -> Health:
        """The same parts, to which others can be added for a while."""
        return Health(self.clock, list(self._parts), self._since)

    async def look(self) -> Sequence[console.Probe]:
        """All parts, at once."""
        return list(await asyncio.gather(*(self._one(*part) for part in self._parts)))

    async def _one(self, part: str, needed: bool, look: Look) -> console.Probe:
        bad: NotWell | None = None
        try:
            await asyncio.wait_for(look(), LIMIT)
        except NotWell as error:
            bad = error
        except TimeoutError:
            bad = NotWell("silent", f"{LIMIT:.0f} 秒内没有应答", f"no answer within {LIMIT:.0f} s")
        except Exception as error:
            name = type(error).__name__
            bad = NotWell("error", f"出错: {name}", f"failed: {name}")
        before = self._since.get(part)
        if before is None or before[0] != (bad is None):
            self._since[part] = (bad is None, self.clock())
        message = {"zh": bad.zh, "en": bad.en} if bad is not None else None
        severity = None if bad is None else bad.severity or ("critical" if needed else "warning")
        return console.Probe.model_validate({
            "part": part, "ok": bad is None, "needed": needed, "reason": bad.code if bad else None,
            "severity": severity, "message": message, "since": self._since[part][1],
        })  # fmt: skip
