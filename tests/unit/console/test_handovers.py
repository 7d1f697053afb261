"""The address for other hotlines: one token, one look, audited; and nothing of what comes from outside is trusted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from console import Handover, HandoverCall, Look, Settings, UnavailableError
from console._api_handovers import BURST, REFILL, REMEMBERED, Gate, _network
from console._app import all_routes
from console._problems import ProblemError
from console._schema_handovers import EARLIER, SUMMARY, clean_text

TOKEN = "t" * 32
CASE = Handover(version=1, case="330100-hotline-1.2", summary="路灯坏了", call=HandoverCall(id="hotline-1.2"))
PATH = "/api/v1/handovers/5f2a"


@pytest.fixture
def one(console: Any) -> Any:
    console.desk.handovers["5f2a"] = (TOKEN, CASE)
    return console


async def fetch(console: Any, token: str | None = TOKEN, path: str = PATH, **more: Any) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await console.client.get(path, headers={**headers, **more})


async def code(answer: Any) -> tuple[int, str]:
    return answer.status, (await answer.json())["code"]


# ---------------------------------------------------------------------- the route
async def test_the_right_token_opens_it_once_without_any_role(one: Any) -> None:
    answer = await fetch(one)
    assert answer.status == 200 and Handover.model_validate(await answer.json()) == CASE
    assert answer.headers["Cache-Control"] == "no-store" and answer.content_type == "application/json"
    assert await code(await fetch(one)) == (410, "handover-gone")


async def test_a_wrong_token_and_an_unknown_handover_are_one_answer_and_use_nothing_up(one: Any) -> None:
    asked = [(PATH, "x" * 32), ("/api/v1/handovers/none", TOKEN), (PATH, "密"), (PATH, "short")]
    answers = [await fetch(one, token, path) for path, token in asked]
    assert {answer.status for answer in answers} == {404}
    assert len({json.dumps({**await answer.json(), "where": ""}) for answer in answers}) == 1
    assert (await fetch(one)).status == 200


async def test_no_token_is_told_as_such(one: Any) -> None:
    answer = await fetch(one, None)
    assert await code(answer) == (401, "no-token") and "WWW-Authenticate" in answer.headers
    assert (await fetch(one, None, Authorization=f"Basic {TOKEN}")).status == 401
    assert (await fetch(one, None, **{"Sec-WebSocket-Protocol": f"bearer.{TOKEN}"})).status == 401


@pytest.mark.parametrize("role", ["admin", "supervisor", "seat", "auditor"])
async def test_a_role_token_opens_no_handover(one: Any, role: str) -> None:
    assert (await one.get(PATH, role)).status == 404


async def test_a_handovers_token_opens_nothing_else(one: Any) -> None:
    for path in ("/api/v1/calls", "/api/v1/handovers", "/api/v1/handovers/5f2a/x", "/api/v1/handovers/"):
        assert (await fetch(one, path=path)).status == 401, path


@pytest.mark.parametrize("path", ["/api/v1/handovers/..%2fcalls", "/api/v1/handovers/%2e%2e", "/api/v1/handovers/a%00",
                                  "/api/v1/handovers/" + "x" * 65, PATH + "?token=" + TOKEN])  # fmt: skip
async def test_an_odd_address_reaches_no_desk(one: Any, path: str) -> None:
    assert (await fetch(one, path=path)).status in (400, 401, 404)
    assert one.desk.audited == [] and one.desk.handovers["5f2a"][1] is not None


@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE", "PUT"])
async def test_only_get_uses_a_handover_up(one: Any, method: str) -> None:
    answer = await one.client.request(method, PATH, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status in (401, 405)
    assert (await fetch(one)).status == 200


async def test_who_fetched_what_is_audited(one: Any) -> None:
    await fetch(one, "x" * 32)
    assert one.desk.audited == []
    await fetch(one)
    (entry,) = one.desk.audited
    assert (entry.who, entry.role, entry.seat) == ("127.0.0.1", "handover", None)
    assert (entry.what, entry.calls) == (Look.HANDOVER, ("hotline-1.2",))
    assert TOKEN not in repr(entry)


async def test_what_cannot_be_audited_is_not_shown_and_not_used_up(one: Any) -> None:
    one.desk.broken["audit"] = UnavailableError("store")
    assert await code(await fetch(one)) == (503, "audit-failed")
    del one.desk.broken["audit"]
    assert (await fetch(one)).status == 200


async def test_too_many_tries_from_one_address_wait(make_console: Any) -> None:
    now = [1000.0]
    console = await make_console(Settings(clock=lambda: now[0]))
    console.desk.handovers["5f2a"] = (TOKEN, CASE)
    for _ in range(int(BURST)):
        assert (await fetch(console, "x" * 32)).status == 404
    answer = await fetch(console)
    assert await code(answer) == (429, "too-many-tries") and answer.headers["Retry-After"] == "1"
    now[0] += 1 / REFILL
    assert (await fetch(console)).status == 200
    assert (await fetch(console)).status == 429


def admitted(gate: Gate, address: str) -> bool:
    try:
        gate.admit(address)
    except ProblemError:
        return False
    return True


def test_addresses_do_not_disturb_each_other_and_are_forgotten_in_time() -> None:
    gate = Gate(lambda: 0.0)
    while admitted(gate, "192.0.2.1"):
        pass
    assert admitted(gate, "192.0.2.2")
    while admitted(gate, "2001:db8::1"):
        pass
    assert not admitted(gate, "2001:db8::ffff:1") and admitted(gate, "2001:db8:0:1::1")
    for n in range(REMEMBERED + 10):
        gate.admit(f"10.{n >> 16}.{(n >> 8) & 255}.{n & 255}")
    assert len(gate._left) == REMEMBERED


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::/64"), ("?", "?"), ("", "?"), ("x" * 999, "?")],
)
def test_an_address_counts_as_its_network(address: str, counts_as: str) -> None:
    assert _network(address) == counts_as


def test_the_document_says_which_token_opens_it() -> None:
    document = all_routes("0")[1]
    told = document["paths"]["/api/v1/handovers/{id}"]["get"]
    assert told["security"] == [{"handover": []}] and "handover" in document["components"]["securitySchemes"]
    assert {"200", "401", "404", "410", "429", "503"} <= set(told["responses"])
    paths = [ways for path, ways in document["paths"].items() if "handovers" not in path]
    others = [one["security"] for ways in paths for one in ways.values()]
    assert others and all(security in ([], [{"token": []}]) for security in others)


# ---------------------------------------------------------------------- what comes from outside
def test_an_empty_handover_is_one() -> None:
    assert Handover.model_validate_json('{"version": 1, "case": "a"}').summary == ""


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "5", '"x"', "{}", '{"version": 1}', '{"case": "a"}', '{"version": 0, "case": "a"}',
     '{"version": "1", "case": "a"}', '{"version": 1, "case": ""}', '{"version": 1, "case": "a b"}',
     '{"version": 1, "case": "${X}"}', '{"version": 1, "case": ["a"]}', "[" * 60_000, '{"a":' * 10_000,
     '{"version": 1, "case": "a", "summary": "\\ud800"}'],
)  # fmt: skip
def test_what_is_no_handover_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Handover.model_validate_json(text)


def test_odd_values_are_not_known_and_long_ones_are_cut() -> None:
    made = Handover.model_validate({
        "version": 7, "case": "a", "newer": {"x": 1}, "issued_at": float("inf"), "hotline": 5,
        "caller": {"number": "x"},
        "call": {"arrived_at": 10**400, "direction": "sideways", "dialled": "12345"}, "kind": "bribe", "title": ["x"],
        "summary": "甲\x00\x1b[2J\u202e乙\r\n丙\ud800" + "长" * 9000, "region": {"code": "33010", "name": "杭\n州"},
        "urgent": "yes", "emergency": 110, "earlier": [{"case": "b"}] * 50 + [5], "callback": [], "language": "zh" * 99,
    })  # fmt: skip
    assert made.summary.startswith("甲[2J乙\n丙长长")
    assert len(made.summary) == SUMMARY and len(made.earlier) == EARLIER and len(made.language) == 16
    assert (made.issued_at, made.call.arrived_at, made.call.direction, made.kind, made.title) == (None,) * 4 + ("",)
    assert (made.caller.number, made.region.code, made.region.name) == ("", "", "杭 州")
    assert (made.urgent, made.emergency, made.callback.wanted, made.hotline.name) == (False, None, False, "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
FIELDS = sorted(Handover.model_fields)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=len(FIELDS)))
def test_whatever_a_handover_holds_the_caller_reaches_the_seat(fields: dict[str, Any]) -> None:
    made = Handover.model_validate({**fields, "version": 1, "case": "a"})
    again = Handover.model_validate_json(made.model_dump_json())
    assert again == made, "what we hold can be sent on as it is"
    assert len(made.model_dump_json()) < 40_000
    json.dumps(made.model_dump(), allow_nan=False).encode()


@given(st.text(max_size=300), st.integers(1, 50), st.booleans())
def test_cleaned_text_is_clean(text: str, size: int, lines: bool) -> None:
    made = clean_text(text, size, lines=lines)
    assert len(made) <= size and made == clean_text(made, size, lines=lines)
    assert all(c.isprintable() or c.isspace() for c in made) and ("\n" not in made or lines)
