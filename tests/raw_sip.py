"""SIP requests exactly as a test writes them: no phone would send such ones."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
from collections.abc import Mapping

SDP = (
    "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 101\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)


class Reply:
    """A final answer. `form` is all of it that does not change from one request to the next."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.status = int(text[8:11])
        self.form = (self.status, tuple(re.findall(r"(?m)^([A-Za-z-]+):", text.partition("\r\n\r\n")[0])))

    def header(self, name: str) -> str:
        found = re.search(rf"(?mi)^{name}\s*:\s*(.*?)\s*$", self.text)
        return found[1] if found else ""


class RawSip:
    """One UDP port at `ip`, from which requests go to the switch at `sip`."""

    def __init__(self, sip: tuple[str, int], ip: str = "127.0.0.9") -> None:
        self.sip, self.ip = sip, ip
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((ip, 0))
        self.port = self._socket.getsockname()[1]

    def close(self) -> None:
        self._socket.close()

    async def ask(
        self, method: str, uri: str, headers: Mapping[str, str] | None = None, *, user: str = "13800001234",
        to: str | None = None, timeout: float = 15.0,
    ) -> Reply:  # fmt: skip
        """Sends a request and waits for its final answer; an INVITE that is answered is hung up again."""
        loop, mark = asyncio.get_running_loop(), secrets.token_hex(6)
        body = SDP.format(ip=self.ip) if method == "INVITE" else ""
        ours = {
            "Via": f"SIP/2.0/UDP {self.ip}:{self.port};branch=z9hG4bK{mark};rport", "Max-Forwards": "70",
            "From": f"<sip:{user}@{self.ip}>;tag={mark}", "To": to or f"<{uri}>", "Call-ID": f"{mark}@{self.ip}",
            "CSeq": f"1 {method}", "Contact": f"<sip:{user}@{self.ip}:{self.port}>", **(headers or {}),
        }  # fmt: skip
        if body:
            ours["Content-Type"] = "application/sdp"
        self._send(method, uri, ours, body)
        async with asyncio.timeout(timeout):
            while True:
                text = (await loop.sock_recv(self._socket, 65536)).decode("utf-8", "replace")
                if text.startswith("SIP/2.0 ") and f"{mark}@" in text and f"1 {method}" in text and text[8] != "1":
                    break
        reply = Reply(text)
        if method == "INVITE":
            contact = re.search(r"<([^>]+)>", reply.header("Contact"))
            good = reply.status < 300 and contact is not None
            target = contact[1] if good else uri
            after = {**ours, "To": reply.header("To")}
            self._send("ACK", target, {**after, "CSeq": "1 ACK"})
            if good:
                via = f"SIP/2.0/UDP {self.ip}:{self.port};branch=z9hG4bK{secrets.token_hex(6)};rport"
                self._send("BYE", target, {**after, "Via": via, "CSeq": "2 BYE"})
        return reply

    def _send(self, method: str, uri: str, headers: Mapping[str, str], body: str = "") -> None:
        lines = [f"{method} {uri} SIP/2.0", *(f"{name}: {value}" for name, value in headers.items())]
        text = "\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body
        self._socket.sendto(text.encode(), self.sip)
