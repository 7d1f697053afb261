"""A worker: takes jobs one after another, finalises the recording, transcribes it, reports.

Nothing is lost whenever it dies: the job stays pending until its result is in the stream, the raw file until the
finished set is sealed (see Vault.finalise), and both steps may be done twice.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from ._logs import Log
from ._model import Discard, Job, parse_job
from ._queue import Delivery, JobQueue
from ._recognizer import Recognizer
from ._settings import RecordingSettings
from ._transcribe import transcribe
from ._vault import Vault
from .errors import BadJobError, RecordingError, VaultDamagedError

# The machine's trouble, not the job's: waiting helps, and giving the job up would not.
_MACHINE = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.EACCES,
    errno.EPERM, errno.ESTALE, errno.ENODEV,
}  # fmt: skip
_AHEAD = 5.0
"""Seconds: only recordings that ended so long ago are sealed ahead of their turn, and no longer is spent on it."""
HUNG = 70  # exit code of a worker that ended itself because a job took too long


class Worker:
    """The loop of one process.

    Args:
        settings: what to do.
        queue: where jobs come from.
        recognizer: None: recordings are kept, results say "no-model".
        log: events, never words or numbers.
        stopping: set it, and the worker ends after the job it has.
        exit_now: ends the process at once (tests put their own).
    """

    def __init__(
        self,
        settings: RecordingSettings,
        queue: JobQueue,
        recognizer: Recognizer | None,
        log: Log,
        stopping: threading.Event,
        exit_now: Callable[[int], Any] = os._exit,
    ) -> None:
        self._s = settings
        self._queue = queue
        self._recognizer = recognizer
        self._log = log
        self._vault = Vault(settings.root, settings.spool, settle=settings.settle, patience=settings.patience)
        self._exit_now = exit_now
        self._began = time.monotonic()
        self._done = 0
        self._ready = False
        self._sealed_to = "0-0"
        self._stopping = stopping
        self._memory = _memory()  # with the model loaded

    def run(self) -> str:
        """Work until told to stop or it is time to be replaced; returns why it ended: "stopped" or "recycle"."""
        self._vault.sweep()
        pause = 0.2
        while not self._stopping.is_set():
            if self._old():
                return "recycle"
            try:
                if not self._ready:
                    self._queue.prepare()
                    self._ready = True
                    self._log("ready", model=self._recognizer.name if self._recognizer else None)
                delivery = self._queue.take()
                pause = 0.2
            except redis.RedisError as e:
                self._ready = False
                self._log("redis-away", error=type(e).__name__, retry_in=pause)
                self._stopping.wait(pause)
                pause = min(pause * 2, 10.0)
                continue
            if delivery is not None:
                self._work(delivery)
                self._done += 1
        return "stopped"

    def _old(self) -> bool:
        return (
            self._done >= self._s.recycle_jobs
            or time.monotonic() - self._began >= self._s.recycle_hours * 3600
            or _memory() - self._memory >= self._s.recycle_megabytes
        )

    # ---------------------------------------------------------------- one job
    def _work(self, delivery: Delivery) -> None:
        began = time.monotonic()
        call = "?"
        try:
            job = parse_job(delivery.job)
            call = job.call
            if isinstance(job, Discard):
                self._discard(job, delivery)
                return
            with _Claim(self._queue, delivery.id, self._s, job, self._log, self._exit_now):
                result = self._do(job, delivery)
        except OSError as e:
            if e.errno in _MACHINE:
                self._log("machine-trouble", call=call, error=errno.errorcode.get(e.errno or 0, "?"))
                self._postpone(delivery)
                return
            result = _result(call, "os-error")
        except RecordingError as e:
            result = _result(call, e.code)
        except Exception as e:
            # Not in the list of what may go wrong: leave it pending, so that it is tried again and then given up.
            self._log("job-failed", call=call, error=type(e).__name__, deliveries=delivery.count)
            if delivery.count < self._s.max_deliveries:
                return
            result = _result(call, "gave-up")
        if result["status"] == "failed" and not result["manifest"] and call != "?":
            result["manifest"] = self._vault.relative(call)  # the sound may have been sealed before it went wrong
        # Kept for a human: the job may be put back (recordings.revive) once its cause is mended.
        dead = None
        if result["status"] == "failed" and result["error"] != "no-model":
            dead = {"job": delivery.job, "error": result["error"], "deliveries": str(delivery.count)}
        self._finish(delivery, result, dead, time.monotonic() - began)

    def _discard(self, job: Discard, delivery: Delivery) -> None:
        """No result: there is nothing to draft. What may not be removed is put aside for a human."""
        dead = None
        try:
            self._vault.discard(job)
        except BadJobError as e:
            dead = {"job": delivery.job, "error": e.code, "deliveries": str(delivery.count)}
        self._finish(delivery, {}, dead, 0.0, call=job.call)

    def _do(self, job: Job, delivery: Delivery) -> dict[str, str]:
        """Finalise and transcribe; the result's fields."""
        if delivery.count > self._s.max_deliveries + 1:
            return _result(job.call, "gave-up")  # even keeping the sound ended a worker
        manifest = self._vault.finalise(job)
        where = self._vault.relative(job.call)
        if delivery.count > self._s.max_deliveries:
            return _result(job.call, "gave-up", where)
        if self._recognizer is None:
            return _result(job.call, "no-model", where)
        if self._s.reserve and shutil.disk_usage(self._s.root).free < self._s.reserve:
            # What is left is for recordings. The sound is sealed; its words can be had from it later.
            raise OSError(errno.ENOSPC, "kept for recordings")
        audio = self._vault.audio(job.call)
        if audio is None:
            raise VaultDamagedError(f"{job.call}: the sound vanished after it was sealed")
        self._seal_behind(delivery)
        try:
            words = transcribe(job, audio, float(manifest["audio"]["duration"]), self._recognizer)
        except RecordingError as e:
            return _result(job.call, e.code, where)
        self._vault.write_transcript(job.call, words)
        return {"call": job.call, "status": "ok", "error": "", "manifest": where}

    def _seal_behind(self, delivery: Delivery) -> None:
        """Seal the sound of calls that wait behind this one, before the slow part: a recogniser that is slow, or hangs
        in the next line, keeps nobody's recording in the spool. Each has its own turn later, and tells its own faults.
        """
        if delivery.count > 1:
            return  # whatever ended the worker before: this time it has only its own job
        until = time.monotonic() + _AHEAD
        try:
            waiting = self._queue.behind(max(delivery.id, self._sealed_to, key=_place), _AHEAD)
        except redis.RedisError:
            return
        for place, text in waiting:
            if time.monotonic() >= until or self._stopping.is_set():
                return
            self._sealed_to = place
            try:
                job = parse_job(text)
                if isinstance(job, Job) and Path(job.raw).exists():
                    self._vault.finalise(job)
            except (RecordingError, OSError):
                continue

    def _finish(
        self, delivery: Delivery, result: dict[str, str], dead: dict[str, str] | None, seconds: float, call: str = ""
    ) -> None:
        """Report until Redis has it: the work is done, only the news is missing."""
        pause = 0.2
        while True:
            try:
                first = self._queue.finish(delivery.id, result, dead)
                break
            except redis.RedisError as e:
                self._log("redis-away", error=type(e).__name__, retry_in=pause)
                # When stopping, leave it: the job is pending, and doing it again gives the same files.
                if self._stopping.wait(pause):
                    return
                pause = min(pause * 2, 10.0)
        self._log(
            "job-done" if first else "job-was-done",
            call=result.get("call", call),
            status=result.get("status", "discarded"),
            error=result.get("error", dead["error"] if dead else ""),
            deliveries=delivery.count,
            seconds=round(seconds, 2),
        )

    def _postpone(self, delivery: Delivery) -> None:
        """Leave the job pending without counting this delivery, and take a breath."""
        try:
            self._queue.renew(delivery.id, forgive=True)
        except redis.RedisError:
            self._ready = False
        self._stopping.wait(self._s.retry_pause)


