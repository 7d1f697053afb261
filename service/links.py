"""The Asterisks that one active process talks to: usually one, with several each is a failure of its own.

Each has two sessions: one for events and commands, one for long lists.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import calls
import telephony

from .health import Health, NotWell
from .pbx import ami_tls
from .private import secret
from .settings import Settings

NATIVE = "native_queue"


@dataclass(frozen=True, slots=True)
class Part:
    """One Asterisk."""

    name: str
    """Its system name; empty: it is the only one."""
    link: telephony.AmiLink
    asking: telephony.AmiLink
    switch: telephony.AsteriskSwitch


class Pbx:
    """See the module's text.

    Args:
        settings: `switches` names those beside the first.
        engine: the engine that decides; asked for when something happens, it is made later.
        clock: the engine's: the switch's truth is compared with its books by time.
    """

    def __init__(
        self, settings: Settings, engine: Callable[[], calls.Engine], clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._engine = engine
        several = bool(settings.switches)
        self._switches: telephony.Switches | None = None
        self.parts = [self._part(settings.system_name if several else "", self._ami())]
        for name, address in settings.switches.items():
            host, _, port = address.rpartition(":")
            own = settings.secrets_dir / f"ami-{name}"
            ami = replace(self._ami(), host=host, port=int(port))
            self.parts.append(self._part(name, replace(ami, secret=secret(own)) if own.exists() else ami))
        self.main = self.parts[0]
        self.switch: telephony.AsteriskSwitch | telephony.Switches = self.main.switch
        if several:
            self.switch = self._switches = telephony.Switches(
                {x.name: x.switch for x in self.parts}, lambda events: self._engine().feed(events), settings.peers
            )

    def _ami(self) -> telephony.AmiSettings:
        s = self._settings
        return telephony.AmiSettings(
            host=s.ami_host if not s.private_asterisk else s.bind, port=s.ami_port, username=s.ami_user,
            secret=secret(s.ami_secret_file or s.secrets_dir / "ami"), tls=ami_tls(s),
        )  # fmt: skip

    def _part(self, name: str, ami: telephony.AmiSettings) -> Part:
        switch: telephony.AsteriskSwitch

        def deliver(events: Any) -> None:
            if self._switches is not None:
                self._switches.deliver_of(name)(events)
            else:
                self._engine().feed(events)

        def down() -> None:
            if self._switches is not None:
                self._engine().link_down(self._switches.went_down(name))

        link = telephony.AmiLink(
            ami, lambda batch: switch.on_messages(batch), on_up=lambda: self._engine().link_up(name), on_down=down,
            on_gone=lambda: self._engine().switch_lost(switch.owns),
        )  # fmt: skip
        asking = telephony.AmiLink(replace(ami, events="off"), lambda batch: None)
        switch = telephony.AsteriskSwitch(
            link, deliver, self._clock, out_trunk=self._settings.outward, asking=asking, system=name
        )
        switch.diary = telephony.Diary(self._settings.spool, lambda call: self._engine().has_ended(call), switch.owns)
        return Part(name, link, asking, switch)

    def on_change(self, change: calls.Change) -> None:
        """What a switch has told of these calls is in the journal now."""
        over = [x.id for x in change.calls if x.ended_at is not None and any(m.what == NATIVE for m in x.timeline)]
        for part in self.parts:
            if part.switch.diary is not None:
                part.switch.diary.written((event.call for event, _ in change.events), over)

    # ------------------------------------------------------------------ life
    async def start(self) -> None:
        """Begins to connect to all of them."""
        for part in self.parts:
            await part.asking.start()
            await part.link.start()

    async def stop(self) -> None:
        """Closes all sessions."""
        for part in self.parts:
            await part.link.stop()
            await part.asking.stop()

    async def wait_up(self, seconds: float) -> None:
        """Until one of them has been looked at, or the time is over."""
        waits = {asyncio.create_task(x.link.wait_up(seconds), name="wait-up") for x in self.parts}
        done: set[asyncio.Task[None]] = set()
        while waits and not any(x.exception() is None for x in done):
            done, waits = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await one

    def out_suffix(self) -> str:
        """See calls.Host.out_suffix."""
        return f".{self._switches.first_up()}" if self._switches is not None else ""

    # ------------------------------------------------------------------ telling
    def counters(self) -> Iterable[tuple[str, str, Any]]:
        """(prefix of the metrics, text, counters) of each."""
        for n, part in enumerate(self.parts):
            tail, of = (f"_{part.name}", f" of {part.name}") if n else ("", "")
            yield f"hotline_ami{tail}", f"AMI link{of} since the start", part.link.counters
            yield f"hotline_switch{tail}", f"Commands to the switch{of} since the start", part.switch.counters

    def look_after(self, health: Health) -> None:
        """`ami`: without any of them nobody can be rung. With several, each has a part of its own beside."""

        async def ami() -> None:
            if not self.switch.up:
                trouble = self.main.link.trouble
                raise NotWell("ami-down", f"与交换机的连接中断: {trouble}", trouble)

        health.add("ami", ami)
        for part in self.parts if len(self.parts) > 1 else ():
            health.add(f"ami-{part.name}", _look(part), needed=False)


def _look(part: Part) -> Callable[[], Any]:
    async def look() -> None:
        if not part.link.up:
            trouble = part.link.trouble
            raise NotWell("ami-down", f"与交换机 {part.name} 的连接中断: {trouble}", f"{part.name}: {trouble}")

    return look
