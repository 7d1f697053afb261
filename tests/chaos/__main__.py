"""python -m tests.chaos --failures 200 --calls 60 --seed 1"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from .failures import KINDS
from .run import Report, Run


async def _ended_by_a_signal_too(work: Coroutine[Any, Any, Report]) -> Report:
    """SIGTERM ends the run as Ctrl-C does: no process of it stays behind."""
    task = asyncio.create_task(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def main() -> int:
    """Runs and prints; 1 when something was lost."""
    what = "failures, one after another, of a hotline with calls in all phases"
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=what)
    parser.add_argument("--failures", type=int, default=200)
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--seats", type=int, default=24)
    parser.add_argument("--switches", type=int, choices=(1, 2), default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the failure of this one round only")
    parser.add_argument("--hit", choices=list(KINDS), help="this failure in every round")
    parser.add_argument("--minutes", type=float, default=1e9, help="no failure after so many")
    parser.add_argument("--pace", type=float, default=1.0, help="0.5: talks and pauses half as long")
    parser.add_argument("--callers", action="store_true", help="print what each caller experienced")
    parser.add_argument("--home", type=Path, help="keep all files and logs here")
    options = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    home = options.home or Path(tempfile.mkdtemp(prefix="chaos-"))
    began = time.monotonic()
    run = Run(home, options.seed, options.calls, options.seats, options.switches, options.pace,
              lambda text: print(text, flush=True))  # fmt: skip
    work = run.run(options.failures, options.only, options.hit, options.minutes)
    report = asyncio.run(_ended_by_a_signal_too(work))
    callers = home / "callers.txt"
    callers.write_text(report.callers() + "\n", encoding="utf-8")
    if options.callers:
        print(report.callers())
    print(report.text())
    print(f"seed {options.seed}, {time.monotonic() - began:.0f} s; this process was late by at most "
          f"{report.lateness:.2f} s; what each caller experienced: {callers}")  # fmt: skip
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
