"""python -m tests.takeover --rounds 500 --seed 1"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import ROOTFS, free_port

from .harness import HITS, Harness


def main() -> int:
    """Runs and prints the report; 1 when something was not true."""
    parser = argparse.ArgumentParser(prog="python -m tests.takeover", description="kill processes, round after round")
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the hit of this one round only")
    parser.add_argument("--hit", choices=list(HITS), help="do this in every round")
    parser.add_argument("--home", type=Path, help="keep Redis' file and the processes' logs here")
    options = parser.parse_args()
    home = options.home or Path(tempfile.mkdtemp(prefix="takeover-"))
    began = time.monotonic()
    hits = {options.hit: 1} if options.hit else HITS
    harness = Harness(ROOTFS, home, free_port(), options.seed, lambda text: print(text, flush=True), hits)
    report = asyncio.run(harness.run(options.rounds, options.only))
    print(report.text())
    print(f"seed {options.seed}, {time.monotonic() - began:.0f} s, logs in {home}")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
