"""The one address for other hotlines: a case on its way, given once to whoever shows its one-time token.

No role token opens it, and its tokens open nothing else. A wrong token and a handover that there is not are one answer.
"""

from __future__ import annotations

import ipaddress
import re
from collections import OrderedDict
from collections.abc import Callable

from aiohttp import web

from ._ports import AuditEntry, Look, RefusedError
from ._problems import ProblemError
from ._routes import Ask, Route
from ._schema_handovers import Handover

BURST = 20.0
"""Requests an address may make at once."""
REFILL = 2.0
"""Requests a second it regains."""
REMEMBERED = 4096
"""Addresses; those that asked longest ago are forgotten first."""
ROLE = "handover"
"""Stands for a role in the audit: who asked held no role, only a token."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,96}")
_CODES = ("no-handover", "handover-gone")


class Gate:
    """So many requests an address and no more (a token bucket each). IPv6: a /64 network counts as one address.

    Args:
        clock: unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """address → (requests left, when that was so)"""

    def admit(self, address: str) -> None:
        """Counts one request.

        Raises:
            ProblemError: ``too-many-tries``.
        """
        name, now = _network(address), self._clock()
        left, at = self._left.pop(name, (BURST, now))
        left = min(BURST, left + max(0.0, now - at) * REFILL)
        self._left[name] = (max(0.0, left - 1), now)
        if len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        if left < 1:
            raise ProblemError("too-many-tries", headers={"Retry-After": "1"})


GATE: web.AppKey[Gate] = web.AppKey("handover-gate", Gate)


def _network(address: str) -> str:
    try:
        one = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "?"
    if isinstance(one, ipaddress.IPv4Address):
        return str(one)
    if one.ipv4_mapped is not None:
        return str(one.ipv4_mapped)
    return str(ipaddress.ip_network((one, 64), strict=False))


async def _handover(ask: Ask) -> Handover:
    address = ask.http.remote or "?"
    ask.http.app[GATE].admit(address)
    scheme, _, token = ask.http.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise ProblemError("no-token")
    if not _TOKEN.fullmatch(token):
        raise ProblemError("no-handover")

    async def audit(call: str, to: str) -> None:
        calls = (call,) if call else ()
        entry = AuditEntry(
            ask.settings.clock(), address, ROLE, None, Look.HANDOVER, calls, ask.http.path, f"to {to}" if to else ""
        )
        try:
            await ask.desk.audit(entry)
        except Exception as error:
            raise ProblemError("audit-failed", "audit") from error

    try:
        return await ask.desk.handover(ask.ids["id"], token, audit)
    except RefusedError as refusal:
        raise ProblemError(refusal.code if refusal.code in _CODES else "no-handover") from None


HANDOVERS_API: tuple[Route, ...] = (
    Route("GET", "/api/v1/handovers/{id}",
          "For another hotline: the case of a call it was given, once, within ten minutes", "handovers", (),
          _handover, Handover, problems=("no-token", *_CODES, "too-many-tries", "audit-failed", "unavailable"),
          scheme="handover"),
)  # fmt: skip
