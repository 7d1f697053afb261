"""JSON log lines: time, level, what happened, the call's id. Never a number, a name or a spoken word."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import structlog

_DIGITS = re.compile(r"(?<!\d)(1\d{9}\.\d{1,9}|1\d{12}-\d{1,6})(?!\d)|\+?\d{7,}|\+?1[3-9]\d[ -]\d{4}[ -]\d{4}")
"""A run of seven digits or more may be somebody's number, whatever stands beside it (there are no spaces
around a number in Chinese), except the switch's unique id in a call's id (ten digits, a dot and a
few) and the id of a stream's entry (milliseconds, a dash and a few): no number here looks like these."""
_NEVER = frozenset({
    "number", "caller", "caller_number", "caller_name", "text", "words", "content", "title", "address",
    "transcript", "phone",
})  # fmt: skip
_OURS = frozenset({"at"})
_TICKET = re.compile(r"\d{18}")
"""A ticket's number, in the field `ticket` only: elsewhere eighteen digits are somebody's identity card."""


def _blot(match: re.Match[str]) -> str:
    return match.group(1) or "[number]"


def _clean(value: Any, depth: int = 0) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1_000_000 else _DIGITS.sub(_blot, str(value))
    if depth < 4:
        if isinstance(value, Mapping):
            return {_clean(str(k)): "[removed]" if k in _NEVER else _clean(v, depth + 1) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_clean(v, depth + 1) for v in value]
    return _DIGITS.sub(_blot, value if isinstance(value, str) else repr(value))


def _no_personal_data(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last guard: fields that hold personal data are dropped, long numbers are blotted out."""
    for key in list(event):
        if key in _NEVER:
            event[key] = "[removed]"
        elif key == "ticket" and isinstance(event[key], str) and _TICKET.fullmatch(event[key]):
            continue
        elif key not in _OURS:
            event[key] = _clean(event[key])
    return event


def set_up(level: str = "info", path: Path | None = None) -> None:
    """Sends structlog's and the standard library's records to one place as JSON lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=False, key="at"),
        structlog.processors.format_exc_info,
        _no_personal_data,
    ]
    structlog.configure(
        processors=[*shared[:-2], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared[:-2],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _no_personal_data,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.FileHandler(path, encoding="utf-8")
    else:
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # These talk at info about every request or message; at debug aiosqlite tells each value that is stored.
    for noisy in ("aiohttp.access", "panoramisk", "asyncio", "alembic", "aiosqlite", "sqlalchemy"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Logs the bytes of malformed requests, which may hold anything; the metrics count them.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
