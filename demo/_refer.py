"""Asking the other side to call somebody else: REFER and the NOTIFYs that tell how it went (RFC 3515, RFC 3891)."""

import asyncio
import re
import time
from typing import Protocol
from urllib.parse import quote

from ._sip import Dialog, Request, Response, SipError, params

_FRAGMENT = re.compile(rb"\s*SIP/2\.0 ([1-6][0-9]{2})(?:\s|$)")


class ReferRefused(SipError):  # noqa: N818 - reads as what happened
    """The other side did not take the REFER; `status` is its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the transfer was refused with {status}: is transfer allowed for this phone at the switch?")
        self.status = status


class Asks(Protocol):
    """What a REFER needs of its phone."""

    @property
    def contact(self) -> tuple[str, str]:
        """The Contact header."""

    async def ask(self, dialog: Dialog, method: str, headers: list[tuple[str, str]] | None = None) -> Response:
        """Send a request within a dialog; its final response."""

    def follow(self, dialog: Dialog, cseq: int, referral: "Referral") -> None:
        """Hand the NOTIFYs about the REFER with number `cseq` of this dialog to `referral`."""


class Referral:
    """What became of a REFER of ours, as the other side's NOTIFYs tell it. They may come after the call's end.

    Attributes:
        history: (unix seconds, status) of each NOTIFY, in order.
        status: The latest status: 100 trying, 180 rings, 200 reached, 486 busy, …; None before the first.
    """

    def __init__(self) -> None:
        self.history: list[tuple[float, int]] = []
        self._cseq = -1
        self._over = asyncio.Event()

    @property
    def status(self) -> int | None:
        return self.history[-1][1] if self.history else None

    @property
    def over(self) -> bool:
        """True when a final status came or the other side ended its reports."""
        return self._over.is_set()

    async def final(self, timeout: float = 30.0) -> int:
        """The final status. Raises TimeoutError, or SipError when the reports ended without a single one."""
        async with asyncio.timeout(timeout):
            await self._over.wait()
        if self.status is None:
            raise SipError("the other side took the transfer and never said what became of it")
        return self.status

    def on_notify(self, request: Request) -> None:
        """Take a NOTIFY; an older or repeated one changes nothing."""
        if request.cseq <= self._cseq or self.over:
            return
        self._cseq = request.cseq
        if found := _FRAGMENT.match(request.body[:256]):
            self.history.append((time.time(), int(found[1])))
        ended = (request.headers.get("Subscription-State") or "").strip().lower().startswith("terminated")
        if ended or (self.status or 0) >= 200:
            self._over.set()


def is_report(request: Request) -> bool:
    """True for a NOTIFY about a REFER."""
    return (request.headers.get("Event") or "").partition(";")[0].strip().lower() == "refer"


def report_of(request: Request) -> int | None:
    """The CSeq number of the REFER that a NOTIFY is about; None when it does not say (then: the first one's)."""
    number = params(request.headers.get("Event") or "").get("id", "")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 11 else None


def replacing(dialog: Dialog) -> str:
    """A Refer-To that means: take my place in that `dialog` (the peer of it is asked to swap us for the caller)."""
    # RFC 3891 §3: tags as the one who is asked sees them; what is our remote tag is its own.
    value = f"{dialog.call_id};to-tag={dialog.remote_tag};from-tag={dialog.local_tag}"
    return f"<{dialog.target}?Replaces={quote(value, safe='')}>"


async def send(phone: Asks, dialog: Dialog, refer_to: str) -> Referral:
    """Send a REFER within a dialog; returns when it was taken (202).

    Raises:
        ReferRefused: The other side does not do it.
        SipError: Nobody answered.
    """
    referral = Referral()
    # Before it leaves: the first NOTIFY may overtake the 202.
    phone.follow(dialog, dialog.cseq + 1, referral)
    response = await phone.ask(dialog, "REFER", [phone.contact, ("Refer-To", refer_to)])
    if response.status >= 300:
        raise ReferRefused(response.status)
    phone.follow(dialog, dialog.cseq, referral)  # another number when we had to log in first
    return referral
