"""A call with several parties on the page: asking others in, music, consultation, emergency lines, supervision."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from console import Moment
from console._scene_parties import furnish_parties
from tests.browser.contrast import CONTRAST

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CALL = "demo-1.6"
SEAT = "8005"


async def talking(place: Any, **how: Any) -> Page:
    """A seat in an ordinary talk."""
    return await at(place, SEAT, **how)


async def at(place: Any, seat: str, **how: Any) -> Page:
    furnish_parties(place.desk)
    page: Page = await place.enter("seat", seat, **how)
    await page.wait_for_selector(".emergency-key")
    return page


def orders(place: Any, what: str) -> list[dict[str, Any]]:
    """Arguments of the orders that reached the desk, without who and under which key."""
    return [
        {name: value for name, value in args.items() if name not in ("by", "key", "asking")}
        for kind, _, args in place.desk.ordered if kind == what
    ]  # fmt: skip


async def party_of(place: Any, call: str, place_of: int = -1) -> Any:
    return (await place.desk.call(call)).parties[place_of]


# --- asking somebody in ---


async def test_an_interpreter_is_found_and_joins(place: Any) -> None:
    page = await talking(place)
    await page.locator("#deck").get_by_role("button", name="三方", exact=True).click()
    dialog = page.locator("dialog.pick")
    await expect(dialog.get_by_role("heading", name="请谁加入三方？")).to_be_visible()
    await dialog.get_by_role("searchbox").fill("日语")
    await dialog.locator("[value='skill:ja']").check()
    await dialog.get_by_role("button", name="三方：日语").click()
    row = page.locator("#deck .party")
    await expect(row).to_contain_text("日语")
    await expect(row).to_contain_text("正在寻找座席")
    part = (await party_of(place, CALL)).id
    await place.desk.change(CALL, part, state="ringing", seat="8010")
    await expect(row).to_contain_text("日语 · 山口惠 8010")
    await place.desk.change(CALL, part, state="joined")
    await expect(row).to_contain_text("已加入")
    await expect(page.locator("#say")).to_contain_text("山口惠 8010 已接通")
    await row.get_by_role("button", name="请其退出").click()
    await expect(row).to_contain_text("已离开")
    assert orders(place, "party") == [{"how": "join", "skill": "ja"}]
    assert orders(place, "drop") == [{"part": part}]


async def test_the_dialog_says_who_cannot_be_reached_and_why(place: Any) -> None:
    page = await talking(place)
    await page.locator("[data-do=pick][data-how=transfer]").click()
    dialog = page.locator("dialog.pick")
    await dialog.get_by_role("button", name="联动热线").click()
    for name, why in (("苏州12345", "未配置线路"), ("鹿城区路灯管理所", "未到服务时间")):
        option = dialog.locator("label", has_text=name)
        await expect(option).to_contain_text(why)
        await expect(option.get_by_role("radio")).to_be_disabled()
    await dialog.get_by_role("button", name="座席", exact=True).click()
    await expect(dialog.locator("label", has_text="王海燕").get_by_role("radio")).to_be_disabled()
    await expect(dialog.locator("label", has_text="林晓").get_by_role("radio")).to_be_enabled()
    await expect(dialog.locator("label", has_text="徐丽")).to_have_count(0)  # oneself


async def test_a_matter_leads_to_the_hotline_that_takes_it_with_the_keyboard_alone(place: Any) -> None:
    page = await talking(place)
    await page.locator("[data-do=pick][data-how=transfer]").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.type("停水")
    dialog = page.locator("dialog.pick")
    await expect(dialog.locator("label")).to_have_count(1)
    await expect(dialog.locator("label")).to_contain_text("受理：停水")
    await page.keyboard.press("Enter")  # chooses, and rests on the button
    assert orders(place, "party") == []
    await page.keyboard.press("Enter")
    await expect(page.locator(".heldbar")).to_contain_text("正在转接 温州供水")
    assert orders(place, "party") == [{"how": "transfer", "entry": "wenzhou-water"}]


async def test_a_number_is_dialled_that_no_entry_has(place: Any) -> None:
    page = await talking(place)
    await page.locator("[data-do=pick][data-how=consult]").click()
    dialog = page.locator("dialog.pick")
    await dialog.get_by_role("searchbox").fill("0577 8888 0001")
    await dialog.get_by_role("radio", name="拨打 057788880001").check()
    await dialog.get_by_role("button", name="咨询：拨打 057788880001").click()
    await expect(page.locator(".heldbar")).to_contain_text("正在呼叫 057788880001")
    assert orders(place, "party") == [{"how": "consult", "number": "057788880001"}]


async def test_escape_leaves_the_call_as_it_is_and_gives_the_focus_back(place: Any) -> None:
    page = await talking(place)
    button = page.locator("[data-do=pick][data-how=transfer]")
    await button.click()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog.pick")).to_have_count(0)
    assert await button.evaluate("b => b === document.activeElement")
    assert orders(place, "party") == []


# --- transfer, consultation, hold ---


async def test_a_transfer_that_fails_brings_seat_and_caller_together_and_says_why(place: Any) -> None:
    page = await talking(place)
    await page.locator("[data-do=pick][data-how=transfer]").click()
    dialog = page.locator("dialog.pick")
    await dialog.get_by_role("radio", name="上海12345").check()
    await dialog.get_by_role("button", name="转接：上海12345").click()
    bar = page.locator(".heldbar")
    await expect(bar).to_contain_text("来电人在听音乐")
    await expect(bar).to_contain_text("未接通则恢复通话")
    await expect(page.locator("[data-do=pick]")).to_have_count(0)  # one at a time
    await place.desk.change(CALL, (await party_of(place, CALL)).id, state="failed", why="busy")
    await expect(bar).to_have_count(0)
    row = page.locator("#deck .party")
    await expect(row).to_contain_text("未接通")
    await expect(row).to_contain_text("忙")
    await expect(page.locator("#say")).to_contain_text("上海12345 未接通：忙")


async def test_a_transfer_is_called_off(place: Any) -> None:
    page = await talking(place)
    await page.locator("[data-do=pick][data-how=transfer]").click()
    dialog = page.locator("dialog.pick")
    await dialog.get_by_role("radio", name="上海12345").check()
    await dialog.locator("[type=submit]").click()
    await page.get_by_role("button", name="取消转接").click()
    await expect(page.locator(".heldbar")).to_have_count(0)
    assert orders(place, "drop") == [{"part": (await party_of(place, CALL)).id}]


@pytest.mark.parametrize(
    ("button", "what"), [("接入三方", "join"), ("切换到来电人", "swap"), ("转出", "complete"), ("结束咨询", "return")]
)
async def test_a_consultation_has_four_ways_on(place: Any, button: str, what: str) -> None:
    page = await at(place, "8011")
    bar = page.locator(".heldbar")
    await expect(bar).to_contain_text("您正在与 温州供水 单独通话，来电人听不到")
    await expect(bar.locator(".ticking")).to_contain_text(":")
    await bar.get_by_role("button", name=button, exact=True).click()
    if what == "swap":
        await expect(bar).to_contain_text("您正在与来电人通话，温州供水 在一旁等候")
        await bar.get_by_role("button", name="切换到对方").click()
        await expect(bar).to_contain_text("单独通话")
    else:
        await expect(bar).to_have_count(0)
    assert orders(place, "arrange")[0] == {"what": what, "seat": "8011"}


async def test_another_seats_consultation_is_not_ones_own(place: Any) -> None:
    furnish_parties(place.desk)
    call = await place.desk.call("demo-3.1")
    party = call.parties[0].model_copy(update={"asked_by": "8015"})
    legs = [leg.model_copy(update={"room": "talk"}) if leg.kind == "seat" else leg for leg in call.legs]
    await place.desk.put(call.model_copy(update={"parties": [party], "legs": legs, "held": False, "held_since": None}))
    page = await place.enter("seat", "8011")
    await expect(page.locator("#deck .party")).to_contain_text("单独通话")
    await expect(page.locator(".heldbar")).to_have_count(0)
    await expect(page.locator("#deck").get_by_role("button", name="转接", exact=True)).to_be_enabled()


async def test_who_is_consulted_knows_that_the_caller_does_not_hear(place: Any) -> None:
    furnish_parties(place.desk)
    call = await place.desk.call("demo-3.3")
    legs = [leg.model_copy(update={"room": "side"}) if leg.who in ("8013", "8015") else leg for leg in call.legs]
    parties = [one.model_copy(update={"how": "consult"}) if one.id == "p2" else one for one in call.parties]
    now = place.desk.clock()
    await place.desk.put(call.model_copy(update={"legs": legs, "parties": parties, "held": True, "held_since": now}))
    page = await place.enter("seat", "8015")
    await expect(page.locator(".heldbar")).to_contain_text("座席正在单独咨询您，来电人听不到")
    await expect(page.locator(".heldbar button, #deck [data-do=pick]")).to_have_count(0)
    asking = await place.enter("seat", "8013")
    await expect(asking.locator(".heldbar").get_by_role("button")).to_have_count(4)


async def test_hold_and_mute_are_seen_and_undone(place: Any) -> None:
    page = await talking(place)
    deck = page.locator("#deck")
    await deck.get_by_role("button", name="保持", exact=True).click()
    await expect(deck.locator(".heldbar")).to_contain_text("来电人在听音乐 0:0")
    await deck.get_by_role("button", name="恢复通话").click()
    await expect(deck.locator(".heldbar")).to_have_count(0)
    await deck.get_by_role("button", name="静音", exact=True).click()
    await expect(deck).to_contain_text("您已静音")
    await expect(deck.get_by_role("button", name="取消静音")).to_have_attribute("aria-pressed", "true")
    await deck.get_by_role("button", name="取消静音").click()
    await expect(deck).not_to_contain_text("您已静音")
    assert [one["what"] for one in orders(place, "arrange")] == ["hold", "resume", "mute", "unmute"]


async def test_who_holds_a_talk_of_three_steps_aside_and_comes_back(place: Any) -> None:
    page = await at(place, "8013")
    call = await place.desk.call("demo-3.3")
    legs = [leg.model_copy(update={"room": "side"}) if leg.kind == "seat" else leg for leg in call.legs]
    await place.desk.put(call.model_copy(update={"legs": legs}))  # the interpreter keeps the caller company
    bar = page.locator(".heldbar")
    await expect(bar).to_contain_text("您已保持，其余各方仍在通话")
    await expect(page.locator("#deck").get_by_role("button", name="保持", exact=True)).to_have_count(0)
    await expect(bar.get_by_role("button", name="恢复通话")).to_be_visible()


async def test_a_seat_leaves_a_talk_of_three_and_not_a_talk_of_two(place: Any) -> None:
    page = await at(place, "8013")
    await expect(page.locator("#deck").get_by_role("button", name="离开")).to_be_visible()
    two = await place.enter("seat", SEAT)
    await expect(two.locator("#deck").get_by_role("button", name="静音")).to_be_visible()
    await expect(two.locator("#deck").get_by_role("button", name="离开")).to_have_count(0)
    await page.locator("#deck").get_by_role("button", name="离开").click()
    await expect(page.locator("#say")).to_contain_text("您已退出通话")


# --- orders once, and refusals ---


async def test_an_order_whose_answer_is_lost_goes_out_again_under_the_same_key(place: Any) -> None:
    page = await talking(place)
    sent: list[str] = []

    async def lose_the_first(route: Route) -> None:
        sent.append(route.request.headers["idempotency-key"])
        if len(sent) == 1:
            await route.fetch()  # it arrives; only its answer does not
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route("**/emergency", lose_the_first)
    async with page.expect_response("**/emergency"):
        await page.locator("[data-entry='119']").click()
    await expect(page.locator(".emergency-line")).to_contain_text("119 消防救援")
    await expect(page.locator(".toast")).to_have_count(0)
    assert sent[0] == sent[1]
    assert len((await place.desk.call(CALL)).parties) == 1
    await page.locator("[data-entry='120']").click()
    await expect(page.locator(".emergency-line")).to_have_count(2)
    assert len(set(sent)) == 2 and all(8 <= len(key) <= 64 for key in sent)


async def test_a_refused_order_is_told_in_the_apis_words_and_not_sent_again(place: Any) -> None:
    page = await talking(place)
    await page.locator("[data-do=pick][data-how=transfer]").click()
    dialog = page.locator("dialog.pick")
    await dialog.get_by_role("radio", name="林晓 8001").check()
    seat = next(one for one in await place.desk.seats() if one.id == "8001")
    place.desk.keep(seat.model_copy(update={"state": "talking"}))  # taken, and this page has not heard of it yet
    await dialog.locator("[type=submit]").click()
    await expect(page.locator(".toast")).to_contain_text("座席正忙或不在线")
    assert len(orders(place, "party")) == 1


async def test_keys_are_made_on_plain_http_too(place: Any) -> None:
    page = await talking(place)
    await page.evaluate("crypto.randomUUID = undefined")
    await page.locator("[data-entry='119']").click()
    await expect(page.locator(".emergency-line")).to_contain_text("正在呼叫")
    assert [len(args["key"].split(":")[-1]) for kind, _, args in place.desk.ordered if kind == "emergency"] == [32]


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


# --- a party's own screen ---


@pytest.mark.parametrize(("how", "words"), [("consult", "想先单独咨询您"), ("transfer", "把这位来电人转给您")])
async def test_a_seat_is_told_what_it_is_asked_for(place: Any, how: str, words: str) -> None:
    call = await place.desk.call("demo-1.5")
    party = call.parties[0].model_copy(update={"how": how})
    await place.desk.put(call.model_copy(update={"parties": [party]}))
    page = await place.enter("seat", "8010")
    await expect(page.locator("#pop")).to_contain_text(words)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_dialog_fits_every_screen_and_can_be_read(place: Any, language: str) -> None:
    page = await talking(place, language=language)
    await page.locator("[data-do=pick][data-how=consult]").click()
    for width in (1440, 390):
        await page.set_viewport_size({"width": width, "height": 844})
        box = await page.locator("dialog.pick").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width and box["height"] <= 844
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert await page.evaluate(CONTRAST) == [], scheme
    nameless = await page.evaluate(
        """() => [...document.querySelectorAll("dialog input, dialog button")].filter((e) =>
          !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length)).map((e) => e.outerHTML)"""
    )
    assert nameless == []


async def test_the_timeline_names_parties_and_lines_in_words(place: Any) -> None:
    furnish_parties(place.desk)
    call = await place.desk.call("demo-3.3")
    told = [
        ("party_wanted", {"part": "p3", "how": "emergency", "who": "entry:110", "by": "phone"}),
        ("line_rung", {"part": "p3", "who": "公安报警", "attempt": 2, "of": 3}),
        ("party_failed", {"part": "p1", "who": "seat:8004", "why": "wrong_number"}),
        ("party_joined", {"part": "p3", "who": "line.110"}),
    ]
    moments = [Moment(at=place.desk.clock(), what=what, detail=detail) for what, detail in told]
    await place.desk.put(call.model_copy(update={"timeline": moments}))
    page = await place.enter("supervisor")
    await page.evaluate("location.hash = '#/call/demo-3.3'")
    lines = page.locator("[data-key=block-timeline] li")
    await expect(lines).to_have_count(4)
    for place_of, words in enumerate(("紧急联动 · 公安报警 · 由话机操作", "公安报警 · 第 2 条线路，共 3 条",
                                      "周建平 8004 · 号码错误", "公安报警")):  # fmt: skip
        await expect(lines.nth(place_of)).to_contain_text(words)


async def test_who_has_left_a_talk_that_goes_on_wraps_up_and_orders_nothing_more(place: Any) -> None:
    page = await at(place, "8013")
    call, now = await place.desk.call("demo-3.3"), place.desk.clock()
    legs = [leg.model_copy(update={"ended_at": now}) if leg.kind == "seat" else leg for leg in call.legs]
    seat = next(one for one in await place.desk.seats() if one.id == "8013")
    await place.desk.put(
        call.model_copy(update={"legs": legs, "seat": "8015"}),
        seat.model_copy(update={"state": "wrap_up", "deadline": now + 60}),
    )
    await expect(page.locator("#pop")).to_have_attribute("data-stage", "wrap_up")
    await expect(page.locator(".emergency-key, [data-do=pick]")).to_have_count(0)


async def test_who_is_only_asked_in_orders_nothing_yet(place: Any) -> None:
    page = await place.enter("seat", "8010")
    await expect(page.locator("#pop")).to_have_attribute("data-stage", "ringing")
    await expect(page.locator(".emergency-key, [data-do=pick], [data-do=drop-party]")).to_have_count(0)


async def test_a_directory_that_cannot_be_read_takes_no_emergency_key_away(place: Any) -> None:
    page = await place.page()
    await page.route("**/api/v1/directory", lambda route: route.abort())
    await page.goto(f"{place.url}/#token={place.token('seat', SEAT)}")
    await page.wait_for_selector(".emergency-key")
    await page.keyboard.press("Alt+1")
    await expect(page.locator(".emergency-line")).to_contain_text("110")
    assert orders(place, "emergency") == [{"entry": "110"}]


async def test_a_double_click_is_one_order(place: Any) -> None:
    page = await talking(place)
    await page.locator("[data-do=arrange][data-what=mute]").evaluate("b => (b.click(), b.click())")
    await expect(page.locator("#deck")).to_contain_text("您已静音")
    assert [one["what"] for one in orders(place, "arrange")] == ["mute"]
