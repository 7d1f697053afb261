"""What can go wrong with an AMI action.  No text here holds a header's value.

The names say what happened to the action, which reads better at the place of use than ``…Error`` (N818).
"""

from __future__ import annotations

import re

from ._frames import Message
from .errors import TelephonyError

_LONG_NUMBER = re.compile(r"\d{5,}")


class LinkError(TelephonyError):
    """Base of the link's errors.

    Attributes:
        maybe_executed: True if Asterisk may have carried the action out although no answer came: never
            send it again blindly, look at the switch's state first.
    """

    def __init__(self, text: str, *, maybe_executed: bool = False) -> None:
        super().__init__(text)
        self.maybe_executed = maybe_executed


class ActionRefused(LinkError, ValueError):  # noqa: N818
    """We refuse to send the action: a header or value would break or forge the protocol."""

    def __init__(self, header: str, reason: str) -> None:
        super().__init__(f"AMI action not sent: header {header}: {reason}")
        self.header = header


class ActionFailed(LinkError):  # noqa: N818
    """Asterisk answered with an error; the action was not carried out.

    Attributes:
        reply: Asterisk's answer, for code; its text may name channels, so do not log it whole.
    """

    def __init__(self, action: str, reply: Message) -> None:
        reason = _LONG_NUMBER.sub("#", reply.one("Message", "no reason given"))[:200]
        super().__init__(f"AMI {action}: Asterisk refused: {reason}")
        self.reply = reply


class ActionTimeout(LinkError, TimeoutError):  # noqa: N818
    """No answer in time; the action may have been carried out."""

    def __init__(self, action: str, seconds: float) -> None:
        super().__init__(f"AMI {action}: no answer within {seconds:g} s", maybe_executed=True)


class LinkDown(LinkError, ConnectionError):  # noqa: N818
    """There is no session with Asterisk, or it ended before the answer came (see `maybe_executed`)."""
