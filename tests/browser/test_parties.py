"""A call with several parties on the page: asking others in, music, consultation, orders that go out once."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Route, expect

from console import Moment
from console._scene_parties import furnish_parties
from tests.browser.contrast import CONTRAST
from tests.browser.talks import CALL, SEAT, at, orders, party_of, talking

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


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


async def test_a_double_click_is_one_order(place: Any) -> None:
    page = await talking(place)
    await page.locator("[data-do=arrange][data-what=mute]").evaluate("b => (b.click(), b.click())")
    await expect(page.locator("#deck")).to_contain_text("您已静音")
    assert [one["what"] for one in orders(place, "arrange")] == ["mute"]


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
    await page.locator("[value='entry:shanghai-12345']").check()
    await expect(page.locator("#pick-note")).to_be_visible()
    for width in (1440, 390):
        await page.set_viewport_size({"width": width, "height": 844})
        go = page.locator("dialog.pick [type=submit]")
        await expect(go).to_be_in_viewport(ratio=1)
        box = await page.locator("dialog.pick").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width and box["height"] <= 844
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert await page.evaluate(CONTRAST) == [], scheme
    nameless = await page.evaluate(
        """() => [...document.querySelectorAll("dialog :is(input, textarea, button)")].filter((e) =>
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
