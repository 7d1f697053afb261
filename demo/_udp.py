"""A plain UDP socket on the running loop: opened and closed at once, nothing left behind."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable

_STAMP = 35  # SO_TIMESTAMPNS: the kernel's arrival time, true even when the loop was late
_BATCH = 64
Address = tuple[str, int]


class UdpSocket:
    """Bound to `ip` on `port` (0: a free one); calls `on_datagram(data, source, unix seconds of arrival)`.

    Attributes:
        address: (ip, port) it is bound to.
        failed: Datagrams that the system refused to send.
    """

    def __init__(
        self, ip: str, on_datagram: Callable[[bytes, Address, float], None], *, even: bool = False, port: int = 0
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_datagram = on_datagram
        self._socket = self._bind(ip, even, port)
        self.address: Address = self._socket.getsockname()[:2]
        self.failed = 0
        self._loop.add_reader(self._socket.fileno(), self.read)

    @staticmethod
    def _bind(ip: str, even: bool, port: int) -> socket.socket:
        """A free port; with `even` an even one (RFC 3550 §11), so that no other phone gets our RTCP."""
        for _ in range(40):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                sock.setblocking(False)
                sock.bind((ip, port))
                if not even or sock.getsockname()[1] % 2 == 0:
                    sock.setsockopt(socket.SOL_SOCKET, _STAMP, 1)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
                    return sock
            except OSError:
                sock.close()
                raise
            sock.close()
        raise OSError(f"no free even UDP port on {ip}: stop some phones")

    def send(self, data: bytes, to: Address) -> None:
        """Send, or count a failure: UDP may lose datagrams anyway."""
        if self._socket.fileno() < 0:
            return
        try:
            self._socket.sendto(data, to)
        except OSError:
            self.failed += 1

    def close(self) -> None:
        """Close at once; safe to call twice."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def read(self) -> None:
        """Take what has come, up to 64 datagrams; the loop does so by itself when it gets round to it."""
        for _ in range(_BATCH):  # then let others have their turn
            if self._socket.fileno() < 0:
                return
            try:
                data, extra, _, source = self._socket.recvmsg(65_536, 64)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # e.g. an ICMP error for something we sent
                continue
            at = time.time()
            for level, kind, value in extra:
                if level == socket.SOL_SOCKET and kind == _STAMP and len(value) >= 16:
                    seconds, nanos = struct.unpack_from("qq", value)
                    at = seconds + nanos / 1e9
            self._on_datagram(data, source[:2], at)
