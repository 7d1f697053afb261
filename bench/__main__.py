"""``make bench``; ``python -m bench --quick`` shows in under two minutes that it works."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from dataclasses import replace
from pathlib import Path

from service.errors import ServiceError
from service.settings import load_settings
from telephony import TelephonyError

from .errors import BenchError
from .run import Options, run_bench


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _numbers(text: str) -> list[float]:
    return [float(x) for x in text.split(",") if x]


def _options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="The native queue and this service, side by side."
    )
    parser.add_argument("--quick", action="store_true", help="one low rate, once: shows that it works, proves nothing")
    parser.add_argument("--variants", help="of a1,b1,a2,b2,d1 (default: all but d1)")
    parser.add_argument("--rates", type=_numbers, help="calls/s of the comparison, e.g. 40,80")
    parser.add_argument("--ladder", type=_numbers, help="calls/s tried upwards for the highest rate; '' for none")
    parser.add_argument("--repeats", type=int, help="runs of each variant at each rate of the comparison")
    parser.add_argument("--seconds", type=float, help="seconds of calls in each run")
    parser.add_argument("--budget", type=float, help="seconds after which no further step of the ladder begins")
    parser.add_argument("--out", type=Path, help="directory for everything written (default: var/bench)")
    given = parser.parse_args(arguments)
    settings = load_settings()
    options = Options(rootfs=settings.rootfs_dir.resolve(), out=(settings.var_dir / "bench").resolve())
    if given.quick:
        options = replace(options, variants=("a1", "b2"), rates=(20,), repeats=1, seconds=4.0, ladder=())
    changes = {n: v for n, v in vars(given).items() if n not in ("quick", "variants", "out") and v is not None}
    if given.variants:
        changes["variants"] = tuple(given.variants.split(","))
    if given.out:
        changes["out"] = given.out.resolve()
    return replace(options, **changes)


async def _main(options: Options) -> None:
    task = asyncio.current_task()
    assert task is not None
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    await run_bench(options, _say)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when everything was measured (whatever came out)."""
    options = _options(arguments)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_main(options))
    except asyncio.CancelledError:
        _say("\nInterrupted; everything was ended. What was measured so far is in result.json.")
        return 130
    except (BenchError, TelephonyError, ServiceError) as error:
        _say(f"✗ {error} {getattr(error, 'fix', '')}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
