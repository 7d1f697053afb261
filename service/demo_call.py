"""`hotline demo`: simulated callers through the whole path, told as it happens.

Scene `street-light`: caller, greeting, queue, seat, talk, transcript, draft. Scene `fire`: a cry for help while
waiting, an emergency line and a seat with one caller (service/demo_fire.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rich.console import Console

from demo import Caller, SeatPhone, SipError, Until
from demo.speech import SpeechError

from .access import show_addresses
from .app import Hotline, running
from .config import load_config
from .demo_directory import ADDRESS, demo_settings
from .demo_fire import NUMBER as FIRE_NUMBER
from .demo_fire import FireScene
from .demo_watch import Watch
from .errors import ConfigError, ServiceError
from .phones import CALLER_NUMBER, CALLER_TALKING, CALLER_WAITING, demo_seats, voices
from .render import draft_lines, transcript_lines
from .settings import Settings

DRAFT_LIMIT = 60.0
Scene = Literal["street-light", "fire", "all"]


async def demo_call(settings: Settings, out: Console, *, stay: bool = True, scene: Scene = "all") -> bool:
    """Runs it.

    Args:
        settings: of the instance. With the private Asterisk its hotline directory is replaced by the demo's for this
            run, whatever is played, and nobody is called outside.
        out: where it is told.
        stay: stay up afterwards, until a signal.
        scene: what is played.

    Returns:
        True when the callers went the whole way: to a draft ticket, to a talk of three.

    Raises:
        ServiceError: A part does not start; says how to mend it.
    """
    try:
        return await _Demo(settings, out, scene).run(stay)
    except SpeechError as error:
        raise ServiceError(f"the demo's people cannot speak: {error}", "make setup brings espeak-ng") from None
    except SipError as error:
        fix = f"look into {settings.var_dir / 'asterisk' / 'log'}; is another hotline on the same port?"
        raise ServiceError(f"a demo phone could not register: {error}", fix) from None
    except ConfigError:
        load_config(settings.config_dir / "hotline.yaml")  # names the site's own file and line, not the demo's copy
        raise


class _Demo:
    """One run."""

    def __init__(self, settings: Settings, out: Console, scene: Scene) -> None:
        self.began = time.monotonic()
        self.settings, self.out = settings, out
        self.watch = Watch(out, CALLER_NUMBER, begun=False) if scene != "fire" else None
        self.fire_watch = Watch(out, FIRE_NUMBER, begun=False)
        self.plays_fire = scene != "street-light"
        if self.plays_fire and not settings.private_asterisk:
            # A trunk can only be given to a switch of our own; whoever dials, a PBX of the site's may lead outside.
            if scene == "fire":
                fix = "unset HOTLINE_PRIVATE_ASTERISK, or --scene street-light"
                raise ServiceError("the fire scene needs the private Asterisk: its line is a trunk of it", fix)
            out.print("  没有私有 Asterisk, 不演示火警 · no private Asterisk: without the fire scene", highlight=False)
            self.plays_fire = False
        if not self.plays_fire:
            self.fire_watch.close()

    def _tells(self, code: str, data: Mapping[str, object]) -> None:
        """What seats say belongs to the scene that plays."""
        watch = self.fire_watch if self.watch is None or self.watch.over else self.watch
        watch.says(code, data)

    async def run(self, stay: bool) -> bool:
        """All of it, until a signal. False when it was interrupted before the end."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, stop.set)
        async with contextlib.AsyncExitStack() as stack:
            settings, fire = self.settings, FireScene(self.settings, self.fire_watch)
            if settings.private_asterisk:
                await _open(stack, fire)
                settings = await asyncio.to_thread(demo_settings, settings, fire.contact)
            hotline = Hotline(settings, lambda part: self.out.print(f"  starting {part} …", highlight=False))
            hotline.observers += [w.on_change for w in (self.watch, self.fire_watch) if w is not None]
            await stack.enter_async_context(running(settings, hotline=hotline))
            # One more than speaks: the first one writes up its call while the second scene plays.
            count = max(2 if self.watch is not None and self.plays_fire else 1, settings.phones)
            seats = await stack.enter_async_context(demo_seats(settings, self._tells, count))
            work = asyncio.create_task(self._scenes(hotline, seats, fire), name="demo-scenes")
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                return False
            stopped.cancel()
            ok = work.result()
            show_addresses(settings, self.out)
            if stay:
                self.out.print("It stays up: dial 12345 yourself, or open the console. Ctrl-C ends it.")
                await stop.wait()
                self.out.print("Stopping …")
            return ok

    async def _scenes(self, hotline: Hotline, seats: Sequence[SeatPhone], fire: FireScene) -> bool:
        ok = True
        if self.watch is not None:
            ok = await _one_call(hotline, self.watch, self.out, self.began)
            self.watch.close()
        if self.plays_fire:
            ok = await fire.play(hotline, seats, self.out, self.began) and ok
            self.fire_watch.close()
        return ok


async def _open(stack: contextlib.AsyncExitStack, fire: FireScene) -> None:
    """The line's phone, before the switch: its address is written into the switch's configuration."""
    try:
        await stack.enter_async_context(fire.line)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        fix = "the whole of 127.0.0.0/8 must be this machine's: ip address show lo"
        raise ServiceError(f"the demo's 119 cannot use {ADDRESS} ({reason})", fix) from None


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
    watch.begin(hotline.engine.calls)
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


__all__ = ["Scene", "Watch", "demo_call"]
