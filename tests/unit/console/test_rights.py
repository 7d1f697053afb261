"""Every route × no token and each role: the role table is what really holds."""

from __future__ import annotations

from typing import Any

import pytest

from console import Role
from console._app import all_routes
from console._scene_directory import an_interpreter

OPEN = {"/healthz", "/readyz"}
ALL = {"admin", "supervisor", "seat", "auditor"}
ALLOWED = {
    ("GET", "/api/v1/calls"): ALL,
    ("GET", "/api/v1/calls/{id}"): ALL,
    ("GET", "/api/v1/seats"): ALL,
    ("POST", "/api/v1/seats/{id}/state"): {"admin", "supervisor", "seat"},
    ("POST", "/api/v1/seats/{id}/rest"): {"admin", "supervisor", "seat"},
    ("POST", "/api/v1/seats/{id}/reset"): {"admin", "supervisor"},
    ("GET", "/api/v1/waiting"): ALL,
    ("POST", "/api/v1/calls/{id}/callback"): {"admin", "supervisor", "seat"},
    ("POST", "/api/v1/calls/{id}/parties"): {"admin", "supervisor", "seat"},
    ("DELETE", "/api/v1/calls/{id}/parties/{part}"): {"admin", "supervisor", "seat"},
    ("POST", "/api/v1/calls/{id}/arrange"): {"admin", "supervisor", "seat"},
    ("POST", "/api/v1/calls/{id}/emergency"): {"admin", "supervisor", "seat"},
    ("POST", "/api/v1/calls/{id}/supervise"): {"admin", "supervisor"},
    ("GET", "/api/v1/directory"): ALL,
    ("GET", "/api/v1/callbacks"): ALL,
    ("POST", "/api/v1/callbacks"): {"admin", "supervisor", "seat"},
    ("GET", "/api/v1/callbacks/{id}"): ALL,
    ("POST", "/api/v1/callbacks/{id}/cancel"): {"admin", "supervisor"},
    ("POST", "/api/v1/callbacks/{id}/reopen"): {"admin", "supervisor"},
    ("GET", "/api/v1/mode"): ALL,
    ("PUT", "/api/v1/mode"): {"admin", "supervisor"},
    ("GET", "/api/v1/incidents"): ALL,
    ("POST", "/api/v1/incidents"): {"admin", "supervisor"},
    ("DELETE", "/api/v1/incidents/{id}"): {"admin", "supervisor"},
    ("GET", "/api/v1/centres"): {"admin", "supervisor"},
    ("GET", "/api/v1/restrictions"): {"admin", "supervisor", "auditor"},
    ("POST", "/api/v1/restrictions"): {"admin", "supervisor"},
    ("GET", "/api/v1/restrictions/{id}"): {"admin", "supervisor", "auditor"},
    ("POST", "/api/v1/restrictions/{id}/act"): {"admin", "supervisor"},
    ("POST", "/api/v1/restrictions/{id}/bundle"): {"admin", "supervisor"},
    ("GET", "/api/v1/tickets"): ALL,
    ("GET", "/api/v1/tickets/{id}"): ALL,
    ("GET", "/api/v1/recordings/{id}/audio"): ALL,
    ("GET", "/api/v1/events"): ALL,
    ("GET", "/metrics"): {"admin", "supervisor", "probe"},
    ("GET", "/api/openapi.json"): ALL,
}
IDS = {
    "seats": "8003", "calls": "demo-1.4", "recordings": "demo-1.4", "tickets": "d-1004", "callbacks": "cb-1003",
    "incidents": "incident-1", "restrictions": "r-102",
}  # fmt: skip
"""Seat 8003 has call demo-1.4 in its hands."""
BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/seats/{id}/state": {"state": "break", "reason": "meal"},
    "/api/v1/seats/{id}/rest": {},
    "/api/v1/calls/{id}/parties": {"how": "join", "skill": "ja"},
    "/api/v1/calls/{id}/arrange": {"what": "hold"},
    "/api/v1/calls/{id}/emergency": {"entry": "110"},
    "/api/v1/calls/{id}/supervise": {"mode": "listen", "seat": "8001"},
    "/api/v1/callbacks": {"number": "13812341234"},
    "/api/v1/restrictions": {"number": "13812341234", "reason": "abuse", "note": "骂人"},
    "/api/v1/restrictions/{id}/act": {"what": "confirm"},
    "/api/v1/restrictions/{id}/bundle": {"calls": []},
    "/api/v1/mode": {"mode": "surge", "reason": "台风"},
    "/api/v1/incidents": {"regions": ["330302"], "zh": "停水"},
}
OTHER_CALL = {"/api/v1/calls/{id}/callback": "demo-1.8"}
"""Of a waiting caller."""


