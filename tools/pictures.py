"""Takes the README's pictures from a running instance: `python tools/pictures.py OUT`.

Start `make run` first. It places a few calls with demo callers and looks at the console in Chromium.
"""

import asyncio
import os
import sys
from pathlib import Path

from playwright.async_api import async_playwright

from demo import Caller, HangUp, Listen, Say, Wait
from service.access import issue
from service.settings import load_settings

CHROMIUM = os.environ.get("HOTLINE_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


async def main(out: Path) -> None:
    settings = load_settings()
    out.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - nothing else runs yet
    base = f"http://{settings.http_host}:{settings.http_port}/"
    tokens = {"floor": issue(settings, "supervisor", "班长"), "seat": issue(settings, "seat", "座席", "8003")}
    server = (settings.bind, settings.sip_port)
    talk = (Wait(7), Listen(1.0, 10), Say("你好，请问公积金怎么提取"), Wait(25), HangUp())
    callers = [
        Caller(f"1380000{i:04d}", talk, server=server, local_ip="127.0.0.6", patience=90.0) for i in (1234, 5678, 2468)
    ]

    async def place(caller: Caller, after: float) -> None:
        await asyncio.sleep(after)
        await caller.run()

    calls = [asyncio.create_task(place(c, i * 1.5)) for i, c in enumerate(callers)]
    async with async_playwright() as p:
        browser = await p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        async def shot(name: str, token: str, width: int, language: str, after: str = "", full: bool = False) -> None:
            size = {"width": width, "height": 900 if width > 500 else 844}
            context = await browser.new_context(viewport=size, locale="zh-CN")
            page = await context.new_page()
            await page.add_init_script(f"localStorage.setItem('hotline.language', '{language}')")
            await page.goto(f"{base}#token={token}")
            await page.wait_for_selector("[data-ready=desk] .panel")
            if after:
                await page.evaluate(f"location.hash = '{after}'")
                await page.wait_for_selector("#detail .facts")
                await asyncio.sleep(0.5)
            await asyncio.sleep(0.5)
            await page.screenshot(path=out / f"{name}.png", full_page=full)
            await context.close()

        await asyncio.sleep(6.2)
        await shot("pop", tokens["seat"], 1440, "zh")
        await shot("pop-390", tokens["seat"], 390, "zh")
        await asyncio.sleep(8)
        await shot("console", tokens["floor"], 1440, "zh")
        await shot("console-en", tokens["floor"], 1440, "en")
        await shot("console-390", tokens["floor"], 390, "zh", full=True)
        await shot("console-390-en", tokens["floor"], 390, "en", full=True)
        past = await browser.new_page()
        answer = await past.request.get(
            f"{base}api/v1/calls?live=false&limit=20", headers={"Authorization": f"Bearer {tokens['floor']}"}
        )
        items = [c for c in (await answer.json())["items"] if c["outcome"] == "served"]
        if items:
            call = items[-1]["id"]
            await shot("call", tokens["floor"], 1440, "zh", f"#/call/{call}", full=True)
            await shot("call-390", tokens["floor"], 390, "en", f"#/call/{call}", full=True)
        await browser.close()
    await asyncio.gather(*calls)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")))
