"""Pictures of the page for the documents: `python -m tests.browser.pictures docs/images` (not a test)."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from playwright.async_api import Page, async_playwright

from console import Role, TokenBook, build_app
from console._scene import furnish, ring
from console._scene_parties import furnish_parties
from console.testing import FakeDesk
from tests.browser.shots import CHROMIUM, FLAGS

Act = Callable[[Page, FakeDesk], Awaitable[None]]


async def nothing(page: Page, desk: FakeDesk) -> None:
    await page.wait_for_timeout(200)


async def rings(page: Page, desk: FakeDesk) -> None:
    await ring(desk, "8001")
    await page.wait_for_selector("#pop")


async def emergency(page: Page, desk: FakeDesk) -> None:
    """110 was busy on its first line and rings on the second; an interpreter is in the talk."""
    now = desk.clock()
    call = await desk.call("demo-3.3")
    assert call is not None
    part = next(one for one in call.parties if one.emergency)
    await desk.change(call.id, part.id, deadline=now + 7, since=now - 6)
    await page.wait_for_selector(".emergency-line")


async def transfer(page: Page, desk: FakeDesk) -> None:
    await page.locator("[data-do=pick][data-how=transfer]").click()
    await page.get_by_role("searchbox").fill("12")
    await page.locator("[value='entry:shanghai-12345']").check()
    await page.locator("#pick-note").fill("灯杆倒在人行道上，有电线外露，来电人守在现场，已劝其离开三米以外。")


async def listens(page: Page, desk: FakeDesk) -> None:
    await page.select_option("#own-phone", "8014")


async def matter(page: Page, desk: FakeDesk) -> None:
    await page.locator("tr[data-entry='110'] summary").click()
    await page.evaluate("document.activeElement.blur()")


@dataclass(frozen=True, slots=True)
class Picture:
    """One of them: who looks (a seat's id, or a role), where, at what size."""

    name: str
    who: str
    height: int
    at: str = ""
    act: Act = nothing
    width: int = 1440
    language: str = "zh"
    parties: bool = True


PICTURES = (
    Picture("console", "supervisor", 1250, parties=False),
    Picture("call", "supervisor", 900, "#/call/demo-1.4", parties=False),
    Picture("pop", "8001", 1100, act=rings, parties=False),
    Picture("parties-consult", "8011", 640),
    Picture("parties-transfer", "8005", 780, act=transfer),
    Picture("parties-linked", "8012", 640),
    Picture("parties-supervise", "supervisor", 900, "#/call/demo-3.3", listens),
    Picture("emergency-seat", "8013", 640, act=emergency),
    Picture("emergency-phone", "8013", 844, act=emergency, width=390),
    Picture("directory-desk", "supervisor", 900, "#/directory", matter),
    Picture("directory-english", "supervisor", 900, "#/directory", matter, language="en"),
)


async def main(out: Path, only: str = "") -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for one in PICTURES:
            if only in one.name:
                with tempfile.TemporaryDirectory() as folder:
                    desk = FakeDesk()
                    furnish(desk, Path(folder))
                    if one.parties:
                        furnish_parties(desk)
                    book = TokenBook(b"p" * 32)
                    runner = web.AppRunner(build_app(desk, book), shutdown_timeout=1.0)
                    await runner.setup()
                    await web.TCPSite(runner, "127.0.0.1", 0).start()
                    seats = {seat.id: seat.name for seat in await desk.seats()}
                    role = Role.SEAT if one.who in seats else Role(one.who)
                    token = book.issue(role, seats.get(one.who, "班长 赵蕾"), one.who if one.who in seats else None)
                    context = await browser.new_context(
                        viewport={"width": one.width, "height": one.height},
                        color_scheme="light", reduced_motion="reduce",
                    )  # fmt: skip
                    page = await context.new_page()
                    await page.add_init_script(f"localStorage.setItem('hotline.language', '{one.language}')")
                    await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/#token={token}")
                    await page.wait_for_selector("[data-ready=desk] .panel")
                    await page.wait_for_selector("[data-line=ok]")
                    if one.at:
                        await page.evaluate(f"location.hash = '{one.at}'")
                        await page.wait_for_selector("#detail .facts, .entries tbody")
                    await one.act(page, desk)
                    await page.wait_for_timeout(400)
                    await page.screenshot(path=out / f"{one.name}.png")
                    await context.close()
                    await runner.cleanup()
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
