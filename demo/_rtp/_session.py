"""A call's media: one UDP port, a paced sender and a receiver."""

import asyncio
import time
from collections.abc import Callable

from .._udp import Address, UdpSocket
from ._receiver import Receiver
from ._sender import Sender

_PERIOD = 0.020
_BURST = 5
"""Packets sent at once after the loop was late. A longer gap shifts the schedule instead: a switch
takes 100 ms as jitter, more would be thrown away."""


class RtpSession:
    """Media of one call. Nothing runs until `start`; `close` ends everything at once.

    Attributes:
        receiver: What was heard.
        sender: What is said.
        remote: (IPv4 address, port) of the other side, None until known.
        sending: False while on hold.
        slips: How often the loop was so late that the schedule had to be shifted.
    """

    def __init__(self, ip: str, on_error: Callable[[Exception], None]) -> None:
        self.receiver = Receiver()
        self.sender = Sender()
        self.remote: Address | None = None
        self.sending = True
        self.slips = 0
        self._on_error = on_error
        self._loop = asyncio.get_running_loop()
        self._socket = UdpSocket(ip, self._on_datagram, even=True)
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False

    @property
    def address(self) -> Address:
        """(ip, port) for SDP."""
        return self._socket.address

    @property
    def closed(self) -> bool:
        return self._closed

    def start(self) -> None:
        """Begin to send, a packet each 20 ms; does nothing when it runs or is closed."""
        if self._timer is None and not self._closed:
            self._next = self._loop.time()
            self._tick()

    def close(self) -> None:
        """Stop sending and receiving; whoever waits is freed. What was heard stays."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._socket.close()
        self.sender.close()
        self._wake()

    def catch_up(self) -> None:
        """Take the packets that have come while the loop was busy."""
        self._socket.read()

    async def more(self, timeout: float) -> bool:
        """Wait for the next packet, at most `timeout` seconds; false when none came."""
        if self._closed or timeout <= 0:
            return False
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiting.add(waiter)
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(waiter)
        return not self._closed

    def _wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    def _tick(self) -> None:
        try:
            now, sent = self._loop.time(), 0
            while self._next <= now:
                if sent == _BURST:
                    self._next, self.slips = now + _PERIOD, self.slips + 1
                    break
                self._send()
                self._next += _PERIOD
                sent += 1
        except Exception as error:  # a timer has nobody above it: hand the error to the phone
            self._on_error(error)
        self._timer = self._loop.call_at(self._next, self._tick)

    def _send(self) -> None:
        if self.remote is None or not self.sending:
            self.sender.skip()
            return
        for packet in self.sender.packets():
            self._socket.send(bytes(packet), self.remote)

    def _on_datagram(self, data: bytes, source: Address, at: float) -> None:
        # A stream meant for the call that had this port before must not be heard in this one.
        if self.remote is not None and source[1] != self.remote[1]:
            return
        try:
            if self.receiver.packet(data, min(at, time.time())):
                self._wake()
        except Exception as error:  # as above
            self._on_error(error)
