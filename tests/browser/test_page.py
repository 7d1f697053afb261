"""The page in a real browser: what seats and supervisors see, and that nothing else can get in."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from console import Probe
from console._scene import a_call, a_draft, ring
from console._scene_parties import furnish_parties
from tests.browser.contrast import CONTRAST

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KEYS = re.compile(
    r"\b(ui|call\.state|seat\.state|seat\.kind|moment|outcome|leg|part|role|problem|callback|mode|why|circle|told|party|"
    r"pick|arrange|supervise|directory)\.[a-z_.]+"
)


async def test_a_pasted_token_signs_in_and_a_wrong_one_says_why(place: Any) -> None:
    page = await place.page()
    await page.goto(place.url)
    await page.fill("#token", "h1.nonsense.nonsense")
    await page.click("button.primary")
    await expect(page.get_by_role("alert")).to_contain_text("令牌无效")
    await page.fill("#token", place.token("probe"))
    await page.click("button.primary")
    await expect(page.get_by_role("alert")).to_contain_text("监测")
    await page.fill("#token", place.token("supervisor"))
    await page.click("button.primary")
    await expect(page.locator("#calls-title")).to_be_visible()
    await page.reload()
    await expect(page.locator("#calls-title")).to_be_visible()
    await page.click("[data-do=logout]")
    await expect(page.locator("#token")).to_be_visible()
    await page.reload()
    await expect(page.locator("#token")).to_be_visible()


async def test_a_token_in_the_fragment_leaves_the_address_at_once(place: Any) -> None:
    page = await place.page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    token = place.token("admin")
    await page.goto(f"{place.url}/#token={token}")
    await page.wait_for_selector("#calls-title")
    assert token not in page.url
    await page.goto("about:blank")
    await page.go_back()
    assert token not in page.url
    assert not any(token in url for url in asked)
    assert await page.context.cookies() == []


async def test_the_pop_is_there_before_the_phone_is_picked_up(place: Any) -> None:
    mine, other = await place.enter("seat", "8001"), await place.enter("seat", "8004")
    await expect(mine.locator("#pop")).to_have_count(0)
    await ring(place.desk, "8001")
    pop = mine.locator("#pop")
    await expect(pop).to_be_visible()
    for words in ("来电", "138 0688 1234", "李秀英", "温州市鹿城区", "按号码归属", "咨询居住证办理"):
        await expect(pop).to_contain_text(words)
    await expect(mine.locator("#say")).to_contain_text("13806881234")
    assert (await mine.title()).startswith("●")
    row = other.locator("tr[data-key='demo-2.1']")
    await expect(row).to_contain_text("138****1234")
    await expect(other.locator("#pop")).to_have_count(0)
    assert "13806881234" not in await other.content()
    # Talking, then wrap-up, then done: the same card follows the call.
    call = await place.desk.call("demo-2.1")
    seat = next(seat for seat in await place.desk.seats() if seat.id == "8001")
    now = place.desk.clock()
    await place.desk.put(
        call.model_copy(update={"state": "talking", "joined_at": now}),
        seat.model_copy(update={"state": "talking", "deadline": None}),
    )
    await expect(pop).to_have_attribute("data-stage", "talking")
    await place.desk.put(
        call.model_copy(update={"state": "wrap_up", "joined_at": now, "ended_at": now + 1}),
        seat.model_copy(update={"state": "wrap_up", "deadline": now + 60}),
    )
    await mine.get_by_role("button", name="处理完毕").click()
    await expect(mine.locator("#pop")).to_have_count(0)
    await expect(mine.locator(".me")).to_have_attribute("data-state", "available")
    assert [entry.detail for entry in place.desk.audited if entry.detail] == ["8001 available"]


async def test_a_seat_takes_a_break_with_its_reason(place: Any) -> None:
    page = await place.enter("seat", "8001")
    await page.select_option("#break-reason", "meal")
    await page.locator(".me [data-state=break]").click()
    await expect(page.locator(".me")).to_have_attribute("data-state", "break")
    await expect(page.locator(".me-hint")).to_contain_text("用餐")
    await page.locator(".me [data-state=available]").click()
    await expect(page.locator(".me")).to_have_attribute("data-state", "available")


async def test_a_refused_command_tells_why(place: Any) -> None:
    page = await place.enter("supervisor")
    seat = page.locator("li.seat[data-key='8007']")
    await seat.locator("summary").click()
    await seat.get_by_role("button", name="签出").click()
    await expect(page.locator(".toast")).to_contain_text("座席正忙")


async def test_a_lost_line_is_said_and_comes_back_with_what_happened(place: Any) -> None:
    page = await place.enter("supervisor")
    await place.stop()
    await expect(page.locator(".banner")).to_contain_text("连接中断")
    await page.locator(".banner button").click()
    await expect(page.locator(".banner")).to_contain_text("后重连")
    await place.desk.put(a_call("while-away", "waiting", place.desk.clock(), number="13911112222"))
    await place.start()
    await page.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(page.locator("tr[data-key='while-away']")).to_contain_text("139 1111 2222")
    await expect(page.locator(".banner")).to_have_count(0)


async def test_an_expired_token_leads_back_to_the_login_with_the_reason(place: Any) -> None:
    page = await place.enter("supervisor")
    place.skew = 2 * 86400
    place.end_streams("token-expired")
    await expect(page.get_by_role("alert")).to_contain_text("令牌已过期")
    await page.reload()
    await expect(page.locator("#token")).to_be_visible()


async def test_a_call_shows_talk_draft_and_plays_its_sound(place: Any) -> None:
    page = await place.enter("supervisor")
    await page.locator("tr[data-key='demo-1.4']").click()
    detail = page.locator("#detail")
    await expect(detail.locator(".talk li")).to_have_count(7)
    await expect(detail.locator(".unsure").first).to_have_attribute("title", "把握 41%")
    await expect(detail).to_contain_text("鹿城区五马街府学巷口路灯损坏")
    await expect(detail).to_contain_text("双方接通")
    await detail.locator("[data-at='21.3']").click()
    audio = detail.locator("audio")
    await expect(audio).to_be_visible()
    handle = await audio.element_handle()
    await page.wait_for_function("a => a.currentTime >= 21 && Math.abs(a.duration - 40) < 0.5", arg=handle)
    assert [entry.what for entry in place.desk.audited].count("recording") == 1
    # An event about this call must not throw the sound away.
    await place.desk.put(await place.desk.call("demo-1.4"))
    await page.wait_for_timeout(700)
    assert await handle.evaluate("a => a.isConnected && a.currentTime >= 21")


async def test_history_pages_and_ended_calls_join_it(place: Any) -> None:
    for number in range(60):
        place.desk.keep(a_call(f"old-{number}", "ended", 1000.0 + number, outcome="served"))
    page = await place.enter("supervisor")
    await page.click("#tab-past")
    rows = page.locator("table.calls tbody tr")
    await expect(rows).to_have_count(50)
    await page.get_by_role("button", name="更早的通话").click()
    await expect(rows).to_have_count(66)
    live = await place.desk.call("demo-1.8")
    await place.desk.put(live.model_copy(update={"state": "ended", "outcome": "abandoned"}))
    await expect(rows).to_have_count(67)
    await expect(rows.first).to_contain_text("来电人放弃")


async def test_the_keyboard_alone_opens_and_closes_a_call(place: Any) -> None:
    page = await place.enter("supervisor")
    link = page.locator("tbody a").first
    await link.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#detail .facts").first).to_be_visible()
    await expect(page.locator("#detail")).to_be_focused()  # a moment after it is drawn
    await page.keyboard.press("Escape")
    await expect(page.locator("#detail")).to_have_count(0)
    assert await page.evaluate("document.activeElement.tagName") == "A"
    await page.locator("#tab-live").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#tab-past")).to_have_attribute("aria-selected", "true")


async def test_an_update_leaves_focus_and_open_menus_alone(place: Any) -> None:
    page = await place.enter("supervisor")
    menu = page.locator("li.seat[data-key='8004'] details")
    await menu.locator("summary").click()
    button = menu.get_by_role("button", name="签出")
    await button.focus()
    await place.desk.put(a_call("new-1", "arrived", place.desk.clock()))
    await expect(page.locator("tr[data-key='new-1']")).to_be_visible()
    assert await menu.evaluate("d => d.open")
    assert await button.evaluate("b => b === document.activeElement")


async def test_what_a_caller_calls_himself_is_only_ever_text(place: Any) -> None:
    page = await place.enter("seat", "8001")
    evil = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    call = a_call("evil", "offered", place.desk.clock(), number=evil[:40], name=evil, seat="8001")
    seat = next(seat for seat in await place.desk.seats() if seat.id == "8001")
    await place.desk.put(call, seat.model_copy(update={"state": "ringing", "call": "evil", "name": evil}))
    await expect(page.locator("#pop")).to_contain_text("<script>")
    assert await page.locator("#pop img, #pop script").count() == 0
    assert await page.title() != "owned"


async def test_the_language_is_remembered(place: Any) -> None:
    page = await place.enter("supervisor")
    assert await page.evaluate("document.documentElement.lang") == "zh-CN"
    await page.click("[data-do=language]")
    await expect(page.locator("#calls-title")).to_have_text("Calls")
    await page.reload()
    await expect(page.locator("#calls-title")).to_have_text("Calls")
    assert await page.evaluate("document.documentElement.lang") == "en"


VIEWS = {
    "login": (None, ""), "floor": ("supervisor", ""), "call": ("supervisor", "#/call/demo-1.4"),
    "masked": ("auditor", "#/call/demo-1.4"), "seat": ("seat", ""), "own": ("seat", "#/call/demo-1.4"),
    "asked": ("supervisor", "#/call/demo-1.5"), "due": ("supervisor", "#/call/demo-1.11"),
    "directory": ("supervisor", "#/directory"), "consult": ("8011", ""), "linked": ("8012", ""),
    "emergency": ("8013", "#/call/demo-3.3"), "supervise": ("supervisor", "#/call/demo-3.3"),
    "origin": ("auditor", "#/call/demo-3.2"), "third": ("8015", ""),
}  # fmt: skip


async def look(place: Any, view: str, **how: Any) -> Any:
    if view == "pop":
        page = await place.enter("seat", "8001", **how)
        await ring(place.desk, "8001")
        await page.wait_for_selector("#pop")
        return page
    role, after = VIEWS[view]
    furnish_parties(place.desk)
    if role is None:
        page = await place.page(**how)
        await page.goto(place.url)
        await page.wait_for_selector("#token")
        return page
    seat = "8003" if role == "seat" else role if role.isdigit() else None
    page = await place.enter("seat" if seat else role, seat, **how)
    if after:
        await page.evaluate(f"location.hash = '{after}'")
        await page.wait_for_selector(".entries" if after == "#/directory" else "#detail .facts")
    if view in ("consult", "emergency", "third"):
        await page.wait_for_selector(".emergency-key")
    return page


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("view", [*VIEWS, "pop"])
async def test_every_view_fits_is_translated_can_be_read_and_names_its_controls(
    place: Any, view: str, language: str
) -> None:
    """One look at each, because opening it is what costs."""
    page = await look(place, view, language=language)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert await page.evaluate(CONTRAST) == [], scheme
    assert await page.evaluate(NAMELESS) == []
    for width in (1440, 1280, 1100, 768, 390):
        await page.set_viewport_size({"width": width, "height": 844})
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, width
        # The top bar's pieces must not lie on each other either.
        assert await page.evaluate(OVERLAPS) == [], width
    text = await page.inner_text("body")
    assert not KEYS.search(text), KEYS.search(text)


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll(".top .brand, .top .counter, .top .tools > *, .modebar > *")]
    .filter((e) => e.getClientRects().length).map((e) => [e.textContent, e.getBoundingClientRect()]);
  const cut = [...document.querySelectorAll(".top .counter")].filter((e) => e.scrollWidth > e.clientWidth + 1);
  const meet = (a, b) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const pairs = boxes.flatMap((one, i) => boxes.slice(i + 1).map((other) => [one, other]));
  return [...cut.map((e) => `cut off: ${e.textContent}`),
    ...pairs.filter(([one, other]) => meet(one[1], other[1])).map(([one, other]) => `${one[0]} | ${other[0]}`)];
}"""

