"""Calls with several parties: orders with a key, clear refusals, nobody sees a dialled number or a listener."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console import RIGHTS, Look, Party, Principal, RefusedError, Right, Role, Target, Text2, UnavailableError
from console._problems import STATUS
from console._scene import a_call
from console._scene_parties import a_consultation, a_linked_call, an_emergency, furnish_parties
from console._view import see_call, see_summary

TALK = "demo-3.1"
"""Seat 8011 consults the water works; the caller hears music."""
KEY = {"Idempotency-Key": "8b1f3c1e-7f0a-4a6e-9a52-0c4f4d1c2b77"}


@pytest.fixture
async def talks(console: Any) -> Any:
    furnish_parties(console.desk)
    for name, seat in (("8011", "8011"), ("8013", "8013"), ("8015", "8015")):
        console.tokens[name] = console.book.issue(Role.SEAT, f"seat {name}", seat, days=1)
    return console


async def order(console: Any, path: str, body: Any, role: str = "supervisor", **headers: str) -> tuple[int, Any]:
    sent = {**console.headers(role), **headers}
    answer = await console.client.post(f"/api/v1/calls/{path}", headers=sent, json=body)
    return answer.status, await answer.json()


def a_dialled_party(number: str, state: Any = "ringing") -> Party:
    label = Text2(zh=number, en=number)
    return Party(
        id="p9", how="join", state=state, target=Target(kind="number", id=number), label=label, since=1000.0,
        trying=label if state == "ringing" else None,
    )  # fmt: skip


# --- orders ---


async def test_a_seat_brings_others_into_its_own_call_in_its_own_name(talks: Any) -> None:
    status, party = await order(talks, "demo-3.3/parties", {"how": "join", "entry": "12348"}, "8013")
    assert status == 200 and party["state"] == "ringing" and party["label"]["zh"] == "公共法律服务"
    assert party["target"] == {"kind": "entry", "id": "12348"} and party["asked_by"] == "8013"
    assert talks.desk.ordered[-1][2]["asking"] == "8013"
    status, party = await order(talks, "demo-3.3/parties", {"how": "join", "skill": "ja"}, "supervisor")
    assert status == 200 and party["asked_by"] is None and party["label"]["en"] == "Japanese"
    shown = await (await talks.get("/api/v1/calls/demo-3.3")).json()
    assert [one["state"] for one in shown["parties"]] == ["failed", "joined", "ringing", "ringing", "queued"]


@pytest.mark.parametrize("what", ["parties", "arrange", "emergency"])
async def test_no_seat_orders_anything_of_another_ones_call(talks: Any, what: str) -> None:
    body = {"parties": {"how": "join", "skill": "ja"}, "arrange": {"what": "hold"}, "emergency": {"entry": "110"}}[what]
    for seat in ("8011", "idle-seat"):
        status, problem = await order(talks, f"demo-3.3/{what}", body, seat)
        assert status == 403 and problem["code"] == "not-your-call"
    gone = await talks.client.delete("/api/v1/calls/demo-3.3/parties/p2", headers=talks.headers("8011"))
    assert gone.status == 403 and talks.desk.ordered == [] and talks.desk.audited == []


async def test_a_party_of_the_talk_orders_for_its_own_leg(talks: Any) -> None:
    status, done = await order(talks, "demo-3.3/arrange", {"what": "mute"}, "8015")
    assert (status, done) == (200, {"status": "done"})
    legs = {leg.who: leg.muted for leg in (await talks.desk.call("demo-3.3")).legs}
    assert legs["8015"] and not legs["8013"]


async def test_a_seat_that_has_left_the_talk_still_sees_it_and_orders_no_more(talks: Any) -> None:
    assert (await order(talks, f"{TALK}/arrange", {"what": "complete"}, "8011"))[0] == 200
    shown = await (await talks.get(f"/api/v1/calls/{TALK}", "8011")).json()
    assert shown["state"] == "talking" and not shown["caller"]["masked"] and not shown["held"]
    for path, body in (("arrange", {"what": "hold"}), ("emergency", {"entry": "110"})):
        status, problem = await order(talks, f"{TALK}/{path}", body, "8011")
        assert status == 409 and problem["code"] == "too-late"


async def test_a_supervisor_arranges_any_call(talks: Any) -> None:
    assert (await order(talks, f"{TALK}/arrange", {"what": "join"}))[0] == 200
    call = await talks.desk.call(TALK)
    assert not call.held and call.held_since is None
    assert {leg.room for leg in call.legs if leg.kind in ("seat", "line")} == {"talk"}
    assert talks.desk.ordered[-1] == ("arrange", TALK, {"what": "join", "seat": "", "by": "the supervisor", "key": ""})


async def test_an_emergency_line_rings_in_any_state_of_ones_own_call(talks: Any) -> None:
    talks.tokens["8012"] = talks.book.issue(Role.SEAT, "offered", "8012", days=1)
    assert (await talks.desk.call("demo-3.2")).state == "offered"
    status, party = await order(talks, "demo-3.2/emergency", {"entry": "120"}, "8012")
    assert status == 200 and party["emergency"] and party["how"] == "emergency" and party["tries"] == 2
    status, problem = await order(talks, "demo-3.2/emergency", {"entry": "122"}, "8012")
    assert status == 409 and problem["code"] == "entry-disabled" and "未配置线路" in problem["message"]["zh"]
    assert {entry.what for entry in talks.desk.audited if "demo-3.2" in entry.calls} >= {Look.EMERGENCY}


async def test_who_is_let_go_twice_is_let_go_once(talks: Any) -> None:
    for _ in range(2):
        gone = await talks.client.delete("/api/v1/calls/demo-3.3/parties/p3", headers=talks.headers("8013"))
        assert gone.status == 200
    party = (await talks.desk.call("demo-3.3")).parties[2]
    assert (party.state, party.why) == ("withdrawn", "withdrawn")
    none = await talks.client.delete("/api/v1/calls/demo-3.3/parties/p8", headers=talks.headers("8013"))
    assert none.status == 404 and (await none.json())["code"] == "no-party"


# --- the key ---


async def test_an_order_sent_again_with_its_key_is_one_order(talks: Any) -> None:
    body = {"how": "join", "entry": "12348"}
    first = await order(talks, "demo-3.3/parties", body, "8013", **KEY)
    again = await order(talks, "demo-3.3/parties", body, "8013", **KEY)
    assert first == again and first[0] == 200
    assert len((await talks.desk.call("demo-3.3")).parties) == 4
    other = await order(talks, "demo-3.3/parties", body, "8013", **{"Idempotency-Key": "another"})
    assert other[0] == 200 and other[1]["id"] != first[1]["id"]


async def test_two_peoples_keys_are_never_the_same(talks: Any) -> None:
    for role in ("8013", "8015", "supervisor"):
        await order(talks, "demo-3.3/arrange", {"what": "mute"}, role, **KEY)
    keys = [given["key"] for _, _, given in talks.desk.ordered]
    assert len(set(keys)) == 3
    # Kept in the call and its journal: no name in it, and printable ASCII of a bounded length.
    assert all(key.isascii() and key.isprintable() and len(key) <= 128 for key in keys)
    assert not any("supervisor" in key or "seat" in key for key in keys)


@pytest.mark.parametrize("key", ["", " ", "x" * 65, "with space", "密钥", "tab\tin"])
@pytest.mark.parametrize("what", ["parties", "arrange", "emergency", "supervise"])
async def test_a_malformed_key_is_refused_before_anything_happens(talks: Any, what: str, key: str) -> None:
    body: dict[str, Any] = {
        "parties": {"how": "join", "skill": "ja"}, "arrange": {"what": "hold"}, "emergency": {"entry": "110"},
        "supervise": {"mode": "listen", "seat": "8001"},
    }[what]  # fmt: skip
    status, problem = await order(talks, f"demo-3.3/{what}", body, **{"Idempotency-Key": key})
    assert status == 400 and problem["code"] == "bad-key" and problem["where"] == "header:Idempotency-Key"
    assert talks.desk.ordered == [] and talks.desk.audited == []


# --- what is no order ---


@pytest.mark.parametrize(
    "body",
    [
        {"how": "join"}, {"how": "join", "seat": "8001", "skill": "ja"}, {"how": "join", "seat": None},
        {"how": "emergency", "entry": "110"}, {"how": "join", "number": "12a"}, {"how": "join", "number": "1" * 21},
        {"how": "join", "number": "138\r\n"}, {"how": "join", "entry": "../x"}, {"how": "join", "skill": "Ja!"},
        {"how": "join", "seat": "8001", "extra": 1}, {"seat": "8001"}, {"how": "join", "seat": 8001}, [],
    ],
)  # fmt: skip
async def test_a_party_of_the_wrong_form_is_refused(talks: Any, body: Any) -> None:
    status, problem = await order(talks, "demo-3.3/parties", body)
    assert status == 422 and problem["where"].startswith("body:") and talks.desk.ordered == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"how": "join", "seat": "9999"}, "no-such-seat"), ({"how": "join", "seat": "8006"}, "seat-busy"),
        ({"how": "consult", "skill": "klingon"}, "nobody-has-skill"), ({"how": "join", "centre": "999999"},
                                                                      "no-such-centre"),
        ({"how": "transfer", "entry": "nothing"}, "no-entry"), ({"how": "join", "entry": "95598"}, "entry-disabled"),
        ({"how": "join", "entry": "lucheng-lamps"}, "entry-closed"),
    ],
)  # fmt: skip
async def test_who_cannot_come_is_told_with_the_reason(talks: Any, body: Any, code: str) -> None:
    status, problem = await order(talks, "demo-3.3/parties", body)
    assert status == STATUS[code] and problem["code"] == code and problem["mend"] and problem["message"]["zh"]


@pytest.mark.parametrize(
    "code",
    ["too-late", "not-talking", "no-caller", "full", "no-entry", "entry-disabled", "entry-closed", "number-not-allowed",
     "no-such-seat", "seat-busy", "nobody-has-skill", "no-party", "not-in-consult", "nothing-held", "not-joined",
     "bad-order", "supervisor-busy", "key-used"],
)  # fmt: skip
async def test_every_refusal_of_the_desk_is_a_problem_of_its_own_in_both_languages(
    talks: Any, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> bool:
        raise RefusedError(code)

    monkeypatch.setattr(talks.desk, "arrange", refuse)
    status, problem = await order(talks, f"{TALK}/arrange", {"what": "swap"})
    refused = (await order(talks, "nobody/arrange", {"what": "swap"}))[1]
    assert status == STATUS[code] and status in (404, 409) and problem["code"] == code
    assert problem["message"]["zh"] not in (refused["message"]["zh"], "") and problem["what"] != refused["what"]


@pytest.mark.parametrize("what", ["parties", "arrange", "emergency", "supervise"])
async def test_a_call_that_is_not_there_is_told_as_such(talks: Any, what: str) -> None:
    body: dict[str, Any] = {
        "parties": {"how": "join", "skill": "ja"}, "arrange": {"what": "hold"}, "emergency": {"entry": "110"},
        "supervise": {"mode": "listen", "seat": "8001"},
    }[what]  # fmt: skip
    status, problem = await order(talks, f"nobody/{what}", body)
    assert status == 404 and problem["code"] == "no-such-call" and talks.desk.audited == []


@pytest.mark.parametrize("note", ["x" * 501, "a\nb", "a\tb", "\x00", "\x7f", "\x9b31m", "a\u2028b", None, 5, ["a"]])
@pytest.mark.parametrize("what", ["parties", "emergency"])
async def test_a_note_of_the_wrong_form_is_refused_and_not_repeated(talks: Any, what: str, note: Any) -> None:
    body = {"parties": {"how": "join", "entry": "12360"}, "emergency": {"entry": "110"}}[what]
    status, problem = await order(talks, f"demo-3.3/{what}", {**body, "note": note})
    assert status == 422 and problem["where"] == "body:note" and talks.desk.ordered == []
    assert str(note) not in json.dumps(problem, ensure_ascii=False)


async def test_a_note_reaches_the_desk_and_is_in_no_answer_audit_or_log(
    talks: Any, caplog: pytest.LogCaptureFixture
) -> None:
    note = "灯杆已倒，有电线外露；" + "长" * 480
    with caplog.at_level("DEBUG"):
        for path, body in (("parties", {"how": "consult", "entry": "12360"}), ("emergency", {"entry": "110"})):
            status, party = await order(talks, f"demo-3.3/{path}", {**body, "note": note}, "8013")
            assert status == 200 and talks.desk.ordered[-1][2]["note"] == note
            assert note not in json.dumps(party, ensure_ascii=False)
    shown = await (await talks.get("/api/v1/calls/demo-3.3")).text()
    assert note not in shown and "灯杆" not in repr(talks.desk.audited) + caplog.text


# --- the audit ---


async def test_every_order_is_written_down_before_it_is_done_and_without_numbers(talks: Any) -> None:
    await order(talks, "demo-3.3/parties", {"how": "join", "number": "13912345678"}, "8013")
    await order(talks, f"{TALK}/arrange", {"what": "swap"}, "8011")
    await order(talks, "demo-3.3/emergency", {"entry": "119"}, "8013")
    await order(talks, "demo-3.3/supervise", {"mode": "whisper", "seat": "8001"})
    told = [(entry.what, entry.calls, entry.detail) for entry in talks.desk.audited]
    assert told == [
        (Look.PARTY, ("demo-3.3",), "join number"), (Look.PARTY, (TALK,), "swap"),
        (Look.EMERGENCY, ("demo-3.3",), "119"), (Look.SUPERVISE, ("demo-3.3",), "whisper 8001"),
    ]  # fmt: skip
    assert "13912345678" not in repr(talks.desk.audited)


@pytest.mark.parametrize(
    ("path", "body"),
    [("parties", {"how": "join", "skill": "ja"}), ("arrange", {"what": "hold"}),
     ("supervise", {"mode": "listen", "seat": "8001"})],
)  # fmt: skip
async def test_what_cannot_be_written_down_is_not_done(talks: Any, path: str, body: Any) -> None:
    talks.desk.broken["audit"] = OSError("disk full")
    status, problem = await order(talks, f"demo-3.3/{path}", body)
    assert status == 503 and problem["code"] == "audit-failed" and talks.desk.ordered == []


async def test_an_emergency_line_rings_although_nothing_can_be_written_down_or_looked_up(
    talks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise UnavailableError("store")

    talks.desk.broken["audit"] = OSError("disk full")
    monkeypatch.setattr(talks.desk, "call", broken)
    status, party = await order(talks, "demo-3.1/emergency", {"entry": "110"}, "8011")
    assert status == 200 and party["state"] == "ringing"
    assert [what for what, _, _ in talks.desk.ordered] == ["emergency"]


@pytest.mark.parametrize("what", ["parties", "arrange", "emergency", "supervise"])
async def test_an_order_to_a_call_that_is_over_comes_too_late(talks: Any, what: str) -> None:
    body: dict[str, Any] = {
        "parties": {"how": "join", "skill": "ja"}, "arrange": {"what": "hold"}, "emergency": {"entry": "110"},
        "supervise": {"mode": "listen", "seat": "8001"},
    }[what]  # fmt: skip
    status, problem = await order(talks, f"demo-1.1/{what}", body)
    assert status == 409 and problem["code"] == "too-late" and "晚了一步" in problem["message"]["zh"]


# --- supervisors ---


async def test_a_supervisor_needs_a_phone_and_no_seat_supervises(talks: Any) -> None:
    status, problem = await order(talks, "demo-3.3/supervise", {"mode": "listen"})
    assert status == 409 and problem["code"] == "no-phone" and problem["where"] == "body:seat"
    for role in ("8013", "auditor"):
        status, problem = await order(talks, "demo-3.3/supervise", {"mode": "listen", "seat": "8001"}, role)
        assert status == 403 and problem["code"] == "not-allowed"
    assert talks.desk.ordered == []


async def test_the_seat_is_not_shown_who_listens_and_is_shown_who_speaks(talks: Any) -> None:
    boss, seat = await talks.listen("supervisor"), await talks.listen("8013")
    for socket in (boss, seat):
        hello = await socket.receive_json()
        call = next(one for one in hello["data"]["snapshot"]["calls"] if one["id"] == "demo-3.3")
        there = [leg["who"] for leg in call["legs"] if leg["kind"] == "observer"]
        assert there == (["8014"] if socket is boss else [])
        assert any(moment["what"] == "observer_listens" for moment in call["timeline"]) == (socket is boss)
    for mode in ("listen", "whisper"):
        await order(talks, "demo-3.3/supervise", {"mode": mode, "seat": "8001"})
        seen, heard = (await boss.receive_json())["data"], (await seat.receive_json())["data"]
        assert "8001" in [leg["who"] for leg in seen["legs"]]
        # Neither may get the other's text out of the same event.
        assert ("8001" in [leg["who"] for leg in heard["legs"]]) == (mode == "whisper")
        assert not seen["caller"]["masked"] and not heard["caller"]["masked"]


@settings(deadline=None)
@given(st.sampled_from(list(Role)), st.sampled_from(["", "listen", "whisper", "barge", "unheard-of"]))
def test_nobody_without_the_right_learns_of_a_listener(role: Role, mode: str) -> None:
    reader = Principal(role, "r", "8013" if role is Role.SEAT else None, 0, 1)
    call = an_emergency(5000.0)
    legs = [leg.model_copy(update={"mode": mode or None}) if leg.kind == "observer" else leg for leg in call.legs]
    moment = call.timeline[-2].model_copy(update={"detail": {"seat": "8014", "mode": mode}})
    shown, _ = see_call(reader, call.model_copy(update={"legs": legs, "timeline": [*call.timeline, moment]}))
    if Right.SUPERVISE in RIGHTS[role] or mode in ("whisper", "barge"):
        assert any(leg.who == "8014" for leg in shown.legs)
    else:
        assert "8014" not in shown.model_dump_json()


# --- who sees what ---


@settings(deadline=None)
@given(
    st.from_regex(r"\A\+?[0-9]{3,20}\Z"),
    st.sampled_from(list(Role)),
    st.sampled_from([None, "8001", "8002"]),
    st.sampled_from(["ringing", "joined", "failed"]),
)
def test_a_dialled_number_is_nowhere_in_what_a_masked_reader_gets(
    number: str, role: Role, seat: str | None, state: Any
) -> None:
    reader = Principal(role, "r", "8001" if role is Role.SEAT else None, 0, 1)
    # Not a digit in the call but those of the party and the seats.
    call = a_call("c", "talking", 4000.0, seat=seat, number=None).model_copy(
        update={"parties": [a_dialled_party(number, state)], "timeline": [], "legs": []}
    )
    shown, looks = see_summary(reader, call)
    # The time has digits as well: 000 is found in 1000.0.
    party = shown.parties[0].model_copy(update={"since": 1.0})
    told = [party.target.id, party.label.zh, party.label.en, *([party.trying.zh] if party.trying else [])]
    if Right.NUMBERS in RIGHTS[role] or (role is Role.SEAT and seat == "8001"):
        assert set(told) == {number} and not party.masked and Look.NUMBER in looks
    else:
        assert all("****" in text for text in told) and party.masked and not looks
        assert number not in party.model_dump_json()


async def test_names_of_the_directory_are_public_and_words_of_another_hotline_are_not(talks: Any) -> None:
    masked = await (await talks.get(f"/api/v1/calls/{TALK}", "auditor")).json()
    assert masked["parties"][0]["label"]["zh"] == "温州供水" and not masked["parties"][0]["masked"]
    for reader in ("auditor", "8011"):
        call = await (await talks.get("/api/v1/calls/demo-3.2", reader)).json()
        assert call["origin"]["label"]["zh"] == "上海12345" and call["case"]
        context = call["context"]
        assert context["caller"]["number"] == "138****1234" and context["caller"]["masked"]
        assert context["summary"] is context["title"] is context["address"] is None
        assert "13816601234" not in json.dumps(call) and "沈伟" not in json.dumps(call, ensure_ascii=False)
    assert not [entry for entry in talks.desk.audited if "demo-3.2" in entry.calls]


async def test_a_context_shown_in_full_is_audited(talks: Any) -> None:
    talks.tokens["8012"] = talks.book.issue(Role.SEAT, "offered", "8012", days=1)
    for reader in ("8012", "supervisor"):
        talks.desk.audited.clear()
        call = await (await talks.get("/api/v1/calls/demo-3.2", reader)).json()
        assert "停水" in call["context"]["summary"] and call["context"]["earlier"] == 2
        assert (Look.CONTEXT, ("demo-3.2",)) in [(entry.what, entry.calls) for entry in talks.desk.audited]
    talks.desk.broken["audit"] = OSError("disk full")
    assert (await talks.get("/api/v1/calls/demo-3.2", "supervisor")).status == 503


# --- live ---


async def test_every_step_of_a_party_is_told_at_once_with_its_reason(talks: Any) -> None:
    seat, other = await talks.listen("8013"), await talks.listen("8011")
    await seat.receive_json(), await other.receive_json()

    async def heard() -> tuple[Any, Any]:
        mine, theirs = await seat.receive_json(), await other.receive_json()
        assert mine["type"] == theirs["type"] == "call" and theirs["data"]["caller"]["masked"]
        return mine["data"], theirs["data"]

    await order(talks, "demo-3.3/parties", {"how": "consult", "number": "13912345678"}, "8013")
    mine, theirs = await heard()
    part = mine["parties"][-1]
    assert mine["held"] and mine["held_since"] and part["trying"]["zh"] == "13912345678" and part["tried"] == 1
    assert theirs["parties"][-1]["label"]["zh"] == "139****5678" and "13912345678" not in json.dumps(theirs)
    await talks.desk.change("demo-3.3", part["id"], state="failed", why="busy")
    mine, _ = await heard()
    assert not mine["held"] and (mine["parties"][-1]["state"], mine["parties"][-1]["why"]) == ("failed", "busy")
    assert {leg["room"] for leg in mine["legs"] if leg["kind"] == "seat"} == {"talk"}


async def test_the_directory_says_who_can_be_reached_and_why_not(talks: Any) -> None:
    for role in ("seat", "auditor", "supervisor"):
        rows = {one["id"]: one for one in (await (await talks.get("/api/v1/directory", role)).json())["items"]}
        assert rows["110"]["enabled"] and rows["110"]["emergency"] and rows["110"]["digit"] == "9"
        assert (rows["122"]["enabled"], rows["122"]["reason"]) == (False, "no-trunk")
        assert (rows["lucheng-lamps"]["reason"], rows["lucheng-lamps"]["open"]) == ("closed", False)
        assert any(not one["takes"] for one in rows["110"]["matters"])
    assert talks.desk.audited == []


def test_the_scene_is_what_it_says() -> None:
    consulted, linked, emergency = a_consultation(5000.0), a_linked_call(5000.0), an_emergency(5000.0)
    assert consulted.held and [leg.room for leg in consulted.legs if leg.kind == "line"] == ["side"]
    assert linked.origin is not None and linked.context is not None and linked.case
    assert emergency.parties[2].tried == 2 and emergency.parties[2].tries == 3
