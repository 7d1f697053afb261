"""A seat's console dies while it talks, on a running hotline: the talk goes on, the page returns to the truth."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from service.access import issue
from tests.browser.conftest import PATIENCE
from tests.lines import Cable, cable
from tests.parties.world import floor

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]
WORDS = "灯杆已倒，有电线外露"


async def opens(context: Any, wire: Cable, settings: Any) -> Page:
    page: Page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    await page.goto(f"http://127.0.0.1:{wire.port}/#token={issue(settings, 'seat', '林晓', '8001')}")
    await page.wait_for_selector("[data-line=ok]")
    return page


async def dies(page: Page, wire: Cable) -> None:
    """The network of that desk, as the page sees it."""
    wire.refuses = True
    wire.cut()
    await expect(page.locator(".banner")).to_contain_text(re.compile(r"自 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d 起"))


async def returns(page: Page, wire: Cable) -> None:
    wire.refuses = False
    await page.evaluate("window.dispatchEvent(new Event('online'))")
    await page.wait_for_selector("[data-line=ok]")
    await expect(page.locator(".banner")).to_have_count(0)


async def test_a_console_dies_and_returns_while_its_seat_talks_is_held_joined_and_left(
    bench: Any, browser: Any, eventually: Any
) -> None:
    async with floor(bench, seats=("8001",)) as world:
        settings = world.hotline.settings
        context = await browser.new_context()
        async with cable(settings.http_port) as wire:
            page = await opens(context, wire, settings)
            talk = await world.talk()
            await expect(page.locator("#pop")).to_have_attribute("data-stage", "talking")
            await page.locator("[data-do=pick][data-how=transfer]").click()
            await page.locator("dialog.pick [data-group=entry]").first.click()
            await page.locator("dialog.pick").get_by_role("radio", name="上海12345").check()
            await page.locator("#pick-note").fill(WORDS)
            await page.keyboard.press("Escape")

            # The network dies; meanwhile somebody puts the caller on hold.
            await dies(page, wire)
            await talk.voices.all_hear_all()
            world.engine.arrange(talk.id, "hold")
            await talk.voices.music()
            assert await page.locator("[data-do=arrange][data-what=hold]").count() == 1, "the old picture, and said so"
            # An order from that old picture: it is tried, reaches nobody, and is not done later behind one's back.
            await page.locator("[data-do=arrange][data-what=mute]").click()
            await expect(page.locator(".toast")).to_contain_text("连不上服务")
            await returns(page, wire)
            await expect(page.locator(".heldbar")).to_be_visible()
            await expect(page.locator("[data-do=arrange][data-what=hold]")).to_have_count(0)
            assert not any(leg.muted for leg in talk.call.legs)

            # An order whose answer is lost with the line: done once, whatever the page tried.
            keys: list[str] = []

            async def lost(route: Any) -> None:
                keys.append(route.request.headers["idempotency-key"])
                if len(keys) > 1:
                    await route.continue_()
                else:
                    await route.fetch()
                    await route.abort()

            await page.route("**/arrange", lost)
            await page.locator("[data-do=arrange][data-what=resume]").click()
            await expect(page.locator(".heldbar")).to_have_count(0)
            await talk.voices.all_hear_all()
            await eventually(lambda: len(keys) == 2, 30, "the page asks again")
            assert len(set(keys)) == 1
            assert (talk.moments().count("held"), talk.moments().count("resumed")) == (1, 1)

            # The whole page dies; meanwhile a third party joins. The seat opens another one.
            await page.close()
            part = world.engine.want_party(talk.id, "join", entry="expert", by="boss")
            talk.voices.add("expert", await world.outside["expert"].answers())
            await talk.party(part, "joined")
            await talk.voices.all_hear_all()
            page = await opens(context, wire, settings)
            await expect(page.locator("#pop")).to_have_attribute("data-stage", "talking")
            await expect(page.locator("#deck")).to_contain_text("专家外线")
            await expect(page.locator("[data-do=arrange][data-what=leave]")).to_be_visible()

            # And once more, until the call is over and wrapped up: nothing of it stays.
            await dies(page, wire)
            await talk.voices.all_hear_all()
            await talk.voices["caller"].hang_up()
            await talk.voices["expert"].hang_up()
            await eventually(lambda: not world.engine.calls, 30, "the call is over")
            assert await page.evaluate("localStorage.getItem('hotline.note')") is not None
            await returns(page, wire)
            await expect(page.locator("#pop, #deck")).to_have_count(0)
            await expect(page.locator(".me")).to_have_attribute("data-state", "available")
            await page.wait_for_function("localStorage.getItem('hotline.note') === null")
        await context.close()
