"""Actions as bytes.  Whatever could forge a header or an action is refused here, in one place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ._link_errors import ActionRefused

Fields = Mapping[str, str | Sequence[str]]
"""An action's headers in order; a sequence of values repeats its header (``Variable``)."""

MAX_VALUE = 900
"""UTF-8 bytes of one value: Asterisk refuses a line above about 1 KB."""
MAX_HEADERS = 120
"""Asterisk ignores what comes after 128 headers."""

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}").fullmatch
_SPLITTING, _BACKSLASHED = re.compile(r'[\\"(),\[\]]'), r"\\\g<0>"
_FORBIDDEN = re.compile(r"[\r\n\0]").search


def encode_action(fields: Fields) -> bytes:
    r"""The bytes of one action.

    Raises:
        ActionRefused: CR, LF or NUL anywhere (a line end in a value injects headers, even a second
            action), a value above 900 bytes or not encodable, an odd header name, too many headers, no
            ``Action``.  The error names the header, never the value.
    """
    if not fields.get("Action"):
        raise ActionRefused("Action", "missing")
    lines: list[str] = []
    for key, value in fields.items():
        if _KEY(key) is None:
            # The name itself may be somebody's data: it is not shown.
            raise ActionRefused(f"number {len(lines) + 1}", "not a header name (letters, digits, - and _)")
        for one in (value,) if isinstance(value, str) else value:
            if _FORBIDDEN(one) is not None:
                raise ActionRefused(key, "a line end or NUL in the value")
            if len(one) * 4 > MAX_VALUE and len(one.encode("utf-8", "surrogatepass")) > MAX_VALUE:
                raise ActionRefused(key, f"the value is longer than {MAX_VALUE} bytes")
            lines.append(f"{key}: {one}")
    if len(lines) > MAX_HEADERS:
        raise ActionRefused("Action", f"more than {MAX_HEADERS} headers")
    lines.append("\r\n")
    try:
        return "\r\n".join(lines).encode()
    except UnicodeEncodeError:
        raise ActionRefused("of some name", "a value is not valid Unicode") from None


def variable(name: str, value: str) -> str:
    """``name=value`` for a ``Variable`` header of Originate, with the value's special signs escaped.

    Asterisk splits that header at commas: an unescaped comma in a caller's name would set a second
    variable of the caller's choice.
    """
    return f"{name}={_SPLITTING.sub(_BACKSLASHED, value)}"


def agi_quote(value: str) -> str:
    """One argument of an AGI command, quoted so that it stays one argument."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def agi_fields(channel: str, command: str, command_id: str) -> dict[str, str]:
    """The AGI action.  Its reply only says "queued": the result is an ``AsyncAGIExec`` event that has
    `command_id` in its ``CommandId`` header (Asterisk 22 writes it so) and the answer, URL-encoded, in
    ``Result``."""
    return {"Action": "AGI", "Channel": channel, "Command": command, "CommandID": command_id}
