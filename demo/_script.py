"""What a demo phone does in a call, as data: say, press, listen, wait."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ._call import Call
from ._rtp import Pcm
from .speech import speak

Progress = Callable[[str, Mapping[str, object]], None]
"""Called with a code such as "caller.said" and its data, for a time line on a terminal."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a demo person sounds: espeak-ng variant, words a minute, "zh" or "en", where speech is kept."""

    name: str = "f4"
    speed: int = 165
    lang: str = "zh"
    cache_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """Say a sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys, one after another; none when `unless` is true by then."""

    keys: str
    unless: Callable[[], bool] | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Let some seconds pass in silence."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait until the other side has spoken since our last word and is silent for `quiet` seconds.

    After `timeout` seconds the script goes on all the same (music never ends).
    """

    quiet: float = 1.0
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Until:
    """Wait for something outside the call, at most `timeout` seconds, then go on."""

    what: Callable[[], Awaitable[object]]
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class StayOn:
    """Wait until the other side hangs up; hang up after `timeout` seconds."""

    timeout: float = 300.0


@dataclass(frozen=True, slots=True)
class HangUp:
    """Hang up."""


Step = Say | Press | Wait | Listen | Until | StayOn | HangUp


@functools.lru_cache(maxsize=256)
def _spoken(text: str, voice: Voice) -> Pcm:
    return speak(text, voice.name, voice.speed, lang=voice.lang, cache_dir=voice.cache_dir)


async def prepare(steps: Sequence[Step], voice: Voice) -> dict[str, Pcm]:
    """Make all speech of a script beforehand, so that nobody waits for it in the call.

    Raises:
        SpeechError: The speech maker is missing or fails.
    """
    return {step.text: await asyncio.to_thread(_spoken, step.text, voice) for step in steps if isinstance(step, Say)}


async def perform(call: Call, steps: Sequence[Step], speech: Mapping[str, Pcm], tell: Callable[..., None]) -> None:
    """Go through a script in an answered call.

    Args:
        call: An answered call.
        steps: What to do.
        speech: Audio of each `Say`, from `prepare`.
        tell: Called as `tell("said", text=…)`.

    Raises:
        CallEnded: The call ended before the script did.
    """
    since = 0
    for step in steps:
        match step:
            case Say(text):
                tell("says", text=text)
                await call.play(speech[text])
                since = call.heard_samples
                tell("said", text=text)
            case Press(keys, unless):
                if unless is None or not unless():
                    await call.press(keys)
                    tell("pressed", keys=keys)
            case Wait(seconds):
                await _pass(call, seconds)
            case Listen(quiet, timeout):
                try:
                    since = await call.listen(since, quiet=quiet, timeout=timeout)
                    tell("heard", samples=since)
                except TimeoutError:
                    since = call.heard_samples
                    tell("heard-no-end", seconds=timeout)
            case Until(what, timeout):
                if not await until(call, what, timeout):
                    tell("waited-in-vain", seconds=timeout)
                since = call.heard_samples
            case StayOn(timeout):
                await _pass(call, timeout)
                await call.hang_up()
            case HangUp():
                await call.hang_up()
        if call.end is not None:
            return


async def _pass(call: Call, seconds: float) -> None:
    """Let time pass, but not longer than the call lasts."""
    try:
        await call.ended(seconds)
    except TimeoutError:
        return


async def until(call: Call, what: Callable[[], Awaitable[object]], timeout: float | None) -> bool:
    """Wait for something outside the call, or for the call's end; False: `timeout` seconds have passed."""

    async def outside() -> None:
        await what()

    waits = [asyncio.create_task(outside()), asyncio.create_task(call.ended())]
    try:
        done, _ = await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
        return bool(done)
    finally:
        for one in waits:
            one.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
