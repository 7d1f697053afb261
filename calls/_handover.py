"""Context that travels with a call to another hotline (Art. 7, 8): what the INVITE says, and what waits to be fetched.

Pure: no clock, no I/O, no randomness. The INVITE carries the case id and, in User-to-User, a handover's id with a token
(`calls._uui`). The case itself (number, summary, place …) never travels in SIP, which many hands see and logs keep: it
waits here and is given once, within `LIFE` seconds, to whoever shows id and token at the sender's own web address.

Why nothing leaks and nothing gets lost when processes die: rows of the book are written in the engine's batches, as
the table `handovers` of the journal.
 - A handover is written in the batch of the order that made it, before the INVITE with its token leaves.
 - The row has the token's SHA-256 only. The token itself is in the journal's entry of the order, as a retry over the
   next trunk needs it; both lose all worth at the same moment, when the handover is used or expires.
 - The body is answered only after "used" is written (`service.handovers`): a process that takes over later finds it
   used. If it could not be written nobody got an answer, and `give_back` makes the handover good again.
 - "Used" and "expired" rows have no body any more: personal data does not outlive its purpose.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from routing import Line

from ._uui import CASE_HEADER, UUI_HEADER, case_of, encode_uui
from .model import Call

log = logging.getLogger(__name__)

PROTOCOL = "uui"
LIFE = 600.0
"""Seconds in which a handover may be fetched."""
KEEP = 3600.0
"""Seconds for which it is remembered that a handover was used or expired."""
MAX_OPEN = 10_000
MAX_BODY = 64 * 1024
"""Octets of a body as JSON: what the other side reads at most."""


# ---------------------------------------------------------------------- handovers
class HandoverError(Exception):
    """A handover is not given; `code` says why: unknown | used | expired | full."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Handover:
    """One case, waiting to be fetched. Times are unix seconds."""

    id: str
    sha256: str
    """Of its token, in hex."""
    body: Mapping[str, Any] | None
    """Plain JSON values; None once used or expired."""
    call: str
    to: str
    """The directory's entry that it is for."""
    by: str
    """Who passed the call on: a seat, a user's name."""
    issued_at: float
    expires_at: float
    used_at: float | None = None

    def json(self) -> dict[str, Any]:
        """The row."""
        return {
            "id": self.id, "sha256": self.sha256, "body": None if self.body is None else dict(self.body),
            "call": self.call, "to": self.to, "by": self.by, "issued_at": self.issued_at,
            "expires_at": self.expires_at, "used_at": self.used_at,
        }  # fmt: skip

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Handover:
        """What `json` wrote, by this version or an older one. Raises KeyError, TypeError or ValueError."""
        body, used = row["body"], row.get("used_at")
        if not isinstance(row["id"], str) or not isinstance(row["sha256"], str):
            raise TypeError("a handover's id and hash are texts")
        return cls(
            row["id"], row["sha256"], None if body is None else dict(body), str(row.get("call", "")),
            str(row.get("to", "")), str(row.get("by", "")), float(row["issued_at"]), float(row["expires_at"]),
            None if used is None else float(used),
        )  # fmt: skip


