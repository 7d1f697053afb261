"""A seat's page dies, loses its network, sleeps or is signed out, and comes back: it shows the call as it is."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from console._scene import ring
from tests.browser.talks import CALL, SEAT, orders, talking
from tests.lines import cable

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
WORDS = "灯杆已倒，有电线外露"
DATED = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d"


async def back(page: Page) -> None:
    await page.evaluate("window.dispatchEvent(new Event('online'))")
    await page.wait_for_selector("[data-line=ok]")
    await expect(page.locator(".banner")).to_have_count(0)


async def writes(page: Page) -> Any:
    """A word for the next hotline, not sent."""
    await page.locator("[data-do=pick][data-how=transfer]").click()
    await page.locator("dialog.pick").get_by_role("radio", name="上海12345").check()
    await page.locator("#pick-note").fill(WORDS)
    return page.locator("dialog.pick")


async def has_written(page: Page, words: str) -> None:
    await page.locator("[data-do=pick][data-how=transfer]").click()
    await page.locator("dialog.pick").get_by_role("radio", name="上海12345").check()
    await expect(page.locator("#pick-note")).to_have_value(words)


async def wraps_up(place: Any) -> None:
    call, now = await place.desk.call(CALL), place.desk.clock()
    seat = next(one for one in await place.desk.seats() if one.id == SEAT)
    legs = [leg.model_copy(update={"ended_at": now}) for leg in call.legs]
    await place.desk.put(
        call.model_copy(update={"state": "wrap_up", "ended_at": now, "legs": legs}),
        seat.model_copy(update={"state": "wrap_up", "deadline": now + 60}),
    )


async def hangs_up(place: Any) -> None:
    call = await place.desk.call(CALL)
    seat = next(one for one in await place.desk.seats() if one.id == SEAT)
    await place.desk.put(
        call.model_copy(update={"state": "ended", "outcome": "served"}),
        seat.model_copy(update={"state": "available", "call": None, "deadline": None}),
    )


SINCE = [("zh", f"自 {DATED} 起，与服务的连接中断"), ("en", f"Since {DATED}: The connection is lost")]


@pytest.mark.parametrize(("language", "words"), SINCE, ids=["zh", "en"])
async def test_the_banner_says_since_when_the_picture_may_be_old(place: Any, language: str, words: str) -> None:
    page = await place.enter("supervisor", language=language)
    await place.stop()
    banner = page.locator(".banner")
    await expect(banner).to_have_text(re.compile(words))
    since = await banner.locator("time").get_attribute("datetime")
    # Tries that fail do not make it younger.
    await page.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(banner.locator("[data-do=retry]")).to_be_enabled()
    assert await banner.locator("time").get_attribute("datetime") == since
    for width in (1440, 390):
        await page.set_viewport_size({"width": width, "height": 844})
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await place.start()
    await back(page)


async def test_a_network_that_goes_is_noticed_at_once_and_the_return_shows_what_became_of_the_call(place: Any) -> None:
    page = await talking(place)
    await expect(page.locator("#pop")).to_have_attribute("data-stage", "talking")
    await page.context.set_offline(True)
    await expect(page.locator(".banner")).to_be_visible()
    await wraps_up(place)
    await page.context.set_offline(False)
    await back(page)
    await expect(page.locator("#pop")).to_have_attribute("data-stage", "wrap_up")
    await expect(page.locator("[data-do=arrange], [data-do=pick], .emergency-key")).to_have_count(0)


async def test_a_call_that_rang_and_went_while_away_leaves_no_pop(place: Any) -> None:
    page = await place.enter("seat", "8001")
    await ring(place.desk, "8001")
    await expect(page.locator("#pop")).to_be_visible()
    await page.context.set_offline(True)
    await expect(page.locator(".banner")).to_be_visible()
    call = await place.desk.call("demo-2.1")
    seat = next(one for one in await place.desk.seats() if one.id == "8001")
    await place.desk.put(
        call.model_copy(update={"state": "ended", "outcome": "abandoned"}),
        seat.model_copy(update={"state": "available", "call": None, "deadline": None}),
    )
    await page.context.set_offline(False)
    await back(page)
    await expect(page.locator("#pop")).to_have_count(0)
    await expect(page.locator(".me")).to_have_attribute("data-state", "available")
    assert not (await page.title()).startswith("●")


async def test_a_line_that_swallows_everything_is_given_up_and_a_sleeper_wakes_to_the_truth(place: Any) -> None:
    async with cable(place.port) as wire:
        page = await place.page()
        await page.clock.install()
        await page.goto(f"http://127.0.0.1:{wire.port}/#token={place.token('seat', '8001')}")
        await page.wait_for_selector("[data-line=ok]")
        wire.down.swallows = True
        await ring(place.desk, "8001")
        # The lid closes: no timer runs, and the clock on the wall is an hour further on afterwards.
        await page.clock.fast_forward("01:00:00")
        await expect(page.locator(".banner")).to_be_visible()
        wire.down.swallows = False
        await page.evaluate("window.dispatchEvent(new Event('online'))")
        await expect(page.locator("#pop")).to_contain_text("138 0688 1234")


async def test_a_word_not_sent_outlives_the_page_and_goes_with_its_call(place: Any) -> None:
    page = await talking(place)
    await writes(page)
    await page.reload()
    await page.wait_for_selector("[data-do=pick]")
    await has_written(page, WORDS)
    # Another window of the same machine, as after a crash: the token has to be given anew, the words have not.
    await page.close()
    page = await page.context.new_page()
    await page.goto(f"{place.url}/#token={place.token('seat', SEAT)}")
    await page.wait_for_selector("[data-do=pick]")
    await has_written(page, WORDS)
    await page.keyboard.press("Escape")
    await hangs_up(place)
    await expect(page.locator("#pop")).to_have_count(0)
    assert await page.evaluate("localStorage.getItem('hotline.note')") is None


async def test_a_call_that_ends_closes_the_dialog_and_what_was_written_is_still_there(place: Any) -> None:
    page = await talking(place)
    dialog = await writes(page)
    await wraps_up(place)
    await expect(dialog).to_have_count(0)
    await expect(page.locator(".toast")).to_contain_text("窗口已关闭")
    await expect(page.locator("#pop .unsent")).to_contain_text(WORDS)
    assert orders(place, "party") == []


async def test_what_was_sent_is_not_called_unsent(place: Any) -> None:
    page = await talking(place)
    dialog = await writes(page)
    await dialog.locator("[type=submit]").click()
    await expect(page.locator("#deck")).to_contain_text("上海12345")
    await wraps_up(place)
    await expect(page.locator("#pop")).to_have_attribute("data-stage", "wrap_up")
    await expect(page.locator("#pop .unsent")).to_have_count(0)


async def test_a_token_that_runs_out_closes_every_dialog_and_who_signs_in_again_finds_its_words(place: Any) -> None:
    page = await talking(place)
    dialog = await writes(page)
    place.skew = 2 * 86400
    place.end_streams("token-expired")
    await expect(page.get_by_role("alert")).to_contain_text("令牌已过期")
    await expect(dialog).to_have_count(0)
    await expect(page).to_have_title("12345 热线台")
    await page.fill("#token", place.token("seat", SEAT, days=2))
    await page.click("button.primary")
    await page.wait_for_selector("[data-do=pick]")
    await has_written(page, WORDS)


@pytest.mark.parametrize("how", ["another", "signs out"])
async def test_who_comes_next_at_that_machine_reads_no_word_of_it(place: Any, how: str) -> None:
    page = await talking(place)
    await writes(page)
    await page.keyboard.press("Escape")
    if how == "signs out":
        await page.click("[data-do=logout]")
        await expect(page.locator("#token")).to_be_visible()
    else:
        await page.goto("about:blank")
        await page.goto(f"{place.url}/#token={place.token('supervisor')}")
        await page.wait_for_selector("[data-line=ok]")
    assert await page.evaluate("localStorage.getItem('hotline.note')") is None


async def test_who_comes_back_before_the_service_does_keeps_the_token(place: Any) -> None:
    page = await talking(place)
    gone = asyncio.Event()

    async def away(route: Any) -> None:
        await route.abort() if not gone.is_set() else await route.continue_()

    await page.route("**/api/v1/events", away)
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text("连不上服务")
    gone.set()
    await page.wait_for_selector("[data-do=pick]")


async def test_an_order_nobody_answered_is_the_same_wish_when_it_is_pressed_again(place: Any) -> None:
    page = await talking(place)
    keys: list[str] = []
    deaf = True

    async def lost(route: Any) -> None:
        """The order arrives, and its answer does not."""
        keys.append(route.request.headers["idempotency-key"])
        if deaf:
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/arrange", lost)
    # The picture is old, so the button stays what it was.
    await page.locator("[data-do=arrange][data-what=mute]").evaluate("b => window.mute = b.cloneNode(true)")
    click = "document.body.append(window.mute), window.mute.click()"
    await page.evaluate(click)
    await expect(page.locator(".toast")).to_contain_text("连不上服务")
    tried = len(keys)
    deaf = False
    await page.evaluate(click)
    await expect(page.locator("#say")).to_have_text("您已静音")
    assert (len(keys), len(set(keys))) == (tried + 1, 1)
    # That order has its answer: the next one is another.
    await page.locator("[data-do=arrange][data-what=unmute]").click()
    await expect(page.locator("[data-do=arrange][data-what=mute]").first).to_be_visible()
    assert len(set(keys)) == 2
