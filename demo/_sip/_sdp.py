"""SDP offer and answer for one G.711 audio stream with telephone-event (RFC 4566, 3264, 4733)."""

import re
from dataclasses import dataclass, field

from ._errors import SipError

CODECS = {8: "PCMA", 0: "PCMU"}
"""Static payload types that we speak, the preferred one first (A-law: the hotline's trunks)."""
DTMF = 101
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_ANSWERS = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_IPV4 = re.compile(r"IN IP4 ([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?:/[0-9]+)*")
_MEDIA = re.compile(r"([a-zA-Z0-9]{1,16}) ([0-9]{1,5})(?:/[0-9]{1,3})? ([A-Za-z0-9/]{1,32}) ([A-Za-z0-9*. +_-]{1,512})")
_RTPMAP = re.compile(r"([0-9]{1,3})\s+([A-Za-z0-9_.-]{1,32})/([0-9]{1,6})(?:/[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Sdp:
    """What the other side wants of the audio stream.

    Attributes:
        address: (IPv4 address, port) to which audio is sent.
        codec: Payload type that we send: 8 (A-law) or 0 (µ-law).
        dtmf: Payload type of telephone-event/8000, or None when the other side has none.
        direction: As the other side sees it; "sendonly" means that we are on hold.
        lines: All m-lines as (kind, protocol, formats), the audio one chosen by `index`.
        index: Which of `lines` is our audio stream.
        codecs: Every payload type of ours that the other side takes, its favourite first.
    """

    address: tuple[str, int]
    codec: int
    dtmf: int | None
    direction: str
    lines: tuple[tuple[str, str, str], ...]
    index: int
    codecs: tuple[int, ...]

    @property
    def we_may_send(self) -> bool:
        """True unless the other side has put us on hold."""
        return self.direction in {"sendrecv", "recvonly"} and self.address[0] != "0.0.0.0"


@dataclass(slots=True)
class _Stream:
    kind: str
    port: int
    protocol: str
    formats: str
    address: str | None = None
    direction: str | None = None
    maps: dict[int, tuple[str, int]] = field(default_factory=dict)


def parse(body: bytes) -> Sdp:
    """Read an offer or an answer.

    Raises:
        SipError: It is not SDP, or has no RTP/AVP audio stream over IPv4 in A-law or µ-law.
    """
    address: str | None = None
    direction = "sendrecv"
    streams: list[_Stream] = []
    for line in body[:16_384].decode("utf-8", "replace").replace("\r", "\n").split("\n"):
        kind, _, value = line.partition("=")
        here = streams[-1] if streams else None
        if kind == "c" and (match := _IPV4.match(value)) and _is_address(match[1]):
            if here:
                here.address = match[1]
            else:
                address = match[1]
        elif kind == "m" and len(streams) < 16:
            found = _MEDIA.fullmatch(value.strip())
            if not found:
                raise SipError("SDP has a media line that is not 'kind port protocol formats'")
            streams.append(_Stream(found[1], int(found[2]), found[3], found[4]))
        elif kind == "a" and value.strip() in _DIRECTIONS:
            if here:
                here.direction = value.strip()
            else:
                direction = value.strip()
        elif kind == "a" and here and value.startswith("rtpmap:") and (mapped := _RTPMAP.match(value[7:])):
            here.maps[int(mapped[1])] = (mapped[2].upper(), int(mapped[3]))
    for index, stream in enumerate(streams):
        where = stream.address or address
        if stream.kind != "audio" or stream.protocol != "RTP/AVP":
            continue
        if not where or not 0 < stream.port < 65_536:
            continue
        codecs, dtmf = _formats(stream)
        if codecs:
            lines = tuple((one.kind, one.protocol, one.formats) for one in streams)
            chosen = stream.direction or direction
            return Sdp((where, stream.port), codecs[0], dtmf, chosen, lines, index, codecs)
    raise SipError("SDP has no RTP/AVP audio in PCMA or PCMU over IPv4: allow alaw or ulaw for this phone")


def _is_address(text: str) -> bool:
    return all(int(part) < 256 for part in text.split("."))


def _formats(stream: _Stream) -> tuple[tuple[int, ...], int | None]:
    maps = stream.maps
    codecs: list[int] = []
    dtmf: int | None = None
    for text in stream.formats.split():
        if not text.isascii() or not text.isdigit() or int(text) > 127:
            continue
        number = int(text)
        # Static numbers need no rtpmap; a map that says otherwise takes the number away from us.
        if number in CODECS and maps.get(number, (CODECS[number], 8000)) == (CODECS[number], 8000):
            codecs.append(number)
        elif number >= 96 and maps.get(number) == ("TELEPHONE-EVENT", 8000) and dtmf is None:
            dtmf = number
    return tuple(codecs), dtmf


def _stream(port: int, codecs: tuple[int, ...], dtmf: int | None, direction: str) -> list[str]:
    numbers = [*codecs, *([dtmf] if dtmf is not None else [])]
    lines = [f"m=audio {port} RTP/AVP {' '.join(map(str, numbers))}"]
    lines += [f"a=rtpmap:{number} {CODECS[number]}/8000" for number in codecs]
    if dtmf is not None:
        lines += [f"a=rtpmap:{dtmf} telephone-event/8000", f"a=fmtp:{dtmf} 0-16"]
    return [*lines, "a=ptime:20", f"a={direction}"]


def _document(address: str, session: int, version: int, streams: list[str]) -> bytes:
    head = ["v=0", f"o=demo {session} {version} IN IP4 {address}", "s=demo", f"c=IN IP4 {address}", "t=0 0"]
    return ("\r\n".join([*head, *streams]) + "\r\n").encode()


def offer(address: tuple[str, int], *, session: int, version: int, direction: str = "sendrecv") -> bytes:
    """An offer of A-law, µ-law and telephone-event at `address` (IPv4, port)."""
    return _document(address[0], session, version, _stream(address[1], tuple(CODECS), DTMF, direction))


def answer(asked: Sdp, address: tuple[str, int], *, session: int, version: int, hold: bool = False) -> bytes:
    """The answer to an offer: its first codec of ours, its telephone-event, other streams refused.

    `hold` keeps the hold that this side has asked for earlier: a resume by the peer does not end it.
    """
    direction = _ANSWERS[asked.direction]
    if hold:
        direction = "sendonly" if direction in {"sendrecv", "sendonly"} else "inactive"
    lines: list[str] = []
    for index, (kind, protocol, formats) in enumerate(asked.lines):
        if index == asked.index:
            lines += _stream(address[1], (asked.codec,), asked.dtmf, direction)
        else:
            lines.append(f"m={kind} 0 {protocol} {formats}")
    return _document(address[0], session, version, lines)
