"""Reading answers of Redis Streams, whatever the client's protocol version and decoding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def text(value: object) -> str:
    """The text of a value that may be bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def entries_of(answer: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Entries of an XREADGROUP answer, of either protocol version."""
    streams = answer.values() if isinstance(answer, dict) else [one[1] for one in answer or ()]
    for entries in streams:
        if isinstance(answer, dict) and entries and isinstance(entries[0], list) and not _is_pair(entries[0]):
            entries = entries[0]  # RESP3 wraps them once more
        yield from pairs_of(entries)


def _is_pair(value: Any) -> bool:
    return len(value) == 2 and isinstance(value[0], bytes | str)


def pairs_of(entries: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Entry ids with their fields; the fields are empty when the entry was trimmed away."""
    for entry, fields in entries:
        if entry is not None:
            yield text(entry), {text(key): text(value) for key, value in (fields or {}).items()}
