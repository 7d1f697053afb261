"""The synthetic test call (拨测): dials as a caller does, hears whether somebody answers, and says how it went.

The number it dials leads to a flow that says something and hangs up, so a call that ends by itself after speech has
been through everything a caller needs: trunk, switch, service, prompts, audio. A call that goes on has been taken by
the switch's own queue, because the service was silent, or leads to another flow than it should.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client import Counter as Count

from demo import Call, CallEnded, Ended, Phone, SipError

from .errors import ServiceError
from .settings import Settings

log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds until the answer."""
LISTENS = 15.0
"""Seconds after the answer in which the call must be over by itself."""
RATE = 8000
BLOCK = 160
"""Samples of one loudness reading (20 ms)."""
LOUD = 300.0
"""RMS (of 32768) from which a block counts as sound: speech is ten times louder, coded silence far below."""
GREETING = 0.5
"""Seconds of sound that a greeting has at least."""
UNEVEN = 0.25
"""Speech: its loudness varies by at least this share; a tone's does not."""
LOSSY = 0.1
"""Share of packets that may be lost."""
HEADER = "X-Hotline-Probe"
ALARM_AFTER = 2
"""Failures in a row before it is an alarm."""
REASONS = (
    "unreachable", "busy", "refused", "no_answer", "failed", "no_audio", "silence", "no_speech", "lossy", "not_ended",
    "error",
)  # fmt: skip
_REFUSALS = {"busy": "busy", "refused": "refused", "no-answer": "no_answer"}


# ------------------------------------------------------------------ what was heard
@dataclass(frozen=True, slots=True)
class Heard:
    """What a piece of audio is, as far as loudness tells."""

    seconds: float
    """All of it."""
    sound: float
    """Seconds that were loud."""
    starts: float | None
    """Second at which the sound begins."""
    level: float | None
    """Of the loud parts, dBov (0 = full scale)."""
    uneven: float
    """How much the loud parts' loudness varies: standard deviation ÷ mean."""


def hear(pcm: np.ndarray) -> Heard:
    """Measures int16 audio of 8000 samples a second."""
    whole = len(pcm) // BLOCK
    blocks = pcm[: whole * BLOCK].astype(np.float64).reshape(whole, BLOCK)
    levels = np.sqrt(np.mean(np.square(blocks), axis=1)) if whole else np.zeros(0)
    (at,) = np.nonzero(levels >= LOUD)
    if not len(at):
        return Heard(len(pcm) / RATE, 0.0, None, None, 0.0)
    loud = levels[at]
    level = 20 * math.log10(math.sqrt(float(np.mean(np.square(loud)))) / 32768)
    uneven = float(np.std(loud) / np.mean(loud))
    return Heard(len(pcm) / RATE, len(at) * BLOCK / RATE, float(at[0]) * BLOCK / RATE, level, uneven)


# ------------------------------------------------------------------ one call
@dataclass(frozen=True, slots=True)
class Target:
    """Where the test call goes.

    Attributes:
        server: (host, port) of the SIP side that is called.
        number: what is dialled.
        caller: our number or SIP user.
        password: of that user, if the other side asks.
    """

    server: tuple[str, int]
    number: str
    caller: str = "1234500"
    password: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """How a test call went. Times in seconds; None: it did not come so far.

    Attributes:
        at: unix seconds at which it began.
        ok: everything was as it should be.
        reason: one of `REASONS`; "" when ok.
        status: the SIP status that ended it, if one did.
        answer: from the INVITE to the answer.
        first_sound: from the answer to the first sound.
        sound: how long something was to be heard.
        level: its loudness, dBov.
        loss: share of audio packets that never came.
        ended_by: "remote" (the flow), "local" (we), "" without an answer.
    """

    at: float
    ok: bool
    reason: str = ""
    status: int | None = None
    answer: float | None = None
    first_sound: float | None = None
    sound: float | None = None
    level: float | None = None
    loss: float | None = None
    ended_by: str = ""

    def to_json(self) -> dict[str, Any]:
        """As `hotline probe --json` prints it."""
        return {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(self).items()}


def target_of(s: Settings) -> Target:
    """The test call of these settings. Raises ServiceError when they do not name one."""
    if not s.probe_number:
        raise ServiceError(
            "no number to probe: probe_number is not set",
            "give config/hotline.yaml a number whose flow says something and hangs up, see docs/doctor.md",
        )
    if not s.probe_target and not s.private_asterisk:
        raise ServiceError("no address to probe: probe_target is not set", "set it to host:port of your trunk's SIP")
    own = "127.0.0.1" if s.bind == "0.0.0.0" else s.bind
    host, _, port = (s.probe_target or f"{own}:{s.sip_port}").rpartition(":")
    password = ""
    if s.probe_secret_file is not None:
        try:
            password = s.probe_secret_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise ServiceError(
                f"{s.probe_secret_file}: cannot be read ({type(error).__name__})", "correct probe_secret_file"
            ) from None
    return Target((host, int(port)), s.probe_number, s.probe_caller, password)


