"""The switch's own door, for when even telling the service of a caller is too much (hotline-trunk in extensions.conf).

The service tells each Asterisk in globals how many it may let through; the dialplan counts those it turns away.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

from ._link import ActionRefused, AmiLink, LinkDown
from ._message import Message

log = logging.getLogger(__name__)
REPEAT = 10.0
"""Seconds after which what stands is told again: a reloaded dialplan may have lost it."""
COUNTS = ("HL_TOLD", "HL_REFUSED")
_COUNT = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DoorPlan:
    """What one Asterisk is told."""

    rate: int = 0
    """Callers let through in each second of the clock; 0: all."""
    most: int = 0
    """Channels with a dialplan (callers and seats' legs) from which on nobody is let in; 0: no limit."""
    announcements: int = 0
    """Callers who hear at once that they are not let in; beyond it they are refused unanswered (503)."""
    words: Sequence[str] = ()
    """Prompts for callers who can be called back …"""
    plain: Sequence[str] = ()
    """… and for those without a number."""
    always: Sequence[str] = ()
    """Callers' numbers that are let in all the same; also after an area code."""
    always_dialled: Sequence[str] = ()

    def globals(self) -> Mapping[str, str]:
        """Name → value."""
        numbers = "|".join(x for x in self.always if x.isdigit())
        dialled = "|".join(x for x in self.always_dialled if x.isdigit())
        either = [f"^(0[0-9]+)?({numbers})>"] if numbers else []
        either += [f">({dialled})$"] if dialled else []
        return {
            "HL_RATE": str(self.rate), "HL_MOST": str(self.most), "HL_SAYINGS": str(self.announcements),
            "HL_BUSY": "&".join(self.words), "HL_BUSY_PLAIN": "&".join(self.plain),
            "HL_ALWAYS": "|".join(either) or "^$",
        }  # fmt: skip


class Door:
    """One Asterisk's.

    Args:
        link: its session.
        clock: seconds that never jump.

    Attributes:
        told: callers it told that they are not let in, since it began, as last asked; None: it was not asked yet.
        refused: those it refused unanswered, likewise.
        reply: seconds that its last answer took, or how long the open question has waited.
    """

    def __init__(self, link: AmiLink, clock: Callable[[], float] = perf_counter) -> None:
        self._link, self._clock = link, clock
        self._sent: dict[str, str] = {}
        self._repeat = 0.0
        self._asked: float | None = None
        self._reply = 0.0
        self.told: int | None = None
        self.refused: int | None = None

    @property
    def up(self) -> bool:
        """Whether it can be told something."""
        return self._link.up

    @property
    def reply(self) -> float:
        """See the class."""
        waits = self._clock() - self._asked if self._asked is not None and self._link.up else 0.0
        return max(self._reply, waits)

    def tell(self, plan: DoorPlan) -> None:
        """Sends what has changed since it was last told. Never raises."""
        now = self._clock()
        if not self._link.up:
            self._sent = {}  # who comes back may be another run of it
            return
        if now >= self._repeat:
            self._sent, self._repeat = {}, now + REPEAT
        for name, value in plan.globals().items():
            if self._sent.get(name) != value:
                self._sent[name] = value
                self._send({"Action": "Setvar", "Variable": name, "Value": value}, lambda _: None)

    def ask(self) -> None:
        """Asks for its counts; the answer is there a little later. One question at a time. Never raises."""
        if not self._link.up:
            self._asked, self._reply = None, 0.0
        if self._asked is not None or not self._link.up:
            return
        self._asked = self._clock()
        for name in COUNTS:
            self._send({"Action": "Getvar", "Variable": name}, self._answered(name))

    def _answered(self, name: str) -> Callable[[Message | None], None]:
        def answered(reply: Message | None) -> None:
            if name == COUNTS[-1] and self._asked is not None:
                self._reply, self._asked = self._clock() - self._asked, None
            if reply is not None and reply.get("Response") == "Success":
                value = str(reply.get("Value", ""))
                setattr(self, name.removeprefix("HL_").lower(), int(value) if _COUNT.fullmatch(value) else 0)

        return answered

    def _send(self, fields: dict[str, str | list[str]], on_reply: Callable[[Message | None], None]) -> None:
        try:
            self._link.send_nowait(fields, on_reply)
        except (LinkDown, ActionRefused):
            on_reply(None)
