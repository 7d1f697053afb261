"""A dialog's memory (RFC 3261 §12) and the making of requests and responses within it."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ._message import Headers, Request, Response, host_port, make, params, split_commas, uri_of
from ._transactions import Address

METHODS = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY, MESSAGE"
AGENT = "hotline-demo-phone"
REASONS = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 400: "Bad Request", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 420: "Bad Extension",
    480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending",
    500: "Server Internal Error", 503: "Service Unavailable", 600: "Busy Everywhere", 603: "Decline",
}  # fmt: skip


def token() -> str:
    """A fresh random token for tags, branches and Call-IDs."""
    return secrets.token_hex(8)


def via(local: Address) -> tuple[str, str]:
    """A Via header with a fresh branch that asks for answers to the source port (RFC 3581)."""
    return "Via", f"SIP/2.0/UDP {local[0]}:{local[1]};branch=z9hG4bK{token()};rport"


def respond(
    request: Request,
    status: int,
    *,
    tag: str = "",
    source: Address | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> Response:
    """A response to `request` (RFC 3261 §8.2.6); `tag` is added to To when it has none."""
    vias = list(request.headers.all("Via"))
    if source is not None and "rport" in params(vias[0]):
        vias[0] = _stamped(vias[0], source)
    to = request.headers["To"]
    if tag and not request.to_tag and status > 100:
        to += f";tag={tag}"
    fields = [("Via", one) for one in vias]
    fields += [("From", request.headers["From"]), ("To", to)]
    fields += [("Call-ID", request.call_id), ("CSeq", f"{request.cseq} {request.method}"), ("Server", AGENT)]
    if request.method == "INVITE" and 100 < status < 300:
        fields += [("Record-Route", one) for one in request.headers.all("Record-Route")]
    fields += headers
    if body:
        fields.append(("Content-Type", "application/sdp"))
    return Response(make(fields), body, status=status, reason=REASONS.get(status, "Refused"))


def _stamped(value: str, source: Address) -> str:
    sent_by, *rest = value.split(";")
    kept = [part for part in rest if part.partition("=")[0].strip().lower() not in {"rport", "received"}]
    return ";".join([sent_by, *kept, f"received={source[0]}", f"rport={source[1]}"])


@dataclass(slots=True)
class Dialog:
    """Who talks to whom, and what the next request must carry.

    Attributes:
        call_id: Call-ID.
        local: Our From value without a tag, e.g. '"Li" <sip:8001@127.0.0.1>'.
        remote: The peer's To value without a tag.
        local_tag: Our tag.
        remote_tag: The peer's tag, empty until known.
        target: URI for the next request (the peer's Contact).
        where: Where the next request is sent.
        routes: Route set, first hop first.
        cseq: Number of our last request.
        remote_cseq: Number of the peer's last request.
    """

    call_id: str
    local: str
    remote: str
    local_tag: str
    remote_tag: str
    target: str
    where: Address
    routes: tuple[str, ...] = ()
    cseq: int = field(default_factory=lambda: secrets.randbelow(10_000) + 1)
    remote_cseq: int = 0

    @classmethod
    def of_invite(cls, invite: Request, source: Address) -> "Dialog":
        """The dialog that an incoming INVITE begins."""
        dialog = cls(
            call_id=invite.call_id,
            local=_without_tag(invite.headers["To"]),
            remote=_without_tag(invite.headers["From"]),
            local_tag=token(),
            remote_tag=invite.from_tag,
            target=f"sip:{source[0]}:{source[1]}",
            where=source,
            routes=invite.headers.all("Record-Route"),
            remote_cseq=invite.cseq,
        )
        dialog.refresh(invite.headers)
        return dialog

    def established(self, response: Response, source: Address) -> None:
        """Take the peer's tag, target and routes from a response to our INVITE."""
        self.remote_tag = response.to_tag
        self.routes = tuple(reversed(response.headers.all("Record-Route")))
        self.where = source
        self.refresh(response.headers)

    def refresh(self, headers: Headers) -> None:
        """Take a new target from a Contact (re-INVITE); keep the old one when it is unusable."""
        contact = uri_of(split_commas(headers.get("Contact") or "")[0])
        if contact is not None:
            self.target = contact
        self.retarget()

    def retarget(self) -> None:
        """Aim at the first route or the target, as far as it is an address."""
        first = uri_of(self.routes[0]) if self.routes else self.target
        self.where = (host_port(first) if first else None) or self.where

    def request(
        self,
        method: str,
        local: Address,
        *,
        headers: Iterable[tuple[str, str]] = (),
        extra: Mapping[str, str] | None = None,
        body: bytes = b"",
        cseq: int | None = None,
    ) -> Request:
        """The next request of this side; `cseq` only for ACK, which repeats its INVITE's number."""
        if cseq is None:
            self.cseq += 1
        to = f"{self.remote};tag={self.remote_tag}" if self.remote_tag else self.remote
        fields = [via(local), ("Max-Forwards", "70")]
        fields += [("From", f"{self.local};tag={self.local_tag}"), ("To", to)]
        fields += [("Call-ID", self.call_id), ("CSeq", f"{self.cseq if cseq is None else cseq} {method}")]
        fields += [("Route", route) for route in self.routes]
        fields += headers
        fields.append(("User-Agent", AGENT))
        if body and not any(name == "Content-Type" for name, _ in fields):
            fields.append(("Content-Type", "application/sdp"))
        return Request(make(fields, extra), body, method=method, uri=self.target)


def cancel_of(invite: Request) -> Request:
    """The CANCEL of an INVITE: same branch and number (RFC 3261 §9.1)."""
    fields = [("Via", invite.headers.all("Via")[0]), ("Max-Forwards", "70")]
    fields += [("From", invite.headers["From"]), ("To", invite.headers["To"])]
    fields += [("Call-ID", invite.call_id), ("CSeq", f"{invite.cseq} CANCEL")]
    fields += [("Route", route) for route in invite.headers.all("Route")]
    return Request(make(fields), method="CANCEL", uri=invite.uri)


def _without_tag(value: str) -> str:
    address, closed, behind = value.rpartition(">")
    head, behind = (address + closed, behind) if closed else ("", value)
    kept = [part for part in behind.split(";") if part.partition("=")[0].strip().lower() != "tag"]
    return head + ";".join(kept)
