"""Pictures of the page for people to look at: `python tests/browser/shots.py OUT` (not a test)."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from aiohttp import web
from playwright.async_api import async_playwright

from console import Role, TokenBook, build_app
from console._scene import furnish, ring
from console._scene_parties import furnish_parties
from console.testing import FakeDesk

CHROMIUM = os.environ.get("HOTLINE_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


async def main(out: Path, only: str = "") -> None:
    desk = FakeDesk()
    with tempfile.TemporaryDirectory() as folder:
        furnish(desk, Path(folder))
        furnish_parties(desk)
        book = TokenBook(b"s" * 32)
        empty = FakeDesk()
        urls = {}
        runners = []
        for name, one in (("full", desk), ("empty", empty)):
            runner = web.AppRunner(build_app(one, book))
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            urls[name] = f"http://127.0.0.1:{runner.addresses[0][1]}"
            runners.append(runner)
        boss = book.issue(Role.SUPERVISOR, "班长 赵蕾")
        seat = book.issue(Role.SEAT, "林晓", "8001")
        wrap = book.issue(Role.SEAT, "王海燕", "8003")
        talk = book.issue(Role.SEAT, "王海燕", "8003")
        consult, linked = book.issue(Role.SEAT, "叶青", "8011"), book.issue(Role.SEAT, "郑洁", "8012")
        urgent = book.issue(Role.SEAT, "蒋涛", "8013")
        seat_2 = "li.seat[data-key='8002']"
        auditor = book.issue(Role.AUDITOR, "审计 孙")
        async with async_playwright() as p:
            browser = await p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            jobs = [
                ("login", "full", "", "", None),
                ("floor", "full", boss, "", None),
                ("call", "full", boss, "#/call/demo-1.4", None),
                ("past", "full", boss, "", "past"),
                ("empty", "empty", boss, "", None),
                ("seat", "full", seat, "", None),
                ("pop", "full", seat, "", "ring"),
                ("wrap", "full", wrap, "", None),
                ("talk", "full", talk, "#/call/demo-1.4", "scroll"),
                ("masked", "full", auditor, "#/call/demo-1.4", None),
                ("third", "full", boss, "#/call/demo-1.5", None),
                ("mode", "full", boss, "", "[data-do=switch-mode]"),
                ("incident", "full", boss, "", "[data-do=add-incident]"),
                ("callback", "full", boss, "", "[data-do=add-callback]"),
                ("cancel", "full", boss, "", "[data-do=cancel-callback]"),
                ("instead", "full", boss, "", "[data-do=call-back]"),
                ("reset", "full", boss, "", f"{seat_2} summary, {seat_2} [data-do=reset-seat]"),
                ("rest", "full", wrap, "", "[data-do=rest-seat]"),
                ("consult", "full", consult, "", None),
                ("linked", "full", linked, "", None),
                ("emergency", "full", urgent, "", None),
                ("supervise", "full", boss, "#/call/demo-3.3", None),
                ("transfer", "full", urgent, "", "[data-do=pick]"),
                ("directory", "full", boss, "", "[data-do=to-directory]"),
                ("over", "full", boss, "", "#tab-cb-closed"),
            ]
            number = 0
            for width in (1440, 390):
                for language in ("zh", "en"):
                    for scheme in ("light", "dark"):
                        for name, where, token, after, act in jobs:
                            label = f"{name}-{width}-{language}-{scheme}"
                            if only and not all(part in label for part in only.split("+")):
                                continue
                            context = await browser.new_context(
                                viewport={"width": width, "height": 900 if width > 500 else 844}, color_scheme=scheme
                            )
                            page = await context.new_page()
                            page.on("console", lambda m, label=label: print(label, m.type, m.text))
                            page.on("pageerror", lambda e, label=label: print(label, "ERROR", e))
                            await page.add_init_script(f"localStorage.setItem('hotline.language', '{language}')")
                            await page.goto(urls[where] + "/" + (f"#token={token}" if token else ""))
                            await page.wait_for_selector("[data-ready] main")
                            if token:
                                await page.wait_for_selector("[data-ready=desk] .panel")
                            if after:
                                await page.evaluate(f"location.hash = '{after}'")
                                await page.wait_for_selector("#detail .facts")
                            if act == "past":
                                await page.click("#tab-past")
                                await page.wait_for_selector("[data-state=missed]")
                            if act is not None and act.startswith(("[", "#", "li")):
                                for selector in act.split(", "):
                                    await page.locator(selector).first.click()
                            if act == "scroll":
                                await page.eval_on_selector("[data-key=block-transcript]", "e => e.scrollIntoView()")
                                await page.click("[data-do=load-audio]")
                                await page.wait_for_selector("audio")
                            if act == "ring":
                                number += 1
                                await ring(desk, "8001", f"demo-2.{number}")
                                await page.wait_for_selector("#pop")
                            await page.wait_for_timeout(300)
                            wide = await page.evaluate("document.documentElement.scrollWidth")
                            if wide > width:
                                print(label, "WIDER THAN THE SCREEN", wide)
                            await page.screenshot(
                                path=out / f"{label}.png", full_page=name in ("floor", "pop", "seat", "over", "empty")
                            )
                            if act == "ring":
                                call = await desk.call(f"demo-2.{number}")
                                me = next(s for s in await desk.seats() if s.id == "8001")
                                await desk.put(
                                    call.model_copy(update={"state": "ended", "seat": None}),
                                    me.model_copy(update={"state": "available", "call": None, "deadline": None}),
                                )
                            await context.close()
            await browser.close()
        for runner in runners:
            await runner.cleanup()


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
