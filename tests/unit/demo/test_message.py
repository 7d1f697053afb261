from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo._sip import Dialog, Headers, Request, Response, SipError, host_port, params, parse, respond, uri_of
from demo._sip import sdp as sdp_
from demo._sip._digest import parts
from demo._sip._message import split_commas

INVITE = (
    b"INVITE sip:12345@127.0.0.1:5060 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 127.0.0.2:7000;branch=z9hG4bKa1;rport, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKb\r\n"
    b'From: "Li; tag=x, \\"Ming\\" <a>" <sip:139@127.0.0.2>;tag=abc\r\n'
    b"t: <sip:12345@127.0.0.1>\r\n"
    b"i: call-1\r\n"
    b"CSeq: 7 INVITE\r\n"
    b"Contact: <sip:139@127.0.0.2:7000>\r\n"
    b"X-Long: one\r\n two\r\n"
    b"l: 4\r\n\r\nbodyREST"
)


def test_compact_names_quotes_folding_and_length_are_understood() -> None:
    request = parse(INVITE)
    assert isinstance(request, Request)
    assert (request.method, request.cseq, request.call_id) == ("INVITE", 7, "call-1")
    assert (request.branch, request.from_tag, request.to_tag) == ("z9hG4bKa1", "abc", "")
    assert request.headers["x-long"] == "one two"
    assert request.body == b"body"
    assert len(request.headers.all("Via")) == 2
    assert uri_of(request.headers["From"]) == "sip:139@127.0.0.2"


def test_a_response_without_a_reason_phrase_is_read() -> None:
    data = INVITE.replace(b"INVITE sip:12345@127.0.0.1:5060 SIP/2.0", b"SIP/2.0 200")
    assert isinstance(parse(data), Response)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"CSeq: 7 INVITE", b"CSeq: 7 BYE"),
        (b"CSeq: 7 INVITE", b"CSeq: 99999999999 INVITE"),
        (b"CSeq: 7 INVITE\r\n", b""),
        (b"i: call-1\r\n", b""),
        (b"l: 4", b"l: 400"),
        (b"l: 4", b"l: -4"),
        (b"l: 4", "l: ٤".encode()),
        (b"SIP/2.0\r\nv", b"SIP/3.0\r\nv"),
        (b"INVITE sip:12345@127.0.0.1:5060", b"INVITE  sip:a"),
        (b"X-Long: one", b"no colon"),
        (b"\r\n\r\n", b"\r\n"),
    ],
)
def test_broken_messages_are_refused(old: bytes, new: bytes) -> None:
    assert old in INVITE
    with pytest.raises(SipError):
        parse(INVITE.replace(old, new))


def test_a_line_break_in_a_header_of_ours_cannot_inject_another() -> None:
    dialog = Dialog("c", "<sip:a@h>", "<sip:b@h>", "t", "", "sip:b@127.0.0.1", ("127.0.0.1", 5060))
    for bad in ("x\r\nVia: y", "x\ny", "x\0y"):
        with pytest.raises(SipError):
            dialog.request("INVITE", ("127.0.0.1", 1), extra={"X-A": bad})
    with pytest.raises(SipError):
        dialog.request("INVITE", ("127.0.0.1", 1), extra={"X-A: b\r\nX": "1"})


def test_no_number_or_name_is_shown_by_repr_or_error() -> None:
    assert "139" not in repr(Headers([("From", "<sip:139@x>")]))


def test_an_answer_copies_what_rfc_3261_asks_and_says_where_the_request_came_from() -> None:
    request = parse(INVITE)
    assert isinstance(request, Request)
    answer = parse(bytes(respond(request, 180, tag="mine", source=("127.0.0.9", 99))))
    assert isinstance(answer, Response)
    assert (answer.to_tag, answer.from_tag, answer.cseq, answer.branch) == ("mine", "abc", 7, "z9hG4bKa1")
    top = params(answer.headers.all("Via")[0])
    assert (top["rport"], top["received"]) == ("99", "127.0.0.9")


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("sip:8001@127.0.0.1", ("127.0.0.1", 5060)),
        ("sip:127.0.0.1:7;lr", ("127.0.0.1", 7)),
        ("sip:a@256.0.0.1", None),
        ("sip:a@1.2.3.4:99999", None),
        ("sip:a@example.org", None),
        ("sip:a@１.2.3.4", None),
    ],
)
def test_only_addresses_that_a_socket_takes_come_out_of_uris(uri: str, found: tuple[str, int] | None) -> None:
    assert host_port(uri) == found


def _touch(message: Request | Response) -> None:
    """Everything that later code does with a parsed message."""
    for name in ("Via", "Contact", "Record-Route", "Route", "Reason"):
        for value in message.headers.all(name):
            params(value)
            uri_of(value)
    if isinstance(message, Request):
        dialog = Dialog.of_invite(message, ("127.0.0.1", 5060))
        again = parse(bytes(respond(message, 200, tag="t", source=("127.0.0.1", 1))))
        assert again.call_id == message.call_id
        parse(bytes(dialog.request("BYE", ("127.0.0.1", 5060))))


@given(st.binary(max_size=600))
def test_garbage_never_raises_anything_but_a_sip_error(data: bytes) -> None:
    with suppress(SipError):
        _touch(parse(data))


@given(
    st.lists(st.tuples(st.integers(0, len(INVITE) - 1), st.integers(0, 255)), max_size=6),
    st.integers(0, len(INVITE)),
    st.binary(max_size=8),
)
def test_a_damaged_message_never_raises_anything_but_a_sip_error(
    flips: list[tuple[int, int]], cut: int, put: bytes
) -> None:
    data = bytearray(INVITE)
    for at, value in flips:
        data[at] = value
    with suppress(SipError):
        _touch(parse(bytes(data[:cut]) + put + bytes(data[cut:])))


@given(st.text(max_size=80))
def test_any_text_as_header_value_or_digest_is_survived(text: str) -> None:
    params(text)
    uri_of(text)
    assert split_commas(text)
    with suppress(SipError):
        parts("Digest " + text)


@given(st.binary(max_size=400))
def test_garbage_as_sdp_never_raises_anything_but_a_sip_error(data: bytes) -> None:
    for body in (data, b"v=0\r\nc=IN IP4 1.2.3.4\r\nm=audio 5 RTP/AVP 8\r\n" + data):
        with suppress(SipError):
            sdp_.answer(sdp_.parse(body), ("127.0.0.1", 2), session=1, version=1)
