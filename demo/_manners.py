"""How a phone takes a call: answers at once or late, refuses, rings for ever, plays audio before it answers."""

from contextlib import suppress
from dataclasses import dataclass

from ._audio import CallEnded
from ._incoming import IncomingCall


@dataclass(frozen=True, slots=True)
class Manner:
    """What a phone does with a call.

    Attributes:
        rings: Says 180 (or 183 with `early`); without it the caller's side hears nothing of it.
        after: Seconds until it answers or refuses; None: never.
        refuses: The SIP status with which it refuses (486 busy, 603, 404, 480, 503, …); None: it answers.
        early: A tone (Hz) that it sounds before the answer, by 183 with audio.
        tone: A tone (Hz) that it sounds from the answer on.
        level: Their level, 0..1 of full scale.
    """

    rings: bool = True
    after: float | None = 0.0
    refuses: int | None = None
    early: float | None = None
    tone: float | None = None
    level: float = 0.1


async def behave(call: IncomingCall, manner: Manner) -> bool:
    """Take an incoming call as `manner` says; true when it was answered, false when refused or given up by the caller.

    With `after=None` it returns when the caller gives up.
    """
    try:
        if manner.early is not None:
            await call.progress()
            call.tone(manner.early, manner.level)
        elif manner.rings:
            await call.ring()
        if manner.after is None or manner.after > 0:
            with suppress(TimeoutError):
                await call.ended(manner.after)
        if manner.refuses is not None:
            await call.reject(manner.refuses)
            return False
        await call.answer()
        call.stop()
        if manner.tone is not None:
            call.tone(manner.tone, manner.level)
    except CallEnded:
        return False
    return True
