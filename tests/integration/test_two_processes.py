"""Two real `hotline run` on one Redis and one Asterisk: one decides, both answer, and either may die."""

import asyncio
import contextlib
import os
import re
import signal
import sys

import aiohttp
import pytest
import yaml
from redis.asyncio import Redis

import tickets
from demo import Phone
from service.access import issue
from service.books import CallBook
from tests.conftest import ROOT, free_port
from tests.words import heard_words

pytestmark = pytest.mark.integration


class Process:
    """`hotline run`, as an operator starts it."""

    def __init__(self, settings, node):
        self.node, self.port = node, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines = []
        self.environment = {
            **os.environ, "HOTLINE_NODE": node, "HOTLINE_HTTP_PORT": str(self.port), "HOTLINE_ASR_WORKERS": "0",
            **{f"HOTLINE_{name.upper()}": str(getattr(settings, name)) for name in
               ("config_dir", "var_dir", "ami_port", "recording_spool", "sip_port", "redis_url", "redis_prefix")},
        }  # fmt: skip

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from service.cli import main; main()", "run", "--join", cwd=ROOT,
            env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self.reading = asyncio.create_task(self._read())

    async def _read(self):
        while line := await self.process.stdout.readline():
            self.lines.append(line.decode().rstrip())

    def role(self):
        told = [m[1] for line in self.lines if (m := re.match(r"\s*role\s+(\w+)", line))]
        return told[-1] if told else None

    async def end(self, number=signal.SIGTERM):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        await self.process.wait()
        await self.reading


@contextlib.asynccontextmanager
async def two(bench, eventually, config=None):
    """The active one, the standby, and a way to ask either."""
    settings = bench.settings(config)
    first, second = Process(settings, "one"), Process(settings, "two")
    token = issue(settings, "admin", "test")
    try:
        await first.start()
        await eventually(lambda: first.role() == "active", 60, what=f"the first is active: {first.lines}")
        await second.start()
        await eventually(lambda: second.role() == "standby", 60, what=f"the second stands by: {second.lines}")
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            yield first, second, session
    finally:
        for process in (first, second):
            await process.end(signal.SIGKILL)


async def ask(session, process, path):
    async with session.get(process.url + path) as answer:
        return answer.status, await answer.json(content_type=None)


