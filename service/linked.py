"""All that lets a case travel between linked hotlines, put together for one active process."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import calls
import console
import tickets

from .cases import CaseBook
from .handovers import ContextFetcher, HandoverCounts, HandoverDoor, Origins


class Linked:
    """Issues handovers, gives them, fetches those of others, knows the cases of before.

    Args:
        engine: its host is given the issuer; it is observed.
        store: the books.
        directory: the present directory of linked hotlines.
        hotline: who we are; its centre's code begins the ids of our cases.
        clock: unix seconds.
    """

    def __init__(
        self,
        engine: calls.Engine,
        store: tickets.Store,
        directory: Callable[[], Origins],
        hotline: Callable[[], console.HandoverHotline],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.counts = HandoverCounts()
        self._engine = engine
        self._hotline = hotline
        self._clock = clock
        self.cases = CaseBook(store, lambda: engine.calls, self._system, hotline, clock)
        # 192 bits of token: nobody guesses it within the ten minutes of its life, or ever.
        book = calls.HandoverBook(lambda: secrets.token_hex(12), lambda: secrets.token_urlsafe(24))
        self.issuer = calls.HandoverIssuer(book, self.cases.body_of, self._system)
        self.fetcher = ContextFetcher(engine.feed, directory, self.counts, clock=clock)
        self.door = HandoverDoor(engine, self.issuer, self.counts, clock=clock)
        if engine.host is not None:
            engine.host.outside.handovers = self.issuer
        for observer in (self.cases.on_change, self.fetcher.on_change, self.door.on_change):
            engine.observe(observer)

    def _system(self) -> str:
        return self._hotline().centre

    def case_of(self, call: calls.Call) -> str:
        """The id of a call's case: the one it came with, else its own."""
        return calls.case_of(call, self._system())

    def recover(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Takes the journal's table `handovers`: after the engine's calls are folded, before it starts."""
        self.issuer.recover(rows.values(), self._clock())
        self.fetcher.resume(list(self._engine.calls.values()))

    async def run(self) -> None:
        """Works until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.fetcher.run(), name="handovers-fetch")
            group.create_task(self.door.run(), name="handovers-tidy")
            group.create_task(self.cases.run(), name="handovers-cases")

    # ------------------------------------------------------------------ for the desk
    async def handover(
        self, handover_id: str, token: str, audit: Callable[[str, str], Awaitable[None]]
    ) -> console.Handover:
        """See console.Desk.handover."""
        return await self.door.redeem(handover_id, token, audit)

    async def earlier_of(self, call: calls.Call) -> list[console.EarlierCall]:
        """Calls of before of the case that a call came (back) with. Raises tickets.StoreError."""
        return await self.cases.earlier_of_case(call.case, but=call.id) if call.case else []
