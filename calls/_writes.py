"""The journal's turn: one batch written before anything is sent. Part of the engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from . import commands as c
from . import events as e
from ._told import Counters
from .ports import Batch, Fenced, Journal, JournalError, Switch

log = logging.getLogger(__name__)


class Writes:
    """Mixed into the engine."""

    counters: Counters
    journal_ok: bool
    halted: bool
    _journal: Journal
    _switch: Switch

    def feed(self, events: Iterable[e.Input]) -> None:
        """See Engine.feed."""
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
            except JournalError as error:
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
                self.journal_ok = True
                self.counters.batches += 1
                return

    def _decide_anew(self, pending: Sequence[c.ToSwitch]) -> None:
        """Commands held back too long may be wrong by now: legs are not made, hang-ups stay right."""
        for command in pending:
            if isinstance(command, c.RingSeat | c.RingLine):
                self.feed([e.LegLeft(command.call, command.leg, e.NEVER_RUNG)])
            elif isinstance(command, c.DialCaller):
                self.feed([e.CallerLeft(command.call, e.NEVER_RUNG)])
            elif command.idempotent:
                self._switch.do(command)
