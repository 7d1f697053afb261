"""A SIP phone's TLS and SRTP (RFC 4568, AES_CM_128_HMAC_SHA1_80), as a box beside it: the phone speaks plain UDP to the
box, the box TLS and SRTP to the switch. Written from the RFCs and with another library's AES, so that what the switch
does is judged by something else than itself.

    async with Edge(("127.0.0.1", 5061), ca=pem) as edge:
        async with Phone(edge.address, "8001", password) as phone:
            await phone.register()
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SUITE = "AES_CM_128_HMAC_SHA1_80"
_CRYPTO = re.compile(r"^a=crypto:\d+ AES_CM_128_HMAC_SHA1_80 inline:([A-Za-z0-9+/=]+)", re.MULTILINE)
Address = tuple[str, int]


class Srtp:
    """One direction of one stream (RFC 3711)."""

    def __init__(self, master: bytes) -> None:
        key, salt = master[:16], master[16:30]

        def derive(label: int, size: int) -> bytes:
            start = (int.from_bytes(salt, "big") ^ (label << 48)) << 16
            return _aes_ctr(key, start, bytes(size))

        self._key, self._auth = derive(0, 16), derive(1, 20)
        self._salt = int.from_bytes(derive(2, 14), "big")
        self._roc, self._last = 0, -1

    def _index(self, seq: int) -> int:
        if self._last >= 0 and self._last - seq > 0x8000:
            self._roc += 1
        elif self._last >= 0 and seq - self._last > 0x8000 and self._roc:
            return ((self._roc - 1) << 16) | seq  # a late one of before
        self._last = seq
        return (self._roc << 16) | seq

    def _crypt(self, packet: bytes, index: int) -> bytes:
        size = 12 + 4 * (packet[0] & 15)
        ssrc = int.from_bytes(packet[8:12], "big")
        return packet[:size] + _aes_ctr(self._key, (self._salt << 16) ^ (ssrc << 64) ^ (index << 16), packet[size:])

    def _tag(self, packet: bytes, index: int) -> bytes:
        return hmac.new(self._auth, packet + struct.pack(">I", index >> 16), hashlib.sha1).digest()[:10]

    def protect(self, packet: bytes) -> bytes:
        """RTP → SRTP."""
        index = self._index(struct.unpack_from(">H", packet, 2)[0])
        sealed = self._crypt(packet, index)
        return sealed + self._tag(sealed, index)

    def unprotect(self, packet: bytes) -> bytes | None:
        """SRTP → RTP; None: it is not of who has the key."""
        if len(packet) < 22:
            return None
        index = self._index(struct.unpack_from(">H", packet, 2)[0])
        if not hmac.compare_digest(self._tag(packet[:-10], index), packet[-10:]):
            return None
        return self._crypt(packet[:-10], index)


def _aes_ctr(key: bytes, start: int, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(start.to_bytes(16, "big"))).encryptor().update(data)


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, take) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._take(data, addr)


async def _udp(take) -> asyncio.DatagramTransport:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Socket(take), local_addr=("127.0.0.1", 0), family=socket.AF_INET
    )
    return transport


@dataclass
class Media:
    """A call's audio. `wire` holds what went over the wire from the switch, `forged` how much of it had no good tag."""

    phone: Address = ("", 0)
    switch: Address = ("", 0)
    own: bytes = field(default_factory=lambda: os.urandom(30))
    theirs: bytes = b""
    plain: asyncio.DatagramTransport | None = None
    secure: asyncio.DatagramTransport | None = None
    wire: list[bytes] = field(default_factory=list)
    opened: list[bytes] = field(default_factory=list)
    forged: int = 0
    _out: Srtp | None = None
    _in: Srtp | None = None

    def port(self, which: str) -> int:
        transport = self.plain if which == "plain" else self.secure
        return int(transport.get_extra_info("sockname")[1])

    def from_phone(self, data: bytes, _: Address) -> None:
        self._out = self._out or Srtp(self.own)
        if self.switch[1]:
            self.secure.sendto(self._out.protect(data), self.switch)

    def from_switch(self, data: bytes, _: Address) -> None:
        if not 0x80 <= data[0] < 0xC0 or 192 <= data[1] < 224:  # RTCP
            return
        self.wire.append(data)
        if not self.theirs:
            return
        self._in = self._in or Srtp(self.theirs)
        packet = self._in.unprotect(data)
        if packet is None:
            self.forged += 1
        else:
            self.opened.append(packet)
            self.plain.sendto(packet, self.phone)


