"""The AMI link against a real Asterisk that is stopped, killed and restarted."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from telephony._frames import Message, unescape
from telephony._link import ActionFailed, ActionRefused, AmiLink, AmiSettings, LinkDown, LinkState
from telephony._link_actions import agi_quote, variable
from tests.conftest import seconds_until
from tests.histories.private_asterisk import SECRET, USER, PrivateAsterisk, available

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not available(), reason="no private Asterisk under var/rootfs: run make setup"),
]

SEAT = {"Action": "Originate", "Context": "seat", "Exten": "wait", "Priority": "1", "Async": "true"}


@pytest.fixture
async def asterisk() -> AsyncIterator[PrivateAsterisk]:
    asterisk = PrivateAsterisk()
    try:
        await asterisk.start()
        yield asterisk
    finally:
        asterisk.remove()


class Inbox:
    """Keeps events; lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[Message] = []
        self._arrived = asyncio.Event()

    def __call__(self, batch: list[Message]) -> None:
        self.events += batch
        self._arrived.set()

    async def until(self, event: str, **headers: str) -> Message:
        async with asyncio.timeout(15):
            while True:
                for m in self.events:
                    if m.event == event and all(m.get(k) == v for k, v in headers.items()):
                        return m
                self._arrived.clear()
                await self._arrived.wait()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


Make = Callable[..., Awaitable[AmiLink]]


@pytest.fixture
async def make(asterisk: PrivateAsterisk, inbox: Inbox) -> AsyncIterator[Make]:
    links: list[AmiLink] = []

    async def make(*, on_up: Any = None, on_down: Any = None, **settings: Any) -> AmiLink:
        values = {"port": asterisk.port, "username": USER, "secret": SECRET, "reconnect_max": 0.5}
        link = AmiLink(AmiSettings(**{**values, **settings}), inbox, on_up=on_up, on_down=on_down)
        links.append(link)
        await link.start()
        await link.wait_up(10)
        return link

    yield make
    for link in links:
        await link.stop()


async def test_link_comes_back_after_asterisk_was_killed_and_calls_work_at_once(
    asterisk: PrivateAsterisk, make: Make, inbox: Inbox
) -> None:
    holder: list[AmiLink] = []
    down = asyncio.Event()
    ups = 0

    async def on_up() -> None:
        nonlocal ups
        ups += 1
        if holder:
            # Not "PBX requires Asterisk to be fully booted".
            await holder[0].send({**SEAT, "Channel": "Local/wait@seat/n", "ActionID": f"up-{ups}"})

    link = await make(on_up=on_up, on_down=down.set)
    holder.append(link)
    asterisk.kill()
    await asyncio.wait_for(down.wait(), 5)
    with pytest.raises(LinkDown):
        await link.send({"Action": "Ping"})
    await asterisk.start()
    await link.wait_up(15)
    assert (await inbox.until("OriginateResponse", ActionID="up-2"))["Response"] == "Success"
    assert link.counters.reconnects >= 1


async def test_stopped_asterisk_is_declared_down_within_3_s_and_taken_back(
    asterisk: PrivateAsterisk, make: Make
) -> None:
    down = asyncio.Event()
    link = await make(on_down=down.set)
    asterisk.signal(signal.SIGSTOP)
    assert await seconds_until(down.is_set) < 3.0
    assert not link.up
    asterisk.signal(signal.SIGCONT)
    await link.wait_up(15)
    assert (await link.send({"Action": "Ping"}))["Ping"] == "Pong"


