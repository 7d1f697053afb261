"""The restriction list on the page: two persons, masked numbers, appeals, the evidence asked for and downloaded."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.contrast import CONTRAST

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def on_the_page(place: Any, role: str = "supervisor", **how: Any) -> Any:
    page = await place.enter(role, **how)
    await page.locator("[data-do=to-restrictions]").click()
    await page.wait_for_selector(".restricted > li")
    return page


def row(page: Any, entry: str) -> Any:
    return page.locator(f".restricted > li[data-key='{entry}']")


async def test_a_caller_is_restricted_by_two_persons(place: Any) -> None:
    first = await place.enter("supervisor")
    await first.evaluate("location.hash = '#/call/demo-1.4'")
    await first.get_by_role("button", name="限制该号码").click()
    dialog = first.locator("dialog.ask")
    await expect(dialog).to_contain_text("另一人确认后才生效")
    await dialog.get_by_role("button", name="提出", exact=True).click()
    await expect(dialog).to_be_visible()  # not without what happened
    await dialog.get_by_label("经过").fill("反复辱骂")
    await dialog.get_by_label("期限", exact=True).select_option("3")
    await dialog.get_by_role("button", name="提出", exact=True).click()
    await expect(first.locator(".toast")).to_contain_text("等待另一人确认")
    made = next(one for one in place.desk.restricted.values() if one.note == "反复辱骂")
    assert (made.state, made.days, made.calls, made.number) == ("proposed", 3, ["demo-1.4"], "13858801234")
    await first.evaluate("location.hash = '#/restrictions'")
    await expect(row(first, made.id)).to_contain_text("须由另一人确认")
    await expect(row(first, made.id).locator("[data-what=confirm]")).to_have_count(0)
    # The link on every page says that something waits.
    second = await place.enter("admin")
    await expect(second.locator("[data-do=to-restrictions]")).to_have_text("限制名单 4")
    await second.locator("[data-do=to-restrictions]").click()
    mine = row(second, made.id)
    await expect(mine).to_contain_text("138****1234")
    await mine.get_by_role("button", name="确认生效").click()
    await expect(second.locator("dialog.ask")).to_contain_text("3 天后自动解除")
    await second.locator("dialog.ask").get_by_role("button", name="确认生效").click()
    await expect(mine).to_contain_text("生效中")
    await mine.get_by_role("button", name="解除").click()
    await second.locator("dialog.ask").get_by_role("button", name="解除").click()
    await expect(second.locator("dialog.ask")).to_be_visible()  # not without a reason
    await second.locator("dialog.ask").get_by_label("理由").fill("误认")
    await second.locator("dialog.ask").get_by_role("button", name="解除").click()
    await expect(mine).to_have_count(0)
    await second.click("#tab-rs-closed")
    await mine.locator("summary").click()
    for words in ("测试 supervisor", "提出", "测试 admin", "确认生效", "解除", "误认"):
        await expect(mine.locator(".history")).to_contain_text(words)


async def test_numbers_are_masked_until_one_is_asked_for_and_that_is_audited(place: Any) -> None:
    page = await on_the_page(place)
    assert "13857704511" not in await page.content()
    assert [one for one in place.desk.audited if one.what == "number" and "r-101" in one.calls] == []
    await row(page, "r-101").get_by_role("button", name="完整号码").click()
    await expect(row(page, "r-101")).to_contain_text("138 5770 4511")
    assert [one.calls for one in place.desk.audited if one.what == "number" and "r-101" in one.calls] == [("r-101",)]
    await page.locator("[data-do=to-floor]").click()
    await page.locator("[data-do=to-restrictions]").click()
    await expect(row(page, "r-101")).to_contain_text("138****4511")


async def test_an_auditor_looks_and_orders_nothing_and_a_seat_is_shown_nothing(place: Any) -> None:
    page, seat = await on_the_page(place, "auditor"), await place.enter("seat", "8001")
    await expect(page.locator("[data-do=restriction-act], [data-do=restriction-bundle], [data-do=restrict-number]")
                 ).to_have_count(0)  # fmt: skip
    await expect(page.locator("[data-do=restriction-whole]")).to_have_count(0)
    await expect(seat.locator("[data-do=to-restrictions]")).to_have_count(0)


async def test_an_appeal_is_noted_and_answered_by_a_review(place: Any) -> None:
    page = await on_the_page(place)
    await expect(row(page, "r-103")).to_contain_text("有申诉")
    await row(page, "r-103").get_by_role("button", name="复核维持").click()
    dialog = page.locator("dialog.ask")
    await dialog.get_by_label("理由").fill("来函不属实")
    await dialog.get_by_role("button", name="复核维持").click()
    await expect(row(page, "r-103")).not_to_contain_text("有申诉")
    await expect(page.locator(".counts")).to_contain_text("待复核 1")


async def test_the_evidence_is_chosen_confirmed_and_downloaded(place: Any) -> None:
    page = await on_the_page(place)
    await row(page, "r-101").get_by_role("button", name="证据包").click()
    dialog = page.locator("dialog.ask")
    for words in ("只用于移送公安机关", "没有的材料会在清单中写明", "审计"):
        await expect(dialog).to_contain_text(words)
    async with page.expect_download() as download:
        await dialog.get_by_role("button", name="制作并下载").click()
    assert (await download.value).suggested_filename == "hotline-evidence-r-101.zip"
    await expect(page.locator(".toast")).to_contain_text("已下载，SHA-256 8739c76e681f9009")
    (made,) = place.desk.bundles
    assert made[0] == "r-101" and set(made[1]) == {"demo-0.9"}
    told = [one.detail for one in place.desk.audited if one.what == "evidence"]
    assert told[0] == "bundle begun" and told[1].startswith("bundle made, 22 bytes, sha256 8739c76e681f9009")


async def test_a_number_is_added_by_hand_and_a_refusal_says_why(place: Any) -> None:
    page = await on_the_page(place)
    for words in ("已提出", "已有一条待确认"):
        await page.get_by_role("button", name="添加号码").click()
        dialog = page.locator("dialog.ask")
        await dialog.get_by_label("号码").fill("057788990099")
        await dialog.get_by_label("经过").fill("恶意占线")
        await dialog.get_by_role("button", name="提出", exact=True).click()
        await expect(page.locator(".toast")).to_contain_text(words)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_page_fits_every_screen_and_can_be_read(place: Any, language: str) -> None:
    page = await on_the_page(place, language=language)
    for width in (1440, 390):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            assert await page.evaluate(CONTRAST) == [], (width, scheme)
    for order in ("restrict-number", "restriction-act", "restriction-bundle"):
        await page.locator(f"[data-do={order}]").first.click()
        box = await page.locator("dialog.ask").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] <= 900, order
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog.ask")).to_have_count(0)