def _own_address(server: tuple[str, int]) -> str:
    """Our address on the way to the server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(server)
        return str(s.getsockname()[0])


async def probe(target: Target, *, patience: float = PATIENCE, listens: float = LISTENS) -> Result:
    """Makes one test call. Never raises for what goes wrong with it.

    Args:
        target: where to.
        patience: seconds until the answer.
        listens: seconds after it in which the other side must have hung up.
    """
    at = time.time()
    try:
        local = await asyncio.to_thread(_own_address, target.server)
        async with Phone(target.server, target.caller, target.password, local) as phone:
            call = await phone.dial(target.number, {HEADER: "1"})
            try:
                await call.answered(patience)
            except TimeoutError:
                return Result(at, False, "unreachable" if call.status is None else "no_answer", call.status)
            except CallEnded as over:
                return _refused(at, over.end)
            with contextlib.suppress(TimeoutError):
                await call.ended(listens)
            return _judge(at, call, call.end)  # the phone hangs up as it leaves
    except OSError:
        return Result(at, False, "unreachable")
    except (SipError, ExceptionGroup) as error:
        log.debug("probe failed", exc_info=error)
        return Result(at, False, "error")


def _refused(at: float, end: Ended) -> Result:
    """Nobody answered. 408 by our own side: nothing came at all."""
    if end.by == "local" and end.status == 408:
        return Result(at, False, "unreachable")
    return Result(at, False, _REFUSALS.get(end.reason, "failed"), end.status)


def _judge(at: float, call: Call, ended: Ended | None) -> Result:
    heard = hear(call.heard())
    assert call.answered_at is not None
    since = call.heard_since
    first = None if since is None or heard.starts is None else max(0.0, since + heard.starts - call.answered_at)
    came = call.heard_samples // BLOCK
    loss = call.lost_packets / came if came else None
    ended_by = "remote" if ended is not None and ended.by == "remote" else "local"
    reason = why(heard, loss, by_itself=ended_by == "remote")
    answer = call.answered_at - (call.invite_sent or at)
    return Result(at, not reason, reason, None, answer, first, heard.sound, heard.level, loss, ended_by)


def why(heard: Heard, loss: float | None, *, by_itself: bool) -> str:
    """What is wrong with an answered call; "" if nothing.

    Args:
        heard: its audio.
        loss: share of lost packets; None: no packet came.
        by_itself: the other side hung up.
    """
    if loss is None:
        return "no_audio"
    if heard.sound < 0.1:
        return "silence"
    if heard.sound < GREETING or heard.uneven < UNEVEN:
        return "no_speech"
    if loss > LOSSY:
        return "lossy"
    return "" if by_itself else "not_ended"


# ------------------------------------------------------------------ again and again
class Metrics:
    """What a watching probe tells Prometheus."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.up = Gauge("hotline_probe_up", "1: the last test call went well", registry=r)
        self.last = Gauge("hotline_probe_last_success_seconds", "When one last went well, unix seconds", registry=r)
        self.calls = Count("hotline_probe_calls", "Test calls since the start", registry=r)
        self.failures = Count("hotline_probe_failures", "Those that failed, by reason", ["reason"], registry=r)
        self.row = Gauge("hotline_probe_failures_in_a_row", "Failures since one last went well", registry=r)
        self.answer = Histogram(
            "hotline_probe_answer_seconds", "From the INVITE to the answer",
            buckets=(0.1, 0.2, 0.5, 1, 2, 3, 5, 10), registry=r,
        )  # fmt: skip
        self.level = Gauge("hotline_probe_level_dbov", "Loudness of what the last one heard", registry=r)
        self.loss = Gauge("hotline_probe_loss_ratio", "Share of packets the last one lost", registry=r)
        for reason in REASONS:
            self.failures.labels(reason)

    def note(self, result: Result, in_a_row: int) -> None:
        """One more test call."""
        self.calls.inc()
        self.up.set(float(result.ok))
        self.row.set(in_a_row)
        if result.ok:
            self.last.set(result.at)
        else:
            self.failures.labels(result.reason).inc()
        if result.answer is not None:
            self.answer.observe(result.answer)
        if result.level is not None:
            self.level.set(result.level)
        if result.loss is not None:
            self.loss.set(result.loss)


class Watch:
    """Test calls at a steady pace, one at a time; two failures in a row are an alarm in the log.

    Args:
        call: makes one.
        every: seconds from the beginning of one to that of the next; those a long call has missed are left out.
        told: gets each result.
        clock, sleep: of the pace, seconds.
    """

    def __init__(
        self,
        call: Callable[[], Awaitable[Result]],
        every: float,
        told: Callable[[Result], None] = lambda _: None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.metrics = Metrics()
        self.in_a_row = 0
        self._call, self._every, self._told, self._clock, self._sleep = call, every, told, clock, sleep

    async def run(self) -> None:
        """For ever."""
        slot = self._clock()
        while True:
            await self.once()
            missed = math.floor((self._clock() - slot) / self._every)
            slot += self._every * (missed + 1)
            await self._sleep(slot - self._clock())

    async def once(self) -> Result:
        """One test call, noted and told."""
        try:
            result = await self._call()
        except Exception as error:
            log.exception("the probe itself failed (%s)", type(error).__name__)
            result = Result(time.time(), False, "error")
        before, self.in_a_row = self.in_a_row, 0 if result.ok else self.in_a_row + 1
        self.metrics.note(result, self.in_a_row)
        about = {"reason": result.reason, "status": result.status, "failures": self.in_a_row}
        if self.in_a_row >= ALARM_AFTER:
            log.error("probe-alarm: callers may not get through", extra=about)
        elif self.in_a_row:
            log.warning("probe-failed", extra=about)
        elif before >= ALARM_AFTER:
            log.warning("probe-well-again", extra={"failures": before})
        self._told(result)
        return result
