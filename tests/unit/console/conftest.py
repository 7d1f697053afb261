"""A console on a furnished desk, with a token per role."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from console import Role, Settings, TokenBook, build_app
from console._scene import furnish
from console.testing import FakeDesk

SECRET = b"0123456789abcdef0123456789abcdef"


@dataclass
class Console:
    """The console under test and what a test needs to talk to it."""

    desk: FakeDesk
    client: TestClient[Any, Any]
    book: TokenBook
    tokens: dict[str, str] = field(default_factory=dict)

    def headers(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    async def get(self, path: str, role: str = "admin", **more: Any) -> aiohttp.ClientResponse:
        headers = {**self.headers(role), **more.pop("headers", {})}
        return await self.client.get(path, headers=headers, **more)

    async def listen(self, role: str = "supervisor", query: str = "") -> aiohttp.ClientWebSocketResponse:
        return await self.client.ws_connect(
            f"/api/v1/events{query}", protocols=("hotline.v1", f"bearer.{self.tokens[role]}")
        )


Maker = Callable[..., Any]


@pytest.fixture
async def make_console(tmp_path: Path) -> AsyncIterator[Maker]:
    clients = []

    async def make(settings: Settings | None = None, *, days: float = 1) -> Console:
        desk = FakeDesk()
        furnish(desk, tmp_path)
        book = TokenBook(SECRET, clock=(settings or Settings()).clock)
        client: TestClient[Any, Any] = TestClient(TestServer(build_app(desk, book, settings=settings)))
        await client.start_server()
        clients.append(client)
        console = Console(desk, client, book)
        for role in Role:
            seat = "8003" if role is Role.SEAT else None
            console.tokens[role.value] = book.issue(role, f"the {role.value}", seat, days=days)
        console.tokens["idle-seat"] = book.issue(Role.SEAT, "another seat", "8001", days=days)
        return console

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
async def console(make_console: Maker) -> Console:
    made: Console = await make_console()
    return made
