"""Two transaction layers over a simulated network and clock: losses, repeats, time limits."""

import heapq
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo._sip import (
    AckReceived,
    Dialog,
    Event,
    NoAck,
    NoResponse,
    Request,
    RequestReceived,
    ResponseReceived,
    SipError,
    Transactions,
    cancel_of,
    respond,
)

A, B = ("127.0.0.1", 1111), ("127.0.0.2", 2222)


class Net:
    """Carries datagrams in 10 ms; `lost` holds the numbers of those that do not arrive."""

    def __init__(self, lost: set[int] | None = None, *, all_lost: bool = False) -> None:
        self.sides = {A: Transactions(), B: Transactions()}
        self.now = 0.0
        self.lost = lost or set()
        self.all_lost = all_lost
        self.sent: list[float] = []
        self.events: dict[tuple[str, int], list[Event]] = {A: [], B: []}
        self.status = 200
        self._number = count()
        self._wire: list[tuple[float, int, bytes, Any, Any]] = []

    def flush(self) -> None:
        for source, layer in self.sides.items():
            for data, to in layer.take():
                number = next(self._number)
                self.sent.append(self.now)
                if number not in self.lost and not self.all_lost:
                    heapq.heappush(self._wire, (self.now + 0.01, number, data, source, to))

    def run(self, until: float) -> None:
        while True:
            self.flush()
            due = [layer.deadline() for layer in self.sides.values()]
            times = [one for one in due if one is not None] + [one[0] for one in self._wire[:1]]
            if not times or min(times) > until:
                self.now = until
                return
            self.now = max(self.now, min(times))
            while self._wire and self._wire[0][0] <= self.now:
                _, _, data, source, to = heapq.heappop(self._wire)
                self.take(to, self.sides[to].receive(data, source, self.now))
            for side, layer in self.sides.items():
                self.take(side, layer.tick(self.now))

    def take(self, side: tuple[str, int], events: list[Event]) -> None:
        for event in events:
            self.events[side].append(event)
            layer = self.sides[side]
            if isinstance(event, RequestReceived) and self.status:
                layer.respond(event.key, respond(event.request, self.status, tag="b"), self.now)
            if (
                isinstance(event, ResponseReceived)
                and 200 <= event.response.status < 300
                and event.response.cseq_method == "INVITE"
            ):
                self.dialog.established(event.response, B)
                ack = self.dialog.request("ACK", A, cseq=event.response.cseq)
                layer.acknowledge(event.key, ack, B)

    def ask(self, method: str) -> Request:
        self.dialog = Dialog("c", "<sip:a@h>", "<sip:b@h>", "t", "", "sip:b@127.0.0.2:2222", B)
        request = self.dialog.request(method, A)
        self.sides[A].request(request, B, self.now)
        return request

    def of(self, side: tuple[str, int], kind: type) -> list[Any]:
        return [event for event in self.events[side] if isinstance(event, kind)]


def test_an_invite_that_nobody_hears_is_repeated_with_doubling_pauses_and_given_up() -> None:
    net = Net(all_lost=True)
    net.ask("INVITE")
    net.run(100)
    assert net.sent == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert [type(one) for one in net.events[A]] == [NoResponse]
    assert len(net.sides[A]) == 0


def test_another_request_is_repeated_every_four_seconds_at_most() -> None:
    net = Net(all_lost=True)
    net.ask("BYE")
    net.run(100)
    assert net.sent[:7] == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5]
    assert net.of(A, NoResponse)


@settings(deadline=None)
@given(st.sets(st.integers(0, 12), max_size=5), st.sampled_from(["INVITE", "BYE"]), st.sampled_from([200, 486]))
def test_each_side_hears_everything_once_whatever_is_lost(lost: set[int], method: str, status: int) -> None:
    net = Net(lost)
    net.status = status
    net.ask(method)
    net.run(31)
    assert len(net.of(B, RequestReceived)) == 1
    assert [event.response.status for event in net.of(A, ResponseReceived)] == [status]
    if method == "INVITE":
        assert len(net.of(B, AckReceived)) == 1
    net.run(200)
    assert not net.of(A, NoResponse) and not net.of(B, NoAck)
    assert [len(layer) for layer in net.sides.values()] == [0, 0]
    assert all(layer.deadline() is None for layer in net.sides.values())


@pytest.mark.parametrize("status", [200, 486])
def test_an_answer_that_is_never_acknowledged_is_reported(status: int) -> None:
    net = Net(set(range(1, 100)))
    net.status = status
    net.ask("INVITE")
    net.run(31)
    assert not net.of(B, NoAck)
    net.run(40)
    assert len(net.of(B, NoAck)) == 1


def test_a_ringing_phone_may_ring_for_hours() -> None:
    net = Net()
    net.status = 180
    net.ask("INVITE")
    net.run(7200)
    assert not net.of(A, NoResponse)
    assert len(net.sent) == 2


def test_a_cancelled_invite_without_a_final_answer_ends_after_32_seconds() -> None:
    net = Net()
    net.status = 180
    invite = net.ask("INVITE")
    net.run(1)
    net.status = 0  # silence from here on
    layer = net.sides[A]
    layer.request(cancel_of(invite), B, net.now)
    layer.give_up_on(("client", invite.branch, "INVITE"), net.now)
    net.run(5)
    cancel = next(event for event in net.of(B, RequestReceived) if event.request.method == "CANCEL")
    assert cancel.invite == ("server", invite.branch, "SIP/2.0/UDP 127.0.0.1:1111", "INVITE")
    net.run(40)
    assert len(net.of(A, NoResponse)) == 2


def test_answers_go_to_the_via_port_when_the_peer_did_not_ask_for_rport() -> None:
    layer = Transactions()
    dialog = Dialog("c", "<sip:a@h>", "<sip:b@h>", "t", "", "sip:b@127.0.0.2", B)
    data = bytes(dialog.request("OPTIONS", ("127.0.0.1", 4444))).replace(b";rport", b"")
    (event,) = layer.receive(data, A, 0)
    assert isinstance(event, RequestReceived)
    layer.respond(event.key, respond(event.request, 200, tag="x"), 0)
    assert layer.take()[0][1] == ("127.0.0.1", 4444)


def test_garbage_changes_nothing() -> None:
    layer = Transactions()
    with pytest.raises(SipError):
        layer.receive(b"\x80\x00garbage", A, 0)
    assert len(layer) == 0 and layer.deadline() is None
