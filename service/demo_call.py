"""`hotline demo`: one simulated caller through the whole path, told as it happens."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console

import calls
from calls.codec import moment_json
from demo import Caller, Until
from demo.speech import SpeechError

from .access import show_addresses
from .app import Hotline, running
from .phones import CALLER_NUMBER, CALLER_TALKING, CALLER_WAITING, demo_seats, voices
from .render import draft_lines, moment_line, transcript_lines
from .settings import Settings

DRAFT_LIMIT = 60.0


class Watch:
    """Follows the first call through the engine's changes and prints its timeline."""

    def __init__(self, out: Console) -> None:
        self.out = out
        self.call: str | None = None
        self.start = 0.0
        self._shown = 0
        self._states: dict[str, asyncio.Event] = {}

    def event(self, name: str) -> asyncio.Event:
        """Set when the timeline has an entry of that name."""
        return self._states.setdefault(name, asyncio.Event())

    def on_change(self, change: calls.Change) -> None:
        """The engine's observer."""
        for call in change.calls:
            if self.call is None:
                self.call, self.start = call.id, call.arrived_at
            if call.id != self.call:
                continue
            for moment in call.timeline[self._shown :]:
                self.out.print(moment_line(moment_json(moment), self.start), highlight=False, soft_wrap=True)
                self.event(moment.what).set()
            self._shown = len(call.timeline)

    def says(self, code: str, data: Mapping[str, object]) -> None:
        """The demo people's progress."""
        if code.endswith(".says"):
            who = "来电人" if code.startswith("caller") else f"座席 {data.get('seat', '')}"
            self.out.print(f"             [dim]{who} 说: {data['text']}[/dim]", highlight=False)


async def demo_call(settings: Settings, out: Console, *, stay: bool = True) -> bool:
    """Runs it. True when the call went the whole way to a draft ticket."""
    began = time.monotonic()
    watch = Watch(out)
    hotline = Hotline(settings, lambda part: out.print(f"  starting {part} …", highlight=False))
    hotline.observers.append(watch.on_change)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with running(settings, hotline=hotline), demo_seats(settings, watch.says, max(1, settings.phones)):
        work = asyncio.create_task(_one_call(hotline, watch, out, began), name="demo-call")
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            return False
        stopped.cancel()
        ok = work.result()
        show_addresses(settings, out)
        if stay:
            out.print("It stays up: dial 12345 yourself, or open the console. Ctrl-C ends it.")
            await stop.wait()
            out.print("Stopping …")
        return ok


async def _one_call(hotline: Hotline, watch: Watch, out: Console, began: float) -> bool:
    settings = hotline.settings
    _, voice = voices(settings)
    script = (
        Until(watch.event("waiting").wait, 20.0),
        CALLER_WAITING,
        Until(watch.event("joined").wait, 30.0),
        *CALLER_TALKING,
    )
    caller = Caller(
        CALLER_NUMBER, script, dial="12345", server=(settings.bind, settings.sip_port), local_ip="127.0.0.5",
        voice=voice, progress=watch.says,
    )  # fmt: skip
    ready = time.monotonic() - began
    out.print(f"[bold]一位市民拨打 12345 · a caller dials 12345[/bold]  (ready after {ready:.1f} s)", highlight=False)
    try:
        async with asyncio.timeout(120.0):
            report = await caller.run()
    except (SpeechError, TimeoutError, OSError) as error:
        out.print(f"[red]✗[/red] the simulated caller failed: {error}")
        return False
    if watch.call is None:
        out.print(f"[red]✗[/red] the call never reached the service ({report.end}); see {settings.var_dir / 'log'}")
        return False
    words: Mapping[str, Any] | None = None
    draft = None
    limit = time.monotonic() + DRAFT_LIMIT
    with out.status("识别与起草 · transcribing and drafting …"):
        while time.monotonic() < limit:
            ticket = await hotline.store.ticket_of_call(watch.call)
            if ticket is not None:
                draft = await hotline.desk.ticket(ticket.id)
                words = await hotline.words(watch.call)
                break
            await asyncio.sleep(0.1)
    out.print("[bold]文字 · transcript[/bold]")
    for line in transcript_lines(words):
        out.print(line, highlight=False, soft_wrap=True)
    out.print("[bold]工单草稿 · draft ticket (a human checks it)[/bold]")
    for line in draft_lines(draft.model_dump() if draft is not None else None):
        out.print(line, highlight=False, soft_wrap=True)
    if draft is None:
        ok, reason = hotline.pool.health()
        why = "" if ok else f"; recogniser: {reason}"
        out.print(f"[red]✗[/red] no draft within {DRAFT_LIMIT:.0f} s{why}; see {settings.var_dir / 'log'}")
    return draft is not None and words is not None
