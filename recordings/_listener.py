"""The service's side of listening: keeps the process running, tells it whom to listen to, judges what it hears."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._check import check_model
from ._judge import Detector, Judge
from ._logs import Log, json_log
from ._model import Word, checked_call
from ._settings import EAR_ENVIRONMENT, EarSettings
from .errors import BadJobError

_HOME = Path(__file__).resolve().parent.parent  # where `python -m recordings.ear` is found
_BEHIND = 3.0
"""Seconds before the last sign of life from which calls are followed anew: a sentence may have been at hand."""
_MAX_PAUSE = 30.0
_LINE_LIMIT = 1 << 20

Heard = Callable[[str, str, float], None]
"""Takes (call id, line such as "119", confidence 0..1)."""


@dataclass(slots=True)
class ListenerCounters:
    """Since the start."""

    heard: int = 0
    """Emergencies told."""
    utterances: int = 0
    deaths: int = 0
    """Listening processes that ended by themselves or had to be ended."""
    errors: int = 0
    """Callbacks and messages that failed."""
    refused: int = 0
    """Calls whose id is no file name."""


@dataclass(frozen=True, slots=True)
class _Followed:
    path: str
    asked: float
    since: float | None
    """Monotonic seconds from which on it is listened to, None: from its beginning."""


class Listener:
    """Listens to callers whom nobody serves yet, in a process of its own, for words of an emergency.

    Nothing here waits for the recogniser: a slow, hung or dead one costs the words, never a call. Everything runs
    on one event loop.

    Args:
        settings: see `EarSettings`.
        detector: what is an emergency.
        heard: told of each emergency, once for a call and line.
        log: events, never words or numbers.
        log_file: where the process's own log lines go; None: to our standard error.
    """

    def __init__(
        self, settings: EarSettings, detector: Detector, heard: Heard, *, log: Log | None = None,
        log_file: Path | None = None,
    ) -> None:  # fmt: skip
        self._s, self._detector, self._heard = settings, detector, heard
        self._log = log or json_log("listener")
        self._log_file = log_file
        self._followed: dict[str, _Followed] = {}
        self._judges: dict[str, Judge] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self._alive = 0.0  # when a process last gave a sign of life
        self._sign = 0.0  # when the next one must have come
        self.counters = ListenerCounters()
        self.figures: dict[str, float] = {}
        """The process's own figures (`EarStats`, and cpu: seconds), as of a second ago; empty while none runs."""
        self.trouble = ""
        """Why nobody is listened to; "" when all is well."""

    @property
    def pid(self) -> int | None:
        """The listening process, while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    # ------------------------------------------------------------------ whom
    def listen(self, call: str, path: str, *, fresh: bool = True) -> None:
        """Follow a call's raw file. `fresh`: from its beginning; else from a few seconds ago."""
        if call in self._followed:
            return
        try:
            checked_call(call)
        except BadJobError:
            self.counters.refused += 1
            return
        now = time.monotonic()
        self._followed[call] = _Followed(path, now, None if fresh else now - _BEHIND)
        self._judges[call] = Judge(self._detector, self._s.sure)
        self._follow(call)

    def forget(self, call: str) -> None:
        """Listen to it no more."""
        if self._followed.pop(call, None) is not None:
            del self._judges[call]
            self._order({"do": "forget", "call": call})

    def _follow(self, call: str) -> None:
        one = self._followed[call]
        # What was said while no process lived (or one hung) is listened to by the next.
        since = one.since if one.asked >= self._alive else self._alive - _BEHIND
        self._order({"do": "listen", "call": call, "path": one.path, "since": since})

    def _order(self, order: dict[str, Any]) -> None:
        process = self._process
        if process is None or process.returncode is not None or process.stdin is None:
            return  # told with all others when it starts
        # Never drained: what a hung process does not read waits in memory until it is replaced.
        process.stdin.write(json.dumps(order).encode() + b"\n")

    # ------------------------------------------------------------------ life
    def start(self) -> None:
        """Begins; the model is checked in the background first."""
        self._ending = False
        self._task = asyncio.create_task(self._keep(), name="listener")

    async def stop(self) -> None:
        """Ends the process."""
        self._ending = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._followed.clear()
        self._judges.clear()

    async def _keep(self) -> None:
        report = await asyncio.to_thread(check_model, self._s.model, self._s.check_seconds)
        if not report.ok:
            self.trouble = report.error
            self._log("bad-model", error=report.error)
            return
        crashes = 0
        while not self._ending:
            began = time.monotonic()
            code = await self._one()
            self.counters.deaths += 1
            self.figures = {}
            crashes = 1 if time.monotonic() - began > 60.0 else crashes + 1
            pause = min(0.2 * 2 ** (crashes - 1), _MAX_PAUSE)
            self.trouble = f"the listening process ended (exit code {code})"
            self._log("worker-died", worker="ear", code=code, retry_in=pause)
            await asyncio.sleep(pause)

    async def _one(self) -> int:
        """Run one process to its end; its exit code."""
        stderr = None
        try:
            if self._log_file is not None:
                stderr = self._log_file.open("ab")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "recordings.ear",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=stderr, cwd=_HOME,
                env={**os.environ, EAR_ENVIRONMENT: self._s.dumps(), "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True, limit=_LINE_LIMIT,
            )  # fmt: skip
        except OSError as e:
            self._log("worker-not-started", worker="ear", error=e.strerror)
            return -1
        finally:
            if stderr is not None:
                stderr.close()
        # A large model takes long to load; afterwards there is a sign of life each second.
        self._process, self._sign = process, time.monotonic() + max(self._s.silent, self._s.check_seconds)
        for call in self._followed:
            self._judges[call] = Judge(self._detector, self._s.sure, told=self._judges[call].told)
            self._follow(call)
        watch = asyncio.create_task(self._watch(process), name="listener-watch")
        try:
            assert process.stdout is not None
            while line := await process.stdout.readline():
                self._alive = time.monotonic()
                self._sign = self._alive + self._s.silent
                self._take(line)
            return await process.wait()
        except ValueError:  # a line over the limit: no message of ours
            self.counters.errors += 1
            return -1
        finally:
            watch.cancel()
            self._process = None
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)  # it holds nothing that could be lost
            await process.wait()

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """A process that says nothing for long hangs: the next one begins afresh."""
        while True:
            left = self._sign - time.monotonic()
            if left <= 0:
                break
            await asyncio.sleep(min(left, self._s.silent / 4))
        self._log("job-hung", worker="ear")
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)

    # ------------------------------------------------------------------ what it says
    def _take(self, line: bytes) -> None:
        try:
            data = json.loads(line)
            if "stats" in data:
                self.figures, self.trouble = data["stats"], ""
                return
            judge = self._judges.get(data["call"])
            if judge is None:
                return  # forgotten meanwhile
            self.counters.utterances += data["over"]
            words = tuple(Word(*w) for w in data["words"])
            sign = judge.hear(words, data["at"], over=data["over"])
            if sign is not None:
                self.counters.heard += 1
                self._heard(data["call"], sign.line, sign.confidence)
        except Exception as e:
            # One caller's message must not end the listening to all others. Its text may hold words: not logged.
            self.counters.errors += 1
            self._log("job-failed", worker="ear", error=type(e).__name__)