def _memory() -> float:
    """Peak megabytes of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _place(id_: str) -> tuple[int, int]:
    """An entry's id, to be compared."""
    at, _, n = id_.partition("-")
    return int(at), int(n or 0)


def _result(call: str, error: str, manifest: str = "") -> dict[str, str]:
    return {"call": call, "status": "failed", "error": error, "manifest": manifest}


class _Claim:
    """Keeps the claim on a job alive from a thread, and ends the process if the job takes too long.

    Vosk gives the interpreter away while it decodes, so the thread runs; a hung native call can only be ended with
    its process, and the job then goes to another worker.
    """

    def __init__(
        self,
        queue: JobQueue,
        id_: str,
        settings: RecordingSettings,
        job: Job,
        log: Log,
        exit_now: Callable[[int], Any],
    ) -> None:
        self._queue, self._id, self._log, self._exit_now = queue, id_, log, exit_now
        self._call = job.call
        self._every = settings.claim_idle / 3
        limit = settings.job_seconds + settings.patience + settings.job_factor * (job.ended - job.answered)
        self._deadline = time.monotonic() + limit
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="claim", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=15.0)

    def _run(self) -> None:
        while not self._over.wait(min(self._every, max(0.0, self._deadline - time.monotonic()))):
            if time.monotonic() >= self._deadline:
                self._log("job-hung", call=self._call)
                self._exit_now(HUNG)
                return
            try:
                if not self._queue.renew(self._id):
                    # Another took it while we were stopped. Go on: whoever is first reports.
                    self._log("claim-lost", call=self._call)
                    return
            except redis.RedisError as e:
                self._log("redis-away", error=type(e).__name__, retry_in=self._every)
