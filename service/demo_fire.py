"""The demo's second call: a kitchen burns, the caller says so while it waits, 119 joins, then a seat (Art. 11).

The listener for spoken emergencies (service/ears.py) rings the line. Should it not hear the caller, the caller presses
the key that rings it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from rich.console import Console

from demo import Caller, HangUp, LinePhone, Press, Say, SeatPhone, StayOn, Step, Until
from demo.speech import SpeechError

from .app import Hotline
from .demo_directory import ADDRESS, LINE
from .demo_watch import Watch
from .phones import ANSWER_AFTER, SEAT_SCRIPT, voices
from .settings import Settings

NUMBER = "13800005678"
CRY = Say("我家厨房着火了，快来人")
ASKS = Say("这里是119，请讲地址")
TELLS = Say("鹿城区人民路8号三楼")
HELPS = Say("我是12345座席，地址已记录")
COMES = Say("消防车已出发，请先离开房间")
STAYS = Say("请到楼下等消防车")
THANKS = Say("我下楼了，谢谢")

EARS_OPEN = 15.0
"""Seconds the listener may take to load its model, after the start."""
HEARD = 6.0
"""Seconds after the last word in which the listener has rung the line, or the caller presses a key."""
SEAT_PATIENCE = 12.0
"""Seconds a seat's phone rings at the most while the line does not answer; less than hotline.yaml's `ring`."""
STEP = 20.0
"""Seconds that each waits for another to speak."""
WHOLE = 100.0


class FireScene:
    """One scene; `line` must be open before the service starts, whose directory names its address.

    Args:
        settings: of the instance.
        watch: follows the call from `NUMBER`.
    """

    def __init__(self, settings: Settings, watch: Watch) -> None:
        self._settings, self._watch = settings, watch
        voice, self._voice = voices(settings)
        w = watch
        script: tuple[Step, ...] = (
            Until(w.talk_with(1).wait, STEP), ASKS, Until(w.said(HELPS).wait, 2 * STEP), COMES, HangUp(),
        )  # fmt: skip
        self.line = LinePhone(
            LINE, script, server=(settings.bind, settings.sip_port), local_ip=ADDRESS, answer_after=1.0, voice=voice,
            progress=w.says,
        )  # fmt: skip
        self._seat: tuple[Step, ...] = (
            Until(w.said(TELLS).wait, STEP), HELPS, Until(w.event("party_left").wait, STEP),
            Until(w.talk_with(0, 1).wait, STEP), STAYS, StayOn(60.0),
        )  # fmt: skip

    @property
    def contact(self) -> str:
        """host:port of the line's phone, once it is open."""
        ip, port = self.line.phone.address
        return f"{ip}:{port}"

    def _caller(self, listened: bool, digit: str | None) -> Sequence[Step]:
        w = self._watch
        rung = w.event("line_rung")
        keys = (Until(rung.wait, HEARD if listened else 0.5), Press(digit, unless=rung.is_set)) if digit else ()
        return (
            Until(w.event("waiting").wait, STEP), CRY, *keys, Until(w.said(ASKS).wait, STEP),
            Until(w.talk_with(1, 1).wait, STEP), TELLS, Until(w.said(STAYS).wait, 2 * STEP), THANKS, HangUp(),
        )  # fmt: skip

    async def play(self, hotline: Hotline, seats: Sequence[SeatPhone], out: Console, began: float) -> bool:
        """Plays it. True when all three have talked, and seat and caller went on without the line.

        Args:
            hotline: runs with the demo's directory.
            seats: phones that are registered.
            out: where it prints.
            began: `time.monotonic()` of the start, to be told.
        """
        w = self._watch
        for seat in seats:
            # A seat that comes as the third: it answers when caller and line have begun to talk.
            await seat.plays(self._seat, SEAT_PATIENCE, w.said(ASKS).wait)
        listened = await _ears_open(hotline)
        digits: Mapping[str, str] = hotline.config.directory().emergency_digits
        digit = next((d for d, entry in digits.items() if entry == LINE), None)
        script = self._caller(listened, digit)
        caller = Caller(
            NUMBER, script, dial="12345", server=(self._settings.bind, self._settings.sip_port), local_ip="127.0.0.6",
            voice=self._voice, progress=w.says,
        )  # fmt: skip
        ready = time.monotonic() - began
        out.print(f"[bold]一位市民家里着火 · a caller's kitchen burns[/bold]  ({ready:.1f} s)", highlight=False)
        if not listened:
            out.print("  没有监听, 来电人按键 · nobody listens for the cry: the caller presses a key", soft_wrap=True)
        w.begin(hotline.engine.calls)
        try:
            async with asyncio.timeout(WHOLE):
                await caller.run()
                if w.call is not None:
                    await w.event("caller_left").wait()  # the last line of the timeline
        except (SpeechError, TimeoutError, OSError) as error:
            out.print(f"[red]✗[/red] the simulated caller failed: {error or type(error).__name__}", soft_wrap=True)
            return False
        finally:
            for seat in seats:
                await seat.plays(SEAT_SCRIPT, ANSWER_AFTER)
        ears = hotline.active.ears if hotline.active is not None else None
        fault = self._fault(listened, ears is not None and ears.heard[LINE] > 0, digit)
        if fault:
            out.print(f"[red]✗[/red] {fault}; see {self._settings.var_dir / 'log'}", soft_wrap=True, highlight=False)
        else:
            out.print("[green]✓[/green] 三方通话完成 · caller, line and seat have all talked", highlight=False)
        return not fault

    def _fault(self, listened: bool, heard: bool, digit: str | None) -> str:
        """What did not happen, and what to do; empty: everything happened."""
        w = self._watch
        kinds = [{kind for kind, _ in one} for one in w.companies]
        if w.call is None:
            return "the call never reached the service: look at /readyz, part ami"
        if not w.event("line_rung").is_set():
            if heard:
                return f"the cry was heard, and {LINE} not rung: search the log for spoken-emergency and errors"
            ear = "the listener did not hear the cry" if listened else "nobody listens for cries"
            key = f"key {digit} did nothing" if digit else "directory.yaml has no emergency_digits"
            return f"{LINE} was not rung ({ear}, {key}): without HOTLINE_ASR_MODEL the demo's own model hears it"
        if not any("line" in one for one in kinds):
            return f"{LINE} was rung and not joined: is {ADDRESS} there ('ip address show lo' has 127.0.0.1/8)?"
        if not any("line" in one and len(one) > 1 for one in kinds):
            return "no seat came as the third: did its phone register? try --phones 8"
        if not any("line" not in one and one for one in kinds[_first(kinds) :]):
            return "the talk did not go on when the line had left"
        return ""


def _first(kinds: Sequence[set[str]]) -> int:
    """When the three were together first."""
    return next(i for i, one in enumerate(kinds) if "line" in one and len(one) > 1)


async def _ears_open(hotline: Hotline) -> bool:
    """Whether callers are listened to; waits until the listener has its model."""
    ears = hotline.active.ears if hotline.active is not None else None
    if ears is None:
        return False
    end = time.monotonic() + EARS_OPEN
    while not ears.listener.figures:
        if ears.listener.trouble or time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True


__all__ = ["FireScene"]
