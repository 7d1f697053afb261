"""A registrar of a few lines, written without the phones' own digest code, so that it is a real check."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from demo._sip import Request, parse, respond
from demo._udp import Address, UdpSocket


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@dataclass
class Registrar:
    """Knows 8001/secret; hands out `granted` seconds; `nonces` may be used once each."""

    granted: int = 60
    silent: bool = False
    qop: bool = True
    bindings: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    stale_once: bool = False
    _nonce: int = 0

    def open(self) -> "Registrar":
        self.socket = UdpSocket("127.0.0.1", self.on_datagram)
        return self

    @property
    def address(self) -> Address:
        return self.socket.address

    def on_datagram(self, data: bytes, source: Address, at: float) -> None:
        request = parse(data)
        if not isinstance(request, Request) or self.silent:
            return
        self.requests.append(request)
        status, headers = self.decide(request)
        self.socket.send(bytes(respond(request, status, tag="r", source=source, headers=headers)), source)

    def decide(self, request: Request) -> tuple[int, list[tuple[str, str]]]:
        login = dict(re.findall(r'(\w+)="?([^",]*)"?', request.headers.get("Authorization") or ""))
        if not login or login["nonce"] != f"n{self._nonce}" or self.stale_once:
            stale = ", stale=true" if self.stale_once and login else ""
            self.stale_once = self.stale_once and not login
            self._nonce += 1
            qop = ', qop="auth,auth-int"' if self.qop else ""
            digest = f'Digest realm="asterisk", nonce="n{self._nonce}", opaque="o", algorithm=MD5{qop}{stale}'
            # A challenge that the phone cannot answer comes first: it must look further.
            return 401, [
                ("WWW-Authenticate", 'Digest realm="asterisk", nonce="x", algorithm=SHA-256'),
                ("WWW-Authenticate", digest),
            ]
        ha1, ha2 = md5("8001:asterisk:secret"), md5(f"{request.method}:{login['uri']}")
        middle = f"{login['nonce']}:{login['nc']}:{login['cnonce']}:auth" if self.qop else login["nonce"]
        if login["username"] != "8001" or login["response"] != md5(f"{ha1}:{middle}:{ha2}"):
            return 403, []
        contact = request.headers["Contact"]
        if request.headers["Expires"] == "0":
            self.bindings.pop(login["username"], None)
            return 200, []
        self.bindings[login["username"]] = contact
        other = "<sip:8001@192.0.2.7:5060>;expires=3000"
        return 200, [("Contact", f"{other}, {contact};expires={self.granted}")]


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Waits for something that has no event of its own; fails after 20 s instead of hanging."""

    async def wait(true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not true():
                await asyncio.sleep(0.02)

    return wait


@pytest.fixture
async def registrar() -> AsyncIterator[Registrar]:
    one = Registrar().open()
    yield one
    one.socket.close()
