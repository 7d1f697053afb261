"""A worker's log: JSON lines on standard error, with a call's id but never its words or numbers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Log = Callable[..., None]

_LEVELS = {
    "redis-away": "warning",
    "machine-trouble": "error",
    "job-failed": "error",
    "job-hung": "error",
    "worker-hung": "error",
    "bad-model": "error",
    "claim-lost": "warning",
}


def json_log(worker: str) -> Log:
    """A function log(event, **fields) that writes one line."""

    def log(event: str, **fields: Any) -> None:
        line = {
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": _LEVELS.get(event, "info"),
            "event": event,
            "logger": "recordings.worker",
            "worker": worker,
            **fields,
        }
        # One write: lines of several workers share the stream.
        sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stderr.flush()

    return log