NAMELESS = """() => [...document.querySelectorAll("button, a, input, select, summary")].filter((e) =>
  !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length)).map((e) => e.outerHTML)"""


async def test_a_part_that_goes_down_is_named_in_the_top_bar(place: Any) -> None:
    page = await place.enter("supervisor", language="en")
    await expect(page.locator(".counters")).to_contain_text("All well")
    await place.desk.put(Probe(part="ami", ok=False, reason="ami-down"))
    await expect(page.locator(".badpart")).to_have_text("Switch: Not connected")
    await place.desk.put(Probe(part="recogniser", ok=False, needed=False, reason="model-missing"))
    await expect(page.locator(".badpart")).to_have_count(2)
    await place.desk.put(
        Probe(part="disk", ok=False, needed=False, reason="disk-low", severity="warning", since=1763932131.0)
    )
    disk = page.locator(".badpart", has_text="Disk: Little space left")
    await expect(disk.locator("time")).to_have_count(1)  # since when
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_a_draft_whose_words_are_late_says_so_and_is_completed_in_place(place: Any) -> None:
    page = await place.enter("supervisor")
    call = a_call("late-1", "ended", 1000.0, outcome="served")
    draft = a_draft("late-draft", call, 9e9, title="等待转写的来电", content="", note="waiting", uncertain=[])
    await place.desk.put(draft)
    row = page.locator("li", has=page.locator("[data-late]"))
    await expect(row).to_contain_text("等待转写的来电")
    await expect(row.locator("[data-late=waiting]")).to_have_text("等待转写")
    await place.desk.put(a_draft("late-draft", call, 9e9, late=312.4))
    await expect(row.locator("[data-late=late]")).to_have_text("转写迟到")
    await expect(row.locator("[data-late=late]")).to_have_attribute("title", "转写在通话结束 312 秒后才到")