async def talking(console: Any) -> None:
    """Call demo-1.4 is no wrap-up any more but a talk of seat 8003."""
    call = await console.desk.call("demo-1.4")
    seat = next(one for one in await console.desk.seats() if one.id == "8003")
    legs = [leg.model_copy(update={"state": "joined", "ended_at": None}) for leg in call.legs]
    party = an_interpreter(call.arrived_at, asked_by="8003")
    talk = {"state": "talking", "ended_at": None, "legs": legs, "parties": [party]}
    console.desk.keep(call.model_copy(update=talk))
    console.desk.keep(seat.model_copy(update={"state": "talking", "deadline": None}))


def test_every_route_is_in_this_table() -> None:
    declared = {(route.method, route.path) for route in all_routes("0")[0]}
    # Handovers take a token of their own, which is no role's: test_handovers.py.
    assert declared == set(ALLOWED) | {("GET", path) for path in (*OPEN, "/api/v1/handovers/{id}")}


@pytest.mark.parametrize(("method", "path"), ALLOWED)
@pytest.mark.parametrize("role", [None, *(role.value for role in Role)])
async def test_a_route_answers_just_the_roles_of_the_table(
    console: Any, method: str, path: str, role: str | None
) -> None:
    url = path.replace("{id}", OTHER_CALL.get(path, IDS[path.split("/")[3]])) if "{id}" in path else path
    url = url.replace("{part}", "p1")
    headers = console.headers(role) if role else {}
    body = {"json": BODIES[path]} if method in ("POST", "PUT") and path in BODIES else {}
    if path.endswith(("/parties", "/{part}", "/arrange", "/emergency", "/supervise")):
        await talking(console)
    answer = await console.client.request(method, url, headers=headers, **body)
    expected = 401 if role is None else 200 if role in ALLOWED[method, path] else 403
    assert answer.status == expected, await answer.text()
    if expected != 200:
        problem = await answer.json()
        assert problem["status"] == expected and problem["message"]["zh"] and problem["mend"]


@pytest.mark.parametrize("path", sorted(OPEN))
async def test_health_answers_without_a_token(console: Any, path: str) -> None:
    assert (await console.client.get(path)).status == 200


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/static/../_tokens.py", "/static/nothing.js", "/api/v1/calls/x"])
async def test_without_a_token_not_even_what_exists_is_told(console: Any, path: str) -> None:
    assert (await console.client.get(path)).status == 401


async def test_the_login_shell_holds_no_data_and_needs_no_token(console: Any) -> None:
    for path in ("/", "/static/main.js", "/static/i18n.json", "/favicon.ico"):
        answer = await console.client.get(path)
        assert answer.status == 200
        assert "demo-1" not in await answer.text()


async def test_a_token_in_the_address_opens_nothing(console: Any) -> None:
    token = console.tokens["admin"]
    assert (await console.client.get(f"/api/v1/calls?token={token}")).status == 401
    assert (await console.client.get(f"/api/v1/calls?access_token={token}")).status == 401


async def test_a_seat_commands_only_itself(console: Any) -> None:
    order = {"json": {"state": "available"}}
    mine = await console.client.post("/api/v1/seats/8003/state", headers=console.headers("seat"), **order)
    assert mine.status == 200 and (await mine.json())["state"] == "available"
    other = await console.client.post("/api/v1/seats/8006/state", headers=console.headers("seat"), **order)
    assert other.status == 403 and (await other.json())["code"] == "not-your-seat"
    boss = await console.client.post("/api/v1/seats/8006/state", headers=console.headers("supervisor"), **order)
    assert boss.status == 200
    assert [entry.detail for entry in console.desk.audited] == ["8003 available", "8006 available"]


async def test_a_seat_hears_and_reads_only_the_call_in_its_hands(console: Any) -> None:
    assert (await console.get("/api/v1/recordings/demo-1.1/audio", "seat")).status == 404
    assert (await console.get("/api/v1/recordings/demo-1.4/audio", "idle-seat")).status == 404
    whole = await (await console.get("/api/v1/calls/demo-1.4", "seat")).json()
    assert whole["transcript"] and whole["recording"] and whole["draft"] and whole["withheld"] == []
    other = await (await console.get("/api/v1/calls/demo-1.4", "idle-seat")).json()
    assert other["transcript"] is other["recording"] is other["draft"] is None
    assert other["withheld"] == ["number", "transcript", "recording", "draft"]


async def test_a_seat_gets_only_its_own_drafts(console: Any) -> None:
    listed = await (await console.get("/api/v1/tickets", "seat")).json()
    assert [draft["id"] for draft in listed["items"]] == ["d-1004"]
    assert (await console.get("/api/v1/tickets/d-1004", "idle-seat")).status == 404
