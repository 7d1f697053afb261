"""AMI bytes in, messages out: framing and parsing without any I/O.

Why not panoramisk's own: it decodes each read by itself (a Chinese character cut by the read is lost),
its buffer has no bound, and it is the largest cost of a busy link.

An AMI message is a run of ``Key: value`` lines ended by an empty line.  Lines end in CR LF; a lone LF is
taken as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ._frames_shapes import START, Shapes, layout, pick
from ._message import Message, unescape

__all__ = ["MAX_LINE", "MAX_MESSAGE", "FrameCounters", "FrameReader", "Message", "unescape"]

MAX_LINE = 64 * 1024
"""Bytes of one line, its line end included."""
MAX_MESSAGE = 1024 * 1024
"""Bytes of one message, its empty line included."""

_BANNER = b"Asterisk Call Manager/"
_END = re.compile(r"\n\r?\n")
_END_BYTES = re.compile(rb"\n\r?\n")


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
        self._shapes = Shapes()

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
        add, known = messages.append, self._shapes.known
        position, end = 0, len(text)
        while position < end:
            for match, index, picks, event in known.get(text[position : position + START], ()):
                found = match(text, position)
                if found is not None:
                    values = found.groups()
                    add(Message(index, values if picks is None else pick(values, picks), event))
                    position = found.end()
                    break
            else:
                tail = _END.search(text, position)
                after = tail.end() if tail else end
                message = self._parse_lines(text[position:after])
                if message is not None:
                    add(message)
                position = after
        return messages

    def _parse_lines(self, whole: str) -> Message | None:
        """Any message, line by line."""
        regular = whole.endswith("\r\n\r\n")
        keys: list[str] = []
        values: list[str] = []
        lines = whole.split("\n")
        for raw in lines[:-2]:
            line = raw[:-1] if raw.endswith("\r") else raw
            if not line:
                regular = False
                continue
            regular = regular and raw.endswith("\r")
            key, separator, value = line.partition(": ")
            if not separator:
                regular = False
                key, separator, value = line.partition(":")
            if separator and key:
                keys.append(key)
                values.append(value)
            else:
                regular = False
                self.counters.malformed += 1
        if not keys:
            return None
        index, picks = layout(keys)
        place = index.get("Event")
        found: Sequence[str | list[str]] = tuple(values) if picks is None else pick(values, picks)
        named = "" if place is None else found[place]
        event = named if isinstance(named, str) else named[0]
        # A shape must know the event from its first line.
        if regular and (place is None or place == 0) and "Event" not in keys[1:]:
            self._shapes.sighted(whole[:START], lines[0][:-1], tuple(keys), event)
        return Message(index, found, event)


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
