"""SIP transactions over UDP without any I/O (RFC 3261 §17, with the accepted states of RFC 6026).

Bytes and `now` go in; events and datagrams come out. The adapter owns the socket and one timer:

    events = layer.receive(data, source, now)      layer.tick(now)
    for data, to in layer.take(): socket.sendto(data, to)
    wake up at layer.deadline()

Client side                                   Server side
    INVITE  trying --1xx--> proceeding            INVITE  proceeding --2xx--> accepted --ACK--> done
            --2xx--> accepted (ACK again on               --3xx..6xx--> accepted --ACK--> done
              every repeated 2xx)                         ("accepted" sends the answer again until
            --3xx..6xx--> completed (ACK here)            the ACK: timer G for both kinds)
    other   trying --1xx--> proceeding            other   proceeding --final--> done
            --final--> completed                          (done: a repeated request gets the
                                                          same answer again)
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from ._errors import SipError
from ._message import Headers, Request, Response, params, parse, split_commas

Address = tuple[str, int]
Key = tuple[str, ...]
MAX_OPEN = 20_000
_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Timers:
    """Timer bases in seconds (RFC 3261 §17.1.1.1). `give_up` is 64 x T1: timers B, F, H, J."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0

    @property
    def give_up(self) -> float:
        return 64 * self.t1


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A new request; answer it with `respond(key, ...)`. `invite` is what a CANCEL means to cancel."""

    key: Key
    request: Request
    source: Address
    invite: Key | None = None


@dataclass(frozen=True, slots=True)
class AckReceived:
    """The first ACK for a final answer of ours to the INVITE `key`."""

    key: Key
    request: Request


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """A response to the request `key` of ours: each provisional one and the first final one."""

    key: Key
    response: Response
    source: Address


@dataclass(frozen=True, slots=True)
class NoResponse:
    """Nobody answered the request `key` in time (timers B and F)."""

    key: Key


@dataclass(frozen=True, slots=True)
class NoAck:
    """Our final answer to the INVITE `key` was never acknowledged (timer H)."""

    key: Key


Event = RequestReceived | AckReceived | ResponseReceived | NoResponse | NoAck


@dataclass(slots=True)
class _Open:
    """One transaction. `due` is when it must be looked at next (resend or end)."""

    key: Key
    request: Request
    to: Address
    client: bool
    state: str
    interval: float
    resend_at: float
    expires: float
    last: bytes | None = None
    ack: bytes | None = None
    due: float = field(default=_NEVER)

    @property
    def invite(self) -> bool:
        return self.request.method == "INVITE"


class Transactions:
    """All open transactions of one socket."""

    def __init__(self, timers: Timers | None = None) -> None:
        self._timers = timers or Timers()
        self._open: dict[Key, _Open] = {}
        self._unacked: dict[tuple[str, int, str], Key] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = count()
        self._outgoing: list[tuple[bytes, Address]] = []

    def __len__(self) -> int:
        return len(self._open)

    def take(self) -> list[tuple[bytes, Address]]:
        """Datagrams to send now, in order; the list is handed over and emptied."""
        out, self._outgoing = self._outgoing, []
        return out

    def deadline(self) -> float | None:
        """When `tick` must be called at the latest, or None."""
        while self._heap:
            due, _, key = self._heap[0]
            known = self._open.get(key)
            if known is not None and known.due == due:
                return due
            heapq.heappop(self._heap)
        return None

    # -- out ---------------------------------------------------------------------------------------

    def request(self, request: Request, to: Address, now: float) -> Key:
        """Start a client transaction (any method but ACK) and return its key.

        Raises:
            SipError: The message cannot be formatted, or too many are open.
        """
        key: Key = ("client", request.branch, request.method)
        if not request.branch or key in self._open or request.method == "ACK":
            raise SipError("a request needs a Via branch of its own, and ACK has no transaction")
        data = bytes(request)
        t1 = self._timers.t1
        self._add(_Open(key, request, to, True, "trying", t1, now + t1, now + self._timers.give_up, data))
        self._outgoing.append((data, to))
        return key

    def respond(self, key: Key, response: Response, now: float) -> bool:
        """Answer a request; false when its transaction is over or has a final answer already."""
        known = self._open.get(key)
        if known is None or known.client or known.state != "proceeding":
            return False
        known.last = bytes(response)
        self._outgoing.append((known.last, known.to))
        if response.status >= 200:
            known.expires = now + self._timers.give_up
            if known.invite:
                known.state, known.interval = "accepted", self._timers.t1
                known.resend_at = now + known.interval
                if response.status < 300:
                    self._unacked[_dialog_key(known.request)] = key
            else:
                known.state = "done"
            self._schedule(known)
        return True

    def acknowledge(self, key: Key, ack: Request, to: Address) -> None:
        """Send the ACK for a 2xx, now and again whenever the peer repeats its 2xx."""
        data = bytes(ack)
        self._outgoing.append((data, to))
        known = self._open.get(key)
        if known is not None:
            known.ack, known.to = data, to

    def give_up_on(self, key: Key, now: float) -> None:
        """End a cancelled INVITE that gets no final answer after 64 x T1 (RFC 3261 §9.1)."""
        known = self._open.get(key)
        if known is not None and known.client and known.state == "proceeding":
            known.expires = now + self._timers.give_up
            self._schedule(known)

    # -- in ----------------------------------------------------------------------------------------

    def receive(self, data: bytes, source: Address, now: float) -> list[Event]:
        """Take one datagram.

        Raises:
            SipError: It is not SIP (nothing has changed then).
        """
        message = parse(data)
        if isinstance(message, Response):
            return self._response(message, source, now)
        if message.method == "ACK":
            return self._ack(message, now)
        return self._request(message, source, now)

    def _response(self, response: Response, source: Address, now: float) -> list[Event]:
        known = self._open.get(("client", response.branch, response.cseq_method))
        if known is None or not known.client:
            return []
        event = ResponseReceived(known.key, response, source)
        if known.state in {"completed", "accepted"}:
            if response.status >= 200 and known.ack is not None:
                self._outgoing.append((known.ack, known.to))
            return []
        if response.status < 200:
            known.state = "proceeding"
            if known.invite:  # a phone may ring for as long as it likes
                known.resend_at = known.expires = _NEVER
            else:
                known.interval = self._timers.t2
                known.resend_at = now + known.interval
        else:
            known.resend_at = _NEVER
            known.state = "accepted" if known.invite and response.status < 300 else "completed"
            known.expires = now + (self._timers.give_up if known.invite else self._timers.t4)
            if known.invite and response.status >= 300:
                known.ack = bytes(_ack_for(known.request, response))
                self._outgoing.append((known.ack, known.to))
        self._schedule(known)
        return [event]

    def _ack(self, ack: Request, now: float) -> list[Event]:
        key = self._unacked.pop(_dialog_key(ack), None) or _server_key(ack, "INVITE")
        known = self._open.get(key)
        if known is None or known.state != "accepted":
            return []
        known.state, known.resend_at, known.expires = "done", _NEVER, now + self._timers.t4
        self._schedule(known)
        return [AckReceived(key, ack)]

    def _request(self, request: Request, source: Address, now: float) -> list[Event]:
        key = _server_key(request, request.method)
        known = self._open.get(key)
        if known is not None:
            if known.last is not None:  # our answer was lost: the same one again
                self._outgoing.append((known.last, known.to))
            return []
        if len(self._open) >= MAX_OPEN:
            return []  # flooded: the sender repeats what it means
        give_up = _NEVER if request.method == "INVITE" else now + self._timers.give_up
        reply_to = _reply_to(request, source)
        self._add(_Open(key, request, reply_to, False, "proceeding", self._timers.t1, _NEVER, give_up))
        invite = _server_key(request, "INVITE") if request.method == "CANCEL" else None
        return [RequestReceived(key, request, source, invite if invite in self._open else None)]

    # -- time --------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Event]:
        """Resend what is due and end what is over."""
        events: list[Event] = []
        for known in self._due(now):
            if known.expires <= now:
                events += self._expire(known)
                continue
            if known.last is not None:
                self._outgoing.append((known.last, known.to))
            # Timer A doubles without a limit (B ends it), E and G stop growing at T2.
            free = known.client and known.invite
            known.interval = known.interval * 2 if free else min(known.interval * 2, self._timers.t2)
            known.resend_at = now + known.interval
            self._schedule(known)
        return events

    def _due(self, now: float) -> Iterator[_Open]:
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            known = self._open.get(key)
            if known is not None and known.due == due:
                yield known

    def _expire(self, known: _Open) -> list[Event]:
        del self._open[known.key]
        if self._unacked.get(_dialog_key(known.request)) == known.key:
            del self._unacked[_dialog_key(known.request)]
        if known.client:
            return [NoResponse(known.key)] if known.state in {"trying", "proceeding"} else []
        return [NoAck(known.key)] if known.state == "accepted" else []

    def _add(self, one: _Open) -> None:
        if len(self._open) >= MAX_OPEN:
            raise SipError(f"{MAX_OPEN} transactions are open: place fewer calls from one phone")
        self._open[one.key] = one
        self._schedule(one)

    def _schedule(self, known: _Open) -> None:
        known.due = min(known.resend_at, known.expires)
        if known.due < _NEVER:
            heapq.heappush(self._heap, (known.due, next(self._order), known.key))


def _dialog_key(request: Request) -> tuple[str, int, str]:
    return request.call_id, request.cseq, request.from_tag


def _server_key(request: Request, method: str) -> Key:
    sent_by = split_commas(request.headers["Via"])[0].split(";")[0]
    branch = request.branch or f"{request.call_id} {request.cseq} {request.from_tag}"  # RFC 2543 peers
    return ("server", branch, sent_by, method)


def _reply_to(request: Request, source: Address) -> Address:
    """Where answers go: the source, or its Via port when the peer did not ask for rport (RFC 3581)."""
    via = split_commas(request.headers["Via"])[0]
    port = via.split(";")[0].rpartition(":")[2]
    if "rport" in params(via) or not (port.isascii() and port.isdigit() and len(port) < 6):
        return source
    return (source[0], int(port)) if 0 < int(port) < 65_536 else source


def _ack_for(request: Request, response: Response) -> Request:
    """The ACK of a refused INVITE: same branch, the To of the answer (RFC 3261 §17.1.1.3)."""
    fields = [("Via", split_commas(request.headers["Via"])[0]), ("Max-Forwards", "70")]
    fields += [("From", request.headers["From"]), ("To", response.headers["To"])]
    fields += [("Call-ID", request.call_id), ("CSeq", f"{request.cseq} ACK")]
    fields += [("Route", route) for route in request.headers.all("Route")]
    return Request(Headers(fields), method="ACK", uri=request.uri)
