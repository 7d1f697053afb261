"""Nobody sees a number or a word that the role table does not give, and every look is written down first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import RIGHTS, Look, Principal, Right, Role, mask_name, mask_number
from console._scene import a_call, a_draft, a_transcript, ring
from console._view import mask_digits, see_call

NUMBERS = st.from_regex(r"\A\+?[0-9]{3,15}\Z")


@given(NUMBERS)
def test_a_mask_always_hides_at_least_three_characters(number: str) -> None:
    masked = mask_number(number)
    assert masked is not None and "****" in masked
    assert len(masked.replace("*", "")) <= len(number) - 3
    assert number not in masked


def test_the_mask_is_the_one_people_know() -> None:
    assert mask_number("13812341234") == "138****1234"
    assert mask_number(None) is None
    assert mask_name("李秀英") == "李**"


@given(st.text(max_size=20), st.from_regex(r"\A1[0-9]{10}\Z"), st.text(max_size=20))
def test_no_number_said_in_a_text_gets_through(before: str, number: str, after: str) -> None:
    assert number not in mask_digits(f"{before}{number}{after}")
    spaced = f"{number[:3]} {number[3:7]} {number[7:]}"
    assert spaced not in mask_digits(f"{before}{spaced}{after}")


@given(
    NUMBERS.filter(lambda number: len(number) >= 7),
    st.sampled_from(list(Role)),
    st.sampled_from(["arrived", "in_flow", "waiting", "offered", "talking", "wrap_up", "ended"]),
    st.sampled_from([None, "8001", "8002"]),
)
def test_a_number_is_nowhere_in_what_a_masked_reader_gets(
    number: str, role: Role, state: Any, seat: str | None
) -> None:
    reader = Principal(role, "r", "8001" if role is Role.SEAT else None, 0, 1)
    call = a_call("c-1", state, 1000.0, number=number, name="李秀英", seat=seat)
    moment = call.timeline[0].model_copy(update={"detail": {"note": f"called from {number}"}})
    call = call.model_copy(
        update={
            "transcript": a_transcript("c-1"), "draft": a_draft("d-1", call, 1000.0, content=f"回电 {number}。"),
            "timeline": [*call.timeline, moment],
        }
    )  # fmt: skip
    shown, looks = see_call(reader, call)
    told = shown.model_dump_json()
    own = role is Role.SEAT and seat == "8001" and state in ("offered", "talking", "wrap_up")
    sees = Right.NUMBERS in RIGHTS[role] or own
    own_draft = role is Role.SEAT and seat == "8001"
    assert (Look.NUMBER in looks) == (sees or own_draft)
    if sees:
        assert shown.caller.number == number
    elif own_draft:
        # Its own draft stays its own after the call: number there, but nowhere else.
        assert number not in shown.model_copy(update={"draft": None}).model_dump_json()
    else:
        assert number not in told and "李秀英" not in told
    words = Right.WORDS in RIGHTS[role] or own
    assert (shown.transcript is not None) == words == (Look.TRANSCRIPT in looks)


async def test_every_look_is_audited_with_who_what_and_which_call(console: Any) -> None:
    await console.get("/api/v1/calls/demo-1.4", "supervisor")
    told = {(entry.who, entry.what, entry.calls, entry.where) for entry in console.desk.audited}
    path = "/api/v1/calls/demo-1.4"
    assert told == {
        ("the supervisor", look, ("demo-1.4",), path) for look in (Look.NUMBER, Look.TRANSCRIPT, Look.DRAFT)
    }
    console.desk.audited.clear()
    await console.get("/api/v1/recordings/demo-1.4/audio", "auditor")
    assert [(entry.what, entry.calls) for entry in console.desk.audited] == [(Look.RECORDING, ("demo-1.4",))]


async def test_a_masked_look_is_not_audited_as_a_look_at_a_number(console: Any) -> None:
    page = await (await console.get("/api/v1/calls?live=true", "auditor")).json()
    assert all(call["caller"]["masked"] for call in page["items"])
    assert console.desk.audited == []


@pytest.mark.parametrize(
    "path",
    ["/api/v1/calls", "/api/v1/calls/demo-1.4", "/api/v1/tickets", "/api/v1/recordings/demo-1.4/audio"],
)
async def test_what_cannot_be_audited_is_not_shown(console: Any, path: str) -> None:
    console.desk.broken["audit"] = OSError("disk full 13858801234")
    answer = await console.get(path, "supervisor")
    text = await answer.text()
    assert answer.status == 503 and json.loads(text)["code"] == "audit-failed"
    assert "1385" not in text and "路灯" not in text


async def test_the_offered_seat_sees_the_whole_number_and_the_others_do_not(console: Any) -> None:
    mine, other = await console.listen("idle-seat"), await console.listen("seat")
    await mine.receive_json(), await other.receive_json()
    await ring(console.desk, "8001")
    popped, seen = await mine.receive_json(), await other.receive_json()
    assert popped["type"] == seen["type"] == "call" and popped["data"]["state"] == "offered"
    assert popped["data"]["caller"]["number"] == "13806881234"
    assert popped["data"]["earlier"][0]["title"] and popped["data"]["caller"]["region"]["name"]
    assert seen["data"]["caller"]["number"] == "138****1234" and seen["data"]["earlier"] == []
    assert "13806881234" not in json.dumps(seen)
    looks = [entry for entry in console.desk.audited if "demo-2.1" in entry.calls]
    assert [(entry.seat, entry.what) for entry in looks] == [("8001", Look.NUMBER)]


async def test_the_seat_that_missed_the_offer_sees_it_masked_again(console: Any) -> None:
    mine = await console.listen("idle-seat")
    await mine.receive_json()
    await ring(console.desk, "8001")
    await mine.receive_json(), await mine.receive_json()
    call = await console.desk.call("demo-2.1")
    await console.desk.put(call.model_copy(update={"seat": "8004"}))
    assert (await mine.receive_json())["data"]["caller"]["number"] == "138****1234"


async def test_the_floor_stays_visible_masked_while_nothing_can_be_audited(console: Any) -> None:
    console.desk.broken["audit"] = OSError("disk full")
    once = await (await console.get("/api/v1/events", "supervisor")).json()
    socket = await console.listen("supervisor")
    hello = await socket.receive_json()
    for picture in (once["data"]["snapshot"], hello["data"]["snapshot"]):
        assert len(picture["calls"]) == 8 and picture["drafts"] == []
        assert all(call["caller"]["masked"] for call in picture["calls"])
    await ring(console.desk, "8001")
    assert (await socket.receive_json())["data"]["caller"]["number"] == "138****1234"
    assert console.desk.audited == []
    await socket.receive_json()
    # The store is back: the next event of the call is whole again, and audited.
    console.desk.broken.clear()
    await console.desk.put(await console.desk.call("demo-2.1"))
    assert (await socket.receive_json())["data"]["caller"]["number"] == "13806881234"
    assert [entry.calls for entry in console.desk.audited] == [("demo-2.1",)]
