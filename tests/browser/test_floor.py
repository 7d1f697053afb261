"""The page's orders: each asks first, says what will happen, shows what came of it, and never asks twice."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from console import Incident, Mode, Place, Text2
from console.testing import FakeDesk
from tests.browser.contrast import CONTRAST

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def seat_of(place: Any, seat: str) -> Any:
    return next(one for one in await place.desk.seats() if one.id == seat)


def ordered(place: Any) -> list[str]:
    return [entry.detail for entry in place.desk.audited if entry.detail]


# --- seats ---


async def test_a_seat_signs_in_takes_a_break_with_a_limit_and_signs_out(place: Any) -> None:
    page = await place.enter("seat", "8008")
    me = page.locator(".me")
    await expect(me).to_contain_text("专家")
    await me.get_by_role("button", name="签入").click()
    await expect(me).to_have_attribute("data-state", "available")
    await expect(page.locator("#break-reason option").nth(1)).to_have_text("用餐 · 限 45 分钟")
    await page.select_option("#break-reason", "meal")
    await me.get_by_role("button", name="小休", exact=True).click()
    await expect(me).to_have_attribute("data-state", "break")
    await expect(me.locator(".countdown")).to_contain_text("44:5")
    await me.get_by_role("button", name="签出").click()
    await expect(me).to_have_attribute("data-state", "offline")
    assert ordered(place) == ["8008 available", "8008 break meal", "8008 offline"]


async def test_a_seat_rests_after_an_abusive_call(place: Any) -> None:
    page = await place.enter("seat", "8003")
    me = page.locator(".me")
    await me.get_by_role("button", name="遇辱骂，需休息").click()
    dialog = page.locator("dialog.ask")
    await expect(dialog).to_contain_text("话后处理结束后开始休息")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    assert (await seat_of(place, "8003")).wanted is None, "thought better of it"
    await me.get_by_role("button", name="遇辱骂，需休息").click()
    await dialog.get_by_role("button", name="开始休息").click()
    await expect(me).to_contain_text("本通结束后：强制休息")
    await me.get_by_role("button", name="处理完毕").click()
    await expect(me).to_have_attribute("data-state", "rest")
    await expect(me).to_contain_text("到时自动恢复空闲")
    await expect(me.get_by_role("button", name="空闲")).to_be_disabled()


async def test_a_supervisor_resets_a_seat_and_is_told_what_that_does(place: Any) -> None:
    page = await place.enter("supervisor")
    seat = page.locator("li.seat[data-key='8007']")
    await seat.locator("summary").click()
    await seat.get_by_role("button", name="重置").click()
    dialog = page.locator("dialog.ask")
    await expect(dialog).to_contain_text("来电人按原排位重新派话")
    await expect(dialog).to_contain_text("审计")
    assert await page.evaluate("document.activeElement.closest('dialog') !== null")
    await dialog.get_by_role("button", name="重置座席").click()
    await expect(seat).to_have_attribute("data-state", "available")
    assert ordered(place) == ["8007 reset"]


async def test_a_true_talk_is_not_reset_and_the_page_says_why(place: Any) -> None:
    page = await place.enter("supervisor")
    seat = page.locator("li.seat[data-key='8002']")
    await seat.locator("summary").click()
    await seat.get_by_role("button", name="重置").click()
    await page.locator("dialog.ask").get_by_role("button", name="重置座席").click()
    await expect(page.locator(".toast")).to_contain_text("座席正在与来电人通话，不能重置")


async def test_kind_duty_centre_and_occupancy_are_on_the_seats_card(place: Any) -> None:
    page = await place.enter("supervisor")
    await expect(page.locator("li.seat[data-key='8009']")).to_contain_text("领导")
    await expect(page.locator("li.seat[data-key='8009']")).to_contain_text("非当值")
    await expect(page.locator("li.seat[data-key='8001']")).to_contain_text("鹿城区 · 已接 21 通 · 占用率 ")


# --- the queue ---


async def test_the_queue_tells_step_next_step_and_expected_wait(place: Any) -> None:
    page = await place.enter("supervisor")
    row = page.locator("li.waiting[data-key='demo-1.8+']")
    for words in ("温州话 ≥ 3 · 鹿城区", "优先级 2", "第 1 步，共 3 步", "放宽还有", "预计还需约 35 秒"):
        await expect(row).to_contain_text(words)
    await expect(page.locator("li.waiting[data-kind=callback]")).to_contain_text("回拨")


async def test_a_waiting_caller_is_turned_into_a_call_back(place: Any) -> None:
    page = await place.enter("seat", "8001")
    row = page.locator("li.waiting[data-key='demo-1.8+']")
    await row.get_by_role("button", name="改为回拨").click()
    dialog = page.locator("dialog.ask")
    await expect(dialog).to_contain_text("188****2345")
    await expect(dialog).to_contain_text("保留现在的排位")
    await dialog.get_by_role("button", name="改为回拨").click()
    await expect(row).to_have_count(0)
    await expect(page.locator("tr[data-key='demo-1.8']")).to_contain_text("将回拨")
    await expect(page.locator(".callbacks tbody")).to_contain_text("188****2345")
    # Who rings without a number cannot be called back: nobody is offered to try.
    await expect(page.locator("li.waiting[data-key='demo-1.9+'] button")).to_have_count(0)


# --- callbacks ---


async def test_a_number_is_added_cancelled_and_brought_back(place: Any) -> None:
    page = await place.enter("supervisor")
    await page.get_by_role("button", name="添加", exact=True).first.click()
    dialog = page.locator("dialog.ask")
    await dialog.get_by_label("号码").fill("不是号码")
    await dialog.get_by_role("button", name="添加").click()
    await expect(dialog).to_be_visible()  # the browser itself points at what is no number
    await dialog.get_by_label("号码").fill("13912345678")
    await dialog.get_by_role("button", name="添加").click()
    row = page.locator(".callbacks tr", has_text="139 1234 5678")
    await expect(row).to_contain_text("回访")
    await row.get_by_role("button", name="取消回拨").click()
    await expect(dialog).to_contain_text("不会再接到我们的回电")
    await dialog.get_by_role("button", name="取消回拨").click()
    await expect(row).to_have_count(0)
    await page.locator(".toast").get_by_role("button", name="撤销").click()
    await expect(row).to_contain_text("待拨")
    await page.click("#tab-cb-closed")
    await expect(page.locator(".callbacks tbody tr")).to_have_count(3)
    await expect(page.locator(".callbacks")).to_contain_text("多次未接通")


async def test_the_list_is_masked_for_a_seat_which_may_not_cancel(place: Any) -> None:
    page = await place.enter("seat", "8001")
    await expect(page.locator(".callbacks tbody tr")).to_have_count(5)
    assert "13858805577" not in await page.content()
    await expect(page.locator("[data-do=cancel-callback]")).to_have_count(0)
    await expect(page.locator(".callbacks")).to_contain_text("免打扰")


async def test_a_callback_that_changes_elsewhere_changes_here(place: Any) -> None:
    page = await place.enter("supervisor")
    await expect(page.locator("#tab-cb-open")).to_contain_text("5")
    await place.desk.cancel_callback("cb-1003", "other")
    await expect(page.locator("tr[data-key='cb-1003']")).to_have_count(0)
    await expect(page.locator("#tab-cb-open")).to_contain_text("4")


# --- mode ---


async def test_the_mode_is_always_in_sight_and_switched_with_a_reason(place: Any) -> None:
    page, seat = await place.enter("supervisor"), await place.enter("seat", "8001")
    await expect(seat.locator(".modebar")).to_contain_text("正常")
    await expect(seat.locator("[data-do=switch-mode]")).to_have_count(0)
    await page.get_by_role("button", name="切换模式").click()
    dialog = page.locator("dialog.ask")
    await dialog.get_by_label("话务高峰").check()
    await dialog.get_by_role("button", name="确认切换").click()
    await expect(dialog).to_be_visible()  # not without a reason
    await dialog.get_by_label("原因").fill("台风登陆")
    await dialog.get_by_label("允许按阈值自动切换").uncheck()
    await dialog.get_by_role("button", name="确认切换").click()
    for one in (page, seat):
        await expect(one.locator(".modebar")).to_have_attribute("data-mode", "surge")
        for words in ("话务高峰", "台风登陆", "测试 supervisor", "自动切换：关"):
            await expect(one.locator(".modebar")).to_contain_text(words)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert await page.evaluate(CONTRAST) == [], scheme
    assert ordered(place) == ["surge automatic off: 台风登陆"]


async def test_an_incident_is_added_and_ended(place: Any) -> None:
    page = await place.enter("supervisor")
    panel = page.locator("[data-key=incidents]")
    await panel.get_by_role("button", name="添加").click()
    dialog = page.locator("dialog.ask")
    await dialog.get_by_label("乐清市").check()
    await dialog.get_by_label("中文内容").fill("乐清停电")
    await dialog.get_by_role("button", name="添加").click()
    row = panel.locator("li", has_text="乐清停电")
    await expect(row).to_contain_text("乐清市")
    await expect(page.locator(".modebar")).to_contain_text("已知事件 2")
    await row.get_by_role("button", name="结束").click()
    await dialog.get_by_role("button", name="结束").click()
    await expect(row).to_have_count(0)


async def test_an_incident_of_the_configuration_ends_there(place: Any) -> None:
    fixed = Incident(id="x", regions=[Place(code="330300", name="温州市")], text=Text2(zh="管道", en="Pipe"), since=0,
                     fixed=True)  # fmt: skip
    await place.desk.put(Mode(mode="normal", since=0, incidents=[fixed]))
    page = await place.enter("supervisor")
    await expect(page.locator("[data-key=incidents] li")).to_contain_text("配置文件")
    await expect(page.locator("[data-do=end-incident]")).to_have_count(0)


# --- a call's page ---


async def test_a_call_says_why_it_went_where_it_went(place: Any) -> None:
    page = await place.enter("supervisor")
    await page.evaluate("location.hash = '#/call/demo-1.4'")
    why = page.locator("[data-key=block-why]")
    for words in ("规则 温州话优先", "重复来电，次数 2", "温州话 ≥ 3 · 鹿城区", "10 秒后放宽", "普通话 · 全省",
                  "直到接通", "派话给座席 王海燕 8003", "符合第 2 步：普通话 · 全市", "可选座席 3 个",
                  "为稀缺技能保留 1 个", "第 3 位", "预计还需约 45 秒"):  # fmt: skip
        await expect(why).to_contain_text(words)
    await page.click("[data-do=language]")
    await expect(why).to_contain_text("fits step 2: Putonghua · the city")


async def test_an_interpreter_sees_that_it_is_asked_into_a_talk(place: Any) -> None:
    page = await place.enter("seat", "8010")
    pop = page.locator("#pop")
    await expect(pop).to_have_attribute("data-stage", "ringing")
    for words in ("请加入通话", "请您加入", "需要：日语", "137****1122"):
        await expect(pop).to_contain_text(words)


async def test_a_call_back_pops_up_as_one(place: Any) -> None:
    page = await place.enter("seat", "8001")
    call = await place.desk.call("demo-1.11")
    seat = await seat_of(place, "8001")
    now = place.desk.clock()
    await place.desk.put(
        call.model_copy(update={"state": "preview", "seat": "8001"}),
        seat.model_copy(update={"state": "ringing", "call": call.id, "since": now, "deadline": now + 15}),
    )
    pop = page.locator("#pop")
    await expect(pop).to_contain_text("请先接听话机，随后系统拨打来电人")
    await expect(pop).to_contain_text("136 1677 8899")
    await place.desk.put(
        call.model_copy(update={"state": "dialling", "seat": "8001"}),
        seat.model_copy(update={"state": "talking", "call": call.id, "deadline": None}),
    )
    await expect(pop).to_contain_text("正在拨打来电人")


# --- centres, and a floor where nothing is ---


async def test_the_centres_are_for_those_who_steer(place: Any) -> None:
    page, seat = await place.enter("supervisor"), await place.enter("seat", "8001")
    table = page.locator("[data-key=centres] table")
    await expect(table.locator("tbody tr")).to_have_count(3)
    await expect(table.locator("tr[data-key='330302']")).to_contain_text("最多同时 4 通")
    await expect(page.locator("[data-key=centres]")).to_contain_text("另有 2 个机构没有座席和来电")
    await expect(seat.locator("[data-key=centres]")).to_have_count(0)


async def test_an_empty_floor_says_what_will_come_where(place: Any) -> None:
    place.desk = FakeDesk()
    await place.stop()
    await place.start()
    page = await place.enter("supervisor")
    for words in (
        "有人拨打 12345 时会立即出现在这里",
        "未接通的来电和回访会自动出现在这里",
        "没有人在等待",
        "还没有座席",
    ):
        await expect(page.locator("main")).to_contain_text(words)
    await expect(page.locator("[data-key=incidents]")).to_contain_text("添加后")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("order", ["switch-mode", "add-incident", "add-callback", "cancel-callback", "call-back"])
async def test_a_question_fits_every_screen_and_can_be_read(place: Any, order: str, language: str) -> None:
    page = await place.enter("supervisor", language=language)
    await page.locator(f"[data-do={order}]").first.click()
    for width in (1440, 390):
        await page.set_viewport_size({"width": width, "height": 844})
        box = await page.locator("dialog.ask").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width and box["height"] <= 844
    assert await page.evaluate(CONTRAST) == []
    nameless = await page.evaluate(
        """() => [...document.querySelectorAll("dialog input, dialog select, dialog button")].filter((e) =>
          !(e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML)"""
    )
    assert nameless == []
