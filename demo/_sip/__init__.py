"""SIP without I/O: messages, SDP, digest login, transactions and dialogs."""

from . import _digest as digest
from . import _sdp as sdp
from ._dialog import AGENT, METHODS, REASONS, Dialog, cancel_of, respond, token, via
from ._errors import SipError
from ._message import Headers, Request, Response, host_port, make, params, parse, quote, uri_of, user_of
from ._transactions import (
    AckReceived,
    Address,
    Event,
    Key,
    NoAck,
    NoResponse,
    RequestReceived,
    ResponseReceived,
    Timers,
    Transactions,
)

__all__ = [
    "AGENT", "METHODS", "REASONS", "AckReceived", "Address", "Dialog", "Event", "Headers", "Key", "NoAck",
    "NoResponse", "Request", "RequestReceived", "Response", "ResponseReceived", "SipError", "Timers",
    "Transactions", "cancel_of", "digest", "host_port", "make", "params", "parse", "quote", "respond", "sdp",
    "token", "uri_of", "user_of", "via",
]  # fmt: skip
