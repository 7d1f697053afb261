"""``make bench``; ``python -m bench --quick`` shows in two minutes that it works."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.errors import ServiceError
from service.settings import load_settings
from telephony import TelephonyError

from .errors import BenchError
from .run import SECTIONS, Options, run_bench


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _numbers(text: str) -> list[float]:
    return [float(x) for x in text.split(",") if x]


def _words(text: str) -> tuple[str, ...]:
    return tuple(x.strip() for x in text.split(",") if x.strip())


def _options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="The native queue and this service, side by side."
    )
    parser.add_argument("--only", type=_words, help=f"sections, of {','.join(SECTIONS)} (default: all but overload)")
    parser.add_argument("--quick", action="store_true", help="all of it, short: shows that it works, no more")
    parser.add_argument("--variants", type=_words, help="calls: of a1,b1,a2,b2,d1 (default: all but d1)")
    parser.add_argument("--rates", type=_numbers, help="calls: calls/s of the comparison, e.g. 40,80")
    parser.add_argument("--ladder", type=_numbers, help="calls: calls/s tried upwards for the highest; '' for none")
    parser.add_argument("--repeats", type=int, help="calls, queue and parties: runs of each variant")
    parser.add_argument("--seconds", type=float, help="calls: seconds of calls in each run")
    parser.add_argument("--shapes", type=_words, help="queue: of native,service,service-2000")
    parser.add_argument("--queue-seconds", type=float, help="queue: seconds measured in each run")
    parser.add_argument("--party-seconds", type=float, help="parties: seconds in which talks are begun, for the times")
    parser.add_argument("--talks", type=int, help="parties: talks at once, for the costs")
    parser.add_argument("--held", type=float, help="overload: calls/s that are held (default: looked for)")
    parser.add_argument("--flood-seconds", type=float, help="overload: seconds of calls at the double of it")
    parser.add_argument("--flood-shapes", type=_words, help="overload: of native,off,on")
    parser.add_argument("--decisions", type=int, help="decisions of each kind")
    parser.add_argument("--budget", type=float, help="seconds after which no further step of the ladder begins")
    parser.add_argument("--out", type=Path, help="directory for everything written (default: var/bench)")
    given = parser.parse_args(arguments)
    settings = load_settings()
    options = Options(rootfs=settings.rootfs_dir.resolve(), out=(settings.var_dir / "bench").resolve())
    calls, queues, parties = options.calls, options.queue, options.parties
    if given.quick:
        calls = replace(calls, variants=("a1", "b2"), rates=(20,), repeats=1, seconds=4.0, ladder=())
        queues = replace(queues, shapes=("native", "service"), repeats=1, seconds=6.0)
        parties = replace(parties, repeats=1, seconds=6.0, talks=8, measured=2.0)
        options = replace(options, decisions=300)

    def named(**values: Any) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value is not None}

    return replace(
        options,
        calls=replace(
            calls,
            **named(
                variants=given.variants, rates=given.rates, ladder=given.ladder, repeats=given.repeats,
                seconds=given.seconds,
            ),
        ),
        queue=replace(
            queues, **named(shapes=given.shapes, repeats=given.repeats, seconds=given.queue_seconds)
        ),
        parties=replace(
            parties, **named(repeats=given.repeats, seconds=given.party_seconds, talks=given.talks)
        ),
        overload=replace(
            options.overload,
            **named(shapes=given.flood_shapes, held=given.held, seconds=given.flood_seconds),
        ),
        **named(
            only=given.only, decisions=given.decisions, budget=given.budget,
            out=given.out.resolve() if given.out else None,
        ),
    )  # fmt: skip


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
