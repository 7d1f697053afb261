"""A party outside this switch: which trunks are tried, in which order, and what travels with the call. Pure values.

Made from the hotline directory (联动热线名录) when somebody asks for the party, and kept in the call's journal as it
was then: a later change of the directory changes no running call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ._plain import a_mapping, held

LINE_PREFIX = "line."
"""Begins `who` of an outside leg, before the id of its directory entry: no seat's id has a dot."""
NUMBER_ENTRY = "number"
"""Stands for the entry's id where a number was dialled that no entry has."""


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt: a number over a trunk."""

    trunk: str
    """PJSIP endpoint of the switch."""
    number: str
    """Digits, + * #."""
    seconds: float = 20.0
    """How long it rings before the next one is tried."""
    entry: str = ""
    """The directory entry it is of: a fallback's differs from the first one's."""
    name: str = ""
    """That entry's Chinese name, for people."""
    caller_id: str = "hotline"
    """Whose number is shown: hotline | caller (emergency lines need the caller's)."""
    protocol: str = "none"
    """How the context travels: none | uui (User-to-User of RFC 7433, X-Hotline-Case and a handover)."""


@dataclass(frozen=True, slots=True)
class Line:
    """An outside party, as it was asked for."""

    entry: str
    """The directory entry's id, or `NUMBER_ENTRY`."""
    name: str
    tries: tuple[Try, ...]
    """Never empty: trunks of the entry in order, then its fallback's."""
    after: str = "return"
    """When it hangs up and no seat is there: return (the caller gets a human) | end (the call is over)."""
    emergency: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    """SIP headers for tries whose protocol is uui: (name, value), printable ASCII without line breaks."""

    def with_headers(self, headers: Mapping[str, str]) -> Line:
        """The line with what its INVITE carries."""
        return replace(self, headers=tuple(headers.items()))

    def json(self) -> dict[str, Any]:
        """Plain JSON values, for the journal."""
        tries = [
            {
                "trunk": x.trunk, "number": x.number, "seconds": x.seconds, "entry": x.entry, "name": x.name,
                "caller_id": x.caller_id, "protocol": x.protocol,
            }
            for x in self.tries
        ]  # fmt: skip
        return {
            "entry": self.entry, "name": self.name, "tries": tries, "after": self.after, "emergency": self.emergency,
            "headers": [list(x) for x in self.headers],
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Line:
        """What `json` wrote, by this version or an older one. Raises KeyError, TypeError or ValueError."""
        tries = tuple(
            held(Try(
                x["trunk"], x["number"], x.get("seconds", 20.0), x.get("entry", ""), x.get("name", ""),
                x.get("caller_id", "hotline"), x.get("protocol", "none"),
            ))
            for x in map(a_mapping, a_mapping(data)["tries"])
        )  # fmt: skip
        if not tries:
            raise ValueError("a line without a trunk to try")
        headers = tuple((str(name), str(value)) for name, value in data.get("headers", ()))
        return held(cls(
            data["entry"], data.get("name", ""), tries, data.get("after", "return"), data.get("emergency", False),
            headers,
        ))  # fmt: skip
