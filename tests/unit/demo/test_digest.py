import pytest

from demo._sip import Response, SipError, digest, parse


def _response(*challenges: str, status: int = 401) -> Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    lines = [f"SIP/2.0 {status} No", "Via: SIP/2.0/UDP a;branch=b", "From: <sip:a@b>;tag=1", "To: <sip:a@b>"]
    lines += ["Call-ID: c", "CSeq: 1 REGISTER", *(f"{name}: {one}" for one in challenges), "", ""]
    message = parse("\r\n".join(lines).encode())
    assert isinstance(message, Response)
    return message


def test_the_example_of_rfc_2617_comes_out() -> None:
    asked = digest.Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "5ccc", True, False, False)
    name, value = digest.authorization(
        asked,
        user="Mufasa",
        password="Circle Of Life",
        method="GET",
        uri="/dir/index.html",
        cnonce="0a4f113b",
    )
    assert name == "Authorization"
    found = digest.parts(value)
    assert found["response"] == "6629fae49393a05397450978507c4ef1"
    assert (found["qop"], found["nc"]) == ("auth", "00000001")


def test_the_md5_challenge_is_picked_among_others() -> None:
    asked = digest.challenge(
        _response(
            "Bearer x",
            'Digest realm="r", nonce="1", algorithm=SHA-256',
            'Digest realm="r", nonce="2", qop="auth-int"',
            'Digest nonce="3\\"x", realm="a, b", qop="auth,auth-int", stale=TRUE',
            status=407,
        )
    )
    assert asked == digest.Challenge("a, b", '3"x', None, True, True, True)


def test_a_challenge_that_we_cannot_answer_is_an_error_not_a_wrong_answer() -> None:
    with pytest.raises(SipError):
        digest.challenge(_response('Digest realm="r", nonce="1", algorithm=SHA-256'))
