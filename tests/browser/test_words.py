"""Words of a call with several parties on the page: what a seat tells the next hotline, and who said what."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from console import Segment, Transcript
from console._scene_parties import furnish_parties
from tests.browser.contrast import CONTRAST
from tests.browser.talks import CALL, orders, party_of, talking

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


# --- a word for the next hotline ---


@pytest.mark.parametrize(("how", "words"), [("transfer", "转接"), ("consult", "咨询"), ("join", "三方")])
async def test_where_the_case_travels_the_seat_may_say_what_it_knows(place: Any, how: str, words: str) -> None:
    page = await talking(place)
    await page.locator(f"[data-do=pick][data-how={how}]").click()
    dialog = page.locator("dialog.pick")
    field = dialog.get_by_label("给对方的话 / 情况摘要")
    await expect(field).to_have_count(0)
    await dialog.get_by_role("button", name="联动热线").click()
    await dialog.get_by_role("radio", name="公共法律服务").check()
    await expect(field).to_have_count(0)  # no case goes there
    await dialog.get_by_role("radio", name="上海12345").check()
    # What was typed stays while the picture behind changes, another entry is looked at, lines are broken.
    await field.fill("灯杆已倒，\n有电线外露 ")
    await place.desk.put((await place.desk.call(CALL)).model_copy(update={"case": "c-1"}))
    await dialog.get_by_role("radio", name="公共法律服务").check()
    await expect(field).to_have_count(0)
    await dialog.get_by_role("radio", name="上海12345").check()
    await expect(field).to_have_value("灯杆已倒，\n有电线外露 ")
    await dialog.get_by_role("button", name=f"{words}：上海12345").click()
    await expect(dialog).to_have_count(0)
    await expect(page.locator("#deck")).to_contain_text("上海12345")
    assert orders(place, "party") == [{"how": how, "entry": "shanghai-12345", "note": "灯杆已倒， 有电线外露"}]


async def test_a_word_written_for_one_is_kept_for_the_next_try_and_for_no_other_target_or_call(place: Any) -> None:
    page = await talking(place)
    dialog, again = page.locator("dialog.pick"), page.locator("[data-do=pick][data-how=transfer]")
    await again.click()
    await dialog.get_by_role("radio", name="上海12345").check()
    await dialog.locator("#pick-note").fill("只说一次")
    await page.keyboard.press("Escape")
    await again.click()
    await dialog.get_by_role("button", name="联动热线").click()
    await dialog.get_by_role("radio", name="公共法律服务").check()
    await dialog.locator("[type=submit]").click()
    await place.desk.change(CALL, (await party_of(place, CALL)).id, state="failed", why="busy")
    await again.click()
    await dialog.get_by_role("radio", name="上海12345").check()
    await expect(dialog.locator("#pick-note")).to_have_value("只说一次")
    await page.keyboard.press("Escape")
    assert orders(place, "party") == [{"how": "transfer", "entry": "12348"}]
    boss = await place.enter("supervisor")
    for call in (CALL, "demo-3.3"):
        await boss.evaluate(f"location.hash = '#/call/{call}'")
        await boss.locator(f"#detail [data-do=pick][data-id='{call}'][data-how=join]").click()
        await boss.locator("dialog.pick").get_by_role("radio", name="上海12345").check()
        await expect(boss.locator("#pick-note")).to_have_value("")
        await boss.locator("#pick-note").fill("班长补充")
        await boss.keyboard.press("Escape")


async def test_no_more_is_written_than_is_taken_and_an_emergency_key_says_nothing(place: Any) -> None:
    page = await talking(place)
    await page.locator("[data-do=pick][data-how=transfer]").click()
    dialog = page.locator("dialog.pick")
    await dialog.get_by_role("radio", name="上海12345").check()
    await dialog.locator("#pick-note").focus()
    await page.keyboard.insert_text("长" * 600)
    await dialog.locator("[type=submit]").click()
    await expect(page.locator(".heldbar")).to_contain_text("上海12345")
    assert orders(place, "party")[0]["note"] == "长" * 500
    await page.locator("[data-entry='119']").click()
    await expect(page.locator(".emergency-line")).to_contain_text("119")
    assert orders(place, "emergency") == [{"entry": "119"}]


# --- who spoke ---


SAID = [
    ("caller", None, None, "我家停水了"), ("seat", "8002", "seat", "请稍等"), ("seat", "8010", "third", "我来翻译"),
    ("seat", "line.wenzhou-water", "line", "正在抢修"), ("seat", "line.number", "line", "我是房东"),
    ("seat", "8999", "third", "我走了"), ("seat", None, None, "好的"),
]  # fmt: skip
NAMES = ["来电人", "座席 陈思远 8002", "第三方 山口惠 8010", "外线 温州供水", "外线 名录以外的号码", "第三方 8999"]


def a_transcript_of_several() -> Transcript:
    segments = [
        Segment(party=party, who=who, kind=kind, seat=who if kind in ("seat", "third") else None, start=at, end=at + 2,
                text=text, confidence=0.9)
        for at, (party, who, kind, text) in enumerate(SAID)
    ]  # fmt: skip
    return Transcript(call="demo-3.3", model="m", duration=20, segments=segments)


@pytest.mark.parametrize("width", [1440, 390])
async def test_a_transcript_names_who_spoke_and_where_several_did(place: Any, width: int) -> None:
    furnish_parties(place.desk)
    call = await place.desk.call("demo-3.3")
    await place.desk.put(call.model_copy(update={"transcript": a_transcript_of_several()}))
    page = await place.enter("supervisor", width=width)
    await page.evaluate("location.hash = '#/call/demo-3.3'")
    said = page.locator(".talk li .meta")
    await expect(said).to_have_count(len(SAID))
    for place_of, name in enumerate([*NAMES, "几方同时"]):
        await expect(said.nth(place_of)).to_contain_text(f"{name} 0:0{place_of}")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert await page.evaluate(CONTRAST) == [], scheme


async def test_a_talk_of_two_has_no_several(place: Any) -> None:
    call = await place.desk.call("demo-1.4")
    segments = [one.model_copy(update={"seat": None}) if one.seat else one for one in call.transcript.segments]
    transcript = call.transcript.model_copy(update={"segments": segments})
    await place.desk.put(call.model_copy(update={"transcript": transcript}))
    page = await place.enter("supervisor")
    await page.evaluate("location.hash = '#/call/demo-1.4'")
    await expect(page.locator(".talk li[data-party=seat] .meta").first).to_have_text(re.compile(r"^座席 \d+:\d\d$"))
