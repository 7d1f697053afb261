"""SIP messages as values: bytes in, `Request` or `Response` out, and back (RFC 3261 §7, §20).

Nothing here does I/O or trusts its input. Whatever the bytes are, `parse` returns a message whose
mandatory parts are present and well formed, or raises `SipError`; so no later code needs to check.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ._errors import SipError

MAX_BYTES = 65_535
MAX_HEADERS = 256

_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}:[^\s<>\"\x00-\x1f\x7f]{1,1024}")
_SIP_URI = re.compile(
    r"sip:(?:[^@]*@)?([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::([0-9]{1,5}))?(?:[;?].*)?", re.IGNORECASE | re.DOTALL
)
_NUMBER = re.compile(r"[0-9]{1,10}")
_BREAK = re.compile(r"[\r\n\x00]")
_TAG = re.compile(r";\s*tag\s*=\s*([^\s;,>\"]{1,256})", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMPACT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
    "c": "content-type", "k": "supported", "e": "content-encoding", "s": "subject",
}  # fmt: skip
# Headers whose commas separate values (RFC 3261 §7.3.1); Contact of a REGISTER answer too.
_LISTS = frozenset({"via", "route", "record-route", "contact"})


def _key(name: str) -> str:
    low = name.lower()
    return _COMPACT.get(low, low)


class Headers:
    """Header fields in order; names are compared without case and compact forms are known."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = tuple(fields)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of `name`, or `default`."""
        key = _key(name)
        return next((value for known, value in self._fields if _key(known) == key), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of `name`, top first; comma-joined lists are split where RFC 3261 allows it."""
        key = _key(name)
        values = [value for known, value in self._fields if _key(known) == key]
        if key in _LISTS:
            values = [part for value in values for part in split_commas(value)]
        return tuple(values)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._fields == other._fields

    def __hash__(self) -> int:
        return hash(self._fields)

    def __repr__(self) -> str:  # names only: values hold numbers and names of people
        return f"Headers({', '.join(name for name, _ in self._fields)})"


@dataclass(frozen=True, slots=True)
class _Message:
    headers: Headers
    body: bytes = b""
    call_id: str = field(default="", init=False)
    cseq: int = field(default=0, init=False)
    cseq_method: str = field(default="", init=False)
    branch: str = field(default="", init=False)
    from_tag: str = field(default="", init=False)
    to_tag: str = field(default="", init=False)

    def __post_init__(self) -> None:
        via, call_id = self.headers.get("Via"), self.headers.get("Call-ID")
        from_, to, cseq = (self.headers.get(name) for name in ("From", "To", "CSeq"))
        if not (via and call_id and from_ and to and cseq):
            raise SipError("SIP message without Via, From, To, Call-ID or CSeq: the peer must send all five")
        number, _, method = cseq.strip().partition(" ")
        method = method.strip()
        if not _NUMBER.fullmatch(number) or int(number) >= 2**31 or not _TOKEN.fullmatch(method):
            raise SipError("CSeq header is not '<number below 2**31> <method>'")
        for name, value in (
            ("call_id", call_id.strip()),
            ("cseq", int(number)),
            ("cseq_method", method),
            ("branch", params(split_commas(via)[0]).get("branch", "")),
            ("from_tag", tag_of(from_)),
            ("to_tag", tag_of(to)),
        ):
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class Request(_Message):
    """A SIP request. `uri` is the request-URI as text."""

    method: str = ""
    uri: str = ""

    def __post_init__(self) -> None:
        _Message.__post_init__(self)
        if not _TOKEN.fullmatch(self.method) or not _URI.fullmatch(self.uri):
            raise SipError("request line is not 'METHOD scheme:address SIP/2.0'")
        if self.cseq_method != self.method:
            raise SipError("method in CSeq differs from the request line")

    def __bytes__(self) -> bytes:
        return _join(f"{self.method} {self.uri} SIP/2.0", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response(_Message):
    """A SIP response with its status code (100..699)."""

    status: int = 0
    reason: str = ""

    def __post_init__(self) -> None:
        _Message.__post_init__(self)
        if not 100 <= self.status <= 699 or _BREAK.search(self.reason):
            raise SipError("status line is not 'SIP/2.0 <100..699> <one line of text>'")

    def __bytes__(self) -> bytes:
        return _join(f"SIP/2.0 {self.status} {self.reason}", self.headers, self.body)


def _join(first: str, headers: Headers, body: bytes) -> bytes:
    lines = [first]
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or _BREAK.search(value):
            raise SipError("header with a bad name or a line break in its value: remove CR, LF and NUL")
        if _key(name) != "content-length":
            lines.append(f"{name}: {value}")
    lines += [f"Content-Length: {len(body)}", "", ""]
    data = "\r\n".join(lines).encode("utf-8", "replace") + body
    if len(data) > MAX_BYTES:
        raise SipError(f"SIP message of {len(data)} bytes does not fit a datagram: shorten its headers")
    return data


def parse(data: bytes) -> Request | Response:
    """Read one datagram.

    Args:
        data: The datagram. Bytes behind Content-Length are dropped, as RFC 3261 §18.3 asks.

    Raises:
        SipError: It is not a complete SIP message with the five mandatory headers.
    """
    if len(data) > MAX_BYTES:
        raise SipError("datagram is longer than UDP allows")
    head, gap, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not gap:
        raise SipError("no empty line behind the headers: cut off, or not SIP")
    lines = head.decode("utf-8", "replace").split("\r\n")
    headers = Headers(_fields(lines[1:]))
    length = headers.get("Content-Length")
    if length is not None:
        if not _NUMBER.fullmatch(length.strip()) or int(length) > len(body):
            raise SipError("Content-Length is not a number or is longer than the datagram")
        body = body[: int(length)]
    first = lines[0].split(" ", 2)
    if len(first) == 3 and first[0] == "SIP/2.0" and re.fullmatch(r"[1-6][0-9]{2}", first[1]):
        return Response(headers, body, status=int(first[1]), reason=_clean(first[2]))
    if len(first) == 2 and first[0] == "SIP/2.0" and re.fullmatch(r"[1-6][0-9]{2}", first[1]):
        return Response(headers, body, status=int(first[1]))
    if len(first) == 3 and first[2] == "SIP/2.0":
        return Request(headers, body, method=first[0], uri=first[1])
    raise SipError("first line is neither a SIP/2.0 request nor a SIP/2.0 response")


def _clean(text: str) -> str:
    return _BREAK.sub(" ", text)


def _fields(lines: list[str]) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in {" ", "\t"} and fields:  # folded line (RFC 3261 §7.3.1)
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {_clean(line).strip()}")
            continue
        name, colon, value = line.partition(":")
        name = name.strip()
        if not colon or not _TOKEN.fullmatch(name):
            raise SipError("header line without a name and a colon")
        fields.append((name, _clean(value).strip()))
        if len(fields) > MAX_HEADERS:
            raise SipError(f"more than {MAX_HEADERS} header lines")
    return fields


def split_commas(value: str) -> list[str]:
    """Split a header value at commas outside of quotes and angle brackets; never returns an empty list."""
    parts, start, depth, quoted, escaped = [], 0, 0, False, False
    for at, char in enumerate(value):
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = char == "\\", char != '"'
        elif char == '"':
            quoted = True
        elif char in "<>":
            depth = 1 if char == "<" else 0
        elif char == "," and not depth:
            parts.append(value[start:at].strip())
            start = at + 1
    parts.append(value[start:].strip())
    return parts


def params(value: str) -> Mapping[str, str]:
    """The `;name=value` parameters behind the address (names in lower case, quotes removed)."""
    bare = _QUOTED.sub('""', value)
    behind = bare.rpartition(">")[2] if ">" in bare else bare
    found: dict[str, str] = {}
    for part in behind.split(";")[1:]:
        name, _, text = part.partition("=")
        found.setdefault(name.strip().lower(), text.strip().strip('"'))
    return found


def tag_of(value: str) -> str:
    """The tag of a From or To header, or an empty string."""
    bare = _QUOTED.sub('""', value)
    match = _TAG.search(bare.rpartition(">")[2] if ">" in bare else bare)
    return match[1] if match else ""


def uri_of(value: str) -> str | None:
    """The URI of a From, To, Contact or Route value, or None when there is none."""
    bare = _QUOTED.sub("", value)
    start, end = bare.find("<"), bare.find(">")
    uri = bare[start + 1 : end] if 0 <= start < end else bare.partition(";")[0]
    uri = uri.strip()
    return uri if _URI.fullmatch(uri) else None


def host_port(uri: str) -> tuple[str, int] | None:
    """(IPv4 address, port) of a SIP URI, 5060 by default; None for names and anything odd."""
    match = _SIP_URI.fullmatch(uri)
    if not match or any(int(part) > 255 for part in match[1].split(".")):
        return None
    port = int(match[2] or 5060)
    return (match[1], port) if 0 < port < 65_536 else None


def user_of(value: str) -> str:
    """The user part of a header's SIP URI ("8001"), or an empty string."""
    match = re.match(r"sips?:([^@:;]{1,256})(?::[^@]*)?@", uri_of(value) or "", re.I)
    return match[1] if match else ""


def quote(text: str) -> str:
    """A display name as a quoted string."""
    return '"' + _clean(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def make(headers: Iterable[tuple[str, str]], extra: Mapping[str, str] | None = None) -> Headers:
    """Headers from pairs plus `extra` ones given by a caller of ours.

    Raises:
        SipError: A name is not a token or a value has a line break (it would inject headers).
    """
    fields = [*headers, *(extra or {}).items()]
    for name, value in fields:
        if not _TOKEN.fullmatch(name) or _BREAK.search(value):
            raise SipError("header with a bad name or a line break in its value: remove CR, LF and NUL")
    return Headers(fields)