async def until(what, true, seconds=20.0):
    """Asks again and again."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        with contextlib.suppress(aiohttp.ClientError, KeyError):
            if found := await true():
                return found
        assert asyncio.get_running_loop().time() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.02)


async def test_the_active_one_is_killed_while_one_talks_and_two_wait(bench, switch, eventually):
    async with contextlib.AsyncExitStack() as stack:
        first, second, session = await stack.enter_async_context(two(bench, eventually))

        async def phone(number, password=None, ip="127.0.0.1"):
            return await stack.enter_async_context(Phone(switch.sip, number, password, local_ip=ip))

        seat = await phone("8001", "demo-8001")
        await seat.register()

        async def states():
            _, seats = await ask(session, second, "/api/v1/seats")
            return {s["id"]: s["state"] for s in seats["items"]}

        async def seat_is(id_, state):
            return (await states())[id_] == state

        await until("8001 is available, as seen at the standby's address", lambda: seat_is("8001", "available"))
        talk = await (await phone("13800000001", ip="127.0.0.9")).dial("12345")
        await talk.answered()
        ringing = await seat.incoming()
        assert ringing.caller == "13800000001"
        await ringing.answer()
        await until("talking", lambda: seat_is("8001", "talking"))

        async def waiting(process):
            _, body = await ask(session, process, "/api/v1/waiting")
            return [w["call"] for w in body["items"]]

        lines = []
        for n in (2, 3):
            call = await (await phone(f"1380000000{n}", ip="127.0.0.9")).dial("12345")
            await call.answered()
            lines.append(call)

            async def one_more(n=n):
                return len(await waiting(second)) == n - 1

            await until(f"{n - 1} wait", one_more)
        order = await waiting(first)
        assert order == await waiting(second), "both addresses tell the same"

        stream = await session.ws_connect(second.url + "/api/v1/events")
        hello = await stream.receive_json()
        assert hello["data"]["you"]["role"] == "admin"

        # ------------------------------------------------------------ kill -9
        began = asyncio.get_running_loop().time()
        await first.end(signal.SIGKILL)
        await eventually(lambda: second.role() == "active", 10, what="the second decides")
        print(f"kill -9 to active: {asyncio.get_running_loop().time() - began:.2f} s", second.lines[-4:])
        await until("the queue as it was", lambda: waits_as(waiting, second, order))
        closing = await stream.receive(10)
        while closing.type is aiohttp.WSMsgType.TEXT:
            closing = await stream.receive(10)
        assert closing.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED)

        talk.tone(440)
        ringing.tone(880)
        await eventually(lambda: talk.tones_heard((440, 880)) == {880}, what="the talk goes on for the caller")
        await eventually(lambda: ringing.tones_heard((440, 880)) == {440}, what="and for the seat")

        other = await phone("8002", "demo-8002")
        await other.register()
        for n, call in enumerate(lines, 2):
            offered = await other.incoming(20)
            assert offered.caller == f"1380000000{n}", "ranks are kept"
            await offered.answer()
            await until("joined", lambda: seat_is("8002", "talking"))
            await call.hang_up()
            await offered.ended(20)
        await talk.hang_up()
        await ringing.ended(20)

        # ------------------------------------------------------------ the dead one comes back and stands by
        again = Process.__new__(Process)
        again.__dict__.update(first.__dict__, lines=[])
        await again.start()
        stack.push_async_callback(again.end, signal.SIGKILL)
        await eventually(lambda: again.role() == "standby", 60, what="it stands by")
        status, ready = await ask(session, again, "/readyz")
        assert (status, ready["ready"], ready["role"], ready["active"]) == (200, True, "standby", "two")
        assert (await ask(session, again, "/healthz"))[0] == 200

        async def nobody_left():
            _, body = await ask(session, again, "/api/v1/calls?live=true")
            return body["items"] == []

        await until("all calls are over and in the books", nobody_left)


NESTED = """
flow: nested
start: first
human: to-human
nodes:
  first:
    menu: self-menu
    wait: 10
    keys:
      1: number
  number:
    collect: enter-ticket
    into: ticket
    min: 3
    max: 3
    gap: 8
    next: to-progress
  to-progress:
    route:
      priority: 1
  to-human:
    route: {}
