"""How many AMI events a second one core takes in: our link against panoramisk's own path, in one run.

Both get the same captured traffic of a real Asterisk in the same reads, and both do their whole way
without a handler: panoramisk ``data_received`` → ``handle_message`` → ``dispatch``; ours
``received`` → frames → answers sorted out → ``deliver``, with every header parsed.

    python -m bench.ami_parser
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from telephony._frames import Message
from telephony._link_pending import LinkCounters
from telephony._link_session import LinkSession
from telephony._link_settings import AmiSettings

HISTORIES = Path(__file__).resolve().parents[1] / "tests/histories"
READ = 16 * 1024
ROUNDS = 15
SIZE = 1_500_000


def traffic() -> list[bytes]:
    """About 1.5 MB of captured sessions one after another, greetings taken off, cut into reads."""
    bodies = [path.read_bytes().split(b"\r\n", 1)[1] for path in sorted(HISTORIES.glob("*.ami"))]
    body = b"".join(bodies)
    stream = body * max(1, SIZE // len(body))
    return [stream[i : i + READ] for i in range(0, len(stream), READ)]


class _CountingManager(Manager):  # type: ignore[misc]
    seen = 0

    def dispatch(self, event: Any) -> Any:
        self.seen += 1
        return super().dispatch(event)


def panoramisk_once(reads: list[bytes]) -> tuple[int, float]:
    """Events dispatched and CPU seconds."""
    manager = _CountingManager(host="-")
    # Its one pattern stays registered, as in every Manager; the handler itself is not to run here.
    manager.callbacks.clear()
    protocol = AMIProtocol()
    protocol.connection_made(None)
    protocol.factory, protocol.encoding, protocol.version = manager, "utf8", "bench"
    began = time.thread_time()
    for data in reads:
        protocol.data_received(data)
    return manager.seen, time.thread_time() - began


def link_once(reads: list[bytes]) -> tuple[int, float]:
    """Events delivered and CPU seconds, of a session that has been up for a moment."""
    seen = 0

    def deliver(batch: list[Message]) -> None:
        nonlocal seen
        seen += len(batch)

    counters = LinkCounters()
    session = LinkSession(AmiSettings(username="-", secret="-"), "bench", counters, deliver, lambda _: None)
    # The first messages of each kind go the slow way until their shape is learnt (once per connection).
    for data in reads:
        session.received(data)
    seen = 0
    began = time.thread_time()
    for data in reads:
        session.received(data)
    spent = time.thread_time() - began
    session.close()
    return seen, spent


async def _measure() -> dict[str, float]:
    reads = traffic()
    best = {"panoramisk": float("inf"), "link": float("inf")}
    events = {"panoramisk": 0, "link": 0}
    # In turns, and the best of each: other load on the machine hits both alike.
    for _ in range(ROUNDS):
        for name, once in (("panoramisk", panoramisk_once), ("link", link_once)):
            events[name], spent = once(reads)
            best[name] = min(best[name], spent)
    if events["panoramisk"] != events["link"]:
        raise RuntimeError(f"the two did not see the same events: {events}")
    megabytes = sum(map(len, reads)) / 1e6
    return {
        "events": float(events["link"]),
        "bytes_per_event": round(megabytes * 1e6 / events["link"], 1),
        "panoramisk_events_per_s": round(events["panoramisk"] / best["panoramisk"]),
        "link_events_per_s": round(events["link"] / best["link"]),
        "link_mb_per_s": round(megabytes / best["link"], 1),
        "ratio": round(best["panoramisk"] / best["link"], 2),
    }


def run() -> dict[str, float]:
    """Measure; see the module's text.  Takes some seconds."""
    return asyncio.run(_measure())


if __name__ == "__main__":
    for key, value in run().items():
        sys.stdout.write(f"{key:26} {value:>12,}\n")