class HandoverBook:
    """All handovers that wait, and for a while those that are over. Not thread-safe: one owner.

    Args:
        new_id: gives a fresh id each time, letters and digits.
        new_token: gives a fresh token each time that nobody can guess (144 bits or more).
        rows: as an earlier process wrote them; one that cannot be read is passed over and counted in `broken`.
    """

    def __init__(
        self, new_id: Callable[[], str], new_token: Callable[[], str], rows: Iterable[Mapping[str, Any]] = (),
        *, max_open: int = MAX_OPEN,
    ) -> None:  # fmt: skip
        self.broken = 0
        self._new_id = new_id
        self._new_token = new_token
        self._max = max_open
        self._all: dict[str, Handover] = {}
        self._by_age: deque[str] = deque()
        """Ids in the order of their issue, until they are forgotten."""
        self._alive: deque[str] = deque()
        """The same, until they expire."""
        self._changed: dict[str, None] = {}
        self.load(rows)

    def load(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Takes the rows of an earlier process; what is known already stays."""
        for row in rows:
            try:
                one = Handover.from_json(row)
            except (KeyError, TypeError, ValueError):
                self.broken += 1
            else:
                self._all.setdefault(one.id, one)
        order = sorted(self._all.values(), key=lambda x: x.issued_at)
        self._by_age = deque(x.id for x in order)
        self._alive = deque(x.id for x in order if x.body is not None)

    def __len__(self) -> int:
        return len(self._all)

    def get(self, handover_id: str) -> Handover | None:
        """The handover of that id; for tests and figures."""
        return self._all.get(handover_id)

    def issue(
        self, body: Mapping[str, Any], now: float, *, call: str = "", to: str = "", by: str = ""
    ) -> tuple[str, str]:
        """Puts a case where it can be fetched.

        Args:
            body: plain JSON values.
            now: unix seconds.
            call, to, by: see `Handover`.

        Returns:
            id and token; the token is nowhere else.

        Raises:
            HandoverError: full.
            ValueError: the body is too large, or no JSON.
        """
        self.tidy(now)
        if len(self._all) >= self._max:
            raise HandoverError("full")
        try:
            text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        except TypeError:
            raise ValueError("a handover's body must be plain JSON values") from None
        if len(text.encode(errors="replace")) > MAX_BODY:
            raise ValueError(f"a handover's body must not be larger than {MAX_BODY} octets")
        handover_id, token = self._new_id(), self._new_token()
        if handover_id in self._all:
            raise ValueError("a handover's id was given twice")
        # Read back: later changes of what the caller gave change nothing here.
        one = Handover(handover_id, _hash(token), json.loads(text), call, to, by, now, now + LIFE)
        self._by_age.append(one.id)
        self._alive.append(one.id)
        self._put(one)
        return handover_id, token

    def check(self, handover_id: str, token: str, now: float) -> Handover:
        """The handover that this token opens now; it stays as it is.

        Raises:
            HandoverError: unknown (no such id, or another token: not told apart), used, expired.
        """
        one = self._all.get(handover_id)
        # The same work for an id that there is and one that there is not.
        known = one.sha256 if one is not None else _NOBODY
        right = hmac.compare_digest(_hash(token), known)
        if one is None or not right:
            raise HandoverError("unknown")
        if one.used_at is not None:
            raise HandoverError("used")
        if now >= one.expires_at or one.body is None:
            raise HandoverError("expired")
        return one

    def redeem(self, handover_id: str, token: str, now: float) -> Handover:
        """`check`, and uses it up. The row must be written before the body is shown; see the module's text."""
        one = self.check(handover_id, token, now)
        self._put(replace(one, body=None, used_at=now))
        return one

    def give_back(self, one: Handover) -> None:
        """What `redeem` gave was shown to nobody and never will be: good again, as long as it lives."""
        now = self._all.get(one.id)
        if now is not None and now.used_at is not None:
            self._put(one)
            self._alive = deque(i for i in self._by_age if self._all[i].body is not None)

    def tidy(self, now: float) -> None:
        """Takes the bodies out of those that have expired, and forgets old ones. Cheap, if there is nothing to do."""
        while self._alive and self._over(self._alive[0], now):
            one = self._all.get(self._alive.popleft())
            if one is not None and one.body is not None:
                self._put(replace(one, body=None))
        while self._by_age and self._all[self._by_age[0]].issued_at + KEEP <= now:
            gone = self._by_age.popleft()
            del self._all[gone]
            self._changed[gone] = None

    def _over(self, handover_id: str, now: float) -> bool:
        one = self._all.get(handover_id)
        return one is None or one.body is None or one.expires_at <= now

    def take_changes(self) -> list[tuple[str, dict[str, Any] | None]]:
        """(id, row) of handovers changed since the last time; None: forgotten."""
        out = [(i, self._all[i].json() if i in self._all else None) for i in self._changed]
        self._changed.clear()
        return out

    def _put(self, one: Handover) -> None:
        self._all[one.id] = one
        self._changed[one.id] = None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


_NOBODY = _hash("")


# ---------------------------------------------------------------------- issuing
@dataclass(slots=True)
class IssueCounts:
    """For the metrics."""

    issued: int = 0
    withheld: int = 0
    """Calls that went out with their case id only: the book was full, or the body could not be made."""


@dataclass(slots=True)
class HandoverIssuer:
    """What the engine's host has: makes the headers of a call that goes to another hotline.

    Args:
        book: keeps them.
        body_of: what is told of a call, plain JSON values; must not wait for anything. The second argument is the
            seat's own word for the next hotline, or empty.
        system: see `own_case`.
    """

    book: HandoverBook
    body_of: Callable[[Call, str], Mapping[str, Any]]
    system: Callable[[], str]
    counts: IssueCounts = field(default_factory=IssueCounts)

    def issue(self, call: Call, line: Line, by: str, now: float, note: str = "") -> dict[str, str]:
        """SIP headers for `line`; none if no try of it speaks our protocol. Never raises: the party is rung anyhow.

        `note` goes into the handover and nowhere else: not into a header, a log or the call.
        """
        if not any(x.protocol == PROTOCOL for x in line.tries):
            return {}
        headers = {CASE_HEADER: case_of(call, self.system())}
        try:
            body = self.body_of(call, note)
            handover_id, token = self.book.issue(body, now, call=call.id, to=line.entry, by=by)
            headers[UUI_HEADER] = encode_uui(handover_id, token)
        except Exception as error:
            self.counts.withheld += 1
            # The type only: the text may hold what the body holds.
            log.error("no handover for this call (%s): it goes out with its case id only", type(error).__name__,  # noqa: TRY400
                      extra={"call": call.id})  # fmt: skip
            return headers
        self.counts.issued += 1
        return headers

    def recover(self, rows: Iterable[Mapping[str, Any]], now: float) -> None:
        """Takes the rows of an earlier process."""
        self.book.load(rows)
        if self.book.broken:
            log.error("handovers: %d rows cannot be read; they stay in the journal", self.book.broken)
        self.book.tidy(now)

    def tidy(self, now: float) -> None:
        """See `HandoverBook.tidy`."""
        self.book.tidy(now)

    def take_changes(self) -> list[tuple[str, dict[str, Any] | None]]:
        """See `HandoverBook.take_changes`."""
        return self.book.take_changes()
