"""`python -m recordings.worker`: one recording worker.

The pool starts these; a machine of its own may run some too, with the settings as JSON in HOTLINE_RECORDINGS_WORKER
(`RecordingSettings.dumps`), where the vault and the spool are shared. SIGTERM: finish the job, then end.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time

from ._check import check_model
from ._logs import Log, json_log
from ._queue import JobQueue
from ._recognizer import Recognizer, VoskRecognizer
from ._settings import ENVIRONMENT, RecordingSettings
from ._worker import Worker
from .errors import RecordingError


def _recognizer(settings: RecordingSettings, *, checked: bool, log: Log) -> Recognizer | None:
    if settings.model is None:
        return None
    if not checked and not (report := check_model(settings.model, settings.check_seconds)).ok:
        log("bad-model", error=report.error)
        return None
    try:
        return VoskRecognizer(settings.model)
    except RecordingError as e:
        log("bad-model", error=str(e))
        return None


def _watch_parent(stopping: threading.Event) -> None:
    """Our standard input is a pipe that the pool holds: when it closes, the service has died, however it did."""
    while os.read(0, 1024):
        pass
    stopping.set()


def _beat() -> None:
    """A sign of life each second on our standard output, which the pool reads: none comes from a process that is
    stopped, nor from one whose native code keeps the interpreter."""
    try:
        while True:
            os.write(1, b".")
            time.sleep(1.0)
    except OSError:
        return  # the pool has died


def main() -> int:
    """Command line; the exit code is 0 when stopped or due to be replaced."""
    parser = argparse.ArgumentParser(prog="python -m recordings.worker", description=__doc__)
    parser.add_argument("--name", default=f"{socket.gethostname()}-{os.getpid()}", help="name in the consumer group")
    parser.add_argument("--pooled", action="store_true", help="started by the pool: model checked, end with its pipe")
    args = parser.parse_args()
    log = json_log(args.name)
    text = os.environ.pop(ENVIRONMENT, None)
    if text is None:
        parser.error(f"settings missing: put RecordingSettings.dumps() into {ENVIRONMENT}")
    settings = RecordingSettings.loads(text)
    queue = JobQueue(settings, args.name)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    # Ctrl-C goes to the whole group of processes: the pool stops its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN if args.pooled else lambda *_: stopping.set())
    if args.pooled:
        threading.Thread(target=_watch_parent, args=(stopping,), name="parent", daemon=True).start()
        threading.Thread(target=_beat, name="beat", daemon=True).start()
    worker = Worker(settings, queue, _recognizer(settings, checked=args.pooled, log=log), log, stopping)
    why = worker.run()
    log("end", why=why)
    try:
        queue.leave()
    except Exception as e:
        log("redis-away", error=type(e).__name__)
    queue.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
