"""The demo's people: seats' phones that register, answer and speak, and one caller with a broken street lamp."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from demo import HangUp, Listen, Progress, Say, SeatPhone, StayOn, Step, Voice

from .config import load_config
from .passwords import seat_password
from .settings import Settings

SEAT_SCRIPT: tuple[Step, ...] = (
    Say("您好，这里是12345热线，请问有什么可以帮您"),
    Listen(quiet=1.2, timeout=20.0),
    Say("好的，我已经记录，我们会尽快处理，请问还有其他问题吗"),
    Listen(quiet=1.2, timeout=20.0),
    Say("感谢您的来电，再见"),
    StayOn(60.0),
)
CALLER_WAITING = Say("你好，我要反映一个问题，鹿城区人民路的路灯坏了")
CALLER_TALKING: tuple[Step, ...] = (
    Listen(quiet=1.0, timeout=15.0),
    Say("路灯坏了三天了，请派人来修"),
    Listen(quiet=1.2, timeout=15.0),
    Say("没有了，谢谢，再见"),
    HangUp(),
)
CALLER_NUMBER = "13800001234"
ANSWER_AFTER = 5.5
"""Seconds a demo seat lets its phone ring: time to see the screen pop, and for the caller's first words."""


def voices(settings: Settings) -> tuple[Voice, Voice]:
    """The seat's and the caller's voice."""
    cache: Path = settings.var_dir / "speech"
    return Voice("f4", 165, cache_dir=cache), Voice("m5", 160, cache_dir=cache)


@contextlib.asynccontextmanager
async def demo_seats(
    settings: Settings, progress: Progress | None = None, count: int | None = None
) -> AsyncIterator[list[SeatPhone]]:
    """Registers the first `phones` seats of the configuration."""
    config = load_config(settings.config_dir / "hotline.yaml")
    wanted = settings.phones if count is None else count
    if not settings.private_asterisk:
        wanted = 0  # a PBX of the site's own has phones of its own
    seat_voice, _ = voices(settings)
    async with contextlib.AsyncExitStack() as stack:
        phones = []
        for seat in config.seats[:wanted]:
            phone = SeatPhone(
                seat.id, seat_password(seat.id, config, settings), SEAT_SCRIPT,
                server=(settings.bind, settings.sip_port), answer_after=ANSWER_AFTER, voice=seat_voice,
                progress=progress,
            )  # fmt: skip
            phones.append(await stack.enter_async_context(phone))
        yield phones
