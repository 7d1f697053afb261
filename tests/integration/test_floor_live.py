"""Orders to the floor of a running instance, through its API alone: seats, the queue, callbacks, the mode."""

import asyncio
import contextlib

import aiohttp
import pytest

from demo import Phone
from service.access import issue

pytestmark = pytest.mark.integration
NUMBER = "13800001234"


class Api:
    """A person at the API."""

    def __init__(self, session, settings, role, seat=None):
        self.session = session
        self.base = f"http://{settings.http_host}:{settings.http_port}/api/v1/"
        self.headers = {"Authorization": f"Bearer {issue(settings, role, role, seat)}"}

    async def ask(self, method, path, body=None):
        async with self.session.request(method, self.base + path, headers=self.headers, json=body) as answer:
            return answer.status, await answer.json()

    async def done(self, method, path, body=None):
        status, data = await self.ask(method, path, body)
        assert status == 200, data
        return data

    async def until(self, path, true, timeout=10):
        """Asks until the answer is as wanted; the limit is for failures only."""
        async with asyncio.timeout(timeout):
            while True:
                status, data = await self.ask("GET", path)
                # A call that has just ended is on its way into the books.
                assert status == 200 or (status == 404 and path.startswith("calls/")), data
                if status == 200 and (found := true(data)):
                    return data if found is True else found
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def people(hotline, *seats):
    async with aiohttp.ClientSession() as session:
        yield [
            Api(session, hotline.settings, "supervisor"),
            *(Api(session, hotline.settings, "seat", s) for s in seats),
        ]


def seat_of(data, seat):
    return next(one for one in data["items"] if one["id"] == seat)


async def test_a_seat_signs_in_pauses_rests_and_is_reset(bench, switch):
    async with bench.hotline() as hotline, people(hotline, "8001") as (boss, mine):
        async with Phone(switch.sip, "8001", "demo-8001") as phone:
            await phone.register()
            await boss.until("seats", lambda data: seat_of(data, "8001")["state"] == "available")
            status, problem = await mine.ask("POST", "seats/8001/rest", {})
            assert (status, problem["code"]) == (409, "no-call-in-hand")
            seat = await mine.done("POST", "seats/8001/state", {"state": "break", "reason": "meal"})
            assert seat["state"] == "break" and seat["deadline"] > seat["since"]
            assert (await boss.done("POST", "seats/8001/reset"))["state"] == "available"
            assert (await boss.done("POST", "seats/8001/rest", {"seconds": 600}))["state"] == "rest"
            status, problem = await mine.ask("POST", "seats/8001/state", {"state": "available"})
            assert (status, problem["code"]) == (409, "must-rest")
            assert (await boss.done("POST", "seats/8001/state", {"state": "available"}))["state"] == "available"
            assert (await mine.done("POST", "seats/8001/state", {"state": "offline"}))["signed_in_at"] is None


async def test_mode_incidents_and_callbacks_outlive_the_process(bench):
    settings = bench.settings()
    async with bench.hotline(settings) as hotline, people(hotline) as (boss,):
        mode = await boss.done("PUT", "mode", {"mode": "surge", "reason": "台风", "automatic": False})
        centre = (await boss.done("GET", "centres"))["items"][0]["code"]
        incident = await boss.done("POST", "incidents", {"regions": [centre], "zh": "停水"})
        entry = await boss.done("POST", "callbacks", {"number": NUMBER, "reason": "visit"})
        gone = await boss.done("POST", "callbacks", {"number": "13800009999", "reason": "visit"})
        assert (await boss.done("POST", f"callbacks/{gone['id']}/cancel"))["state"] == "cancelled"
    async with bench.hotline(settings) as hotline, people(hotline) as (boss,):
        again = await boss.done("GET", "mode")
        assert (again["mode"], again["since"], again["by"]) == ("surge", mode["since"], "supervisor")
        assert incident["id"] in [one["id"] for one in again["incidents"]]
        page = await boss.done("GET", "callbacks?state=open")
        assert [(one["id"], one["number"]) for one in page["items"]] == [(entry["id"], NUMBER)]
        assert (await boss.done("GET", f"callbacks/{gone['id']}"))["state"] == "cancelled"


async def test_a_waiting_caller_is_let_go_to_be_called_back_at_its_rank(bench, switch):
    async with contextlib.AsyncExitStack() as stack:
        hotline = await stack.enter_async_context(bench.hotline())
        boss, seat = await stack.enter_async_context(people(hotline, "8001"))
        caller = await stack.enter_async_context(Phone(switch.sip, NUMBER, local_ip="127.0.0.9"))
        call = await caller.dial("12345")
        await call.answered()
        one = await boss.until("waiting", lambda data: next(iter(data["items"]), None))
        assert (one["kind"], one["position"], one["expected"]) == ("live", 1, None), "nobody serves: no estimate"
        assert await seat.done("POST", f"calls/{one['call']}/callback") == {"status": "done"}
        await boss.until(f"calls/{one['call']}", lambda data: data["outcome"] == "callback", timeout=30)
        entry = await boss.until("callbacks", lambda data: next(iter(data["items"]), None))
        assert (entry["reason"], entry["number"], entry["origin"]) == ("queue", NUMBER, one["call"])
        assert entry["since"] == pytest.approx(one["since"])
        status, problem = await seat.ask("POST", f"calls/{one['call']}/callback")
        assert status in (404, 409), problem
