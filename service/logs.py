"""JSON log lines: time, level, what happened, the call's id. Never a number, a name or a spoken word."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

_DIGITS = re.compile(r"(?<![\w.~-])\+?\d{7,}(?![\w.~-])")
"""A run of seven digits or more that stands alone may be somebody's number (ids have dots or dashes)."""
_IDS = frozenset({"call", "ticket", "entry"})
"""Ids of ours: digits, but nobody's number."""
_NEVER = frozenset({"number", "caller", "caller_number", "caller_name", "text", "words", "content"})


def _no_personal_data(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last guard: fields that hold personal data are dropped, lone long numbers are blotted out."""
    if "call_id" in event:
        event["call"] = event.pop("call_id")  # one name everywhere
    for key in list(event):
        if key in _IDS:
            continue
        if key in _NEVER:
            event[key] = "[removed]"
        elif isinstance(event[key], str):
            event[key] = _DIGITS.sub("[number]", event[key])
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
    # These talk at info about every request or message.
    for noisy in ("aiohttp.access", "panoramisk", "asyncio", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Logs the bytes of malformed requests, which may hold anything; the metrics count them.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
