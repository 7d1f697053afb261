"""`python -m recordings.ear`: the process that listens to callers nobody serves yet.

Started by `Listener`. Orders come on standard input, one JSON object a line; what is heard leaves on standard output
the same way. It ends when its input does. It never writes to the disk, and words leave it by that pipe only.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from typing import Any

from ._ear import Ear
from ._logs import json_log
from ._recognizer import VoskRecognizer
from ._settings import EAR_ENVIRONMENT, EarSettings
from .errors import RecordingError

_AT_ONCE = 0.1
"""Seconds of work after which orders and files are looked at again."""
_TELL_EVERY = 1.0


def _put(data: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=True, separators=(",", ":")) + "\n")
    sys.stdout.flush()


class _Orders:
    """Lines of standard input, without ever waiting for them longer than told."""

    def __init__(self, ear: Ear) -> None:
        self._ear, self._rest = ear, b""

    def take(self, wait: float) -> bool:
        """False: the service has gone."""
        if not select.select([0], [], [], wait)[0]:
            return True
        data = os.read(0, 65_536)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if order["do"] == "listen":
                self._ear.listen(order["call"], order["path"], order["since"])
            else:
                self._ear.forget(order["call"])
        return bool(data)


def main() -> int:
    """Runs until the input ends."""
    log = json_log("ear")
    text = os.environ.pop(EAR_ENVIRONMENT, None)
    if text is None:
        log("bad-model", error=f"settings missing: put EarSettings.dumps() into {EAR_ENVIRONMENT}")
        return 2
    settings = EarSettings.loads(text)
    try:
        recognizer = VoskRecognizer(settings.model)
    except RecordingError as e:
        log("bad-model", error=str(e))
        return 1
    ear = Ear(
        recognizer, _put, time.monotonic, streams=settings.streams, hold=settings.hold, turn=settings.turn,
        most=settings.most,
    )  # fmt: skip
    orders, busy, told = _Orders(ear), False, 0.0
    try:
        while orders.take(0.0 if busy else settings.poll):
            ear.poll()
            until = time.monotonic() + _AT_ONCE
            while (busy := ear.work()) and time.monotonic() < until:
                pass
            if time.monotonic() - told >= _TELL_EVERY:
                told = time.monotonic()
                _put({"stats": {**ear.figures(), "cpu": round(time.process_time(), 3)}})
    except BrokenPipeError:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
