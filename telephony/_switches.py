"""Several Asterisks as one `Switch`: each has its own callers, and a call stays where it came in.

A call's id begins with its switch's system name (`systemname` in asterisk.conf; an outbound one ends with it), so
where a command goes needs no memory, and a process that takes over knows it too. A seat's phone may be registered at
one or at several of them: it is rung by the caller's own switch if that has it, else over the trunk to one that has.
One that is away takes nobody else with it: its waiting callers keep their rank (the engine holds them back), its talks
go on by themselves, the others take new calls.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from calls import commands as c
from calls import events as e
from calls.ports import Entry, Snapshot

from ._link import LinkDown
from ._switch import AsteriskSwitch


class Switches:
    """See calls.ports.Switch and the module's text.

    Args:
        parts: system name → switch, the first is the one that calls out by preference.
        deliver: takes the events of all of them.
        trunks: names of switches to which the others have a trunk of that name (setting `peers`).
    """

    def __init__(
        self,
        parts: Mapping[str, AsteriskSwitch],
        deliver: Callable[[Sequence[e.Input]], None],
        trunks: Collection[str] = (),
    ) -> None:
        self.parts = dict(parts)
        self._deliver = deliver
        self._trunks = frozenset(trunks)
        self._phones: dict[str, set[str]] = {name: set() for name in parts}

    @property
    def up(self) -> bool:
        """Whether any of them can be told something."""
        return any(x.up for x in self.parts.values())

    def of(self, call: str) -> AsteriskSwitch | None:
        """The switch a call or leg is at; None: of no switch of ours."""
        return next((x for x in self.parts.values() if x.owns(call)), None)

    def reaches(self, call: str) -> bool:
        """Whether its switch can be told something."""
        part = self.of(call)
        return part is not None and part.up

    def first_up(self) -> str:
        """The name of the one that rings callers now; the first if all are away."""
        return next((name for name, x in self.parts.items() if x.up), next(iter(self.parts)))

    # ------------------------------------------------------------------ in
    def deliver_of(self, name: str) -> Callable[[Sequence[e.Input]], None]:
        """What takes the events of one of them."""

        def deliver(events: Sequence[e.Input]) -> None:
            told = [event for event in events if self._phone(name, event)]
            if told:
                self._deliver(told)

        return deliver

    def _phone(self, name: str, event: e.Input) -> bool:
        """Notes where a phone is registered; False: nothing has changed for the seat."""
        if isinstance(event, e.PhoneUp):
            self._phones[name].add(event.seat)
        elif isinstance(event, e.PhoneDown):
            self._phones[name].discard(event.seat)
            return not any(event.seat in phones for phones in self._phones.values())
        return True

    def went_down(self, name: str) -> list[e.Input]:
        """The link to one of them is lost: seats whose phones are at no other can be rung no more."""
        here, self._phones[name] = self._phones[name], set()
        others: set[str] = set().union(*self._phones.values())
        return [e.PhoneDown(seat) for seat in sorted(here - others)] if self.up else []

    # ------------------------------------------------------------------ out
    def do(self, command: c.ToSwitch) -> None:
        """At the call's own switch."""
        part = self.of(command.leg if isinstance(command, c.CancelLeg) and not command.call else command.call)
        if part is None:
            return
        if isinstance(command, c.RingSeat) and not command.phone:
            command = replace(command, phone=self._phone_of(command.seat, part))
        part.do(command)

    def _phone_of(self, seat: str, part: AsteriskSwitch) -> str:
        """How that switch dials the seat: its own phone, or over the trunk to the switch that has it."""
        if seat in self._phones[part.system]:
            return ""
        elsewhere = (n for n, x in self.parts.items() if x.up and n in self._trunks and seat in self._phones[n])
        there = next(elsewhere, "")
        return f"{seat}@{there}" if there else ""

    def beat(self, now: float) -> None:
        """To all that listen."""
        for part in self._up():
            part.beat(now)

    def renew(self, call: str) -> None:
        """As the call's switch does."""
        part = self.of(call)
        if part is not None:
            part.renew(call)

    def announce(self, entries: Mapping[str, Entry]) -> None:
        """To all that listen; who comes later is told by its own link_up."""
        for part in self._up():
            part.announce(entries)

    def _up(self) -> Iterable[AsteriskSwitch]:
        return [x for x in self.parts.values() if x.up]

    async def snapshot(self, name: str = "") -> Snapshot:
        """Of one of them, or of all that are up. `phones` are those of all. Raises LinkDown when none answers."""
        names = [name] if name else [n for n, x in self.parts.items() if x.up]
        if not names:
            raise LinkDown("no switch is up")
        seen = []
        for one in names:
            view = await self.parts[one].snapshot()
            self._phones[one] = set(view.phones)
            seen.append(view)
        owners = [self.parts[n] for n in names]
        return Snapshot(
            asked_at=min(x.asked_at for x in seen),
            channels=[channel for x in seen for channel in x.channels],
            phones=frozenset().union(*self._phones.values()),
            born={n: x.born[n] for n, x in zip(names, seen, strict=True) if n in x.born},
            covers=lambda call: any(x.owns(call) for x in owners),
            tales=[tale for x in seen for tale in x.tales],
        )
