"""The journal's turn: one batch written before anything is sent. Part of the engine."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import commands as c
from . import events as e
from ._told import Counters
from .model import Call, CallState, LegState
from .ports import Batch, Fenced, Journal, JournalError, Switch

log = logging.getLogger(__name__)


class Writes:
    """Mixed into the engine."""

    calls: dict[str, Call]
    counters: Counters
    journal_ok: bool
    _pending: list[c.ToSwitch]
    halted: bool
    _journal: Journal
    _switch: Switch
    _clock: Callable[[], float]

    def feed(self, events: Iterable[e.Input]) -> None:
        """See Engine.feed."""
        raise NotImplementedError

    def _take_inbox(self, now: float) -> None:
        """See Engine."""
        raise NotImplementedError

    def _after_silence(self) -> None:
        """See Looks."""
        raise NotImplementedError

    async def _write(self, batch: Batch) -> None:
        delay = 0.05
        while True:
            if self.halted:
                raise Fenced("halted")
            try:
                await self._journal.append(batch)
            except Fenced:
                raise
            except Exception as error:
                if not isinstance(error, JournalError):
                    # Something in it can never be written: what can is, and the commands go out.
                    self.counters.errors += 1
                    log.error("a batch could not be written (%s)", type(error).__name__)  # noqa: TRY400 - may hold words
                    if _leave_out_the_unwritable(batch):
                        continue
                # Commands wait; the heart-beat stops, so that the dialplan brings new callers to the
                # native queue; what has happened is kept in memory and written when it can be.
                self.counters.journal_errors += 1
                if self.journal_ok:
                    log.error("journal: %s; new callers go to the native queue", error)  # noqa: TRY400 - no trace needed
                self.journal_ok = False
                await asyncio.sleep(delay)
                delay = min(1.0, delay * 2)
            else:
                if not self.journal_ok:
                    log.warning("journal: writable again")
                    self._after_silence()
                self.journal_ok = True
                self.counters.batches += 1
                return

    def _decide_anew(self, pending: Sequence[c.ToSwitch]) -> None:
        """Commands held back too long may be wrong by now: the dialplan has helped itself. A caller who was to be
        released may be with another seat, and whom a flow was to hand on may talk. So nobody is rung or released,
        and only who is to be moved still: as if we had died between writing and sending, what is true is looked up, and
        decided anew. What was told in the silence is as old, and so is what it makes us decide."""
        self._take_inbox(self._clock())
        self._pending = [x for x in self._pending if self._still(x)]
        for command in pending:
            if isinstance(command, c.RingSeat | c.RingLine):
                self.feed([e.LegLeft(command.call, command.leg, e.NEVER_RUNG)])
            elif isinstance(command, c.DialCaller):
                self.feed([e.CallerLeft(command.call, e.NEVER_RUNG)])
            elif self._still(command):
                self._switch.do(command)
        self._after_silence()

    def _still(self, command: c.ToSwitch) -> bool:
        """Whether the books still want it, after all that was told since."""
        call = self.calls.get(command.call)
        if isinstance(command, c.HangUp):
            return False  # where its caller is now, only the switch knows
        if isinstance(command, c.Move | c.Hold | c.CancelLeg):
            leg = call.leg(command.leg) if call is not None else None
            if isinstance(command, c.CancelLeg):  # not one that was answered meanwhile
                return leg is None or leg.state is not LegState.JOINED or leg.cancelled
            return leg is not None and leg.moving is not None
        if isinstance(command, c.ToWaiting):
            return call is not None and call.state in (CallState.WAITING, CallState.OFFERED)
        if isinstance(command, c.ToVoicemail):
            return call is not None and call.state is CallState.VOICEMAIL
        if isinstance(command, c.Farewell):
            return call is not None and call.state is CallState.LEAVING
        return True


def _leave_out_the_unwritable(batch: Batch) -> bool:
    """Takes what is no JSON out of a batch. False: nothing was, the fault is another one and would stay."""
    before = [len(x) for x in _parts(batch)]
    batch.entries[:] = [x for x in batch.entries if _writable(e.Codec.encode, x[0])]
    for part in _parts(batch)[1:]:
        part[:] = [x for x in part if _writable(json.dumps, x)]
    return before != [len(x) for x in _parts(batch)]


def _parts(batch: Batch) -> tuple[list[Any], ...]:
    return (batch.entries, batch.seats, batch.jobs, batch.finished, batch.rows)


def _writable(encode: Callable[[Any], str], one: Any) -> bool:
    try:
        encode(one).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True
