"""python -m tests.soak [--minutes 30] [--load half | --rate 40]: exit code 1 if anything grows."""

from __future__ import annotations

import argparse
import asyncio
import sys

from bench.errors import BenchError
from service.settings import load_settings

from .harness import CAPACITY, Soak

LOADS = {"quarter": 0.25, "half": 0.5, "full": 1.0}


def main() -> int:
    """Exit code 0: memory is flat and nothing is left behind."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--load", choices=LOADS, default="half", help=f"of {CAPACITY:g} calls a second")
    parser.add_argument("--rate", type=float, help="calls a second, instead of --load")
    given = parser.parse_args()
    settings = load_settings()
    soak = Soak(
        given.minutes, given.rate or CAPACITY * LOADS[given.load], (settings.var_dir / "soak").resolve(),
        settings.rootfs_dir.resolve(), lambda text: print(text, flush=True),
    )  # fmt: skip
    try:
        return 0 if asyncio.run(soak.run()) else 1
    except BenchError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
