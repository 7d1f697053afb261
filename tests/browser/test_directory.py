"""The hotline directory on the page: found by name, number and matter; who cannot be rung says why."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from console import Matter, Text2

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def directory(place: Any, role: str = "supervisor", seat: str | None = None, **how: Any) -> Page:
    page: Page = await place.enter(role, seat, **how)
    await page.locator("[data-do=to-directory]").click()
    await page.wait_for_selector(".entries tbody tr")
    return page


async def test_the_directory_is_one_click_away_and_so_is_the_way_back(place: Any) -> None:
    page = await directory(place)
    assert page.url.endswith("#/directory")
    await expect(page.locator("#directory-search")).to_be_focused()
    await page.reload()
    await expect(page.locator(".entries tbody tr")).to_have_count(len(place.desk.book.items))
    await page.get_by_role("link", name="返回台面").click()
    await expect(page.locator("#calls-title")).to_be_visible()


async def test_an_entry_tells_number_state_reason_matters_and_fallback(place: Any) -> None:
    page = await directory(place)
    police = page.locator("tr[data-entry='110']")
    for words in ("公安报警", "紧急", "110", "来电人按 9", "可接通", "正在发生的违法犯罪", "公安报警备用线"):
        await expect(police).to_contain_text(words)
    await police.locator("summary").click()
    await expect(police).to_contain_text("不受理 噪声、邻里纠纷等非警务求助")
    await expect(page.locator("tr[data-entry='122']")).to_contain_text("未配置线路")
    await expect(page.locator("tr[data-entry='lucheng-lamps']")).to_contain_text("未到服务时间")
    await expect(page.locator("tr[data-entry='shanghai-12345']")).to_contain_text("案情随话转接")


@pytest.mark.parametrize(
    ("sought", "entry"),
    [("停水", "wenzhou-water"), ("12348", "12348"), ("customs", "12360"), ("上海", "shanghai-12345")],
)
async def test_it_is_searched_by_matter_number_and_either_language(place: Any, sought: str, entry: str) -> None:
    page = await directory(place)
    await page.get_by_role("searchbox").fill(sought)
    rows = page.locator(".entries tbody tr")
    await expect(rows).to_have_count(1)
    await expect(rows).to_have_attribute("data-entry", entry)
    if sought == "停水":
        await expect(rows.locator("mark").first).to_contain_text("停水")
    await page.get_by_role("searchbox").fill("没有这样的事")
    await expect(page.locator(".directory")).to_contain_text("没有符合的热线")


async def test_a_matter_nobody_of_the_directory_takes_tells_who_does_not(place: Any) -> None:
    page = await directory(place)
    await page.get_by_role("searchbox").fill("噪声")
    row = page.locator(".entries tbody tr")
    await expect(row).to_have_count(1)  # the list is drawn anew a moment after the last key
    await expect(row).to_have_attribute("data-entry", "110")
    await expect(row.locator("td > p").last).to_contain_text("不受理 噪声、邻里纠纷")
    # Whom a call is sent to is another question: 110 is not offered for it.
    talk = await place.enter("seat", "8005")
    await talk.locator("[data-do=pick][data-how=transfer]").click()
    await talk.get_by_role("searchbox").fill("噪声")
    await expect(talk.locator("dialog.pick")).to_contain_text("没有符合的对象")


async def test_a_closed_hotline_says_when_it_opens(place: Any) -> None:
    at = 1764032400.0  # 2025-11-25 09:00 in Shanghai
    items = [
        one.model_copy(update={"changes_at": at}) if one.id in ("lucheng-lamps", "12348") else one
        for one in place.desk.book.items
    ]
    place.desk.book = place.desk.book.model_copy(update={"items": items})
    page = await directory(place)
    await expect(page.locator("tr[data-entry='lucheng-lamps']")).to_contain_text("11-25 09:00 开始")
    await expect(page.locator("tr[data-entry='12348']")).to_contain_text("至 11-25 09:00")


async def test_kinds_filter_and_count(place: Any) -> None:
    page = await directory(place)
    chip = page.get_by_role("button", name="社会服务")
    await expect(chip).to_contain_text("2")
    await chip.click()
    await expect(chip).to_have_attribute("aria-pressed", "true")
    await expect(page.locator(".entries tbody tr")).to_have_count(2)
    await page.get_by_role("button", name="全部").click()
    await expect(page.locator(".entries tbody tr")).to_have_count(len(place.desk.book.items))


async def test_a_seat_in_a_talk_calls_from_the_directory_and_keeps_its_call_in_sight(place: Any) -> None:
    page = await directory(place, "seat", "8005")
    await expect(page.locator("#deck")).to_be_visible()
    await expect(page.locator("tr[data-entry='suzhou-12345'] button")).to_be_disabled()
    await page.locator("tr[data-entry='12348']").get_by_role("button", name="呼叫").click()
    dialog = page.locator("dialog.pick")
    await expect(dialog.get_by_role("radio", name="公共法律服务")).to_be_checked()
    await dialog.get_by_role("button", name="咨询：公共法律服务").click()
    await expect(page.locator(".heldbar")).to_contain_text("公共法律服务")
    idle = await directory(place, "seat", "8001")
    await expect(idle.locator("[data-do=pick]")).to_have_count(0)


async def test_an_empty_directory_says_where_entries_come_from(place: Any) -> None:
    place.desk.book = place.desk.book.model_copy(update={"items": []})
    page = await place.enter("seat", "8005")
    await expect(page.locator(".emergency")).to_contain_text("名录中没有紧急热线")
    await page.locator("[data-do=to-directory]").click()
    await expect(page.locator(".directory")).to_contain_text("config/directory.yaml")


async def test_words_nobody_has_translated_are_marked_as_chinese(place: Any) -> None:
    """A voice reads them as what they are; ours are never marked so."""
    items = [
        one.model_copy(update={"name": Text2(zh="温州供水", en=""), "matters": [
            Matter(text=Text2(zh="停水", en="停水")), Matter(text=Text2(zh="水价", en=""), takes=False, other="12360"),
            Matter(text=Text2(zh="水管爆裂", en="Burst pipes"))]})
        if one.id == "wenzhou-water" else one
        for one in place.desk.book.items
    ]  # fmt: skip
    place.desk.book = place.desk.book.model_copy(update={"items": items})
    page = await directory(place, language="en")
    row = page.locator("tr[data-entry='wenzhou-water']")
    await row.locator("summary").click()
    marked = await row.locator("[lang]").evaluate_all("all => all.map((e) => `${e.lang} ${e.textContent}`)")
    assert marked == ["zh 温州供水", "zh 停水", "zh 停水", "zh 水价"]
    await page.get_by_role("searchbox").fill("停水")
    await expect(row.locator("mark [lang=zh]").first).to_have_text("停水")
    talk = await place.enter("seat", "8005", language="en")
    await talk.locator("[data-do=pick][data-how=transfer]").click()
    await talk.get_by_role("searchbox").fill("停水")
    await expect(talk.locator("dialog.pick label [lang=zh]")).to_have_text(["停水"])
    chinese = await directory(place)
    await expect(chinese.locator("tbody [lang]")).to_have_count(0)


async def test_english_is_complete(place: Any) -> None:
    page = await directory(place, language="en")
    row = page.locator("tr[data-entry='wenzhou-water']")
    for words in ("Wenzhou Water", "Utility", "Can be rung", "No water, burst pipes"):
        await expect(row).to_contain_text(words)
    await expect(page.locator("tr[data-entry='122']")).to_contain_text("No line configured")
