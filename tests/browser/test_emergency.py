"""Emergency keys, calls of other hotlines and supervision on the page."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from console._scene_parties import furnish_parties
from tests.browser.talks import CALL, SEAT, at, orders, party_of, talking

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


# --- emergency ---


async def test_one_key_rings_the_police_and_every_step_is_told(place: Any) -> None:
    page = await talking(place)
    await page.keyboard.press("Alt+1")
    line = page.locator(".emergency-line")
    await expect(line).to_contain_text("正在呼叫 110 公安报警 · 第 1 条线路，共 3 条")
    assert orders(place, "emergency") == [{"entry": "110"}], "no question in between"
    await expect(page.locator("[data-entry='110']")).to_be_disabled()
    await page.keyboard.press("Alt+1")  # it rings already
    part = (await party_of(place, CALL)).id
    await place.desk.change(CALL, part, tried=2, why="busy")
    await expect(line).to_contain_text("第 2 条线路，共 3 条 · 上一条：忙")
    await expect(page.locator("#say")).to_contain_text("第 2 条线路")
    await place.desk.change(CALL, part, state="joined")
    await expect(line).to_contain_text("110 公安报警 已接通")
    await expect(line).to_have_attribute("data-state", "joined")
    assert len(orders(place, "emergency")) == 1


async def test_an_emergency_line_that_fails_says_why_and_can_be_pressed_again(place: Any) -> None:
    page = await talking(place)
    await page.locator("[data-entry='119']").click()
    await expect(page.locator(".emergency-line")).to_contain_text("正在呼叫")
    await place.desk.change(CALL, (await party_of(place, CALL)).id, state="failed", why="no_answer")
    await expect(page.locator(".emergency-line")).to_contain_text("119 消防救援 未接通：无人接听")
    await page.keyboard.press("Alt+2")
    await expect(page.locator(".emergency-line").first).to_contain_text("正在呼叫 119")
    assert len(orders(place, "emergency")) == 2


async def test_a_line_without_a_trunk_is_off_and_says_so(place: Any) -> None:
    page = await talking(place)
    key = page.locator("[data-entry='122']")
    await expect(key).to_be_disabled()
    await expect(key).to_contain_text("未配置线路")
    await page.keyboard.press("Alt+4")
    await expect(page.locator(".toast")).to_contain_text("道路交通事故。未配置线路")
    assert orders(place, "emergency") == []
    # One key a number: a second entry of 110 is only the first one's fallback.
    await expect(page.locator(".emergency-key")).to_have_count(4)


async def test_the_keys_are_there_while_the_phone_still_rings(place: Any) -> None:
    page = await at(place, "8012")
    await page.keyboard.press("Alt+3")
    await expect(page.locator(".emergency-line")).to_contain_text("120 医疗急救")
    assert orders(place, "emergency") == [{"entry": "120"}]


async def test_the_emergency_key_works_with_a_dialog_open(place: Any) -> None:
    page = await talking(place)
    await page.locator("[data-do=pick][data-how=transfer]").click()
    await page.keyboard.press("Alt+1")
    await expect(page.locator("dialog.pick")).to_have_count(0)
    await expect(page.locator(".emergency-line")).to_contain_text("110")


async def test_no_call_no_keys(place: Any) -> None:
    page = await place.enter("seat", "8001")
    await page.keyboard.press("Alt+1")
    await expect(page.locator(".emergency-key")).to_have_count(0)
    # In wrap-up the caller is gone.
    wrap = await place.enter("seat", "8003")
    await expect(wrap.locator("#pop")).to_be_visible()
    await expect(wrap.locator(".emergency-key")).to_have_count(0)
    assert orders(place, "emergency") == []


async def test_everybody_sees_in_the_list_which_call_has_an_emergency(place: Any) -> None:
    furnish_parties(place.desk)
    page = await place.enter("supervisor")
    await expect(page.locator("tr[data-key='demo-3.3'] .badge.bad")).to_have_text("110")
    await expect(page.locator("tr[data-key='demo-3.1']")).to_contain_text("听音乐")


async def test_a_directory_that_cannot_be_read_takes_no_emergency_key_away(place: Any) -> None:
    page = await place.page()
    await page.route("**/api/v1/directory", lambda route: route.abort())
    await page.goto(f"{place.url}/#token={place.token('seat', SEAT)}")
    await page.wait_for_selector(".emergency-key")
    await page.keyboard.press("Alt+1")
    await expect(page.locator(".emergency-line")).to_contain_text("110")
    assert orders(place, "emergency") == [{"entry": "110"}]


# --- a call of another hotline ---


async def test_a_call_of_another_hotline_brings_its_case(place: Any) -> None:
    page = await at(place, "8012")
    pop, origin = page.locator("#pop"), page.locator("#deck .origin")
    await expect(pop).to_contain_text("上海12345")
    for words in ("他线转来", "上海12345", "sh-2026-11-25-0417", "住处停水一天", "138 1660 1234", "求助", "2 次"):
        await expect(origin).to_contain_text(words)
    # Who does not serve it reads no story.
    other = await place.enter("seat", SEAT)
    await other.evaluate("location.hash = '#/call/demo-3.2'")
    await expect(other.locator("#detail .origin")).to_contain_text("案情只对接听座席显示")
    assert "13816601234" not in await other.content()


async def test_without_context_the_origin_is_said_all_the_same(place: Any) -> None:
    furnish_parties(place.desk)
    call = await place.desk.call("demo-3.2")
    await place.desk.put(call.model_copy(update={"context": None, "case": None}))
    page = await place.enter("seat", "8012")
    await expect(page.locator("#deck .origin")).to_contain_text("对方没有随附案情")


async def test_another_hotlines_words_are_only_ever_text(place: Any) -> None:
    furnish_parties(place.desk)
    call = await place.desk.call("demo-3.2")
    evil = "<img src=x onerror=document.title='owned'>"
    context = call.context.model_copy(update={"summary": evil, "address": evil, "hotline": evil})
    await place.desk.put(call.model_copy(update={"context": context}))
    page = await place.enter("seat", "8012")
    await expect(page.locator(".origin")).to_contain_text("<img src=x")
    assert await page.locator(".origin img").count() == 0
    assert await page.title() != "owned"


# --- supervision ---


async def supervisor_at(place: Any, call: str) -> Page:
    furnish_parties(place.desk)
    page: Page = await place.enter("supervisor")
    await page.evaluate(f"location.hash = '#/call/{call}'")
    await page.wait_for_selector("#own-phone")
    return page


async def test_a_supervisor_chooses_a_phone_once_listens_whispers_and_stops(place: Any) -> None:
    page = await supervisor_at(place, CALL)
    section = page.locator(".supervise")
    await expect(section.get_by_role("button", name="监听")).to_be_disabled()
    await section.get_by_label("我的话机").select_option("8014")
    await section.get_by_role("button", name="监听").click()
    await expect(section.get_by_role("button", name="监听")).to_have_attribute("aria-pressed", "true")
    await expect(section.get_by_role("list")).to_contain_text("班长 赵蕾 8014")
    await section.get_by_role("button", name="密语").click()
    await expect(section.get_by_role("button", name="密语")).to_have_attribute("aria-pressed", "true")
    await section.get_by_role("button", name="停止").click()
    await expect(section).to_contain_text("现在没有人旁听")
    assert [(one["mode"], one["seat"]) for one in orders(place, "supervise")] == [
        ("listen", "8014"), ("whisper", "8014"), ("stop", "8014"),
    ]  # fmt: skip
    await page.reload()
    await page.wait_for_selector("#own-phone")
    await expect(page.locator("#own-phone")).to_have_value("8014")


async def test_taking_over_asks_first(place: Any) -> None:
    page = await supervisor_at(place, CALL)
    await page.select_option("#own-phone", "8014")
    await page.locator(".supervise").get_by_role("button", name="接管").click()
    dialog = page.locator("dialog.ask")
    await expect(dialog).to_contain_text("座席 徐丽 8005 退出")
    assert orders(place, "supervise") == []
    await dialog.get_by_role("button", name="接管").click()
    await expect(page.locator("#detail .who-called")).to_contain_text("班长 赵蕾 8014")
    assert [one["mode"] for one in orders(place, "supervise")] == ["takeover"]


async def test_a_seat_sees_who_speaks_to_it_and_not_who_listens(place: Any) -> None:
    page = await at(place, "8013")
    await expect(page.locator("#deck .party")).to_have_count(2)
    assert "赵蕾" not in await page.locator("#deck").inner_text()
    call = await place.desk.call("demo-3.3")
    legs = [leg.model_copy(update={"mode": "whisper"}) if leg.kind == "observer" else leg for leg in call.legs]
    await place.desk.put(call.model_copy(update={"legs": legs}))
    await expect(page.locator("#deck .party", has_text="赵蕾")).to_contain_text("密语")


async def test_seats_and_auditors_have_no_ear_in_other_calls(place: Any) -> None:
    furnish_parties(place.desk)
    for role, seat in (("seat", SEAT), ("auditor", None)):
        page = await place.enter(role, seat)
        await page.evaluate("location.hash = '#/call/demo-3.3'")
        await expect(page.locator("#detail .facts").first).to_be_visible()
        for what in (".supervise", ".emergency-key", "[data-do=pick]"):
            await expect(page.locator("#detail").locator(what)).to_have_count(0)
        await expect(page.locator("#detail .parties")).to_contain_text("Lily Xu")
