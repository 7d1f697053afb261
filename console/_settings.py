"""What the console can be told when it is built."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and choices of the console; every time is in seconds.

    Attributes:
        languages: offered on the page, the first is the default.
        body_limit: bytes of a request body.
        queue: events kept for one reader that lags; one more and it is cut.
        kept: events kept for readers that come back with ``?since=``.
        streams: open event streams at a time.
        heartbeat: a beat goes to an idle stream this often.
        grace: how long a reader that is cut has to take the farewell.
        health_limit: how long the parts have to tell their health.
        clock: unix seconds.
    """

    languages: tuple[str, ...] = ("zh", "en")
    body_limit: int = 1 << 20
    queue: int = 512
    kept: int = 2048
    streams: int = 2000
    heartbeat: float = 5.0
    grace: float = 2.0
    health_limit: float = 3.0
    clock: Callable[[], float] = time.time
