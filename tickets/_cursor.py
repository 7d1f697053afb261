"""Page cursors: where a listing goes on, as an opaque text. Keyset paging: no row is shown twice or left out."""

from __future__ import annotations

import base64
import binascii
import math

from ._errors import BadCursor

MAX_LIMIT = 200


def to_cursor(at: float, key: str) -> str:
    """The cursor after the row with this time and key."""
    return base64.urlsafe_b64encode(f"{at!r}~{key}".encode()).decode().rstrip("=")


def of_cursor(cursor: str) -> tuple[float, str]:
    """Time and key of a cursor.

    Raises:
        BadCursor: it was not made by `to_cursor`.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, key = raw.split("~", 1)
        when = float(at)
    except (ValueError, binascii.Error):
        raise BadCursor("this page cursor is not one of ours: begin the listing anew") from None
    if not math.isfinite(when) or not key or not key.isprintable():
        raise BadCursor("this page cursor is not one of ours: begin the listing anew")
    return when, key


def limited(limit: int) -> int:
    """The limit, held between 1 and MAX_LIMIT."""
    return min(max(limit, 1), MAX_LIMIT)
