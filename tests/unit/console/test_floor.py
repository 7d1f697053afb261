"""Orders to the floor: clear refusals, the same order twice is one, and every one of them is written down first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from console import Look, RefusedError
from console._scene import a_call

HAND = "demo-1.4"
"""A call in the wrap-up of seat 8003."""


async def post(console: Any, path: str, body: Any = None, role: str = "supervisor") -> tuple[int, Any]:
    answer = await console.client.post(f"/api/v1/{path}", headers=console.headers(role), json=body or {})
    return answer.status, await answer.json()


async def seat_of(console: Any, seat: str) -> Any:
    return next(one for one in await console.desk.seats() if one.id == seat)


# --- seats ---


async def test_a_break_lasts_as_long_as_its_reason_allows(console: Any) -> None:
    status, seat = await post(console, "seats/8001/state", {"state": "break", "reason": "meal"})
    assert status == 200 and seat["deadline"] - seat["since"] == 2700
    console.desk.menus = console.desk.menus.model_copy(update={"breaks": console.desk.menus.breaks[:2]})
    status, seat = await post(console, "seats/8001/state", {"state": "break"})
    assert status == 200 and seat["reason"] == "rest", "no reason given, none called other: the first one"
    status, problem = await post(console, "seats/8001/state", {"state": "break", "reason": "fishing"})
    assert status == 404 and problem["code"] == "no-such-break" and problem["where"] == "body:reason"


async def test_a_seat_rests_after_the_call_in_its_hands_and_only_then(console: Any) -> None:
    status, problem = await post(console, "seats/8001/rest", role="idle-seat")
    assert status == 409 and problem["code"] == "no-call-in-hand"
    for _ in range(2):  # asked twice it is one
        status, seat = await post(console, "seats/8003/rest", role="seat")
        assert status == 200 and seat["wanted"] == "rest" and seat["state"] == "wrap_up"
    status, seat = await post(console, "seats/8003/state", {"state": "available"}, role="seat")
    assert status == 200 and seat["state"] == "rest" and seat["deadline"] > seat["since"]
    status, problem = await post(console, "seats/8003/state", {"state": "available"}, role="seat")
    assert status == 409 and problem["code"] == "must-rest"
    status, seat = await post(console, "seats/8003/state", {"state": "available"})
    assert status == 200 and seat["state"] == "available"
    assert {entry.what for entry in console.desk.audited} == {Look.SEAT_STATE}
    assert "8003 rest" in [entry.detail for entry in console.desk.audited]


async def test_a_seat_makes_no_other_one_rest_and_resets_none(console: Any) -> None:
    status, problem = await post(console, "seats/8006/rest", role="seat")
    assert status == 403 and problem["code"] == "not-your-seat"
    status, problem = await post(console, "seats/8003/reset", role="seat")
    assert status == 403 and problem["code"] == "not-allowed"


@pytest.mark.parametrize("seat", ["8001", "8003", "8006", "8007", "8008"])
async def test_a_reset_leads_out_of_any_state_twice_over(console: Any, seat: str) -> None:
    for _ in range(2):
        status, shown = await post(console, f"seats/{seat}/reset")
        assert status == 200 and shown["state"] == "available" and shown["deadline"] is None
    assert [entry.detail for entry in console.desk.audited] == [f"{seat} reset"] * 2


async def test_a_true_talk_is_not_torn_apart(console: Any) -> None:
    status, problem = await post(console, "seats/8002/reset")
    assert status == 409 and problem["code"] == "seat-talking" and "重置" in problem["message"]["zh"]
    assert (await seat_of(console, "8002")).state == "talking"


@pytest.mark.parametrize("path", ["seats/9999/reset", "seats/9999/rest"])
async def test_an_unknown_seat_is_told_as_such(console: Any, path: str) -> None:
    status, problem = await post(console, path)
    assert status == 404 and problem["code"] == "no-such-seat"


# --- the queue ---


async def test_a_waiting_caller_becomes_a_call_back_with_its_rank(console: Any) -> None:
    waited = next(one for one in await console.desk.waiting() if one.call == "demo-1.8")
    for _ in range(2):
        status, done = await post(console, "calls/demo-1.8/callback", role="seat")
        assert status == 200 and done == {"status": "done"}
    assert (await console.desk.call("demo-1.8")).state == "leaving"
    page = await (await console.get("/api/v1/callbacks?state=open")).json()
    entries = [one for one in page["items"] if one["origin"] == "demo-1.8"]
    assert len(entries) == 1 and entries[0]["since"] == waited.since and entries[0]["reason"] == "queue"
    assert all(one.call != "demo-1.8" for one in await console.desk.waiting())


@pytest.mark.parametrize(
    ("call", "code"), [("demo-1.9", "no-number"), ("demo-1.5", "not-waiting"), ("nobody", "no-such-call")]
)
async def test_who_cannot_be_called_back_is_refused_with_the_reason(console: Any, call: str, code: str) -> None:
    status, problem = await post(console, f"calls/{call}/callback")
    assert status in (404, 409) and problem["code"] == code and problem["mend"]


# --- callbacks ---


async def test_numbers_in_the_callback_list_are_masked_for_all_who_may_not_see_them(console: Any) -> None:
    for role in ("seat", "auditor"):
        text = await (await console.get("/api/v1/callbacks", role)).text()
        assert "138****5577" in text and "13858805577" not in text
        one = await (await console.get("/api/v1/callbacks/cb-1003", role)).json()
        assert one["masked"] and one["number"] == "138****5577"
    assert console.desk.audited == []
    whole = await (await console.get("/api/v1/callbacks?state=open", "supervisor")).json()
    assert "13858805577" in [one["number"] for one in whole["items"]]
    looks = [entry for entry in console.desk.audited if entry.what is Look.NUMBER]
    assert len(looks) == 1 and "cb-1003" in looks[0].calls


async def test_a_list_that_cannot_be_audited_is_not_shown(console: Any) -> None:
    console.desk.broken["audit"] = OSError("disk full")
    answer = await console.get("/api/v1/callbacks", "supervisor")
    assert answer.status == 503 and "1385" not in await answer.text()
    status, problem = await post(console, "seats/8003/reset")
    assert status == 503 and problem["code"] == "audit-failed"
    assert (await seat_of(console, "8003")).state == "wrap_up", "what cannot be written down is not done either"


async def test_a_number_added_twice_has_one_entry_and_is_not_in_the_audits_words(console: Any) -> None:
    status, entry = await post(console, "callbacks", {"number": "13912345678", "reason": "visit"})
    again = await post(console, "callbacks", {"number": "13912345678", "reason": "visit"})
    assert status == 200 and again[1]["id"] == entry["id"] and entry["number"] == "13912345678"
    status, seen = await post(console, "callbacks", {"number": "13912345679"}, "seat")
    assert status == 200 and seen["number"] == "139****5679"
    assert "13912345678" not in json.dumps([entry.detail for entry in console.desk.audited])


async def test_a_number_that_is_not_to_be_disturbed_is_refused(console: Any) -> None:
    console.desk.do_not_disturb.add("13912345678")
    status, problem = await post(console, "callbacks", {"number": "13912345678"})
    assert status == 409 and problem["code"] == "do-not-disturb" and "13912345678" not in json.dumps(problem)


async def test_a_cancelled_entry_can_be_opened_again(console: Any) -> None:
    before = await (await console.get("/api/v1/callbacks/cb-1003")).json()
    for _ in range(2):
        status, entry = await post(console, "callbacks/cb-1003/cancel")
        assert status == 200 and entry["state"] == "cancelled"
    status, entry = await post(console, "callbacks/cb-1003/reopen")
    assert status == 200 and entry["state"] == "open" and entry["since"] == before["since"]
    assert (await post(console, "callbacks/cb-1002/cancel"))[1]["code"] == "callback-running"
    assert (await post(console, "callbacks/cb-1007/cancel"))[1]["code"] == "callback-over"
    assert (await post(console, "callbacks/cb-1007/reopen"))[1]["code"] == "callback-over"
    assert (await post(console, "callbacks/none/cancel"))[0] == 404


async def test_the_pages_of_the_list_join_without_a_gap(console: Any) -> None:
    whole = await (await console.get("/api/v1/callbacks")).json()
    seen, cursor = [], ""
    while True:
        page = await (await console.get(f"/api/v1/callbacks?limit=3{cursor}")).json()
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [one["id"] for one in whole["items"]] and len(seen) == 8 and whole["open"] == 5
    assert (await console.get("/api/v1/callbacks?cursor=nobody")).status == 404


async def test_a_changed_entry_comes_live_with_its_number_for_those_who_may_see_it(console: Any) -> None:
    boss, seat = await console.listen("supervisor"), await console.listen("seat")
    await boss.receive_json(), await seat.receive_json()
    await post(console, "callbacks/cb-1003/cancel")
    whole, masked = await boss.receive_json(), await seat.receive_json()
    assert whole["type"] == masked["type"] == "callback" and whole["data"]["state"] == "cancelled"
    assert whole["data"]["number"] == "13858805577" and masked["data"]["number"] == "138****5577"
    assert "13858805577" not in json.dumps(masked)


# --- mode, incidents, centres ---


async def test_a_mode_is_switched_with_its_reason_and_everybody_hears_of_it(console: Any) -> None:
    listener = await console.listen("seat")
    await listener.receive_json()
    put = {
        "headers": console.headers("supervisor"),
        "json": {"mode": "surge", "reason": "台风登陆", "automatic": False},
    }
    first = await (await console.client.put("/api/v1/mode", **put)).json()
    second = await (await console.client.put("/api/v1/mode", **put)).json()
    assert first == second and first["mode"] == "surge" and first["by"] == "the supervisor"
    heard = await listener.receive_json()
    assert heard["type"] == "mode" and heard["data"]["reason"] == "台风登陆" and not heard["data"]["automatic"]
    assert (await (await console.get("/api/v1/mode", "auditor")).json()) == first
    told = [entry.detail for entry in console.desk.audited if entry.what is Look.MODE]
    assert told == ["surge automatic off: 台风登陆"] * 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"mode": "surge"}, 422), ({"mode": "surge", "reason": ""}, 422), ({"reason": "a\r\nb"}, 422),
        ({"reason": "a\x00b"}, 422), ({"mode": "Surge!", "reason": "x"}, 422), ({"mode": "panic", "reason": "x"}, 404),
        ({"mode": "surge", "reason": "x" * 201}, 422), ({"reason": "x", "automatic": 1}, 422),
        ({"reason": "x", "extra": 1}, 422),
    ],
)  # fmt: skip
async def test_a_mode_order_of_the_wrong_form_changes_nothing(console: Any, body: Any, status: int) -> None:
    answer = await console.client.put("/api/v1/mode", headers=console.headers("admin"), json=body)
    assert answer.status == status and (await answer.json())["where"].startswith("body:")
    assert (await console.desk.mode()).mode == "normal" and console.desk.audited == []


async def test_an_incident_comes_and_goes(console: Any) -> None:
    status, one = await post(console, "incidents", {"regions": ["330302", "330382"], "zh": "停电", "until": 2e9})
    assert status == 200 and [place["name"] for place in one["regions"]] == ["鹿城区", "乐清市"]
    assert one["text"] == {"zh": "停电", "en": "停电"}
    listed = await (await console.get("/api/v1/incidents", "seat")).json()
    assert [incident["id"] for incident in listed["items"]] == ["incident-1", one["id"]]
    path = f"/api/v1/incidents/{one['id']}"
    assert (await console.client.delete(path, headers=console.headers("admin"))).status == 200
    assert (await console.client.delete(path, headers=console.headers("admin"))).status == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"regions": [], "zh": "x"}, 422), ({"regions": ["999999"], "zh": "x"}, 404), ({"regions": ["330302"]}, 422),
        ({"regions": ["../x"], "zh": "x"}, 422), ({"regions": ["330302"], "zh": "a\nb"}, 422),
        ({"regions": ["330302"], "zh": "x", "until": -1}, 422), ({"regions": "330302", "zh": "x"}, 422),
    ],
)  # fmt: skip
async def test_an_incident_of_the_wrong_form_is_refused(console: Any, body: Any, status: int) -> None:
    answered, problem = await post(console, "incidents", body)
    assert answered == status and problem["where"].startswith("body:")


@pytest.mark.parametrize("number", ["", "12", "abc", "138 1234", "1381234567\r\n", "1" * 21, "+", "١٢٣٤٥"])
async def test_what_is_no_number_is_not_called(console: Any, number: str) -> None:
    status, _ = await post(console, "callbacks", {"number": number})
    assert status == 422


async def test_the_centres_are_told_parents_first(console: Any) -> None:
    items = (await (await console.get("/api/v1/centres")).json())["items"]
    codes = [one["code"] for one in items]
    assert all(one["parent"] is None or codes.index(one["parent"]) < codes.index(one["code"]) for one in items)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "callbacks"), ("PUT", "mode"), ("POST", "incidents"), ("POST", "calls/demo-1.6/parties"),
     ("POST", "seats/8003/rest"), ("POST", "seats/8003/reset"), ("DELETE", "incidents/incident-1")],
)  # fmt: skip
async def test_ten_megabytes_are_refused_everywhere(console: Any, method: str, path: str) -> None:
    answer = await console.client.request(
        method, f"/api/v1/{path}", headers={**console.headers("admin"), "Content-Type": "application/json"},
        data=b"x" * 10_000_000,
    )  # fmt: skip
    assert answer.status == 413 and console.desk.audited == []


async def test_a_refusal_of_a_newer_desk_is_still_a_clear_conflict(console: Any) -> None:
    async def refuse(*_: Any) -> Any:
        raise RefusedError("brand-new-reason")

    console.desk.reset_seat = refuse
    status, problem = await post(console, "seats/8001/reset")
    assert status == 409 and problem["code"] == "brand-new-reason" and problem["message"]["zh"]


async def test_numbers_deep_in_a_moments_reasons_are_masked_too(console: Any) -> None:
    call = a_call("deep", "waiting", 1000.0, number="13912345678")
    detail = {"why": {"note": "13912345678", "list": ["13912345678", 3]}, "digit": ["1", "2"]}
    await console.desk.put(
        call.model_copy(update={"timeline": [call.timeline[0].model_copy(update={"detail": detail})]})
    )
    text = await (await console.get("/api/v1/calls/deep", "auditor")).text()
    assert "13912345678" not in text and '"list":["139****5678",3]' in text and '"digit":["*","*"]' in text
