"""Hostile and broken input: one shape of error, never a stack trace, never a personal word."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from console import UnavailableError, mask_number
from console._app import HEADERS

SHAPE = {"status", "code", "what", "where", "mend", "message"}
STATE = "/api/v1/seats/8003/state"


async def told(answer: Any) -> dict[str, Any]:
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = await answer.json()
    assert set(problem) == SHAPE and problem["status"] == answer.status
    assert problem["message"]["zh"] and problem["message"]["en"] and problem["mend"]
    assert "Traceback" not in json.dumps(problem)
    return problem


async def post(console: Any, **more: Any) -> Any:
    headers = {**console.headers("supervisor"), **more.pop("headers", {})}
    return await console.client.post(STATE, headers=headers, **more)


@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", "{", '"available"', '{"state": "talking"}', '{"state": 1}', '{"state": ["available"]}',
        '{"state": "available", "extra": 1}', '{"reason": "meal"}', '{"state": "break", "reason": "DROP TABLE"}',
        '{"state": "break", "reason": 7}', "[" * 100_000, '{"state": "\\ud800"}', "\x00", "NaN",
    ],
)  # fmt: skip
async def test_a_wrong_body_is_refused_with_its_place(console: Any, body: str) -> None:
    answer = await post(console, data=body, headers={"Content-Type": "application/json"})
    assert answer.status == 422
    assert (await told(answer))["where"].startswith("body:")


async def test_bytes_that_are_no_text_are_refused(console: Any) -> None:
    answer = await post(console, data=b"\xff\xfe{}", headers={"Content-Type": "application/json"})
    assert answer.status == 422


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_another_type_of_body_is_refused(console: Any, kind: str) -> None:
    answer = await post(console, data='{"state": "available"}', headers={"Content-Type": kind})
    assert answer.status == 415 and (await told(answer))["code"] == "not-json"


async def test_ten_megabytes_are_refused_unread(console: Any) -> None:
    answer = await post(console, data=b"x" * 10_000_000, headers={"Content-Type": "application/json"})
    assert answer.status == 413 and (await told(answer))["code"] == "too-large"


async def test_ten_megabytes_without_a_length_are_refused(console: Any) -> None:
    async def trickle() -> Any:
        for _ in range(160):
            yield b"x" * 65536

    try:
        answer = await post(console, data=trickle(), headers={"Content-Type": "application/json"})
    except ConnectionError:
        return  # the server has hung up on the flood: as good
    assert answer.status == 413


async def test_a_body_where_none_belongs_is_bounded_too(console: Any) -> None:
    answer = await console.client.request(
        "GET", "/api/v1/seats", headers=console.headers("admin"), data=b"x" * 10_000_000
    )
    assert answer.status == 413


@pytest.mark.parametrize(
    "query",
    [
        "colour=red", "limit=0", "limit=201", "limit=abc", "limit=1e2", "limit=+1", "limit=", "limit=1&limit=2",
        "live=yes", "live=1", "live=", "cursor=", "cursor=a b", "cursor=" + "x" * 201, "LIMIT=1",
        "limit=" + "9" * 5000,
    ],
)  # fmt: skip
async def test_a_wrong_query_is_refused_not_guessed(console: Any, query: str) -> None:
    answer = await console.get(f"/api/v1/calls?{query}")
    assert answer.status == 400
    assert (await told(answer))["where"].startswith("query:")


async def test_an_unknown_parameter_is_refused_where_none_is_taken(console: Any) -> None:
    for path in ("/api/v1/seats", "/api/v1/calls/demo-1.4", "/healthz", "/readyz", "/metrics"):
        assert (await console.get(f"{path}?x=1")).status == 400


@pytest.mark.parametrize("call", ["%2e%2e", "..%2f..%2fetc", "a%00b", "x" * 65, "-rf", "%E8%B7%AF", "a%0d%0ab"])
async def test_an_id_that_could_be_a_path_reaches_no_desk(console: Any, call: str) -> None:
    for path in (f"/api/v1/calls/{call}", f"/api/v1/recordings/{call}/audio", f"/api/v1/tickets/{call}"):
        answer = await console.get(path)
        assert answer.status in (400, 404)
        await told(answer)


async def test_a_cursor_of_no_page_is_an_error_not_an_empty_list(console: Any) -> None:
    answer = await console.get("/api/v1/calls?cursor=nobody")
    assert answer.status == 404 and (await told(answer))["code"] == "unknown-cursor"


async def test_pages_join_without_a_gap_or_a_repeat(console: Any) -> None:
    whole = await (await console.get("/api/v1/calls")).json()
    assert whole["next"] is None
    seen, cursor = [], ""
    while True:
        page = await (await console.get(f"/api/v1/calls?limit=3{cursor}")).json()
        seen += [call["id"] for call in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [call["id"] for call in whole["items"]]


async def test_a_wrong_method_says_which_are_right(console: Any) -> None:
    answer = await console.client.delete("/api/v1/calls", headers=console.headers("admin"))
    assert answer.status == 405 and answer.headers["Allow"] == "GET"
    await told(answer)


async def test_a_refusal_of_the_desk_is_a_clear_conflict(console: Any) -> None:
    answer = await console.client.post(
        "/api/v1/seats/8007/state", headers=console.headers("admin"), json={"state": "offline"}
    )
    assert answer.status == 409 and (await told(answer))["code"] == "seat-busy"


async def test_a_crash_inside_tells_neither_the_reader_nor_the_log_a_personal_word(
    console: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash() -> Any:
        raise KeyError("13858801234 李秀英")

    console.desk.seats = crash
    with caplog.at_level(logging.DEBUG):
        answer = await console.get("/api/v1/seats")
    assert answer.status == 500 and (await told(answer))["code"] == "internal"
    assert "KeyError" in caplog.text
    assert "1385880" not in caplog.text and "李秀英" not in caplog.text


async def test_a_part_that_is_down_is_named(console: Any) -> None:
    async def down() -> Any:
        raise UnavailableError("store")

    console.desk.seats = down
    answer = await console.get("/api/v1/seats")
    assert answer.status == 503 and (await told(answer))["where"] == "part:store"


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/healthz", "/api/v1/calls", "/nowhere", "/metrics",
                                  "/api/v1/recordings/demo-1.4/audio"])  # fmt: skip
async def test_every_answer_carries_the_security_headers(console: Any, path: str) -> None:
    answer = await console.get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers
    assert "aiohttp" not in answer.headers["Server"]
    assert answer.headers["Cache-Control"] == ("no-cache" if path in ("/", "/static/main.js") else "no-store")


async def test_readiness_tells_the_truth_with_reasons(console: Any) -> None:
    from console import Probe

    console.desk.keep(Probe(part="recogniser", ok=False, needed=False, reason="model-missing"))
    answer = await console.client.get("/readyz")
    body = await answer.json()
    assert answer.status == 200 and body["ready"]
    part = next(part for part in body["parts"] if part["part"] == "recogniser")
    assert part["message"]["zh"] == "缺少语音模型" and not part["ok"]
    console.desk.keep(Probe(part="redis", ok=False, reason="no-answer"))
    answer = await console.client.get("/readyz")
    assert answer.status == 503 and not (await answer.json())["ready"]


async def test_readiness_does_not_hang_with_a_part_that_hangs(make_console: Any) -> None:
    import asyncio

    from console import Settings

    console = await make_console(Settings(health_limit=0.05))

    async def hang() -> Any:
        await asyncio.Event().wait()

    console.desk.health = hang
    answer = await console.client.get("/readyz")
    assert answer.status == 503
    assert (await answer.json())["parts"][0]["reason"] == "timeout"
    assert (await console.client.get("/healthz")).status == 200


async def test_a_crashing_health_check_is_not_ready(console: Any) -> None:
    console.desk.broken["health"] = RuntimeError("10.0.0.1:6379 refused")
    answer = await console.client.get("/readyz")
    assert answer.status == 503 and "10.0.0.1" not in await answer.text()


async def test_the_metrics_say_which_format_they_are(console: Any) -> None:
    answer = await console.get("/metrics", "probe")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "hotline_live_calls 8" in await answer.text()


def test_masks_survive_odd_numbers() -> None:
    assert mask_number("") == "" and mask_number("1") == "****"
