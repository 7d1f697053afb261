"""The whole way from bytes of the switch to bytes for the switch, with a link in memory: reader, translation, engine,
host, directory, flows, journal, and the actions that come out, read back by a reader of our own."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ivr
from calls import Engine, Entry, Host, MemoryJournal, Rules
from routing import Dispatcher
from service.config import HotlineConfig, load_config
from telephony import ActionRefused, AsteriskSwitch
from telephony._frames import FrameReader, Message
from telephony._link_actions import encode_action

CONFIG = Path(__file__).parents[2] / "config"
ACTIONS = {"Originate", "Hangup", "Redirect", "Setvar", "AGI", "ControlPlayback", "Getvar", "Ping"}
_SAFE = re.compile(r"[A-Za-z0-9._~/@;:+=<>\"&#*()\- \u3400-\u9fff]*")
_CONTEXT = re.compile(r"hotline-[a-z-]+")


@functools.cache
def shipped() -> tuple[HotlineConfig, ivr.FlowLibrary]:
    """config/, read once."""
    flows = ivr.FlowLibrary(CONFIG / "flows", CONFIG / "prompts/prompts.yaml")
    return load_config(CONFIG / "hotline.yaml", [f.name for f in flows.book]), flows


class Link:
    """Takes what the real link takes, refuses what it refuses, keeps the bytes."""

    def __init__(self) -> None:
        self.up = True
        self.sent: list[bytes] = []
        self.replies: list[Any] = []
        self.refused = 0

    def send_nowait(self, fields: Any, on_reply: Any = None) -> None:
        try:
            data = encode_action({"ActionID": "t-1", **fields})
        except ActionRefused:
            self.refused += 1
            raise
        check_action(data)
        self.sent.append(data)
        self.replies.append(on_reply)


def as_read(value: Any) -> Any:
    """A value, or the values of a repeated header, as `FrameReader` gives them."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return [as_read(x) for x in value]


def read_action(data: bytes) -> list[tuple[str, str]]:
    """As Asterisk reads it: lines up to CR LF, an empty one ends it; there is one action and nothing after it."""
    text = data.decode()
    assert text.endswith("\r\n\r\n") and text.count("\r\n\r\n") == 1, "not one action"
    assert "\0" not in text and len(re.findall(r"[\r\n]", text)) == 2 * text.count("\r\n"), "a line end in a value"
    return [tuple(line.split(": ", 1)) for line in text[:-4].split("\r\n")]  # type: ignore[misc]


def check_action(data: bytes) -> None:
    """No action but ours, to nowhere but ours, and no value that the switch would take apart."""
    headers = read_action(data)
    named = dict(headers)
    assert named["Action"] in ACTIONS, named["Action"]
    assert not {"Application", "Data", "Command"} & {k for k, _ in headers if k != "Command" or
                                                      named["Action"] != "AGI"}  # fmt: skip
    for key, value in headers:
        # A comma in Variable sets a second one; `$`, `{` and quotes are for the dialplan's own.
        if key in ("Variable", "Channel", "ChannelId", "ExtraChannel", "Value"):
            assert _SAFE.fullmatch(value), (named["Action"], key, value)
        if key in ("Context", "ExtraContext"):
            assert _CONTEXT.fullmatch(value), value
        if key == "Command":
            assert re.fullmatch(r"EXEC (Background [a-z0-9/&-]+,,,hotline-keys|Playback [a-z0-9/&-]+)", value), value
    if named["Action"] == "Originate":
        assert re.fullmatch(r"PJSIP/[A-Za-z0-9_+*#-]+(@[A-Za-z0-9_-]+)?", named["Channel"]), named["Channel"]
        assert named["Exten"] == "s" and named["Priority"] == "1"


class Rig:
    """`say` takes bytes as they come from the socket and lets everything happen that they cause."""

    def __init__(self) -> None:
        self.now = 1_763_932_000.0
        self.config, self.flows = shipped()
        self.link, self.journal = Link(), MemoryJournal()
        self.reader = FrameReader()
        self.reader.feed(b"Asterisk Call Manager/11.0.0\r\n")
        self.told: list[Any] = []
        self.switch = AsteriskSwitch(self.link, self._deliver, clock=lambda: self.now, out_trunk="out")  # type: ignore[arg-type]
        self.engine = self.new_engine()
        self._later: list[Any] = []

    def new_engine(self) -> Engine:
        """Another process on the same journal."""
        dispatcher = Dispatcher(self.config.routing_seats(), self.config.policy())
        host = Host(dispatcher, self.config.book(), can_call_out=True)
        host.outside.directory = self.config.directory()
        book = self.config.book()
        rules = Rules(self.flows, self.config.demand(), 15.0, book.callbacks.ring, book.waiting.tell_after)
        flow = self.flow
        return Engine(
            switch=self.switch, journal=self.journal, dispatcher=dispatcher, rules=rules, host=host,
            entries={"12345": Entry(flow, ())}, raw_path=lambda call: f"/spool/{call}.raw", clock=lambda: self.now,
        )  # fmt: skip

    @property
    def flow(self) -> str:
        """The shipped flow that asks questions."""
        flow = self.flows.book.get("self-service") or next(iter(self.flows.book))
        return flow.reference

    def _deliver(self, events: Any) -> None:
        self.told += events
        self.engine.feed(events)

    async def messages(self, messages: list[Message]) -> None:
        """As the link would deliver them, then turns until nothing more comes."""
        self.switch.on_messages(messages)
        await self.turns()

    async def turns(self) -> None:
        for _ in range(50):
            await self.engine.turn()
            replies, self.link.replies = self.link.replies, []
            for on_reply in replies:
                if on_reply is not None:
                    on_reply(Message.of({"Response": "Success"}))
            if not self.engine._inbox and not self.link.replies:
                return
        raise AssertionError("engine and switch never come to rest")

    async def say(self, raw: bytes, seconds: float = 1.0) -> None:
        self.now += seconds
        messages = self.reader.feed(raw)
        if messages:
            await self.messages(messages)

    async def tell(self, *events: dict[str, Any], seconds: float = 1.0) -> None:
        """Events by their headers; what is no UTF-8 comes as the reader of bytes gives it."""
        self.now += seconds
        await self.messages([Message.of({k: as_read(v) for k, v in x.items()}) for x in events])

    async def serves(self, call: str = "good-1.0") -> None:
        """A good caller comes, is served, and leaves: nothing before it has broken anything."""
        await self.tell({"Event": "ContactStatus", "EndpointName": "8001", "ContactStatus": "Reachable"})
        await self.tell({"Event": "UserEvent", "UserEvent": "Arrived", "Uniqueid": call, "Exten": "12345",
                         "Channel": "PJSIP/trunk-00000001", "CallerIDNum": "13800001234"})  # fmt: skip
        assert call in self.engine.calls, "a good caller is not taken"
        await self.tell({"Event": "UserEvent", "UserEvent": "Waiting", "Uniqueid": call})
        assert self.engine.calls[call].state in ("waiting", "offered")
        await self.tell({"Event": "Hangup", "Uniqueid": call, "Cause": "16"})
        assert call not in self.engine.calls

    @contextmanager
    def no_error(self) -> Iterator[None]:
        """No exception in any turn; what was wrong is shown."""
        failed: list[str] = []

        class Keep(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if record.exc_info:
                    failed.append(logging.Formatter().formatException(record.exc_info))

        handler, log = Keep(), logging.getLogger("calls")
        log.addHandler(handler)
        try:
            yield
        finally:
            log.removeHandler(handler)
        assert not failed and self.engine.counters.errors == 0, "\n".join(failed)
