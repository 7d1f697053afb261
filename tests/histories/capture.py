"""Record the ``*.ami`` histories: raw bytes a real Asterisk sends, one file per session.

Run from the project's root: ``python -m tests.histories.capture``.  Names and numbers are invented.
It speaks AMI by hand on purpose: the histories must not depend on the code that they test.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.histories.private_asterisk import SECRET, USER, PrivateAsterisk

HERE = Path(__file__).parent


class Session:
    """A raw AMI session that keeps every byte it reads."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.raw = bytearray()
        self.n = 0

    async def open(self, events: str = "on") -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.task = asyncio.create_task(self._read())
        await self.act(f"Action: Login\nUsername: {USER}\nSecret: {SECRET}\nEvents: {events}")

    async def _read(self) -> None:
        while data := await self.reader.read(65536):
            self.raw += data

    async def act(self, text: str, encoding: str = "utf-8") -> None:
        """Send one action and wait for its reply (or, for a list, its end)."""
        self.n += 1
        head = f"{text}\nActionID: a-{self.n}\n\n"
        self.writer.write(head.replace("\n", "\r\n").encode(encoding))
        mark = f"ActionID: a-{self.n}\r\n".encode()
        await self.until(mark)

    async def until(self, mark: bytes, count: int = 1) -> None:
        """Wait until the session has received ``mark`` ``count`` times."""
        async with asyncio.timeout(20):
            while self.raw.count(mark) < count:
                await asyncio.sleep(0.01)

    async def save(self, name: str) -> None:
        await asyncio.sleep(0.3)
        self.writer.close()
        await self.task
        (HERE / f"{name}.ami").write_bytes(self.raw)
        sys.stdout.write(f"{name}: {len(self.raw)} bytes\n")


def originate(exten: str, app: str, name: str = "王小明", ident: str = "call-1") -> str:
    return (
        f"Action: Originate\nChannel: Local/talk@caller/n\n{app}\nPriority: 1\nAsync: true\nTimeout: 5000\n"
        f'CallerID: "{name}" <13800000000>\nVariable: MATTER=噪声扰民\nChannelId: {ident}\n'
        f"OtherChannelId: {ident}-2".replace("talk", exten)
    )


SEAT = "Context: seat\nExten: answer"


async def call(session: Session, ident: str, name: str = "王小明") -> None:
    """A call: caller and seat talk, a digit is pressed, a variable is set, the caller hangs up."""
    await session.act(originate("talk", SEAT, ident=ident, name=name))
    await session.until(b"UserEvent: Arrived", 1)
    channel = await channel_of(session, ident)
    await asyncio.sleep(0.1)
    await session.act(f"Action: PlayDTMF\nChannel: {channel}\nDigit: 5\nDuration: 100\nReceive: true")
    await session.until(b"Event: DTMFEnd")
    await session.act(f'Action: Setvar\nChannel: {channel}\nVariable: NOTE\nValue: 他说 "路灯" 坏了 \\ 急')
    await session.act(f"Action: Getvar\nChannel: {channel}\nVariable: NOTE")
    await session.act("Action: CoreShowChannels")
    await session.until(b"CoreShowChannelsComplete")
    await session.act("Action: Status")
    await session.until(b"StatusComplete")
    await session.act(f"Action: Hangup\nChannel: {channel}\nCause: 16")
    await session.until(f"Uniqueid: {ident}\r\n".encode(), 1)
    await session.until(b"Event: Hangup\r\n", 2)


async def channel_of(session: Session, ident: str) -> str:
    mark = f"\r\nUniqueid: {ident}\r\n".encode()
    await session.until(mark)
    block = next(b for b in bytes(session.raw).split(b"\r\n\r\n") if mark in b + b"\r\n")
    return block.split(b"\r\nChannel: ")[1].split(b"\r\n")[0].decode()


async def agi(session: Session) -> None:
    """A caller in AsyncAGI: variables, an unknown command, a hang-up by command."""
    await session.act(originate("agi", SEAT, ident="agi-1", name='李"四\\'))
    await session.until(b"Event: AsyncAGIStart")
    channel = await channel_of(session, "agi-1-2")
    for number, command in enumerate(
        ('SET VARIABLE STEP "你好"', "GET VARIABLE STEP", "NOT A COMMAND", "EXEC Wait 0.1", "HANGUP")
    ):
        await session.act(f"Action: AGI\nChannel: {channel}\nCommand: {command}\nCommandID: inst1-{number}")
    await session.until(b"Event: AsyncAGIEnd")
    await session.until(b"Event: Hangup\r\n", 2)


async def errors(session: Session) -> None:
    """What Asterisk says to what is wrong."""
    await session.act("Action: Hangup\nChannel: Local/none@caller-1;1")
    await session.act("Action: NoSuchAction")
    await session.act("Action: Command\nCommand: no such command")
    await session.act("Action: Command\nCommand: core show channels concise")
    await session.act("Action: Command\nCommand: core show version")
    await session.act("Action: Command\nCommand: dialplan show caller")
    await session.act(
        "Action: Originate\nChannel: Local/busy@seat/n\nContext: seat\nExten: wait\nPriority: 1\nAsync: true"
    )
    await session.until(b"Event: OriginateResponse")
    await session.act("Action: UserEvent\nUserEvent: Note\nText: 一二三四五 🚒 ñ\nText2: a: b: c")
    await session.act("Action: Ping")
    await session.act("Action: CoreShowChannels")
    await session.until(b"CoreShowChannelsComplete")


