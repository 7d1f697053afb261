"""One Chromium for all browser tests, a console on a furnished desk for each."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright, expect

from console import Settings, TokenBook, build_app
from console._hub import Hub
from console._scene import furnish
from console.testing import FakeDesk

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
PATIENCE = 30_000
"""Milliseconds until something counts as not coming: only for failures, on a machine that may be very busy."""
expect.set_options(timeout=PATIENCE)


@dataclass
class Place:
    """A running console and a browser to look at it."""

    desk: FakeDesk
    book: TokenBook
    browser: Browser
    port: int = 0
    runner: web.AppRunner | None = None
    skew: float = 0.0
    pages: list[Page] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = build_app(self.desk, self.book, settings=Settings(heartbeat=1.0))
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self.runner.addresses[0][1]

    def end_streams(self, reason: str) -> None:
        assert self.runner is not None
        hubs = [value for value in self.runner.app.values() if isinstance(value, Hub)]
        hubs[0].end_all(reason)

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    def token(self, role: str, seat: str | None = None, days: float = 1) -> str:
        return self.book.issue(role, f"测试 {role}", seat, days=days)

    async def page(self, *, width: int = 1440, height: int = 900, scheme: Any = "light", language: str = "") -> Page:
        context = await self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
        )
        page = await context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on(
            "console",
            lambda message: self.faults.append(message.text)
            if message.type == "error" and "Failed to load resource" not in message.text
            and "WebSocket connection" not in message.text else None,
        )  # fmt: skip
        if language:
            await page.add_init_script(f"localStorage.setItem('hotline.language', '{language}')")
        self.pages.append(page)
        return page

    async def enter(self, role: str, seat: str | None = None, **how: Any) -> Page:
        page = await self.page(**how)
        await page.goto(f"{self.url}/#token={self.token(role, seat)}")
        await page.wait_for_selector("[data-ready=desk] .panel")
        await page.wait_for_selector("[data-line=ok]")
        return page


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        path = os.environ.get("HOTLINE_CHROMIUM", "/usr/bin/chromium")
        launched = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def place(browser: Browser, tmp_path: Path) -> AsyncIterator[Place]:
    desk = FakeDesk()
    furnish(desk, tmp_path)
    book = TokenBook(b"0123456789abcdef0123456789abcdef", clock=lambda: time.time() + made.skew)
    made = Place(desk, book, browser)
    await made.start()
    yield made
    for page in made.pages:
        await page.context.close()
    await made.stop()
    assert made.faults == [], "the page logged errors"
