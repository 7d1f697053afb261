"""Each weakness of the bare panoramisk, shown cured against a server that speaks AMI bytes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from telephony._frames import Message
from telephony._link import (
    ActionFailed,
    ActionRefused,
    ActionTimeout,
    AmiLink,
    AmiSettings,
    LinkDown,
    LinkState,
)
from tests.unit.telephony.ami_server import AmiServer

SECRET = "never-logged"


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    server = AmiServer()
    await server.start()
    yield server
    await server.stop()


class Consumer:
    """Keeps what the link delivers."""

    def __init__(self) -> None:
        self.events: list[Message] = []
        self.log: list[str] = []
        self.fail = False
        self.arrived = asyncio.Event()

    def deliver(self, batch: list[Message]) -> None:
        self.events += batch
        self.log += [f"{m.event}{m.one('N')}" for m in batch]
        self.arrived.set()
        if self.fail:
            raise ValueError("13800000000 is in this text")

    async def until(self, event: str) -> None:
        async with asyncio.timeout(10):
            while event not in self.log:
                self.arrived.clear()
                await self.arrived.wait()


Make = Callable[..., Awaitable[AmiLink]]


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


@pytest.fixture
async def make(server: AmiServer, consumer: Consumer) -> AsyncIterator[Make]:
    links: list[AmiLink] = []

    async def make(*, up: bool = True, on_up: Any = None, on_down: Any = None, **settings: Any) -> AmiLink:
        values: dict[str, Any] = {
            "port": server.port, "username": "hotline", "secret": SECRET, "reconnect_min": 0.01, "reconnect_max": 0.05,
            "ping_interval": 5, "ping_timeout": 10,
        }  # fmt: skip
        link = AmiLink(AmiSettings(**{**values, **settings}), consumer.deliver, on_up=on_up, on_down=on_down)
        links.append(link)
        await link.start()
        if up:
            await link.wait_up(10)
        return link

    yield make
    for link in links:
        await link.stop()
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("ami-link")]


async def test_reply_reaches_the_one_who_asked(server: AmiServer, make: Make) -> None:
    server.scripts["Getvar"] = lambda a: f"Response: Success\nValue: {a['Variable']}\n\n"
    link = await make()
    replies = await asyncio.gather(*(link.send({"Action": "Getvar", "Variable": f"v{n}"}) for n in range(20)))
    assert [r["Value"] for r in replies] == [f"v{n}" for n in range(20)]


async def test_exception_in_a_handler_does_not_close_the_link_nor_spill_content(
    server: AmiServer, make: Make, consumer: Consumer, caplog: pytest.LogCaptureFixture
) -> None:
    link = await make()
    consumer.fail = True
    with caplog.at_level(logging.DEBUG):
        server.say("Event: A\nN: 1\n\n")
        await consumer.until("A1")
        server.say("Event: B\nN: 2\nCallerIDNum: 13800000000\n\n")
        await consumer.until("B2")
    assert (await link.send({"Action": "Ping"}))["Ping"] == "Pong"
    assert link.counters.handler_errors >= 2
    assert server.connections == 1
    assert "ValueError" in caplog.text
    assert "13800000000" not in caplog.text


async def test_exception_in_a_reply_callback_does_not_close_the_link(server: AmiServer, make: Make) -> None:
    link = await make()

    def broken(_: Message | None) -> None:
        raise KeyError("x")

    link.send_nowait({"Action": "Ping"}, broken)
    assert (await link.send({"Action": "Ping"})).success
    assert link.counters.handler_errors == 1


async def test_unanswered_action_is_not_sent_again_after_a_reconnect(server: AmiServer, make: Make) -> None:
    link = await make()
    fields = {"Action": "Originate", "Channel": "Local/x", "Async": "true"}
    answers: list[Message | None] = []
    link.send_nowait({**fields, "Channel": "Local/y"}, answers.append)
    waiting = asyncio.create_task(link.send(fields))
    await server.until(lambda: len(server.named("Originate")) == 2)
    server.drop()
    with pytest.raises(LinkDown) as caught:
        await waiting
    assert caught.value.maybe_executed
    assert answers == [None]
    await link.wait_up(10)
    await link.send({"Action": "Ping"})
    assert server.connections == 2
    assert len(server.named("Originate")) == 2


async def test_action_while_down_is_refused_as_surely_not_executed(server: AmiServer, make: Make) -> None:
    down = asyncio.Event()
    link = await make(on_down=down.set)
    await server.stop()
    await asyncio.wait_for(down.wait(), 10)
    for call in (link.send({"Action": "Ping"}), link.send_list({"Action": "Status"})):
        with pytest.raises(LinkDown) as caught:
            await call
        assert not caught.value.maybe_executed
    with pytest.raises(LinkDown):
        link.send_nowait({"Action": "Ping"})


async def test_action_without_answer_times_out_and_a_late_answer_is_an_orphan(server: AmiServer, make: Make) -> None:
    link = await make()
    answers: list[Message | None] = []
    link.send_nowait({"Action": "Slow"}, answers.append, timeout=0.05)
    with pytest.raises(ActionTimeout) as caught:
        await link.send({"Action": "Slow"}, timeout=0.05)
    assert caught.value.maybe_executed
    assert answers == [None]
    assert link.counters.timeouts == 2
    for action in server.named("Slow"):
        server.say(f"Response: Success\nActionID: {action['ActionID']}\n\n")
    await link.send({"Action": "Ping"})
    assert link.counters.orphan_replies == 2
    assert link.state is LinkState.UP


async def test_error_reply_is_an_exception(server: AmiServer, make: Make) -> None:
    server.scripts["Hangup"] = lambda _: "Response: Error\nMessage: No such channel\n\n"
    link = await make()
    with pytest.raises(ActionFailed, match="No such channel"):
        await link.send({"Action": "Hangup", "Channel": "x"})


LIST = (
    "Response: Success\nEventList: start\nMessage: Channels will follow\n\n"
    "Event: CoreShowChannel\nActionID: $ID\nN: 1\n\nEvent: Other\nN: 7\n\n"
    "Event: CoreShowChannel\nActionID: $ID\nN: 2\n\n"
    "Event: CoreShowChannelsComplete\nActionID: $ID\nEventList: Complete\nListItems: 2\n\n"
)


async def test_list_is_collected_and_its_items_are_not_delivered(
    server: AmiServer, make: Make, consumer: Consumer
) -> None:
    server.scripts["CoreShowChannels"] = lambda _: LIST
    link = await make()
    items = await link.send_list({"Action": "CoreShowChannels"})
    assert [m["N"] for m in items] == ["1", "2"]
    assert [name for name in consumer.log if name != "FullyBooted"] == ["Other7"]


async def test_list_answered_with_an_error_does_not_wait_for_ever(server: AmiServer, make: Make) -> None:
    server.scripts["Status"] = lambda _: "Response: Error\nMessage: Permission denied\n\n"
    link = await make()
    with pytest.raises(ActionFailed, match="Permission denied"):
        await link.send_list({"Action": "Status"})


async def test_items_of_a_list_given_up_are_not_taken_for_events(
    server: AmiServer, make: Make, consumer: Consumer
) -> None:
    link = await make()
    with pytest.raises(ActionTimeout):
        await link.send_list({"Action": "Status"}, timeout=0.05)
    (action,) = server.named("Status")
    server.say(f"Event: Status\nActionID: {action['ActionID']}\n\nEvent: Real\nN: 1\n\n")
    await consumer.until("Real1")
    assert "Status" not in consumer.log
    assert link.counters.orphan_replies == 1


async def test_event_with_our_action_id_is_delivered(server: AmiServer, make: Make, consumer: Consumer) -> None:
    server.scripts["Originate"] = lambda _: (
        "Response: Success\nMessage: Originate successfully queued\n\n"
        "Event: OriginateResponse\nActionID: $ID\nResponse: Failure\nReason: 5\n\n"
    )
    link = await make()
    reply = await link.send({"Action": "Originate", "Async": "true", "ActionID": "leg~8001~1"})
    assert reply["Message"] == "Originate successfully queued"
    await consumer.until("OriginateResponse")
    assert consumer.events[-1]["ActionID"] == "leg~8001~1"


async def test_originate_that_would_block_the_link_is_refused(server: AmiServer, make: Make) -> None:
    link = await make()
    with pytest.raises(ActionRefused, match="Async"):
        await link.send({"Action": "Originate", "Channel": "Local/x"})
    assert server.named("Originate") == []


async def test_action_id_still_under_way_is_refused(server: AmiServer, make: Make) -> None:
    link = await make()
    link.send_nowait({"Action": "Slow", "ActionID": "mine"})
    with pytest.raises(ActionRefused, match="ActionID"):
        link.send_nowait({"Action": "Slow", "ActionID": "mine"})


async def test_agi_command_ends_with_its_event(server: AmiServer, make: Make, consumer: Consumer) -> None:
    server.scripts["AGI"] = lambda a: (
        "Response: Success\nMessage: Added AGI command to queue\n\n"
        f"Event: AsyncAGIExec\nCommandId: {a['CommandID']}\nResult: 200%20result%3D1%0A\n\n"
    )
    link = await make()
    assert (await link.agi("Local/x", "ANSWER", "inst-1")).success
    await consumer.until("AsyncAGIExec")
    assert consumer.events[-1]["CommandId"] == "inst-1"


async def test_injected_line_end_never_reaches_the_wire(server: AmiServer, make: Make) -> None:
    link = await make()
    evil = "x\r\n\r\nAction: Command\r\nCommand: core stop now"
    with pytest.raises(ActionRefused) as caught:
        await link.send({"Action": "Setvar", "Variable": "A", "Value": evil})
    with pytest.raises(ActionRefused):
        await link.agi("Local/x", f'SET VARIABLE A "{evil}"', "1")
    assert "core stop" not in str(caught.value)
    await link.send({"Action": "Ping"})
    assert {a["Action"] for a in server.actions} == {"Login", "Ping"}


async def test_character_cut_by_a_read_reaches_the_consumer_whole(
    server: AmiServer, make: Make, consumer: Consumer
) -> None:
    link = await make()
    raw = "Event: Name\r\nN: 王小明\r\n\r\n".encode()
    assert server._writer is not None
    for byte in raw:
        server._writer.write(bytes([byte]))
        await server._writer.drain()
        await asyncio.sleep(0)
    await consumer.until("Name王小明")
    assert link.counters.bad_utf8 == 0


async def test_events_keep_their_order_and_come_before_a_later_reply(
    server: AmiServer, make: Make, consumer: Consumer
) -> None:
    server.scripts["Mark"] = lambda _: (
        "Event: E\nN: 1\n\nEvent: E\nN: 2\n\nResponse: Success\nActionID: $ID\n\nEvent: E\nN: 3\n\n"
    )
    link = await make()
    done = asyncio.Event()

    def replied(_: Message | None) -> None:
        consumer.log.append("reply")
        done.set()

    link.send_nowait({"Action": "Mark"}, replied)
    await consumer.until("E3")
    await done.wait()
    assert consumer.log[-4:] == ["E1", "E2", "reply", "E3"]


async def test_one_read_is_one_batch(server: AmiServer, make: Make) -> None:
    sizes: list[int] = []
    link = await make()
    link._deliver = lambda batch: sizes.append(len(batch))
    server.say("Event: E\n\n" * 50)
    await link.send({"Action": "Ping"})
    assert sum(sizes) == 50
    assert len(sizes) <= 3


async def test_silent_asterisk_is_found_out_though_the_connection_stays(server: AmiServer, make: Make) -> None:
    downs: list[str] = []
    link = await make(ping_interval=0.1, ping_timeout=0.3, on_down=lambda: downs.append("down"))
    del server.scripts["Ping"]
    waiting = asyncio.create_task(link.send({"Action": "Slow"}, timeout=60))
    with pytest.raises(LinkDown, match="silent") as caught:
        await waiting
    assert caught.value.maybe_executed
    assert downs == ["down"]


async def test_answering_asterisk_is_not_taken_for_dead(server: AmiServer, make: Make) -> None:
    link = await make(ping_interval=0.02, ping_timeout=5)
    await server.until(lambda: len(server.named("Ping")) >= 5)
    assert link.state is LinkState.UP
    assert server.connections == 1


async def test_our_own_standstill_is_not_taken_for_asterisks_silence(server: AmiServer, make: Make) -> None:
    answer = server.scripts.pop("Ping")
    link = await make(ping_interval=0.1, ping_timeout=0.5)
    await server.until(lambda: bool(server.named("Ping")))
    time.sleep(1.0)  # noqa: ASYNC251 (the standstill: a suspended machine, a blocked loop)
    await asyncio.sleep(0.05)
    server.say("Event: StillHere\n\n")
    server.scripts["Ping"] = answer
    await link.send({"Action": "Ping"})
    assert server.connections == 1


async def test_events_during_reconciliation_are_held_in_order(
    server: AmiServer, make: Make, consumer: Consumer
) -> None:
    server.scripts["CoreShowChannels"] = lambda _: LIST
    go = asyncio.Event()
    holder: list[AmiLink] = []

    async def on_up() -> None:
        items = await holder[0].send_list({"Action": "CoreShowChannels"})
        assert holder[0].state is LinkState.RECONCILING
        await go.wait()
        consumer.log.append(f"reconciled {len(items)}")

    link = await make(up=False, on_up=on_up, boot_wait=0)
    holder.append(link)
    await server.until(lambda: bool(server.named("CoreShowChannels")))
    server.say("Event: E\nN: 1\n\nEvent: E\nN: 2\n\n")
    await link.send({"Action": "Ping"})
    assert consumer.log == []
    go.set()
    await link.wait_up(10)
    server.say("Event: E\nN: 3\n\n")
    await consumer.until("E3")
    assert consumer.log == ["reconciled 2", "FullyBooted", "Other7", "E1", "E2", "E3"]
    assert link.counters.held_dropped == 0


async def test_link_lost_during_reconciliation_reconciles_anew(
    server: AmiServer, make: Make, consumer: Consumer
) -> None:
    entered: list[str] = []
    holder: list[AmiLink] = []
    held = asyncio.Event()

    async def on_up() -> None:
        entered.append("up")
        if len(entered) == 1:
            server.say("Event: Lost\n\n")
            await holder[0].send({"Action": "Ping"})
            held.set()
            try:
                await asyncio.Event().wait()
            finally:
                entered.append("cancelled")

    link = await make(up=False, on_up=on_up, on_down=lambda: entered.append("down"))
    holder.append(link)
    await asyncio.wait_for(held.wait(), 10)
    server.drop()
    await link.wait_up(10)
    assert entered == ["up", "cancelled", "down", "up"]
    assert "Lost" not in consumer.log
    assert link.counters.held_dropped == 2


@pytest.mark.parametrize("how", ["raises", "hangs"])
async def test_reconciliation_that_fails_is_tried_again(server: AmiServer, make: Make, how: str) -> None:
    tries: list[int] = []

    async def on_up() -> None:
        tries.append(1)
        if len(tries) < 3:
            if how == "raises":
                raise RuntimeError("x")
            await asyncio.sleep(3600)

    link = await make(on_up=on_up, up_timeout=0.05)
    assert link.state is LinkState.UP
    assert len(tries) == server.connections == 3


async def test_too_many_held_events_give_the_session_up_instead_of_memory(server: AmiServer, make: Make) -> None:
    tries: list[int] = []

    async def on_up() -> None:
        tries.append(1)
        if len(tries) == 1:
            server.say("Event: E\n\n" * 200)
            await asyncio.sleep(3600)

    link = await make(on_up=on_up, max_held=100)
    assert len(tries) == 2
    assert link.counters.held_dropped > 100


async def test_refused_login_is_told_without_the_secret_and_tried_again(
    server: AmiServer, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    server.scripts["Login"] = lambda _: "Response: Error\nMessage: Authentication failed\n\n"
    with caplog.at_level(logging.DEBUG):
        link = await make(up=False)
        await server.until(lambda: len(server.named("Login")) >= 2)
        with pytest.raises(LinkDown, match="user hotline"):
            await link.wait_up(0.01)
        await link.stop()
    assert link.counters.login_failures >= 1
    assert "manager.conf" in caplog.text
    assert SECRET not in caplog.text


async def test_login_without_answer_is_given_up(server: AmiServer, make: Make) -> None:
    del server.scripts["Login"]
    link = await make(up=False, login_timeout=0.05)
    await server.until(lambda: server.connections >= 2)
    assert not link.up


async def test_user_without_system_class_comes_up_without_fullybooted(server: AmiServer, make: Make) -> None:
    server.scripts["Login"] = lambda _: "Response: Success\nMessage: Authentication accepted\n\n"
    link = await make(boot_wait=0.05)
    assert link.state is LinkState.UP


async def test_calls_are_not_attempted_before_asterisk_is_booted(server: AmiServer, make: Make) -> None:
    server.scripts["Login"] = lambda _: "Response: Success\nMessage: Authentication accepted\n\n"
    link = await make(up=False, boot_wait=60)
    await server.until(lambda: bool(server.named("Login")))
    with pytest.raises(LinkDown):
        await link.wait_up(0.05)
    server.say("Event: FullyBooted\n\n")
    await link.wait_up(10)


async def test_two_links_run_side_by_side(server: AmiServer, make: Make) -> None:
    first = await make()
    second = await make(events="off")
    assert [a["Events"] for a in server.named("Login")] == ["on", "off"]
    await asyncio.gather(first.send({"Action": "Ping"}), second.send({"Action": "Ping"}))
    ids = [a["ActionID"] for a in server.actions]
    assert len(set(ids)) == len(ids)


async def test_stop_fails_what_waits_and_stays_away(server: AmiServer, make: Make) -> None:
    downs: list[str] = []
    link = await make(on_down=lambda: downs.append("down"))
    waiting = asyncio.create_task(link.send({"Action": "Slow"}))
    await server.until(lambda: bool(server.named("Slow")))
    await link.stop()
    with pytest.raises(LinkDown):
        await waiting
    assert link.state is LinkState.STOPPED
    assert downs == ["down"]
    await asyncio.sleep(0.1)  # longer than the pause before a reconnect would be
    assert server.connections == 1
    await link.start()
    await link.wait_up(10)
    assert server.connections == 2


async def test_cancelled_waiter_leaves_no_trace(server: AmiServer, make: Make) -> None:
    link = await make()
    waiting = asyncio.create_task(link.send({"Action": "Slow"}))
    await server.until(lambda: bool(server.named("Slow")))
    waiting.cancel()
    (action,) = server.named("Slow")
    server.say(f"Response: Success\nActionID: {action['ActionID']}\n\n")
    await link.send({"Action": "Ping"})
    assert link.counters.orphan_replies == 0
    assert link._session is not None
    assert len(link._session._table) == 0


async def test_panoramisk_itself_sends_nothing_but_the_login(server: AmiServer, make: Make) -> None:
    await make()
    server.drop()
    await server.until(lambda: len(server.named("Login")) == 2)
    assert {a["Action"] for a in server.actions} == {"Login"}
