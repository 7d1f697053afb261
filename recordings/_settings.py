"""What the workers and their pool are told. Frozen values; the service fills them from its own settings."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSettings:
    """Settings of the recordings room.

    Attributes:
        redis_url, prefix: where the streams are.
        root: the vault. spool: where the switch writes raw files; nothing is taken from elsewhere.
        model: directory of a Vosk model; None: recordings are kept, nothing is transcribed.
        workers: processes.
        settle, patience: see `Vault`.
        claim_idle: a job nobody has worked on for so many seconds is another worker's. A working one renews its
            claim three times as often.
        max_deliveries: a job that ended so many workers is given up: sound kept, no transcript.
        retry_pause: seconds to wait after a full disk and the like.
        job_seconds, job_factor: a job may take job_seconds + job_factor * the call's length; then the worker ends
            itself (the recogniser hangs) and the job goes to the next.
        silent: a worker of the pool that gives no sign of life for so many seconds (stopped, or stuck in native code)
            is killed and replaced; its job goes on in its successor.
        starting: the same until the first sign of a process that has just begun.
        reserve: bytes; with less left on the vault's disk recordings are sealed but not transcribed (the jobs wait).
        recycle_jobs, recycle_hours, recycle_megabytes: a worker ends after so much (megabytes: grown since
            the model was loaded), because Vosk does not give memory back; its place is filled at once.
        stop_grace: seconds a worker has to finish its job when the service stops.
        check_seconds: time limit of the check of the model.
    """

    redis_url: str
    root: Path
    spool: Path
    prefix: str = "hotline:"
    model: Path | None = None
    workers: int = 1
    settle: float = 1.0
    patience: float = 15.0
    claim_idle: float = 30.0
    max_deliveries: int = 3
    retry_pause: float = 5.0
    job_seconds: float = 120.0
    job_factor: float = 2.0
    silent: float = 20.0
    starting: float = 120.0
    reserve: int = 0
    recycle_jobs: int = 500
    recycle_hours: float = 6.0
    recycle_megabytes: int = 1024
    stop_grace: float = 20.0
    check_seconds: float = 120.0

    @property
    def jobs(self) -> str:
        """Stream of jobs."""
        return self.prefix + "recordings"

    @property
    def results(self) -> str:
        """Stream of results."""
        return self.prefix + "transcripts"

    @property
    def dead(self) -> str:
        """Stream of jobs given up."""
        return self.prefix + "recordings:dead"

    def dumps(self) -> str:
        """As JSON, for a worker's environment (the URL may hold a password: never on a command line)."""
        return json.dumps(asdict(self), default=str)

    def dumps_with(self, model: Path | None) -> str:
        """The same with another model: None keeps workers from loading one that failed its check."""
        return replace(self, model=model).dumps()

    @classmethod
    def loads(cls, text: str) -> RecordingSettings:
        """Read what `dumps` wrote."""
        data: dict[str, Any] = json.loads(text)
        known = {f.name for f in fields(cls)}
        values: dict[str, Any] = {k: v for k, v in data.items() if k in known}
        for name in ("root", "spool", "model"):
            if values.get(name) is not None:
                values[name] = Path(values[name])
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarSettings:
    """Settings of the listening process (`Listener`).

    Attributes:
        model: directory of a Vosk model.
        streams: callers listened to at once; more wait, the longest first. Bounds memory: what bounds the work is that
            the process is one thread, so never more than one core.
        hold: seconds of quiet that end a turn: what was said is judged then.
        turn: seconds of speech after which a stream is given to the next who waits, pause or not.
        most: seconds of speech kept for a caller who waits for a stream.
        poll: seconds between two looks at the files.
        sure: recogniser's confidence (0..1) that the words of an emergency must have.
        check_seconds: time limit of the check of the model.
        silent: seconds without a sign of life after which the process is replaced.
    """

    model: Path
    streams: int = 64
    hold: float = 0.5
    turn: float = 12.0
    most: float = 20.0
    poll: float = 0.1
    sure: float = 0.5
    check_seconds: float = 120.0
    silent: float = 20.0

    def dumps(self) -> str:
        """As JSON, for the process's environment."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def loads(cls, text: str) -> EarSettings:
        """Read what `dumps` wrote."""
        data: dict[str, Any] = json.loads(text)
        known = {f.name for f in fields(cls)}
        values: dict[str, Any] = {k: v for k, v in data.items() if k in known}
        values["model"] = Path(values["model"])
        return cls(**values)


GROUP = "recognisers"
ENVIRONMENT = "HOTLINE_RECORDINGS_WORKER"
"""Environment variable that holds a worker's settings."""
EAR_ENVIRONMENT = "HOTLINE_EAR"
"""Environment variable that holds the listening process's settings."""
