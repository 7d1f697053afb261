"""Known incidents as sound: what an operator types is spoken by espeak-ng into the prompts' directory.

Callers of the region hear it as soon as the file is there (a second or so); until then, or when it cannot be
made, they wait as always: an announcement is never worth a caller.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

import calls
from ivr.prompts import SpeechError, say
from routing import Incident

log = logging.getLogger(__name__)
PAUSE = 1.0


class Sayings:
    """Makes the files that the host plays. `run` owns it. While `paused` says so (the disk is full) none is made."""

    def __init__(self, host: calls.Host, directory: Path, paused: Callable[[], bool] = lambda: False) -> None:
        self._host = host
        self._directory = directory
        self._paused = paused
        self._failed: set[tuple[str, str]] = set()
        self.failures = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look(time.time())
            await asyncio.sleep(PAUSE)

    async def look(self, now: float) -> None:
        """Speaks what is new, forgets what is over."""
        host = self._host
        live = [*host.control.incidents(now), *(i for i in host.book.incidents if i.live(now))]
        wanted = {(i.id, language): (i, text) for i in live for language, text in (("zh", i.zh), ("en", i.en)) if text}
        for key in host.incident_prompts.keys() - wanted.keys():
            del host.incident_prompts[key]
        for key, (incident, text) in wanted.items():
            await self._make(key, incident, text)

    async def _make(self, key: tuple[str, str], incident: Incident, text: str) -> None:
        language = key[1]
        name = f"incident-{hashlib.sha256(f'{language}:{text}'.encode()).hexdigest()[:16]}"
        file = f"hotline/{language}/{name}"
        if incident.prompt or self._host.incident_prompts.get(key) == file or (incident.id, name) in self._failed:
            return
        if self._paused():
            return
        try:
            await asyncio.to_thread(say, text, language, self._directory / language / f"{name}.wav")
        except (SpeechError, OSError) as error:
            self.failures += 1
            self._failed.add((incident.id, name))
            log.error("an incident cannot be spoken (%s); callers are not told of it", type(error).__name__)  # noqa: TRY400
        else:
            self._host.incident_prompts[key] = file
