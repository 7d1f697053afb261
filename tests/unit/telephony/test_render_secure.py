"""What is written for the switch when something is encrypted, or a trunk asks who we are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from telephony import LineTrunk, RenderError, render
from tests.unit.telephony.test_render import TEMPLATES, plan

PEM = Path("/srv/hotline/pbx.pem")
TLS: dict[str, Any] = {"tls_cert": PEM, "tls_key": PEM, "sip_tls_port": 5061}


def sections(text: str, name: str) -> str:
    """All sections of a name, without comments."""
    found = re.findall(rf"(?ms)^\[{re.escape(name)}\](?:\([^)]*\))?\n(.*?)(?=^\[|\Z)", text)
    return "\n".join(line for part in found for line in part.splitlines() if line and not line.startswith(";"))


def test_as_shipped_nothing_is_encrypted_and_udp_is_the_only_transport() -> None:
    files = render(TEMPLATES, plan())
    pjsip, manager = files["pjsip.conf"], sections(files["manager.conf"], "general")
    assert "protocol = udp" in sections(pjsip, "transport-udp") and "[transport-tls]" not in pjsip
    assert "media_encryption" not in pjsip and "transport = transport-udp" in sections(pjsip, "seat")
    assert "bindaddr = 127.0.0.1\nport = 5039" in manager and "tls" not in manager


def test_the_manager_with_tls_listens_nowhere_without() -> None:
    text = sections(render(TEMPLATES, plan(ami_tls=True, **{**TLS, "sip_tls_port": 0}))["manager.conf"], "general")
    assert "tlsenable = yes" in text and "tlsbindaddr = 127.0.0.1:5039" in text
    assert f"tlscertfile = {PEM}" in text and f"tlsprivatekey = {PEM}" in text
    assert re.findall(r"(?m)^bindaddr = (.*)$", text) == ["192.0.2.1"]


@pytest.mark.parametrize(("srtp", "optimistic"), [("optional", "yes"), ("required", "no")])
def test_seats_and_trunks_over_tls_are_encrypted_as_the_setting_says_and_trunks_over_udp_never(
    srtp: str, optimistic: str
) -> None:
    lines = [LineTrunk("sealed", "tls:sbc.example.cn:5061"), LineTrunk("open", "10.0.0.7:5060")]
    pjsip = render(TEMPLATES, plan(srtp=srtp, lines=lines, out_contact="tls:out.example.cn:5061", **TLS))["pjsip.conf"]
    transport = sections(pjsip, "transport-tls")
    assert "verify_server = yes" in transport and "ca_list_file = " in transport
    wanted = f"media_encryption = sdes\nmedia_encryption_optimistic = {optimistic}"
    for name in ("seat", "line-sealed", "hotline-out"):
        assert wanted in sections(pjsip, name), name
    assert r"contact = sip:sbc.example.cn:5061\;transport=tls" in sections(pjsip, "line-sealed")
    assert "transport = transport-tls" in sections(pjsip, "line-sealed")
    assert "transport" not in sections(pjsip, "seat").replace("transport-", ""), "by whichever its phone registered"
    plain = sections(pjsip, "line-open")
    assert "media_encryption" not in plain and "contact = sip:10.0.0.7:5060\n" in plain + "\n"
    assert "media_encryption_optimistic = yes" in sections(pjsip, "trunk")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"srtp": "optional"}, "keys would travel in the clear"),
        ({"srtp": "yes", **TLS}, "off, optional or required"),
        ({"sip_udp": False}, "sip_tls_port"),
        ({"ami_tls": True}, "certificate"),
        ({"sip_tls_port": 5061}, "certificate"),
        ({"lines": [LineTrunk("a", "tls:h.cn:5061")]}, "set sip_tls_port"),
        ({"lines": [LineTrunk("a", "h.cn:5060")], "sip_udp": False, **TLS}, "tls: before its contact"),
        ({"ami_tls": True, **TLS, "tls_key": Path("/a;b")}, "TLS_KEY"),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RenderError, match=reason):
        render(TEMPLATES, plan(**changes))


def test_a_trunk_that_asks_who_we_are_is_told_and_registered_at() -> None:
    line = LineTrunk("carrier", "10.0.0.7:5060", user="hotline", password="p-carrier", register=True)
    changed = plan(lines=[line], out_contact="10.0.0.5:5060", out_user="out", out_password="p-out")
    pjsip = render(TEMPLATES, changed)["pjsip.conf"]
    assert "outbound_auth = line-carrier-auth" in sections(pjsip, "line-carrier")
    assert "username = hotline\npassword = p-carrier" in sections(pjsip, "line-carrier-auth")
    registration = sections(pjsip, "line-carrier-registration")
    assert "server_uri = sip:10.0.0.7:5060" in registration and "client_uri = sip:hotline@10.0.0.7:5060" in registration
    assert "password = p-out" in sections(pjsip, "hotline-out-auth")
    assert "p-carrier" not in repr(changed) + repr(line) and "p-out" not in repr(changed)


@pytest.mark.parametrize("password", ["", "a\nb", "a;b", "a]"])
def test_a_password_that_would_break_the_file_is_refused_and_not_told(password: str) -> None:
    with pytest.raises(RenderError, match="line-carrier") as refused:
        render(TEMPLATES, plan(lines=[LineTrunk("carrier", "h.cn:5060", user="u", password=password)]))
    assert not password or password not in str(refused.value)


# ---------------------------------------------------------------------- no toll fraud, as far as a text can show it
def test_whoever_is_no_seat_may_neither_transfer_nor_redirect_and_seats_may_not_redirect() -> None:
    lines = [LineTrunk("police", "10.0.0.7:5060", ["10.0.0.7"])]
    pjsip = render(TEMPLATES, plan(lines=lines, out_contact="10.0.0.5:5060"))["pjsip.conf"]
    for name in ("trunk", "line-police", "hotline-out"):
        assert "allow_transfer = no" in sections(pjsip, name), name
    for name in ("trunk", "line-police", "hotline-out", "seat"):
        assert "set_var = FORWARD_CONTEXT=hotline-nowhere" in sections(pjsip, name), name
        assert "redirect_method = user" in sections(pjsip, name), name


def test_the_dialplan_dials_nobody_but_seats_for_peers_and_what_is_dialled_is_stripped_first() -> None:
    text = render(TEMPLATES, plan())["extensions.conf"]
    dials = re.findall(r"Dial\((.*)\)", text)
    assert dials and all(re.fullmatch(r"PJSIP/800[12],120", x) for x in dials)
    assert not re.search(r"\b(System|TrySystem|SHELL|Originate|Exec|EVAL)\(", text)
    entrances = ("hotline-trunk", "hotline-from-seat")
    for name in entrances:
        body = sections(text, name)
        for line in body.splitlines():
            if re.match(r"exten => _(X|\.)", line):
                bare = line.replace("FILTER(0-9,${EXTEN})", "").replace("FILTER(0-9*#+,${EXTEN})", "")
                assert "${EXTEN}" not in bare, line
    assert sections(text, "hotline-nowhere") == "exten => s,1,Hangup(1)"
