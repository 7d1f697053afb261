"""A scripted AMI server: it speaks bytes, so that the link's real protocol code is what is tested."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

Action = dict[str, str]
Reply = str | None


def login_ok(action: Action) -> Reply:
    return "Response: Success\nMessage: Authentication accepted\n\nEvent: FullyBooted\nStatus: Fully Booted\n\n"


class AmiServer:
    """Answers each action by the script for its name; other actions get no answer.

    A script gets the action's headers and returns text with LF line ends; ``ActionID`` is put behind the
    ``Response`` line.

    Attributes:
        actions: every action received, in order, over all connections.
        connections: how many there have been.
        tls: the server's side of TLS; None: plain TCP.
        heard: every byte received.
    """

    def __init__(self) -> None:
        self.scripts: dict[str, Callable[[Action], Reply]] = {
            "Login": login_ok,
            "Ping": lambda _: "Response: Success\nPing: Pong\n\n",
        }
        self.actions: list[Action] = []
        self.connections = 0
        self.tls: ssl.SSLContext | None = None
        self.heard = b""
        self.port = 0
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Condition()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.drop()
            await self._server.wait_closed()

    def drop(self) -> None:
        """Cut the connection."""
        if self._writer is not None:
            self._writer.transport.abort()

    def say(self, text: str) -> None:
        """Send bytes now."""
        assert self._writer is not None
        self._writer.write(text.replace("\n", "\r\n").encode())

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition is true; it is looked at after each action and connection."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(condition)

    def named(self, name: str) -> list[Action]:
        return [a for a in self.actions if a["Action"] == name]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writer = writer
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while True:
                block = await reader.readuntil(b"\r\n\r\n")
                self.heard += block
                lines = block.decode().split("\r\n")[:-2]
                action = dict(line.split(": ", 1) for line in lines)
                self.actions.append(action)
                script = self.scripts.get(action["Action"])
                reply = script(action) if script else None
                if reply is not None:
                    head, _, rest = reply.partition("\n")
                    ident = f"\nActionID: {action['ActionID']}\n" if head.startswith("Response") else "\n"
                    body = rest.replace("$ID", action["ActionID"])
                    writer.write(f"{head}{ident}{body}".replace("\n", "\r\n").encode())
                async with self._changed:
                    self._changed.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
