"""Two hotlines, each with an Asterisk and a service of its own, that know each other from their directories.

    async with two_hotlines(tmp_path, redis_url) as (zhejiang, shanghai):
        talk = await zhejiang.talk()
        zhejiang.engine.want_party(talk.id, "transfer", entry="shanghai-12345")
        await shanghai.seat("8101")
        taken = await shanghai.takes("8101")

Each one's case is fetched at the other's console: the directory names its address (`url`), the call's headers do not.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telephony import LineTrunk, PrivateAsterisk, SeatPhone
from tests.conftest import PROMPTS, ROOT, ROOTFS, Bench, Switch, free_port

from . import directory as book
from .world import World


@dataclass(frozen=True)
class Site:
    """Where one of the two lives."""

    id: str
    """Its entry in the other's directory."""
    name: str
    host: str
    seats: tuple[str, ...]
    rtp: int
    sip: int
    http: int

    @property
    def url(self) -> str:
        """Base address of its console, where its handovers are fetched."""
        return f"http://127.0.0.1:{self.http}"

    @property
    def contact(self) -> str:
        """host:port of its SIP."""
        return f"{self.host}:{self.sip}"


def sites() -> tuple[Site, Site]:
    """Both, on free ports. Seats 8001-8003 at the first, 8101-8103 at the second."""
    ports = [(free_port(socket.SOCK_DGRAM), free_port()) for _ in range(2)]
    return (
        Site("zhejiang-12345", "浙江12345", "127.0.0.91", ("8001", "8002", "8003"), 38000, *ports[0]),
        Site("shanghai-12345", "上海12345", "127.0.0.92", ("8101", "8102", "8103"), 38300, *ports[1]),
    )


def entry_of(site: Site, trunk: str) -> dict[str, Any]:
    """How the other one knows it."""
    return {
        "name": site.name, "kind": "hotline", "numbers": "12345", "trunks": trunk, "protocol": "uui", "url": site.url,
    }  # fmt: skip


@contextlib.asynccontextmanager
async def hotline_at(
    home: Path, redis_url: str, here: Site, there: Site, config: dict[str, Any], settings: dict[str, Any]
) -> AsyncIterator[World]:
    """One of them; the other's address need not be up yet."""
    trunk = LineTrunk(there.id, there.contact, (there.host,))
    asterisk = PrivateAsterisk(
        rootfs=ROOTFS, templates=ROOT / "config/asterisk", home=home / "asterisk", sounds=PROMPTS,
        plan_changes={
            "seats": [SeatPhone(i, f"demo-{i}") for i in here.seats], "bind": here.host, "ami_port": free_port(),
            "sip_port": here.sip, "rtp_start": here.rtp, "rtp_end": here.rtp + 200, "ami_secret": "test-secret",
            "ami_permit": "127.0.0.0/255.0.0.0", "trunk_match": here.host, "lines": [trunk],
            # Ids of calls and legs begin with it: those of the two must not be alike.
            "system_name": here.id,
        },
    )  # fmt: skip
    plan = await asterisk.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(asterisk.stop)
        bench = Bench(Switch(asterisk, plan, None), redis_url, home)  # type: ignore[arg-type]
        seats = [{"id": i, "name": f"座席{i}", "skills": {"putonghua": 5}} for i in here.seats]
        linked = {there.id.replace("-", "_"): entry_of(there, there.id)}
        nobody = dict.fromkeys((i.replace("-", "_") for i in book.entries() if i != there.id), None)
        content = book.directory(plan, **nobody, **linked) | {"dialable": []}
        made = book.write(bench.config(seats=seats, **config), content)
        changes = {"ami_host": here.host, "http_port": here.http, "node": here.id, **settings}
        hotline = await stack.enter_async_context(bench.hotline(bench.settings(made, **changes)))
        world = World(hotline, (here.host, here.sip), {})
        await stack.enter_async_context(world._stack)
        yield world
        await world.everybody_hangs_up()
        await world.nobody_left()
        world.check()


@contextlib.asynccontextmanager
async def two_hotlines(
    tmp_path: Path, redis_url: str, *, config: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[tuple[World, World]]:
    """Both hotlines; neither has seats' phones registered. On leaving, nothing may be left in either switch.

    Args:
        tmp_path: for files of both.
        redis_url: one Redis; each has a prefix of its own.
        config: changes of hotline.yaml of both.
        settings: changes of the settings of both.
    """
    one, two = sites()
    for site in (one, two):
        (tmp_path / site.id).mkdir()
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(
            hotline_at(tmp_path / one.id, redis_url, one, two, config or {}, settings)
        )
        second = await stack.enter_async_context(
            hotline_at(tmp_path / two.id, redis_url, two, one, config or {}, settings)
        )
        yield first, second
        await first.everybody_hangs_up()
        await second.everybody_hangs_up()


__all__ = ["Site", "two_hotlines"]