async def leg(session: Session, ident: str, side: str, goes: str, talk: str = "") -> str:
    """One party whose own id is `ident`: it goes to the extension `goes`, and its far end does `side`.

    Returns the channel's name.
    """
    await session.act(
        f"Action: Originate\nChannel: Local/{side}@party/n\nContext: party\nExten: {goes}\nPriority: 1\nAsync: true\n"
        f'CallerID: "王小明" <13800000000>\nVariable: WITH={talk}\nVariable: TRANSFER_CONTEXT=party\n'
        f"ChannelId: {ident}\nOtherChannelId: far-{ident.replace('~', '.')}"
    )
    name = await channel_of(session, ident)
    await session.until(f"\r\nResponse: Success\r\nChannel: {name}\r\n".encode())
    return name


async def entered(session: Session, ident: str, count: int = 1) -> None:
    """Until this party has entered its `count`-th bridge."""
    async with asyncio.timeout(20):
        while sum(
            b.startswith(b"Event: BridgeEnter\r\n") and f"\r\nUniqueid: {ident}\r\n".encode() in b + b"\r\n"
            for b in bytes(session.raw).split(b"\r\n\r\n")
        ) < count:
            await asyncio.sleep(0.01)


async def parties(session: Session) -> None:
    """A caller waits in a holding bridge; a seat fetches it, a line comes in as third, whose silence after its words
    is told. Then the seat leaves them, and others transfer their callers: one blind, one attended."""
    caller = await leg(session, "hotline-7.1", "still", "waits")
    await entered(session, "hotline-7.1")
    seat = await leg(session, "hotline-7.1~8001~1", "still", "talk", caller)
    await entered(session, "hotline-7.1~8001~1")
    third = await leg(session, "hotline-7.1~line.110~2", "speak", "add", caller)
    await session.act(f"Action: Setvar\nChannel: {third}\nVariable: TALK_DETECT(set)\nValue:")
    await entered(session, "hotline-7.1~line.110~2")
    await session.until(b"Event: ChannelTalkingStop")
    await session.act(f"Action: Hangup\nChannel: {seat}\nCause: 16")
    await session.act(f"Action: Hangup\nChannel: {caller}\nCause: 16")

    caller = await leg(session, "hotline-8.1", "still", "waits")
    await entered(session, "hotline-8.1")
    seat = await leg(session, "hotline-8.1~8001~1", "still", "talk", caller)
    await entered(session, "hotline-8.1~8001~1")
    await session.act(f"Action: BlindTransfer\nChannel: {seat}\nContext: party\nExten: 8002")
    await session.until(b"Event: BlindTransfer")
    await session.act(f"Action: Hangup\nChannel: {caller}\nCause: 16")

    caller = await leg(session, "hotline-9.1", "still", "waits")
    await entered(session, "hotline-9.1")
    seat = await leg(session, "hotline-9.1~8001~1", "still", "talk", caller)
    await entered(session, "hotline-9.1~8001~1")
    await session.act(f"Action: Atxfer\nChannel: {seat}\nContext: party\nExten: 8002")
    await entered(session, "hotline-9.1~8001~1", 2)
    await session.act(f"Action: Hangup\nChannel: {seat}\nCause: 16")
    await session.until(b"Event: AttendedTransfer")
    await session.act(f"Action: Hangup\nChannel: {caller}\nCause: 16")


async def main() -> None:
    asterisk = PrivateAsterisk()
    await asterisk.start()
    try:
        whole, usual = Session(asterisk.port), Session(asterisk.port)
        await whole.open()
        await usual.open("call,user,agi,dtmf")
        await call(whole, "call-1")
        await usual.save("call-usual-classes")
        await whole.save("call")
        for name, scene, classes in (("agi", agi, "on"), ("errors", errors, "on"), ("parties", parties, "call,user")):
            session = Session(asterisk.port)
            await session.open(classes)
            await scene(session)
            await session.save(name)
        gbk = Session(asterisk.port)
        await gbk.open("call,user")
        text = originate("talk", SEAT, ident="gbk-1")
        await gbk.act(text, "gbk")
        await gbk.act("Action: UserEvent\nUserEvent: Gbk\nText: 路灯坏了", "gbk")
        await gbk.until(b"Event: OriginateResponse")
        await gbk.act("Action: Hangup\nChannel: /^Local/.*/")
        await gbk.until(b"Event: Hangup\r\n", 2)
        await gbk.save("gbk")
    finally:
        log = asterisk.home / "log/messages"
        sys.stdout.write(log.read_text(errors="replace"))
        asterisk.remove()


if __name__ == "__main__":
    asyncio.run(main())
