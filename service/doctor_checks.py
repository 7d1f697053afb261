"""Which checks `hotline doctor` makes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from . import doctor_files, doctor_parts, doctor_pbx, doctor_secure
from .config import HotlineConfig
from .doctor import Check, Finding, NotLooked, off_loop
from .settings import Settings

Look = Callable[[], Awaitable[Iterable[Finding]]]


@contextlib.asynccontextmanager
async def checks(s: Settings) -> AsyncIterator[list[Check]]:
    """All checks of an instance, ready for `examine`; the session with the switch is closed at the end."""
    config, of_config = await off_loop(lambda: doctor_parts.configuration(s))
    pbx = doctor_pbx.Pbx(s)

    def apart(work: Callable[[], Iterable[Finding]]) -> Look:
        return lambda: off_loop(lambda: list(work()))

    def configured(look: Callable[[HotlineConfig], Awaitable[Iterable[Finding]]]) -> Look:
        async def looked() -> Iterable[Finding]:
            if config is None:
                raise NotLooked("配置有误", "the configuration is wrong")
            return await look(config)

        return looked

    async def known() -> Iterable[Finding]:
        return of_config

    try:
        yield [
            Check("config", known),
            Check("disk", apart(lambda: doctor_files.disk(s))),
            Check("permissions", apart(lambda: doctor_files.permissions(s))),
            Check("prompts", apart(lambda: doctor_files.prompts(s)), 20.0),
            Check("redis", lambda: doctor_parts.redis(s)),
            Check("store", lambda: doctor_parts.store(s)),
            Check("recogniser", lambda: doctor_parts.recogniser(s), 120.0),
            Check("ami", lambda: doctor_pbx.ami(pbx), 10.0),
            Check("dialplan", configured(lambda c: doctor_pbx.dialplan(pbx, c)), 15.0),
            Check("modules", configured(lambda c: doctor_pbx.modules(pbx, c)), 15.0),
            Check("trunks", configured(lambda c: doctor_pbx.trunks(pbx, c)), 15.0),
            Check("phones", configured(lambda c: doctor_pbx.phones(pbx, c)), 15.0),
            Check("clocks", lambda: doctor_parts.clocks(s, pbx.clock), 10.0),
            Check("workdays", configured(lambda c: off_loop(lambda: doctor_parts.workdays(c, time.time())))),
            Check("directory", configured(lambda c: off_loop(lambda: doctor_parts.directory(c, time.time())))),
            Check("encryption", configured(lambda c: off_loop(lambda: doctor_secure.encryption(s, c)))),
            Check("certificates", apart(lambda: doctor_files.certificates(doctor_files.certificate_files(s)))),
            Check("lease", lambda: doctor_parts.lease(s)),
            Check("service", lambda: doctor_parts.service(s)),
        ]
    finally:
        await pbx.close()
