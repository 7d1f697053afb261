"""Recordings whose time is over are removed, each with an entry in the audit trail written before it goes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import recordings
import tickets

from .config_models import RetentionConfig

log = logging.getLogger(__name__)
EVERY = 3600.0
MOST = 500
"""Recordings at one time: nobody waits for it, and the disk has other work."""


@dataclass(slots=True)
class RetentionCounters:
    """For the metrics."""

    removed: int = 0
    """Recordings whose time was over."""


class Retention:
    """See the module's text.

    Args:
        keeper: knows what is over.
        store: keeps the audit trail.
        policy: the configuration now.
        clock: unix seconds.
    """

    def __init__(
        self, keeper: recordings.Keeper, store: tickets.Store, policy: Callable[[], RetentionConfig],
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.counters = RetentionCounters()
        self._keeper, self._store, self._policy, self._clock = keeper, store, policy, clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.once()
            except (OSError, tickets.StoreError) as error:
                log.warning("retention: later (%s)", type(error).__name__)
            await asyncio.sleep(EVERY)

    async def once(self) -> int:
        """Removes what is over, at most `MOST`; how many. Raises StoreError: without an audit entry nothing goes."""
        policy = self._policy()
        await asyncio.to_thread(self._keeper.finish)
        days = {"call": policy.recordings, "voicemail": policy.voicemails}
        over = await asyncio.to_thread(lambda: list(islice(self._keeper.expired(lambda kind: days.get(kind)), MOST)))
        removed = 0
        for call, manifest in over:
            audio = manifest.get("audio")
            sha256 = audio.get("sha256") if isinstance(audio, dict) else None
            extra = {"ended": manifest.get("ended"), "kind": manifest.get("kind"), "sha256": sha256}
            await self._store.audit(
                "retention", "service", "recording.remove", call, at=self._clock(), why="policy", extra=extra
            )
            try:
                done = await asyncio.to_thread(self._keeper.remove, call)
            except recordings.HeldError:
                continue
            removed += done
            self.counters.removed += done
        if removed:
            log.info("retention: recordings removed", extra={"count": removed})
        return removed
