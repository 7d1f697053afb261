"""The console of a running instance: health that tells the truth, live calls on the right screens."""

import asyncio
import contextlib
import json

import aiohttp
import jsonschema_rs
import pytest
from prometheus_client.parser import text_string_to_metric_families

from demo import Phone
from service.access import issue
from service.private import PrivateRedis
from tests.conftest import ROOTFS, free_port

pytestmark = pytest.mark.integration
NUMBER = "13800001234"


class Web:
    def __init__(self, hotline, session):
        self.settings, self.session = hotline.settings, session
        self.base = f"http://{self.settings.http_host}:{self.settings.http_port}"

    def bearer(self, role="admin", seat=None):
        return {"Authorization": f"Bearer {issue(self.settings, role, 'test', seat)}"}

    async def get(self, path, headers=None):
        async with self.session.get(self.base + path, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if "json" in answer.content_type else text

    def listen(self, role="admin", seat=None):
        return self.session.ws_connect(
            f"{self.base}/api/v1/events", headers=self.bearer(role, seat), protocols=("hotline.v1",)
        )


@contextlib.asynccontextmanager
async def web(hotline):
    async with aiohttp.ClientSession() as session:
        yield Web(hotline, session)


async def told(socket, wanted, timeout=10):
    """The first event of which `wanted` is true."""
    async with asyncio.timeout(timeout):
        while True:
            message = await socket.receive_json()
            if wanted(message):
                return message



async def test_ready_is_true_and_metrics_are_for_those_with_a_token(bench):
    async with bench.hotline() as hotline, web(hotline) as w:
        assert (await w.get("/healthz"))[0] == 200
        assert (await w.get("/readyz"))[0] == 200
        assert (await w.get("/metrics"))[0] == 401
        assert (await w.get("/api/v1/calls"))[0] == 401
        assert (await w.get("/metrics", w.bearer("seat", "8001")))[0] == 403
        status, text = await w.get("/metrics", w.bearer("probe"))
        assert status == 200
        families = {f.name for f in text_string_to_metric_families(text)}
        assert {"hotline_calls", "hotline_seats", "hotline_answer_seconds", "hotline_journal_ok"} <= families


async def test_a_redis_that_stops_makes_it_unready_with_the_reason_and_its_return_ready_again(bench, tmp_path):
    server = PrivateRedis(ROOTFS, tmp_path / "redis", free_port())
    await server.start()
    try:
        settings = bench.settings(redis_url=server.url)
        async with bench.hotline(settings) as hotline, web(hotline) as w:
            assert (await w.get("/readyz"))[0] == 200
            await server.stop()
            status, answer = await w.get("/readyz")
            assert status == 503
            assert "redis-down" in json.dumps(answer)
            assert (await w.get("/healthz"))[0] == 200, "the process lives: nobody should kill it for that"
            await server.start()
            async with asyncio.timeout(15):
                while (await w.get("/readyz"))[0] != 200:
                    await asyncio.sleep(0.05)
    finally:
        await server.stop()


async def test_a_switch_that_cannot_be_reached_makes_it_unready_with_the_reason(bench, monkeypatch):
    import telephony

    wait = telephony.AmiLink.wait_up
    monkeypatch.setattr(telephony.AmiLink, "wait_up", lambda self, timeout: wait(self, 0.2))
    async with bench.hotline(bench.settings(ami_port=free_port())) as hotline, web(hotline) as w:
        status, answer = await w.get("/readyz")
        assert status == 503
        assert "ami-down" in json.dumps(answer)
        assert (await w.get("/healthz"))[0] == 200


async def test_a_live_call_pops_up_at_its_seat_before_the_phone_is_answered_and_masked_elsewhere(
    bench, switch, eventually
):
    async with contextlib.AsyncExitStack() as stack:
        hotline = await stack.enter_async_context(bench.hotline())
        w = await stack.enter_async_context(web(hotline))
        phone = await stack.enter_async_context(Phone(switch.sip, "8001", "demo-8001"))
        caller = await stack.enter_async_context(Phone(switch.sip, NUMBER, local_ip="127.0.0.9"))
        await phone.register()
        await eventually(lambda: hotline.engine.dispatcher.seats["8001"].state.value == "available")
        mine = await stack.enter_async_context(w.listen("seat", "8001"))
        other = await stack.enter_async_context(w.listen("seat", "8002"))
        for socket in (mine, other):
            assert (await socket.receive_json())["type"] == "hello"
        call = await caller.dial("12345")
        await call.answered()
        ringing = await phone.incoming()
        await ringing.ring()

        def offered(message):
            return message["type"] == "call" and message["data"]["state"] == "offered"

        at_mine, at_other = await told(mine, offered), await told(other, offered)
        assert at_mine["data"]["seat"] == "8001"
        assert at_mine["data"]["caller"]["number"] == NUMBER, "known before the phone is answered"
        assert at_other["data"]["caller"]["masked"] is True
        assert NUMBER not in json.dumps(at_other)
        await ringing.answer()
        await told(mine, lambda m: m["type"] == "call" and m["data"]["state"] == "talking")
        call_id = at_mine["data"]["id"]
        status, live = await w.get("/api/v1/calls?live=true", w.bearer("seat", "8002"))
        assert [c["id"] for c in live["items"]] == [call_id]
        assert NUMBER not in json.dumps(live)
        await call.hang_up()
        await eventually(lambda: not hotline.engine.calls, what="wrapped up")

        async with asyncio.timeout(10):
            while True:
                status, found = await w.get(f"/api/v1/calls/{call_id}", w.bearer())
                if status == 200 and found["state"] == "ended":
                    break
                await asyncio.sleep(0.05)
        _, document = await w.get("/api/openapi.json", w.bearer())
        answer = document["paths"]["/api/v1/calls/{id}"]["get"]["responses"]["200"]["content"]
        schema = {**answer["application/json"]["schema"], "components": document["components"]}
        jsonschema_rs.Draft202012Validator(schema).validate(found)
        assert (found["outcome"], found["seat"]) == ("served", "8001")
        assert [m["what"] for m in found["timeline"]][:2] == ["arrived", "waiting"]
        assert {x["kind"] for x in found["legs"]} == {"caller", "seat"}
        _, strangers = await w.get(f"/api/v1/calls/{call_id}", w.bearer("seat", "8002"))
        assert NUMBER not in json.dumps(strangers)
        _, text = await w.get("/metrics", w.bearer("probe"))
        assert 'hotline_calls_ended_total{outcome="served"} 1.0' in text
        assert NUMBER not in text
