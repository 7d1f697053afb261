"""AMI bytes in, messages out: framing and parsing without any I/O.

Why not panoramisk's own: it decodes each read by itself (a Chinese character cut by the read is lost),
its buffer has no bound, and it is the largest cost of a busy link.

An AMI message is a run of ``Key: value`` lines ended by an empty line.  Lines end in CR LF; a lone LF is
taken as well.  Messages of one kind (``Event: Newstate`` …) nearly always carry the same keys in the
same order, so the reader learns these *shapes* and takes a whole message apart with one regular
expression; whatever does not fit goes line by line, with the same result.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LINE = 64 * 1024
"""Bytes of one line, its line end included."""
MAX_MESSAGE = 1024 * 1024
"""Bytes of one message, its empty line included."""

_BANNER = b"Asterisk Call Manager/"
_END = re.compile(r"\n\r?\n")
_END_BYTES = re.compile(rb"\n\r?\n")

# What ast_escape_c() writes, turned round.
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPED = re.compile(r"""\\([abfnrtv\\"'?])""")

# Bounds of what is learnt, so that odd traffic costs neither memory nor time.
_SIGHTINGS = 8
_MAX_SHAPES = 128
_MAX_SHAPES_OF_A_KIND = 4
_MAX_CANDIDATES = 256
_MAX_KEYS = 80


class Message(dict[str, str | list[str]]):
    """One AMI message: a plain dict of header to value.

    A header that occurs more than once (``Output``, ``ChanVariable``) is a list of its values in order.
    Keys are case-sensitive, as Asterisk writes them; mind ``CommandId`` in ``AsyncAGIExec``.
    """

    __slots__ = ()

    @property
    def event(self) -> str:
        """The event's name, "" for a reply."""
        return self.one("Event")

    @property
    def is_reply(self) -> bool:
        """True for the answer to an action (``OriginateResponse`` has both headers: it is an event)."""
        return "Response" in self and "Event" not in self

    @property
    def success(self) -> bool:
        """Whether Asterisk did what was asked; true for events (panoramisk asks this after login)."""
        return "Event" in self or self.one("Response") in ("Success", "Follows", "Goodbye")

    def one(self, key: str, default: str = "") -> str:
        """The header's value; the first one if repeated (later ones may come from a caller's data)."""
        value = self.get(key, default)
        return value if isinstance(value, str) else value[0]

    def all(self, key: str) -> list[str]:
        """Every value of the header in order; empty if it is missing."""
        value = self.get(key)
        if value is None:
            return []
        return [value] if isinstance(value, str) else value


@dataclass(slots=True)
class FrameCounters:
    """What a reader met.

    Attributes:
        bad_utf8: byte sequences that were not UTF-8 (GBK names, for instance) and became U+FFFD.
        oversize: messages dropped because they or one of their lines were too long.
        malformed: lines without a colon, ignored.
    """

    bad_utf8: int = 0
    oversize: int = 0
    malformed: int = 0


class _Shapes:
    """The message layouts learnt so far: first line → (match, keys) pairs."""

    def __init__(self) -> None:
        self.known: dict[str, list[tuple[re.Pattern[str], tuple[str, ...]]]] = {}
        self._seen: dict[tuple[str, ...], int] = {}
        self._count = 0

    def sighted(self, first_line: str, keys: tuple[str, ...]) -> None:
        """Note that a regular message was taken apart the slow way; learn its shape in time."""
        same_kind = self.known.get(first_line, [])
        if self._count >= _MAX_SHAPES or len(same_kind) >= _MAX_SHAPES_OF_A_KIND or len(keys) > _MAX_KEYS:
            return
        candidate = (first_line, *keys)
        seen = self._seen.get(candidate, 0) + 1
        if seen < _SIGHTINGS:
            if len(self._seen) >= _MAX_CANDIDATES:
                self._seen.clear()
            self._seen[candidate] = seen
            return
        self._seen.pop(candidate, None)
        self._count += 1
        # "." never matches LF, so each group stays within its line and a failed match costs no more than
        # the message's length.
        pattern = "".join(f"{re.escape(key)}: (.*)\r\n" for key in keys) + "\r\n"
        self.known.setdefault(first_line, []).append((re.compile(pattern), keys))


class FrameReader:
    """Incremental reader of one AMI connection; make a new one for each connection.

    `counters` may be shared with earlier readers.  Never raises on any input, and holds at most
    ``MAX_MESSAGE`` bytes of an unfinished message.  The messages do not depend on how the bytes were
    split over reads.

    Attributes:
        banner: the protocol version Asterisk greeted with ("" before the greeting or without one).
        counters: what was odd.
    """

    def __init__(self, counters: FrameCounters | None = None) -> None:
        self.banner = ""
        self.counters = counters if counters is not None else FrameCounters()
        self._greeted = False
        self._skipping = False
        self._rest = bytearray()
        self._shapes = _Shapes()

    @property
    def held(self) -> int:
        """Bytes of the unfinished message kept for the next read."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[Message]:
        """Take what one read gave; return the messages completed by it, in order."""
        rest = self._rest
        searched = max(0, len(rest) - 2) if self._greeted and not self._skipping else 0
        if rest or not self._greeted or self._skipping:
            rest += data
            if not self._greeted and not self._greet():
                return []
            if self._skipping and not self._skip():
                return []
            end = _last_end(rest, searched)
            block = bytes(rest[:end])
            del rest[:end]
        else:
            end = _last_end(data, 0)
            block = data if end == len(data) else data[:end]
            rest += data[end:]
        if len(rest) >= MAX_LINE and (len(rest) >= MAX_MESSAGE or len(rest) - rest.rfind(b"\n") - 1 >= MAX_LINE):
            self._drop_rest()
        return self._parse(block) if block else []

    def _greet(self) -> bool:
        """Take the banner off; False while the first line is not complete."""
        rest = self._rest
        end = rest.find(b"\n")
        if end < 0:
            if len(rest) >= MAX_LINE:
                self._greeted = True
                self._drop_rest()
            return False
        self._greeted = True
        if rest.startswith(_BANNER):
            self.banner = rest[len(_BANNER) : end].decode("utf-8", "replace").strip()
            del rest[: end + 1]
        return True

    def _drop_rest(self) -> None:
        """Give up the message under way: ignore everything up to the next empty line."""
        self.counters.oversize += 1
        self._skipping = True
        del self._rest[:-2]

    def _skip(self) -> bool:
        """Look for the empty line that ends a dropped message; False while it has not come."""
        found = _END_BYTES.search(self._rest)
        if found is None:
            del self._rest[:-2]
            return False
        self._skipping = False
        del self._rest[: found.end()]
        return True

    def _without_oversize(self, block: bytes) -> bytes:
        """Leave out the messages of a large block which break a bound."""
        if not _may_be_oversize(block):
            return block
        kept, start = [], 0
        for found in _END_BYTES.finditer(block):
            message = block[start : found.end()]
            start = found.end()
            if len(message) > MAX_LINE and (
                len(message) > MAX_MESSAGE or max(map(len, message.split(b"\n"))) >= MAX_LINE
            ):
                self.counters.oversize += 1
            else:
                kept.append(message)
        return b"".join(kept)

    def _parse(self, block: bytes) -> list[Message]:
        if len(block) > MAX_LINE:
            block = self._without_oversize(block)
        try:
            text = block.decode()
        except UnicodeDecodeError:
            text = block.decode("utf-8", "replace")
            self.counters.bad_utf8 += text.count("\ufffd") - block.count(b"\xef\xbf\xbd")
        messages: list[Message] = []
        add, find, known = messages.append, text.find, self._shapes.known
        position, end = 0, len(text)
        while position < end:
            first_line = text[position : find("\n", position)]
            for shape, keys in known.get(first_line, ()):
                found = shape.match(text, position)
                if found is not None:
                    add(Message(zip(keys, found.groups(), strict=False)))
                    position = found.end()
                    break
            else:
                tail = _END.search(text, position)
                stop, after = (tail.start() + 1, tail.end()) if tail else (end, end)
                message = self._parse_lines(first_line, text[position:stop], text[position:after])
                if message:
                    add(message)
                position = after
        return messages

    def _parse_lines(self, first_line: str, body: str, whole: str) -> Message | None:
        """Any message, line by line."""
        message = Message()
        regular = whole.endswith("\r\n\r\n")
        for raw in body.split("\n")[:-1]:
            line = raw[:-1] if raw.endswith("\r") else raw
            if not line:
                regular = False
                continue
            regular = regular and raw.endswith("\r")
            key, separator, value = line.partition(": ")
            if not separator:
                regular = False
                key, separator, value = line.partition(":")
            if not separator or not key:
                regular = False
                self.counters.malformed += 1
                continue
            if key in message:
                regular = False
                earlier = message[key]
                if isinstance(earlier, str):
                    message[key] = [earlier, value]
                else:
                    earlier.append(value)
            else:
                message[key] = value
        if regular:
            self._shapes.sighted(first_line, tuple(message))
        return message or None


def unescape(value: str) -> str:
    """Undo the C escapes that Asterisk puts into ``CallerIDName`` and ``VarSet`` values.

    Unknown escapes and a lone backslash at the end stay as they are.  Values of ``Getvar`` replies and
    of an AsyncAGI ``Env`` are exact already: do not pass them.
    """
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), value)


def _last_end(data: bytes | bytearray, start: int) -> int:
    """Where the last complete message ends, searching from ``start``; 0 if none does."""
    crlf = data.rfind(b"\n\r\n", start)
    lone = data.rfind(b"\n\n", max(crlf, start))
    if lone > crlf:
        return lone + 2
    return crlf + 3 if crlf >= 0 else 0


def _may_be_oversize(block: bytes) -> bool:
    """Whether some message in the block can be longer than a line may be (cheap: strides, not lines)."""
    position = 0
    while position + MAX_LINE < len(block):
        end = _last_end(block[position : position + MAX_LINE], 0)
        if end == 0:
            return True
        position += end
    return False