"""


async def test_a_caller_in_a_flow_begins_it_again_or_is_never_told_how_long_it_waits(bench, switch, eventually):
    """The active process is killed while a caller is at the second question: it hears that question again from the
    other one, its answer counts there, and it is told its place and time in the queue as if nothing had happened."""
    config = bench.config(numbers={"12315": {"flow": "nested"}})
    (config / "flows/nested.yaml").write_text(NESTED)
    routing = yaml.safe_load((config / "routing.yaml").read_text())
    routing["waiting"].update(tell_after=4, long_wait=0, callback_after=600, callback_wait=600, voicemail_after=600)
    (config / "routing.yaml").unlink()
    (config / "routing.yaml").write_text(yaml.safe_dump(routing, allow_unicode=True))
    async with contextlib.AsyncExitStack() as stack:
        first, second, session = await stack.enter_async_context(two(bench, eventually, config))
        seat = await stack.enter_async_context(Phone(switch.sip, "8001", "demo-8001"))
        await seat.register()

        async def call_from(number, to):
            phone = await stack.enter_async_context(Phone(switch.sip, number, local_ip="127.0.0.9"))
            call = await phone.dial(to)
            await call.answered()
            return call

        async def talks():
            _, seats = await ask(session, second, "/api/v1/seats")
            return {s["id"]: s["state"] for s in seats["items"]}["8001"] == "talking"

        talk = await call_from("13800000001", "12345")
        await (await seat.incoming(30)).answer()
        await until("somebody talks: there is a time to expect", talks)
        asks = await call_from("13800000002", "12315")
        await eventually(lambda: hears(asks, "self-menu"), 30, what="the first question")
        await asks.press("1")
        await eventually(lambda: hears(asks, "enter-ticket"), 30, what="the second question")
        await asks.press("1")

        await first.end(signal.SIGKILL)
        since = asks.heard_samples
        await eventually(lambda: second.role() == "active", 10, what="the second decides")
        await eventually(lambda: hears(asks, "enter-ticket", since), 30, what="the second question again")
        assert not hears(asks, "self-menu", since), "not the first one"
        for key in "123":
            await asks.press(key)

        async def waits():
            _, body = await ask(session, second, "/api/v1/waiting")
            return [w["call"] for w in body["items"]]

        # Sooner than any of the flow's times would bring it there.
        await until("its answer has brought it to the queue", waits, 6)
        await eventually(lambda: hears(asks, "wait-next", since), 30, what="its place")
        await eventually(lambda: hears(asks, "wait-about", since), 30, what="and its time")
        await asks.hang_up()
        await talk.hang_up()


def hears(call, prompt, since=0):
    """Whether the prompt was heard from sample `since` on."""
    return heard_words(call, prompt, since=since) > 0.7


async def waits_as(waiting, process, order):
    return await waiting(process) == order


async def test_a_clean_end_hands_over_and_the_standby_answers_all_the_time(bench, switch, eventually):
    async with two(bench, eventually) as (first, second, session):
        status, body = await ask(session, second, "/api/v1/seats")
        assert (status, len(body["items"]) > 0) == (200, True)
        async with session.get(second.url + "/api/v1/seats", headers={"Authorization": "Bearer wrong"}) as answer:
            assert answer.status == 401
            assert (await answer.json(content_type=None))["code"] == "bad-token"
        await first.end(signal.SIGTERM)
        assert first.process.returncode == 0
        await eventually(lambda: second.role() == "active", 10)
        assert (await ask(session, second, "/api/v1/seats"))[0] == 200


async def test_a_process_that_was_stopped_steps_down_when_it_wakes_and_forwards(bench, switch, eventually):
    async with two(bench, eventually) as (first, second, session):
        first.process.send_signal(signal.SIGSTOP)
        await eventually(lambda: second.role() == "active", 10)
        first.process.send_signal(signal.SIGCONT)
        await eventually(lambda: first.role() == "standby", 10)
        _, ready = await ask(session, first, "/readyz")
        assert ready["active"] == "two"
        assert (await ask(session, first, "/api/v1/seats"))[0] == 200
        assert "another process decides" not in "\n".join(second.lines)


async def test_the_book_takes_over_what_a_dead_process_had_in_hand(redis_url, tmp_path, eventually):
    redis, store = Redis.from_url(redis_url), tickets.Store(f"sqlite:///{tmp_path}/hotline.db")
    await store.migrate()
    prefix = "deadbook:"
    try:
        call = '{"id":"a","dialled":"12345","caller_number":"1","arrived_at":1.0,"timeline":[]}'
        dead = CallBook(redis, store, lambda: "330000", prefix=prefix, consumer="books-dead")
        await dead._group()
        await redis.xadd(prefix + "finished", {"call": call})
        await redis.xreadgroup("books", "books-dead", {prefix + "finished": ">"})  # and then it is killed
        living = CallBook(redis, store, lambda: "330000", prefix=prefix, consumer="books-2", idle=0.05)
        task = asyncio.create_task(living.run())
        await eventually(lambda: living.counters.claimed == 1)
        await eventually(lambda: living.counters.written + living.counters.dropped == 1)
        task.cancel()
        await asyncio.wait({task})
        assert (await redis.xpending(prefix + "finished", "books"))["pending"] == 0
        assert await redis.xlen(prefix + "finished") == 0
    finally:
        await store.close()
        await redis.aclose()
