"""The roles of the demonstration: a seat's phone, a phone behind a trunk, and a caller."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from ._audio import CallEnded, Ended
from ._incoming import IncomingCall
from ._outgoing import OutgoingCall
from ._phone import Phone
from ._rtp import Pcm
from ._script import Progress, StayOn, Step, Voice, perform, prepare, until


class AnsweringPhone:
    """A phone that takes one call after another and plays its script in each.

    While it is in a call it refuses others as busy (486). After its script it stays on the line until the other
    side hangs up.

    Attributes:
        phone: The phone beneath.
        call: The call it is in or that rings, None when idle.
        script: What it does in a call; see `plays`.
        answer_after: Seconds of ringing before it answers; None rings on for ever.
        answer_when: Ends the ringing earlier, when it returns; None: nothing does.
        refuse_with: A SIP status with which it refuses each call, None to take them.
    """

    def __init__(
        self,
        phone: Phone,
        script: Sequence[Step],
        answer_after: float | None,
        refuse_with: int | None,
        voice: Voice | None,
        progress: Progress | None,
        role: str,
    ) -> None:
        """`role` begins each code that `progress` is told."""
        self.phone = phone
        self.phone.on_call = self._on_call
        self.script = tuple(script)
        self.answer_after = answer_after
        self.answer_when: Callable[[], Awaitable[object]] | None = None
        self.refuse_with = refuse_with
        self._taken = 0
        self.call: IncomingCall | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._voice = voice or Voice()
        self._progress = progress
        self._role = role
        self._speech: Mapping[str, Pcm] = {}

    async def __aenter__(self) -> Self:
        self._speech = await prepare(self.script, self._voice)
        await self.phone.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.phone.__aexit__(kind, error, trace)

    @property
    def taken(self) -> int:
        """How many calls it has answered, the present one included."""
        return self._taken + (self.call is not None and self.call.answered_at is not None)

    async def idle(self, timeout: float | None = None) -> None:
        """Wait until it is in no call. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            await self._idle.wait()

    async def plays(
        self,
        script: Sequence[Step],
        answer_after: float | None,
        answer_when: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Another script, from the next call that it answers on.

        Args:
            script: What it does in a call.
            answer_after: Seconds of ringing before it answers, at the most; None rings on for ever.
            answer_when: Ends the ringing earlier, when it returns.

        Raises:
            SpeechError: The speech maker is missing or fails.
        """
        speech = await prepare(script, self._voice)
        # All at once: a phone that rings answers with the one or the other.
        self._speech, self.script = speech, tuple(script)
        self.answer_after, self.answer_when = answer_after, answer_when

    def _tell(self, what: str, **data: object) -> None:
        if self._progress is not None:
            self._progress(f"{self._role}.{what}", {self._role: self.phone.user, **data})

    async def _on_call(self, call: IncomingCall) -> None:
        if self.call is not None:
            await call.reject(486)
            return
        if self.refuse_with is not None:
            await call.reject(self.refuse_with)
            self._tell("refused", status=self.refuse_with)
            return
        self.call = call
        self._idle.clear()
        try:
            await self._take(call)
        except CallEnded:
            pass  # the caller has gone: on to the next one
        finally:
            self._taken = self.taken
            self.call = None
            self._idle.set()
            if call.end is not None:
                self._tell("ended", reason=call.end.reason, by=call.end.by)

    async def _take(self, call: IncomingCall) -> None:
        await call.ring()
        self._tell("rings", caller=call.caller)
        if self.answer_when is None:
            with suppress(TimeoutError):
                await call.ended(self.answer_after)
        else:
            await until(call, self.answer_when, self.answer_after)
        await call.answer()  # raises CallEnded when the caller did not wait
        self._tell("answered")
        await perform(call, [*self.script, StayOn(3600)], self._speech, self._tell)


class SeatPhone(AnsweringPhone):
    """A seat's phone that registers, takes one call after another, and plays its script in each.

    An async context manager. See `AnsweringPhone`.

    Args:
        user: SIP user, e.g. "8001".
        password: Its password.
        script: What it does in a call.
        server: (host, port) of the switch.
        local_ip: Address to bind.
        display_name: Name beside the number.
        answer_after: Seconds of ringing before it answers; None rings on for ever.
        refuse_with: A SIP status with which it refuses each call, None to take them.
        voice: How it sounds.
        expires: Seconds of a registration.
        progress: Told "seat.registered", "seat.rings", "seat.answered", "seat.says", "seat.said",
            "seat.heard", "seat.pressed" and "seat.ended", each with `seat`.
    """

    def __init__(
        self,
        user: str = "8001",
        password: str = "demo-8001",
        script: Sequence[Step] = (),
        *,
        server: tuple[str, int] = ("127.0.0.1", 5060),
        local_ip: str = "127.0.0.1",
        display_name: str | None = None,
        answer_after: float | None = 1.0,
        refuse_with: int | None = None,
        voice: Voice | None = None,
        expires: int = 120,
        progress: Progress | None = None,
    ) -> None:
        phone = Phone(server, user, password, local_ip, display_name)
        super().__init__(phone, script, answer_after, refuse_with, voice, progress, "seat")
        self._expires = expires

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            await self.phone.register(self._expires)
        except BaseException as error:
            await self.phone.__aexit__(type(error), error, None)
            raise
        self._tell("registered")
        return self


class LinePhone(AnsweringPhone):
    """The phone at a trunk's other end: it registers nowhere, the switch knows its address (`phone.address`).

    An async context manager. See `AnsweringPhone`.

    Args:
        user: Whose number it is, e.g. "119".
        script: What it does in a call.
        server: (host, port) of the switch.
        local_ip: Address to bind.
        answer_after: Seconds of ringing before it answers; None rings on for ever.
        refuse_with: A SIP status with which it refuses each call, None to take them.
        voice: How it sounds.
        progress: Told "line.rings", "line.answered", "line.says", "line.said", "line.heard", "line.pressed" and
            "line.ended", each with `line`.
    """

    def __init__(
        self,
        user: str,
        script: Sequence[Step] = (),
        *,
        server: tuple[str, int] = ("127.0.0.1", 5060),
        local_ip: str = "127.0.0.1",
        answer_after: float | None = 1.0,
        refuse_with: int | None = None,
        voice: Voice | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(
            Phone(server, user, "", local_ip), script, answer_after, refuse_with, voice, progress, "line"
        )


@dataclass(frozen=True, slots=True)
class CallReport:
    """How a scripted call went. `call` still holds the audio that was heard, and all times."""

    call: OutgoingCall
    answered: bool
    end: Ended


class Caller:
    """A caller who dials, plays a script and hangs up.

    Args:
        number: The caller's number, shown to the seat.
        script: What the caller does once answered.
        dial: What is dialled.
        server: (host, port) of the switch.
        local_ip: Address to call from.
        display_name: Name beside the number.
        headers: Further headers of the INVITE.
        patience: Seconds to wait for an answer before giving up.
        voice: How the caller sounds.
        progress: Told "caller.dialled", "caller.rings", "caller.answered", "caller.says", "caller.said",
            "caller.heard", "caller.pressed" and "caller.ended".
    """

    def __init__(
        self,
        number: str = "13800000000",
        script: Sequence[Step] = (),
        *,
        dial: str = "12345",
        server: tuple[str, int] = ("127.0.0.1", 5060),
        local_ip: str = "127.0.0.1",
        display_name: str | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = 60.0,
        voice: Voice | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._phone = Phone(server, number, "", local_ip, display_name)
        self._script = tuple(script)
        self._dial = dial
        self._headers = headers
        self._patience = patience
        self._voice = voice or Voice("m5")
        self._progress = progress

    def _tell(self, what: str, **data: object) -> None:
        if self._progress is not None:
            self._progress(f"caller.{what}", data)

    async def run(self) -> CallReport:
        """Make the call. A call that nobody answers is a result, not an error.

        Raises:
            SpeechError: The speech maker is missing or fails.
        """
        speech = await prepare(self._script, self._voice)
        async with self._phone as phone:
            call = await phone.dial(self._dial, self._headers)
            self._tell("dialled", number=self._dial)
            watch = asyncio.create_task(self._watch_ringing(call))
            try:
                await call.answered(self._patience)
                self._tell("answered")
                await perform(call, self._script, speech, self._tell)
            except (CallEnded, TimeoutError):
                pass  # the report says so
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
                with suppress(TimeoutError):  # a switch that is gone confirms nothing
                    async with asyncio.timeout(5):
                        await call.hang_up()
        end = call.end or Ended("failed", "local", 408)
        self._tell("ended", reason=end.reason, by=end.by, status=end.status)
        return CallReport(call, call.answered_at is not None, end)

    async def _watch_ringing(self, call: OutgoingCall) -> None:
        with suppress(CallEnded, TimeoutError):
            await call.ringing(self._patience)
            if call.ringing_at is not None:
                self._tell("rings")
