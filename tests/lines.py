"""A cable between two parts that can be pulled, turned to mud, or swallow what goes in: a TCP proxy for tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

FEW = 7
Seen = Callable[[bytes], None]


@dataclass
class Way:
    """One direction of the cable.

    Attributes:
        delay: seconds that each piece is late; what follows waits its turn, nothing overtakes.
        swallows: what goes in is lost, and nothing is closed: a half-open connection.
        crawls: a few bytes after the others, so many seconds apart: no message comes in one piece.
        seen: told of each piece that goes in, delivered or not.
    """

    delay: float = 0.0
    swallows: bool = False
    crawls: float = 0.0
    seen: list[Seen] = field(default_factory=list)


class Cable:
    """See the module's text. `up` goes from who connects to the server, `down` comes back."""

    def __init__(self, host: str, port: int) -> None:
        self.up, self.down = Way(), Way()
        self.port = 0
        self.connections = 0
        """How often somebody has connected."""
        self.refuses = False
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End it; nothing is left."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.cut()

    def cut(self) -> None:
        """Reset every connection there is; new ones are taken."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.refuses:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        for source, to, way in ((reader, far_writer, self.up), (far_reader, writer, self.down)):
            pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
            for work in (self._takes(source, way, pieces), self._gives(to, way, pieces)):
                task = asyncio.create_task(work)
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _takes(self, source: asyncio.StreamReader, way: Way, pieces: asyncio.Queue[tuple[float, bytes]]) -> None:
        data = b"first"
        while data:
            try:
                data = await source.read(1 << 16)
            except OSError:
                data = b""
            if data:
                for told in way.seen:
                    told(data)
            if not way.swallows:
                pieces.put_nowait((asyncio.get_running_loop().time() + way.delay, data))

    async def _gives(self, to: asyncio.StreamWriter, way: Way, pieces: asyncio.Queue[tuple[float, bytes]]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await pieces.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                to.transport.abort() if way.crawls else to.close()
                return
            with contextlib.suppress(OSError):
                step = FEW if way.crawls else len(data)
                for start in range(0, len(data), step):
                    if way.swallows:
                        break
                    to.write(data[start : start + step])
                    await to.drain()
                    if way.crawls:
                        await asyncio.sleep(way.crawls)


@contextlib.asynccontextmanager
async def cable(port: int, host: str = "127.0.0.1") -> AsyncIterator[Cable]:
    """A cable to that port, whole at first."""
    made = Cable(host, port)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
