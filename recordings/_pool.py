"""The service's side: keeps the worker processes running and says whether they do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ._check import check_model
from ._logs import Log, json_log
from ._model import ModelReport
from ._settings import ENVIRONMENT, RecordingSettings

_PATIENCE = 60.0  # a worker that ran so long starts anew at once when it ends
_MAX_PAUSE = 30.0
_HOME = Path(__file__).resolve().parent.parent  # where `python -m recordings.worker` is found


@dataclass(slots=True)
class PoolCounters:
    """Counters for metrics; they only grow."""

    died: int = 0
    """Workers that ended unasked, the hung ones among them."""
    hung: int = 0
    """Workers killed because they gave no sign of life."""


class WorkerPool:
    """Recording workers as subprocesses of the service.

    `start` checks the model (in a subprocess) and returns when the workers run; `stop` lets them finish their jobs.
    A bad model is no reason not to start: recordings are kept, and `health` tells what is wrong.
    """

    def __init__(
        self, settings: RecordingSettings, log: Log | None = None, log_file: Path | None = None
    ) -> None:
        """`log_file`: where the workers' log lines go; None: to our own standard error."""
        self.counters = PoolCounters()
        self._log_file = log_file
        self._s = settings
        self._log = log or json_log("pool")
        self._model: ModelReport | None = None
        self._slots: list[_Slot] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def model(self) -> ModelReport | None:
        """What the check of the model found; None before `start`, or if no model is set."""
        return self._model

    @property
    def pids(self) -> list[int]:
        """Processes that run now."""
        return [s.process.pid for s in self._slots if s.process is not None and s.process.returncode is None]

    async def start(self) -> None:
        """Check the model and start the workers."""
        settings = self._s
        if settings.model is not None:
            self._model = await asyncio.to_thread(check_model, settings.model, settings.check_seconds)
            for warning in self._model.warnings:
                self._log("model-warning", text=warning)
            if not self._model.ok:
                self._log("bad-model", error=self._model.error)
        model = settings.model if self._model is not None and self._model.ok else None
        environment = {
            **os.environ,
            ENVIRONMENT: settings.dumps_with(model),
            "OPENBLAS_NUM_THREADS": "1",
        }
        for i in range(settings.workers):
            # The name lasts as long as this pool: a worker's successor goes on with the job it left.
            name = f"{socket.gethostname()}-{os.getpid()}-{id(self):x}-{i}"
            slot = _Slot(name, environment, settings, self.counters, self._log, self._log_file)
            self._slots.append(slot)
            self._tasks.append(asyncio.create_task(slot.keep(), name=f"recordings-worker-{i}"))
        await asyncio.gather(*(s.started.wait() for s in self._slots))

    def health(self) -> tuple[bool, str]:
        """(all is well, why not): the model, and whether every worker runs."""
        if not self._tasks and self._s.workers:
            return False, "recording workers: not started"
        if not self._s.workers:
            return True, "recording workers: none here (workers = 0)"
        down = [s for s in self._slots if not s.running]
        if down:
            code = down[0].exit_code
            return False, (
                f"recording workers: {len(down)} of {len(self._slots)} down"
                + (f" (last exit code {code}); see their log lines" if code is not None else "")
            )
        if self._s.model is None:
            return False, "recogniser: no model set; recordings are kept, nothing is transcribed"
        if self._model is not None and not self._model.ok:
            return False, f"recogniser: {self._model.error}"
        return True, ""

    async def stop(self) -> None:
        """SIGTERM; a worker has `stop_grace` seconds to finish its job, then SIGKILL: the job stays in Redis."""
        for slot in self._slots:
            slot.ending.set()
        await asyncio.gather(*self._tasks)
        self._tasks.clear()
        self._slots.clear()


class _Slot:
    """One place in the pool: a process, and its successor when it ends."""

    def __init__(
        self, name: str, environment: dict[str, str], settings: RecordingSettings, counters: PoolCounters,
        log: Log, log_file: Path | None = None,
    ) -> None:  # fmt: skip
        self.name, self._environment, self._log = name, environment, log
        self._log_file = log_file
        self.process: asyncio.subprocess.Process | None = None
        self.started = asyncio.Event()
        self.exit_code: int | None = None
        self.ending = asyncio.Event()
        self._s = settings
        self._counters = counters
        self._sign = 0.0
        self._since = 0.0
        self._crashes = 0

    @property
    def running(self) -> bool:
        """A process is there, and it is not one of a row that died at once."""
        alive = self.process is not None and self.process.returncode is None
        return alive and (self._crashes < 3 or time.monotonic() - self._since > 5.0)

    async def keep(self) -> None:
        """Start a worker whenever there is none: at once after a planned end, later and later after crashes."""
        while not self.ending.is_set():
            self._since = time.monotonic()
            code = await self._one()
            if self.ending.is_set():
                return
            self.exit_code = code
            if code == 0:
                self._crashes = 0
                continue
            self._crashes = 1 if time.monotonic() - self._since > _PATIENCE else self._crashes + 1
            pause = min(0.5 * 2 ** (self._crashes - 1), _MAX_PAUSE)
            self._counters.died += 1
            self._log("worker-died", worker=self.name, code=code, retry_in=pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ending.wait(), pause)

    async def _one(self) -> int:
        """Run one process to its end; its exit code."""
        stderr = None
        try:
            if self._log_file is not None:
                self._log_file.parent.mkdir(parents=True, exist_ok=True)
                stderr = self._log_file.open("ab")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "recordings.worker", "--pooled", "--name", self.name,
                stdin=asyncio.subprocess.PIPE,  # never written: it closes when we die
                stdout=asyncio.subprocess.PIPE,  # signs of life
                cwd=_HOME,
                env=self._environment,
                stderr=stderr,
                start_new_session=True,  # a Ctrl-C in the terminal is for the service, which then stops us
            )  # fmt: skip
        except OSError as e:
            self._log("worker-not-started", worker=self.name, error=e.strerror)
            return -1
        finally:
            self.started.set()
            if stderr is not None:
                stderr.close()
        self.process = process
        exit_, ending = asyncio.ensure_future(process.wait()), asyncio.ensure_future(self.ending.wait())
        self._sign = time.monotonic() + self._s.starting
        watch = [asyncio.create_task(self._listen(process)), asyncio.create_task(self._watch(process))]
        try:
            await asyncio.wait({exit_, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not exit_.done():
                _signal(process, signal.SIGTERM)
                await asyncio.wait({exit_}, timeout=self._s.stop_grace)
            if not exit_.done():
                self._log("worker-killed", worker=self.name)
        finally:
            ending.cancel()
            for task in watch:
                task.cancel()
            if not exit_.done():  # out of grace, or we are being cancelled
                _signal(process, signal.SIGKILL)
                await exit_
        return exit_.result()


    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while await process.stdout.read(4096):
            self._sign = time.monotonic() + self._s.silent

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Kill a process that gives no sign of life: its claim would run out, but its place would stay taken."""
        every = self._s.silent / 4
        looked = time.monotonic()
        while True:
            await asyncio.sleep(every)
            now = time.monotonic()
            # After a pause of our own (the whole machine was stopped) its signs may lie unread: look again.
            if now > self._sign and now - looked < 2 * every:
                self._counters.hung += 1
                self._log("worker-hung", worker=self.name, silent=round(now - self._sign + self._s.silent, 1))
                _signal(process, signal.SIGKILL)
                return
            looked = now


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