class Edge:
    """See the module's text.

    Args:
        server: (host, port) of SIP over TLS.
        ca: what it trusts.
        srtp: False: TLS alone, the talk stays plain RTP.

    Attributes:
        address: where its phone's server is.
        media: of each call, the latest last.
        bodies: every SDP the switch has sent, as it came.
        answers: status of every response the switch has sent, in order.
    """

    def __init__(self, server: Address, ca: Path, *, srtp: bool = True, name: str = "localhost") -> None:
        self._server, self._ca, self._srtp, self._name = server, ca, srtp, name
        self._calls: dict[str, Media] = {}
        self._phone: Address = ("", 0)
        self.bodies: list[str] = []
        self.answers: list[int] = []

    @property
    def media(self) -> list[Media]:
        return list(self._calls.values())

    async def __aenter__(self) -> Edge:
        context = ssl.create_default_context(cafile=str(self._ca))
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        self._reader, self._writer = await asyncio.open_connection(
            *self._server, ssl=context, server_hostname=self._name
        )
        self._out: asyncio.Queue[bytes] = asyncio.Queue()
        self._udp = await _udp(self._from_phone)
        self.address: Address = self._udp.get_extra_info("sockname")[:2]
        self._tasks = [asyncio.create_task(self._sends()), asyncio.create_task(self._reads())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for media in self.media:
            for transport in (media.plain, media.secure):
                if transport is not None:
                    transport.close()
        self._udp.close()
        self._writer.close()
        with contextlib.suppress(OSError):
            self._writer.transport.abort()

    # -- phone → switch
    def _from_phone(self, data: bytes, source: Address) -> None:
        self._phone = source
        self._out.put_nowait(data)

    async def _sends(self) -> None:
        while True:
            head, _, body = (await self._out.get()).decode().partition("\r\n\r\n")
            if not head.strip():
                continue
            head = head.replace("SIP/2.0/UDP ", "SIP/2.0/TLS ")
            if body and self._srtp:
                media = await self._media(_header(head, "Call-ID"))
                media.phone = _address(body)
                media._out = media._out or Srtp(media.own)
                body = body.replace(f"m=audio {media.phone[1]} RTP/AVP ", f"m=audio {media.port('secure')} RTP/SAVP ")
                body += f"a=crypto:1 {SUITE} inline:{base64.b64encode(media.own).decode()}\r\n"
            self._writer.write(_message(head, body))

    # -- switch → phone
    async def _messages(self) -> AsyncIterator[tuple[str, str]]:
        while True:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lstrip("\r\n")[:-4]
            if head:
                size = int(_header(head, "Content-Length") or 0)
                yield head, (await self._reader.readexactly(size)).decode()

    async def _reads(self) -> None:
        async for head, body in self._messages():
            if head.startswith("SIP/2.0 "):
                self.answers.append(int(head[8:11]))
            head = head.replace("SIP/2.0/TLS ", "SIP/2.0/UDP ")
            host, port = self.address
            head = re.sub(r"(?m)^(Contact: <sip:(?:[^@>]*@)?)[^>]*>", rf"\g<1>{host}:{port}>", head)
            if body:
                self.bodies.append(body)
                if self._srtp and (found := _CRYPTO.search(body)):
                    media = await self._media(_header(head, "Call-ID"))
                    theirs = base64.b64decode(found[1])
                    if theirs != media.theirs:
                        media.theirs, media._in = theirs, None
                    media.switch = _address(body)
                    body = re.sub(r"(?m)^a=crypto:.*\r\n", "", body).replace("RTP/SAVP", "RTP/AVP")
                    body = re.sub(r"(?m)^(m=audio) \d+ ", rf"\g<1> {media.port('plain')} ", body)
                    body = re.sub(r"(?m)^(c=IN IP4) \S+", r"\g<1> 127.0.0.1", body)
            self._udp.sendto(_message(head, body), self._phone)

    async def _media(self, call: str) -> Media:
        if call not in self._calls:
            media = Media()
            media.plain, media.secure = await _udp(media.from_phone), await _udp(media.from_switch)
            self._calls[call] = media
        return self._calls[call]


def _header(head: str, name: str) -> str:
    found = re.search(rf"(?mi)^{name}\s*:\s*(.*?)\s*$", head)
    return found[1] if found else ""


def _address(body: str) -> Address:
    return re.search(r"c=IN IP4 (\S+)", body)[1], int(re.search(r"m=audio (\d+) ", body)[1])


def _message(head: str, body: str) -> bytes:
    content = body.encode()
    head = re.sub(r"(?mi)^Content-Length\s*:.*?$", f"Content-Length: {len(content)}", head)
    if not _header(head, "Content-Length"):
        head += f"\r\nContent-Length: {len(content)}"
    return head.encode() + b"\r\n\r\n" + content
