"""panoramisk, cured from outside: its Manager connects and logs in, the rest of it is replaced.

What panoramisk 1.4 does, and what stands here instead:

==============================================  =====================================================
panoramisk                                       here
==============================================  =====================================================
decodes each read by itself, no bound            `FrameReader` (bytes are framed, memory is bounded)
a header's value may hold CR LF                  `encode_action` refuses it
an exception in a handler closes the link        counted and survived (`ActionTable`, `AmiLink`)
coroutine handlers run out of order              one sync `deliver` for each read, in order
un-answered actions are sent again               they fail with `LinkDown(maybe_executed=True)`
no timeout on actions                            `ActionTable.expire`
nobody checks that Ping is answered              `Watchdog`
``Originate`` without ``Async`` blocks           refused before it is sent
``send_agi_command`` never resolves              `AmiLink.agi`: the ``AsyncAGIExec`` event is the answer
``as_list`` and an error reply never resolve     `AmiLink.send_list`
reconnects for ever, also after ``close()``      one supervising task in `AmiLink`, with back-off
no name can be given for a certificate           `LinkManager.connect`
==============================================  =====================================================
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, Protocol

from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from ._frames import Message

# The Manager's own pinger only sends; ours also listens.  It cannot be switched off, only put off.
_NEVER = 10 * 365 * 86400
_MAX_UNSENT = 4 * 1024 * 1024


class Session(Protocol):
    """What the protocol needs of the link."""

    def attach(self, protocol: LinkProtocol) -> None:
        """The connection is there."""

    def received(self, data: bytes) -> None:
        """Bytes came."""

    def login(self, fields: Mapping[str, str]) -> asyncio.Future[Message]:
        """The Manager wants to log in."""

    def lost(self, reason: str) -> None:
        """The connection is over (or as good as)."""


class LinkProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """Hands bytes to a session and keeps panoramisk's parser, table and re-sending out of the way."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        # A peer that does not read fills our side: past this bound the link is given up.
        transport.set_write_buffer_limits(high=_MAX_UNSENT)
        self.session.attach(self)

    def data_received(self, data: bytes) -> None:
        self.session.received(data)

    def pause_writing(self) -> None:
        self.session.lost("Asterisk does not read what is sent")

    def connection_lost(self, exc: Exception | None) -> None:
        self.session.lost(f"connection ended ({type(exc).__name__})" if exc else "Asterisk closed the connection")
        self.closed = True

    def send(self, data: Mapping[str, str], as_list: Any = None) -> asyncio.Future[Message]:
        """The Manager calls this for its Login; everything else goes through `AmiLink`."""
        return self.session.login(data)

    def write(self, data: bytes) -> None:
        """Send bytes; nothing happens if the connection is gone."""
        if self.transport is not None:
            self.transport.write(data)

    def close(self) -> None:
        """Close; at once if the peer does not take what is still to be sent."""
        self.closed = True
        if self.transport is not None:
            if self.transport.get_write_buffer_size():
                self.transport.abort()
            else:
                self.transport.close()


class LinkManager(Manager):  # type: ignore[misc]
    """A Manager for exactly one connection: connect, log in.

    It never comes back by itself: `LinkProtocol` does not tell it that the connection is lost.
    """

    def __init__(
        self, session: Session, *, tls: ssl.SSLContext | None = None, tls_name: str = "", **config: Any
    ) -> None:
        self._tls, self._tls_name = tls, tls_name
        super().__init__(
            loop=asyncio.get_running_loop(),
            protocol_factory=lambda: LinkProtocol(session),
            ping_delay=_NEVER,
            ping_interval=_NEVER,
            **config,
        )

    def connect(self, *_: Any, **__: Any) -> asyncio.Task[Any]:
        """One attempt. With TLS the protocol, and so the login, comes to life only behind a verified handshake."""
        config, tls = self.config, self._tls
        # A peer that is stopped answers no closing of TLS either: nobody waits for it.
        names = {"server_hostname": self._tls_name or config["host"], "ssl_shutdown_timeout": 1.0} if tls else {}
        coming = self.loop.create_connection(
            config["protocol_factory"], config["host"], config["port"], ssl=tls, **names
        )
        task: asyncio.Task[Any] = self.loop.create_task(coming, name="ami-connect")
        task.add_done_callback(self.connection_made)
        return task

    def connection_made(self, f: asyncio.Future[Any]) -> None:
        # On an OSError the original plans its own next attempt, and other errors escape into the loop;
        # whoever awaits connect() gets the error anyway.
        if not f.cancelled() and f.exception() is None:
            super().connection_made(f)

    def login(self, future: asyncio.Future[Message]) -> bool:
        if future.cancelled() or future.exception() is not None:
            return False
        return bool(super().login(future))
