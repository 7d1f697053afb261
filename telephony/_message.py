"""One AMI message as the rest of the room sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# What ast_escape_c() writes, turned round.
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPED = re.compile(r"""\\([abfnrtv\\"'?])""")


class Message(Mapping[str, str | list[str]]):
    """One AMI message: a read-only mapping of header to value.

    A header that occurs more than once (``Output``, ``ChanVariable``) is a list of its values in order.
    Keys are case-sensitive, as Asterisk writes them; mind ``CommandId`` in ``AsyncAGIExec``.

    It is a tuple of values and an index of keys that messages of one shape share: a third of a dict's
    memory, and made faster than one.

    Attributes:
        event: the event's name, "" for a reply.
        index: key → place of its value; shared, never change it.
    """

    __slots__ = ("_values", "event", "index")

    def __init__(self, index: dict[str, int], values: Sequence[str | list[str]], event: str) -> None:
        self.index = index
        self._values = values
        self.event = event

    @classmethod
    def of(cls, headers: Mapping[str, str | list[str]]) -> Message:
        """A message with these headers."""
        event = headers.get("Event", "")
        index = {key: place for place, key in enumerate(headers)}
        return cls(index, tuple(headers.values()), event if isinstance(event, str) else event[0])

    def __getitem__(self, key: str) -> str | list[str]:
        return self._values[self.index[key]]

    def __contains__(self, key: object) -> bool:
        return key in self.index

    def __iter__(self) -> Iterator[str]:
        return iter(self.index)

    def __len__(self) -> int:
        return len(self.index)

    def get(self, key: str, default: Any = None) -> Any:
        """The value or `default`; faster than the inherited one."""
        place = self.index.get(key)
        return default if place is None else self._values[place]

    def __repr__(self) -> str:
        # Values are callers' data: a message must not spill them into a log by accident.
        return f"<Message {self.event or self.one('Response')} {' '.join(self.index)}>"

    @property
    def is_reply(self) -> bool:
        """True for the answer to an action (``OriginateResponse`` has both headers: it is an event)."""
        return not self.event and "Response" in self.index

    @property
    def success(self) -> bool:
        """Whether Asterisk did what was asked; true for events (panoramisk asks this after login)."""
        return bool(self.event) or self.one("Response") in ("Success", "Follows", "Goodbye")

    def one(self, key: str, default: str = "") -> str:
        """The header's value; the first one if repeated (later ones may come from a caller's data)."""
        place = self.index.get(key)
        if place is None:
            return default
        value = self._values[place]
        return value if isinstance(value, str) else value[0]

    def all(self, key: str) -> list[str]:
        """Every value of the header in order; empty if it is missing."""
        value = self.get(key)
        if value is None:
            return []
        return [value] if isinstance(value, str) else list(value)


def unescape(value: str) -> str:
    """Undo the C escapes that Asterisk puts into ``CallerIDName`` and ``VarSet`` values.

    Unknown escapes and a lone backslash at the end stay as they are.  Values of ``Getvar`` replies and
    of an AsyncAGI ``Env`` are exact already: do not pass them.
    """
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), value)
