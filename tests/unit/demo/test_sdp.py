import pytest

from demo._sip import SipError, sdp

OFFER = """v=0\r
o=- 1 1 IN IP4 10.0.0.1\r
s=x\r
c=IN IP4 10.0.0.1\r
t=0 0\r
m=video 4000 RTP/AVP 31\r
m=audio 4002 RTP/AVP 9 0 8 96\r
c=IN IP4 10.0.0.2\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:96 telephone-event/8000\r
a=sendonly\r
"""


def test_our_offer_is_one_we_understand() -> None:
    asked = sdp.parse(sdp.offer(("127.0.0.1", 4000), session=1, version=1))
    assert (asked.address, asked.codec, asked.dtmf, asked.direction) == (("127.0.0.1", 4000), 8, 101, "sendrecv")
    assert asked.codecs == (8, 0)


def test_the_offers_first_codec_of_ours_its_event_number_and_its_order_are_kept() -> None:
    asked = sdp.parse(OFFER.encode())
    assert (asked.address, asked.codec, asked.dtmf) == (("10.0.0.2", 4002), 0, 96)
    assert not asked.we_may_send
    text = sdp.answer(asked, ("127.0.0.1", 6000), session=1, version=1).decode()
    assert [line for line in text.split("\r\n") if line.startswith("m=")] == [
        "m=video 0 RTP/AVP 31",
        "m=audio 6000 RTP/AVP 0 96",
    ]
    assert "a=recvonly" in text


@pytest.mark.parametrize(
    ("asked", "hold", "answer"),
    [
        ("sendrecv", False, "sendrecv"),
        ("sendonly", False, "recvonly"),
        ("inactive", False, "inactive"),
        ("sendrecv", True, "sendonly"),
        ("recvonly", True, "sendonly"),
        ("sendonly", True, "inactive"),
    ],
)
def test_an_answer_never_promises_more_than_the_offer_allows(asked: str, hold: bool, answer: str) -> None:
    offer = sdp.offer(("127.0.0.1", 4000), session=1, version=1, direction=asked)
    made = sdp.answer(sdp.parse(offer), ("127.0.0.1", 5000), session=1, version=1, hold=hold)
    assert f"a={answer}\r\n" in made.decode()


def test_old_style_hold_by_address_zero_stops_our_audio() -> None:
    assert not sdp.parse(b"c=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 8\r\n").we_may_send


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"c=IN IP4 1.2.3.4\r\nm=audio 4000 RTP/AVP 9 18\r\n",
        b"c=IN IP4 1.2.3.4\r\nm=audio 0 RTP/AVP 8\r\n",
        b"c=IN IP4 1.2.3.400\r\nm=audio 4000 RTP/AVP 8\r\n",
        b"c=IN IP6 ::1\r\nm=audio 4000 RTP/AVP 8\r\n",
        b"c=IN IP4 1.2.3.4\r\nm=audio 4000 RTP/SAVPF 8\r\n",
        b"c=IN IP4 1.2.3.4\r\nm=audio 4000 RTP/AVP 8\r\na=rtpmap:8 OPUS/48000\r\n",
    ],
)
def test_what_we_cannot_speak_is_refused(body: bytes) -> None:
    with pytest.raises(SipError):
        sdp.parse(body)
