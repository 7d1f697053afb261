"""The asyncio side of SIP: a socket, one timer, and who waits for which answer."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from ._sip import (
    AckReceived,
    Address,
    Event,
    Key,
    NoAck,
    NoResponse,
    Request,
    RequestReceived,
    Response,
    ResponseReceived,
    SipError,
    Timers,
    Transactions,
)
from ._udp import UdpSocket

OnResponse = Callable[[Response | None, Address], None]
"""Called with each response to a request and its source; with None when nobody answered."""


class User(Protocol):
    """What stands above: the phone."""

    def on_request(self, event: RequestReceived) -> None:
        """A new request came."""

    def on_ack(self, event: AckReceived) -> None:
        """Our answer to an INVITE was acknowledged."""

    def on_no_ack(self, event: NoAck) -> None:
        """Our answer to an INVITE was never acknowledged."""

    def on_error(self, error: Exception) -> None:
        """Something of ours failed in a callback."""


class Endpoint:
    """Sends requests and responses of one phone over one UDP port.

    Args:
        ip: Local address to bind.
        user: Whom to tell.
        timers: SIP timer bases.
        lose: For tests: a datagram for which it is true is lost instead of sent.
        port: UDP port to bind; 0: a free one.

    Attributes:
        malformed: Datagrams that were not SIP.
    """

    def __init__(
        self, ip: str, user: User, timers: Timers, lose: Callable[[bytes], bool] | None = None, port: int = 0
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._user = user
        self._layer = Transactions(timers)
        self._lose = lose
        self._waiting: dict[Key, OnResponse] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.malformed = 0
        self._socket = UdpSocket(ip, self._on_datagram, port=port)

    @property
    def address(self) -> Address:
        """(ip, port) of the socket."""
        return self._socket.address

    def close(self) -> None:
        """Close at once; waiting answers never come."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._socket.close()
        self._waiting.clear()

    def start(self, request: Request, to: Address, on_response: OnResponse) -> Key:
        """Send a request; `on_response` is called for each response."""
        key = self._layer.request(request, to, self._loop.time())
        self._waiting[key] = on_response
        self._flush()
        return key

    async def ask(self, request: Request, to: Address) -> Response:
        """Send a request and wait for its final response.

        Raises:
            SipError: Nobody answered.
        """
        done: asyncio.Future[Response | None] = self._loop.create_future()

        def on_response(response: Response | None, _: Address) -> None:
            if (response is None or response.status >= 200) and not done.done():
                done.set_result(response)

        key = self.start(request, to, on_response)
        try:
            final = await done
        finally:
            self._waiting.pop(key, None)
        if final is None:
            raise SipError(f"no answer to {request.method}: is the server running at the given address?")
        return final

    def respond(self, key: Key, response: Response) -> bool:
        """Answer a request; false when it has its final answer already."""
        sent = self._layer.respond(key, response, self._loop.time())
        self._flush()
        return sent

    def acknowledge(self, key: Key, ack: Request, to: Address) -> None:
        """Send the ACK for a 2xx (again whenever the 2xx is repeated)."""
        self._layer.acknowledge(key, ack, to)
        self._flush()

    def give_up_on(self, key: Key) -> None:
        """Wait no longer than 64 x T1 for the final answer of a cancelled INVITE."""
        self._layer.give_up_on(key, self._loop.time())
        self._flush()

    def _on_datagram(self, data: bytes, source: Address, _: float) -> None:
        if not data.strip(b"\r\n\x00"):  # keep-alives
            return
        try:
            self._dispatch(self._layer.receive(data, source, self._loop.time()))
        except SipError:
            self.malformed += 1
        except Exception as error:  # a reader callback has nobody above it: the phone must know
            self._user.on_error(error)
        self._flush()

    def _on_timer(self) -> None:
        self._timer = None
        try:
            self._dispatch(self._layer.tick(self._loop.time()))
        except Exception as error:  # as above
            self._user.on_error(error)
        self._flush()

    def _dispatch(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case RequestReceived():
                    self._user.on_request(event)
                case AckReceived():
                    self._user.on_ack(event)
                case NoAck():
                    self._user.on_no_ack(event)
                case ResponseReceived(key, response, source):
                    known = self._waiting.get(key)
                    if response.status >= 200:
                        self._waiting.pop(key, None)
                    if known is not None:
                        known(response, source)
                case NoResponse(key):
                    if (known := self._waiting.pop(key, None)) is not None:
                        known(None, ("", 0))

    def _flush(self) -> None:
        for data, to in self._layer.take():
            if self._lose is None or not self._lose(data):
                self._socket.send(data, to)
        due = self._layer.deadline()
        if self._timer is not None:
            if due is not None and self._timer.when() <= due:
                return  # it wakes up early, finds nothing and sets itself anew: cheaper than moving it
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = self._loop.call_at(due, self._on_timer)
