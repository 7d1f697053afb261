"""The two headers with which a call goes from hotline to hotline, and how they are read again. Pure.

    X-Hotline-Case: <case id>
    User-to-User: <hex of "hl1;<handover id>;<token>">;encoding=hex;purpose=hotline-handover      (RFC 7433)
"""

from __future__ import annotations

import re

from .model import Call

CASE_HEADER = "X-Hotline-Case"
UUI_HEADER = "User-to-User"
PURPOSE = "hotline-handover"
FORMAT = "hl1"
UUI_OCTETS = 128
"""Of data, not of hex digits: what ISDN leaves through, and gateways with it."""
MAX_VALUE = 10_240
"""Characters of a header that are looked at; a longer one is none of ours."""
CASE_LENGTH = 80

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,96}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){1,128}")
# Printable ASCII without spaces, and without what a dialplan, a header or a shell reads as more than a character:
# the value comes from outside and goes out again, through the switch.
_CASE = re.compile(r"[A-Za-z0-9._:/@+#=~*!()-]{1,80}")


def encode_uui(handover_id: str, token: str) -> str:
    """The value of User-to-User.

    Raises:
        ValueError: an id or token of another form, or both together are too long.
    """
    if not _ID.fullmatch(handover_id) or not _TOKEN.fullmatch(token):
        raise ValueError("handover id or token: not of our form")
    data = f"{FORMAT};{handover_id};{token}".encode()
    if len(data) > UUI_OCTETS:
        raise ValueError(f"handover id and token: {len(data)} octets, more than the {UUI_OCTETS} of User-to-User")
    return f"{data.hex()};encoding=hex;purpose={PURPOSE}"


def decode_uui(value: object) -> tuple[str, str] | None:
    """(handover id, token) of the first value of ours in a User-to-User header; None: there is none.

    Args:
        value: whatever came, several values separated by commas among them. Never raises.
    """
    if not isinstance(value, str) or len(value) > MAX_VALUE:
        return None
    for one in _split(value, ","):
        found = _ours(one)
        if found is not None:
            return found
    return None


def _ours(value: str) -> tuple[str, str] | None:
    data, *parameters = (part.strip() for part in _split(value, ";"))
    named: dict[str, str] = {}
    for parameter in parameters:
        name, _, given = parameter.partition("=")
        name = name.strip().lower()
        if name in named:
            return None  # said twice: which one is meant is anybody's guess
        named[name] = given.strip().strip('"').lower()
    if named.get("encoding") != "hex" or named.get("purpose") != PURPOSE or not _HEX.fullmatch(data.strip('"')):
        return None
    try:
        text = bytes.fromhex(data.strip('"')).decode("ascii")
    except ValueError:
        return None
    form, *rest = text.split(";")
    if form != FORMAT or len(rest) != 2 or not _ID.fullmatch(rest[0]) or not _TOKEN.fullmatch(rest[1]):
        return None
    return rest[0], rest[1]


def _split(text: str, at: str) -> list[str]:
    """Parts between `at`, except inside quotation marks (RFC 3261, 25.1). One pass, whatever comes."""
    parts, begin, quoted, escaped = [], 0, False, False
    for i, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == at and not quoted:
            parts.append(text[begin:i])
            begin = i + 1
    parts.append(text[begin:])
    return parts


def clean_case(value: object) -> str:
    """A case id as it may be kept and sent on; anything else is no case: empty. Never raises."""
    if not isinstance(value, str) or len(value) > MAX_VALUE:
        return ""
    value = value.strip(" \t")
    return value if _CASE.fullmatch(value) else ""


def own_case(call_id: str, system: str) -> str:
    """The case id of a call that begins with us.

    Args:
        call_id: the call's.
        system: tells this hotline from all others (its centre's code, say): cases travel.
    """
    return clean_case(f"{system}-{call_id}") or clean_case(call_id)


def case_of(call: Call, system: str) -> str:
    """The case that a call belongs to: the one it came with, else its own."""
    return clean_case(call.case) or own_case(call.id, system)


def call_of_case(case: str, system: str) -> str:
    """The call that began the case, if it is one of ours; else empty."""
    return case[len(system) + 1 :] if case.startswith(f"{system}-") else ""
