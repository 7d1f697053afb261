"""A TCP proxy before a server's port: a link that is cut, goes mute without a word (half-open), or is slow."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field


@dataclass(slots=True)
class Proxy:
    """Listens on `port` (0 at first: a free one) and passes on to `target`.

    While it is mute, connections are taken and nothing passes, as in a network that swallows packets; what was sent
    meanwhile never arrives, because on mending all connections are broken, as a real one would find out by itself.
    """

    target: tuple[str, int]
    port: int = 0
    delay: float = 0.0
    """Seconds that each piece is late, in each direction."""
    mute: bool = False
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> None:
        """Begins to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def refuse(self) -> None:
        """From now on connections are refused, as by a machine whose server has died."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        """Breaks all connections."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def close(self) -> None:
        """Ends everything."""
        self.refuse()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        out: asyncio.StreamWriter | None = None
        with contextlib.suppress(OSError, asyncio.CancelledError):
            if self.mute:
                while await reader.read(65536):
                    pass
            else:
                back, out = await asyncio.open_connection(*self.target)
                self._writers.add(out)
                await asyncio.wait(
                    [asyncio.create_task(self._pump(reader, out)), asyncio.create_task(self._pump(back, writer))],
                    return_when=asyncio.FIRST_COMPLETED,
                )
        for one in (writer, out):
            if one is not None:
                self._writers.discard(one)
                one.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if not self.mute:
                    sink.write(data)
                    await sink.drain()