async def test_unanswered_originate_is_not_sent_again(asterisk: PrivateAsterisk, make: Make, inbox: Inbox) -> None:
    link = await make()
    asterisk.signal(signal.SIGSTOP)
    with pytest.raises(LinkDown) as caught:
        await link.send({**SEAT, "Channel": "Local/count@seat/n"}, timeout=30)
    assert caught.value.maybe_executed
    asterisk.signal(signal.SIGCONT)
    await link.wait_up(15)
    # What was in Asterisk's socket is carried out by the old session, once: that is why we never repeat.
    await link.send({**SEAT, "Channel": "Local/wait@seat/n", "ActionID": "later"})
    await inbox.until("OriginateResponse", ActionID="later")
    assert (await link.send({"Action": "Getvar", "Variable": "COUNT"}))["Value"] in ("", "1")


async def test_chinese_name_and_hostile_variable_arrive_exactly(make: Make, inbox: Inbox) -> None:
    link = await make()
    evil = 'a,__INJECTED=1 "b" \\ (c) [d] 王,'
    await link.send(
        {
            **SEAT,
            "Channel": "Local/wait@seat/n",
            "ChannelId": "evil-1",
            "CallerID": '"王小明" <13800000000>',
            "Variable": [variable("EVIL", evil), variable("NEXT", "2")],
        }
    )
    event = await inbox.until("NewCallerid", Uniqueid="evil-1")
    assert unescape(event.one("CallerIDName")) == "王小明"
    channel = event.one("Channel")
    for name, value in (("EVIL", evil), ("NEXT", "2"), ("INJECTED", "")):
        assert (await link.send({"Action": "Getvar", "Channel": channel, "Variable": name}))["Value"] == value


async def test_lists_errors_and_refusals(make: Make, inbox: Inbox) -> None:
    link = await make()
    assert await link.send_list({"Action": "CoreShowChannels"}) == []
    for ident in ("one", "two"):
        await link.send({**SEAT, "Channel": "Local/wait@seat/n", "ChannelId": ident, "ActionID": f"o-{ident}"})
        await inbox.until("OriginateResponse", ActionID=f"o-{ident}")
    channels = await link.send_list({"Action": "CoreShowChannels"})
    assert {"one", "two"} <= {m["Uniqueid"] for m in channels}
    assert {m.event for m in channels} == {"CoreShowChannel"}
    assert len(await link.send_list({"Action": "Status"})) == len(channels)
    with pytest.raises(ActionFailed, match="No such channel"):
        await link.send({"Action": "Hangup", "Channel": "none"})
    with pytest.raises(ActionFailed):
        await link.send_list({"Action": "NoSuchList"})
    with pytest.raises(ActionRefused):
        await link.send({"Action": "Hangup", "Channel": "x\r\n\r\nAction: Logoff"})
    assert (await link.send({"Action": "Ping"})).success
    assert not any(m.event in ("CoreShowChannel", "Status") for m in inbox.events)


async def test_agi_command_is_answered_by_its_event(make: Make, inbox: Inbox) -> None:
    link = await make()
    await link.send({**SEAT, "Channel": "Local/agi@caller/n", "ChannelId": "c-1", "OtherChannelId": "c-2"})
    channel = (await inbox.until("AsyncAGIStart", Uniqueid="c-2")).one("Channel")
    value = 'a "quoted" \\ 灯'
    await link.agi(channel, f"SET VARIABLE NOTE {agi_quote(value)}", "inst-1")
    assert (await inbox.until("AsyncAGIExec", CommandId="inst-1"))["Result"] == "200%20result%3D1%0A"
    assert (await link.send({"Action": "Getvar", "Channel": channel, "Variable": "NOTE"}))["Value"] == value


async def test_many_actions_at_once_are_all_answered_in_order(make: Make) -> None:
    link = await make(events="off")
    replies: list[str] = []
    done = asyncio.Event()

    def replied(reply: Message | None) -> None:
        replies.append(reply.one("ActionID") if reply else "none")
        if len(replies) == 1000:
            done.set()

    for n in range(1000):
        link.send_nowait({"Action": "Ping", "ActionID": f"n{n}"}, replied)
    await asyncio.wait_for(done.wait(), 20)
    assert replies == [f"n{n}" for n in range(1000)]
    assert link.state is LinkState.UP
